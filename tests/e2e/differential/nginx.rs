//! The real nginx before a recorder, as an operator would configure it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{client, oracle, ports, wait};

pub(super) struct Nginx {
    process: Child,
    _folder: TempDir,
}

impl Nginx {
    /// One listener for each backend; `None` without nginx.
    pub(super) fn before(backends: &[SocketAddr]) -> Option<(Self, Vec<SocketAddr>)> {
        let program = oracle::find("nginx")?;
        let folder = tempfile::Builder::new().prefix("ph").tempdir().expect("a temporary folder");
        let listens: Vec<String> = backends.iter().map(|_| ports::address()).collect();
        let servers: Vec<String> = listens
            .iter()
            .zip(backends)
            .map(|(listen, backend)| {
                format!(
                    "server {{ listen {listen}; location / {{ proxy_pass http://{backend}; }} }}\n"
                )
            })
            .collect();
        let config = folder.path().join("nginx.conf");
        std::fs::write(&config, text(folder.path(), &servers.concat()))
            .expect("the folder is ours");
        let process = Command::new(program)
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx runs");
        let nginx = Self { process, _folder: folder };
        let listens: Vec<SocketAddr> =
            listens.iter().map(|listen| listen.parse().expect("an address")).collect();
        wait::until("nginx listens", || client::connect(*listens.last()?).ok());
        Some((nginx, listens))
    }
}

/// The body is read to its end first, nginx's default; a client that ends its side still gets its
/// answers.
fn text(folder: &Path, servers: &str) -> String {
    let folder = folder.display();
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary: Vec<String> =
        kinds.iter().map(|kind| format!("{kind}_temp_path {folder}/{kind};\n")).collect();
    format!(
        "daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n\
         events {{ worker_connections 512; }}\n\
         http {{ access_log off; {}\n\
         proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $http_host;\n\
         proxy_ignore_client_abort on;\n{servers} }}\n",
        temporary.concat()
    )
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _it_may_be_gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}
