//! Clients that show a certificate: who must, what backends are told, and that nobody can say it of
//! itself.

use super::papers::Authority;
use super::{Curl, server};
use crate::engine::Engine;
use crate::origin::{Origin, ok};

/// Lines that a client would like a backend to believe.
const CLAIMS: [&str; 8] = [
    "-H",
    "X-SSL-Client-Verify: SUCCESS",
    "-H",
    "X_SSL_Client_S_DN: CN=admin",
    "-H",
    "x-ssl-client-cert: mine",
    "-H",
    "X-Honest: yes",
];

/// Answers with the lines about its client.
fn origin() -> Origin {
    Origin::scripted(|request| {
        let lines = request.head.lines().filter(|line| {
            let name = line.split(':').next().unwrap_or_default().to_lowercase();
            name.replace('_', "-").starts_with("x-ssl-")
                || name.starts_with("x-honest")
                || name.starts_with("x-forwarded-proto")
        });
        ok(&lines.collect::<Vec<_>>().join("\n"))
    })
}

fn start(origin: &Origin, authority: &Authority) -> Engine {
    let proxy = |certificate: &str, hosts: &str, more: &str| {
        let whole = server(certificate, hosts, more, "");
        let (head, _) = whole.split_once("route = ").expect("it has routes");
        format!("{head}route = [{{ path = \"/\", upstream = \"app\" }}]\n")
    };
    let config = [
        proxy("must", "\"must.test\"", ", client_ca = \"clients.pem\""),
        proxy("may", "\"may.test\"", ", client_ca = \"clients.pem\", client_verify = \"optional\""),
        proxy("open", "\"open.test\"", ""),
        format!("[upstream.app]\nbackend = [{{ address = \"{}\" }}]\n", origin.address),
    ]
    .concat();
    Engine::start_in(&config, |folder| {
        for name in ["must", "may", "open"] {
            authority.server(&[&format!("{name}.test")]).write(folder, name);
        }
        let clients = Authority::new("clients' authority");
        clients.client("alice").write(folder, "alice");
        Authority::new("clients' authority").client("mallory").write(folder, "mallory");
        std::fs::write(folder.join("clients.pem"), clients.pem()).expect("the folder is ours");
        std::fs::write(folder.join("ca.pem"), authority.pem()).expect("the folder is ours");
    })
}

fn shown(name: &str) -> [String; 4] {
    ["--cert".into(), format!("{name}.pem"), "--key".into(), format!("{name}.key")]
}

#[test]
fn backends_hear_who_the_client_is_from_us_alone() {
    let (origin, authority) = (origin(), Authority::new("authority"));
    let engine = start(&origin, &authority);
    let Some(curl) = Curl::of(&engine) else { return };
    let ask = |name: &str, more: &[String]| {
        let mut all: Vec<&str> = CLAIMS.to_vec();
        all.extend(more.iter().map(String::as_str));
        curl.get(name, &all)
    };
    let said = ask("must.test", &shown("alice"));
    for line in [
        "X-SSL-Client-Verify: SUCCESS\n",
        "X-SSL-Client-S-DN: CN=alice,O=Us\\, Inc\n",
        "X-SSL-Client-I-DN: CN=clients' authority\n",
        "X-Honest: yes\n",
        "X-Forwarded-Proto: https\n",
    ] {
        // Names have no case, and in HTTP/2 no capitals.
        let (said, line) = (format!("{said}\n").to_lowercase(), line.to_lowercase());
        assert!(said.contains(&line), "{line:?} in {said}");
    }
    let serial = said.lines().find_map(|line| line.strip_prefix("X-SSL-Client-Serial: "));
    let print = said.lines().find_map(|line| line.strip_prefix("X-SSL-Client-Fingerprint: "));
    let by_openssl = |what: &str| {
        let output = std::process::Command::new("openssl")
            .args(["x509", "-in", "alice.pem", "-noout", what])
            .current_dir(engine.folder.path())
            .output()
            .expect("curl is there, so is this");
        super::text(&output.stdout).split('=').next_back().unwrap_or_default().trim().to_owned()
    };
    assert_eq!(serial, Some(&*by_openssl("-serial")), "{said}");
    assert_eq!(print, Some(&*by_openssl("-fingerprint").replace(':', "").to_lowercase()), "{said}");
    assert!(!said.contains("admin") && !said.contains("mine"), "{said}");
    for name in ["may.test", "open.test"] {
        let said = ask(name, &[]);
        assert!(!said.contains("SUCCESS") && !said.contains("admin"), "{name}: {said}");
        assert!(said.to_lowercase().contains("x-honest: yes"), "{name}: {said}");
    }
    assert!(ask("may.test", &[]).contains("X-SSL-Client-Verify: NONE"));
    assert!(ask("may.test", &shown("alice")).contains("CN=alice"));
}

#[test]
fn who_shows_no_certificate_or_a_strangers_is_refused() {
    let (origin, authority) = (origin(), Authority::new("authority"));
    let engine = start(&origin, &authority);
    let Some(curl) = Curl::of(&engine) else { return };
    for version in ["1.2", "1.3"] {
        let of = format!("--tlsv{version}");
        // What curl makes of an alert that comes late is clear by HTTP/1.1 alone.
        let refused = curl.refused("must.test", &["--http1.1", &of, "--tls-max", version]);
        assert!(refused.contains("alert") || refused.contains("reset"), "{refused}");
        for name in ["must.test", "may.test"] {
            let stranger = shown("mallory");
            let mut more: Vec<&str> = stranger.iter().map(String::as_str).collect();
            more.extend(["--http1.1", of.as_str(), "--tls-max", version]);
            let refused = curl.refused(name, &more);
            assert!(refused.contains("alert") || refused.contains("reset"), "{refused}");
        }
    }
    assert_eq!(origin.served(), 0, "no request came through");
}

/// A client that talks to one server may not ask another one for more over the same session.
#[test]
fn a_request_for_a_server_that_demands_more_is_misdirected() {
    let (origin, authority) = (origin(), Authority::new("authority"));
    let engine = start(&origin, &authority);
    let Some(curl) = Curl::of(&engine) else { return };
    let code = ["-o", "/dev/null", "-w", "%{http_code}"];
    let ask = |host: &str| curl.get("open.test", &[&code[..], &["-H", host]].concat());
    assert_eq!(ask("Host: open.test"), "200");
    assert_eq!(ask("Host: must.test"), "421");
    assert_eq!(ask("Host: may.test"), "421");
    assert_eq!(origin.served(), 1);
}
