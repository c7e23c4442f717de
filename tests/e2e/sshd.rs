//! A real sshd on loopback for the current user: its own keys, a free port, nothing of the system's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::engine::{self, BINARY};
use crate::{oracle, ports, wait};

pub(crate) struct Sshd {
    pub(crate) port: u16,
    folder: TempDir,
    sshd: PathBuf,
    child: Child,
}

impl Sshd {
    /// Its sessions find our binary by its name, and engines in this runtime folder. `None`: skipped.
    pub(crate) fn start(runtime: &Path) -> Option<Self> {
        let (sshd, _) = (oracle::find("sshd")?, oracle::find("ssh")?);
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["host_key", "key"] {
            let path = folder.path().join(name);
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(&path)
                .status();
            assert!(made.expect("ssh-keygen comes with ssh").success());
        }
        let port = ports::everywhere();
        furnish(folder.path(), runtime, port);
        let child = spawn(&sshd, folder.path());
        let started = Self { port, folder, sshd, child };
        started.wait();
        Some(started)
    }

    /// For `PILOTHOUSE_SSH`.
    pub(crate) fn ssh(&self) -> String {
        format!("ssh -F {}", self.folder.path().join("ssh_config").display())
    }

    pub(crate) fn target(&self, which: &str) -> String {
        format!("ssh://127.0.0.1:{}{which}", self.port)
    }

    /// Cuts every line at once, and takes no new one.
    pub(crate) fn cut(&mut self) {
        let pid = i32::try_from(self.child.id()).expect("pids are small");
        let sessions = engine::descendants(pid);
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
        for session in sessions {
            engine::signal_if_there(session, "KILL");
        }
    }

    pub(crate) fn mend(&mut self) {
        self.child = spawn(&self.sshd, self.folder.path());
        self.wait();
    }

    fn wait(&self) {
        let log = self.folder.path().join("log");
        wait::until("sshd listens", || {
            let said = fs::read_to_string(&log).unwrap_or_default();
            assert!(!said.contains("fatal"), "{said}");
            std::net::TcpStream::connect(("127.0.0.1", self.port)).ok()
        });
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.cut();
    }
}

fn furnish(folder: &Path, runtime: &Path, port: u16) {
    let write = |name: &str, text: String| {
        fs::write(folder.join(name), text).expect("our own folder");
    };
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("ssh-keygen wrote it");
    let (at, runtime) = (folder.display(), runtime.display());
    let binaries = Path::new(BINARY).parent().expect("a file is in a folder").display();
    write("authorized_keys", read("key.pub"));
    write("known_hosts", format!("loopback {}", read("host_key.pub")));
    write(
        "sshd_config",
        format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host_key\nPidFile none\n\
             AuthorizedKeysFile {at}/authorized_keys\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
             SetEnv PATH={binaries}:/usr/bin:/bin PILOTHOUSE_RUNTIME_DIR={runtime}\n"
        ),
    );
    write(
        "ssh_config",
        format!(
            "Host *\nIdentityFile {at}/key\nIdentitiesOnly yes\nUserKnownHostsFile {at}/known_hosts\n\
             GlobalKnownHostsFile none\nStrictHostKeyChecking yes\n\
             HostKeyAlias loopback\n"
        ),
    );
}

fn spawn(sshd: &Path, folder: &Path) -> Child {
    let mut command = Command::new(sshd);
    command.arg("-D").arg("-f").arg(folder.join("sshd_config"));
    command.arg("-E").arg(folder.join("log")).stdin(Stdio::null());
    command.spawn().expect("sshd starts")
}
