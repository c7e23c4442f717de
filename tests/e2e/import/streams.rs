//! TCP servers by the host that TLS clients ask for (`ssl_preread`): the same file in nginx and,
//! translated, here; connections are led to the same backends.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::process::Command;

use super::{import, text};
use crate::engine::Engine;
use crate::foreign::Foreign;
use crate::origin::Origin;
use crate::secure::SecureOrigin;
use crate::{client, oracle, ports};

/// `LISTEN`, `STRAIGHT`, `FIRST`, `SECOND` and `PLAIN` are addresses.
const STREAM: &str = r"
map $ssl_preread_server_name $name {
    hostnames;
    one.test FIRST;
    .two.test SECOND;
    default plain;
}
upstream plain { server PLAIN; }
server { listen LISTEN; ssl_preread on; proxy_pass $name; }
server { listen STRAIGHT; proxy_pass plain; }
";

#[test]
fn nginxs_tcp_servers_lead_to_the_same_backends_here() {
    let Some(curl) = oracle::find("curl") else { return };
    let [first, second] = ["one.test", "two.test"].map(|name| SecureOrigin::named(&[name]));
    let plain = Origin::by_hand(|mut stream| {
        let mut said = [0; 8];
        if stream.read_exact(&mut said).is_ok() {
            let _it_may_be_gone = stream.write_all(&[&b"plain "[..], &said].concat());
        }
    });
    let [theirs, ours] = [(); 2].map(|()| [ports::address(), ports::address()]);
    let of = |[listen, straight]: &[String; 2]| {
        STREAM
            .replace("LISTEN", listen)
            .replace("STRAIGHT", straight)
            .replace("FIRST", &first.address.to_string())
            .replace("SECOND", &second.address.to_string())
            .replace("PLAIN", &plain.address.to_string())
    };
    let listens = theirs[0].parse().expect("an address");
    let Some(_nginx) = Foreign::nginx_of_streams(&of(&theirs), listens) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("nginx.conf");
    std::fs::write(&file, format!("events {{}}\nstream {{\n{}\n}}\n", of(&ours))).expect("ours");
    let output = import("nginx", &["--strict"], &file);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let toml = text(&output.stdout);
    let _engine = Engine::start(&toml);
    let by_tls = |address: &str, host: &str| {
        let before = [first.handshakes(), second.handshakes()];
        let (ip, port) = address.rsplit_once(':').expect("an address");
        let output = Command::new(&curl)
            .args(["-q", "-s", "-k", "--max-time", "60", "--resolve"])
            .arg(format!("{host}:{port}:{ip}"))
            .arg(format!("https://{host}:{port}/"))
            .env_remove("SSLKEYLOGFILE")
            .output()
            .expect("curl runs");
        let asked = [first.handshakes() - before[0], second.handshakes() - before[1]];
        format!("{:?} {asked:?}", output.status.code())
    };
    for host in ["one.test", "ONE.test", "two.test", "a.two.test", "a.b.two.test", "other.test"] {
        let [their, our] = [&theirs, &ours].map(|addresses| by_tls(&addresses[0], host));
        assert_eq!(our, their, "{host}: nginx on the right\n{toml}");
    }
    for at in [0, 1] {
        let [their, our] = [&theirs, &ours].map(|addresses| {
            let address: SocketAddr = addresses[at].parse().expect("an address");
            client::raw(address, b"pingpong")
        });
        assert_eq!([our.as_str(), their.as_str()], ["plain pingpong"; 2]);
    }
}
