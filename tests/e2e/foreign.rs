//! Other people's proxies with a configuration of ours, in a folder of their own: what the product
//! is compared with, and what stands before and behind it.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{client, oracle, wait};

pub(crate) struct Foreign {
    process: Child,
    folder: TempDir,
}

impl Foreign {
    /// nginx with one worker and these lines in its `http`; `None` where it is not installed.
    pub(crate) fn nginx(http: &str, listens: SocketAddr) -> Option<Self> {
        let program = oracle::find("nginx")?;
        let folder = folder();
        let path = folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {path}/{kind};\n"))
            .concat();
        let text = format!(
            "daemon off; master_process off; pid {path}/pid; error_log {path}/error.log;\n\
             events {{ worker_connections 1024; }}\nhttp {{ access_log off;\n{temporary}{http}\n}}\n"
        );
        let mut command = Command::new(program);
        command.arg("-p").arg(folder.path());
        Some(Self::start(command, folder, &text, "-c", listens))
    }

    /// nginx with these lines in its `stream`; `None` where it, or that part of it, is not installed.
    pub(crate) fn nginx_of_streams(stream: &str, listens: SocketAddr) -> Option<Self> {
        let program = oracle::find("nginx")?;
        let module = oracle::nginx_module("stream")?;
        let folder = folder();
        let path = folder.path().display();
        let text = format!(
            "{module}daemon off; master_process off; pid {path}/pid; error_log {path}/error.log;\n\
             events {{ worker_connections 1024; }}\nstream {{\n{stream}\n}}\n"
        );
        let mut command = Command::new(program);
        command.arg("-p").arg(folder.path());
        Some(Self::start(command, folder, &text, "-c", listens))
    }

    /// HAProxy with this configuration behind a `global` and `defaults` that suit a test.
    pub(crate) fn haproxy(text: &str, listens: SocketAddr) -> Option<Self> {
        let program = oracle::find("haproxy")?;
        let text = format!(
            "global\n  maxconn 100\ndefaults\n  timeout connect 5s\n  timeout client 20s\n  \
             timeout server 20s\n{text}"
        );
        let mut command = Command::new(program);
        command.arg("-db");
        Some(Self::start(command, folder(), &text, "-f", listens))
    }

    fn start(
        mut command: Command,
        folder: TempDir,
        text: &str,
        option: &str,
        listens: SocketAddr,
    ) -> Self {
        let file = folder.path().join("configuration");
        std::fs::write(&file, text).expect("the folder is ours");
        command.arg(option).arg(&file).stdin(Stdio::null()).stdout(Stdio::null());
        let log = std::fs::File::create(folder.path().join("stderr")).expect("the folder is ours");
        let process = command.stderr(log).spawn().expect("an installed program runs");
        let mut foreign = Self { process, folder };
        wait::until("the other proxy listens", || {
            if let Ok(Some(status)) = foreign.process.try_wait() {
                let log = std::fs::read_to_string(foreign.folder.path().join("stderr"));
                panic!("the other proxy ended with {status}: {}", log.unwrap_or_default());
            }
            client::connect(listens).ok()
        });
        foreign
    }
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("ph").tempdir().expect("a temporary folder")
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _it_may_be_gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}
