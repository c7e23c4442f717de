//! TCP routes that go by the host a TLS client asks for, and leave its session to whoever serves it.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use super::papers::Authority;
use crate::engine::Engine;
use crate::origin::Origin;
use crate::{client, oracle, ports};

/// A server of `HOST` on `LISTEN`, with its own certificate.
const SITE: &str = r#"
[[server]]
listen = { address = "LISTEN", tls = true }
tls = { certificate = "HOST.pem", key = "HOST.key" }
route = [{ path = "/", respond = { body = "here is HOST" } }]
[upstream."HOST"]
backend = [{ address = "LISTEN" }]
"#;

#[test]
fn tls_clients_are_led_by_the_host_they_ask_for() {
    let Some(curl) = oracle::find("curl") else { return };
    let authority = Authority::new("Tests");
    let plain = Origin::by_hand(|mut stream| {
        let mut said = [0; 4];
        if stream.read_exact(&mut said).is_ok() {
            let _it_may_be_gone = stream.write_all(&[&b"plain "[..], &said].concat());
        }
    });
    let listen = ports::address();
    let hosts = ["one.test", "two.test", "deep.two.test"];
    let sites: String =
        hosts.map(|host| SITE.replace("LISTEN", &ports::address()).replace("HOST", host)).concat();
    let text = format!(
        "{sites}\n[[stream]]\nlisten = \"{listen}\"\nupstream = \"plain\"\n\
         sni = [{{ hosts = \"one.test\", upstream = \"one.test\" }},\n       \
         {{ hosts = \"two.test\", upstream = \"two.test\" }},\n       \
         {{ hosts = \"*.two.test\", upstream = \"deep.two.test\" }}]\n\
         [upstream.plain]\nbackend = [{{ address = \"{}\" }}]\n",
        plain.address
    );
    let engine = Engine::start_in(&text, |folder| {
        for host in hosts {
            authority.server(&[host]).write(folder, host);
        }
        std::fs::write(folder.join("ca.pem"), authority.pem()).expect("the folder is ours");
    });
    let (ip, port) = listen.rsplit_once(':').expect("an address");
    for host in hosts {
        let output = Command::new(&curl)
            .args(["-q", "-sS", "--max-time", "60", "--cacert", "ca.pem", "--resolve"])
            .arg(format!("{host}:{port}:{ip}"))
            .arg(format!("https://{host}:{port}/"))
            .current_dir(engine.folder.path())
            .env_remove("SSLKEYLOGFILE")
            .output()
            .expect("curl runs");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(said, format!("here is {host}"));
    }
    let address: SocketAddr = listen.parse().expect("an address");
    assert_eq!(client::raw(address, b"ping"), "plain ping", "whoever asks for none");
    let mut slow = client::connect(address).expect("it listens");
    slow.write_all(&[22, 3, 1, 2]).expect("it reads");
    slow.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    assert!(slow.read(&mut [0]).is_err(), "what has begun is waited for");
}
