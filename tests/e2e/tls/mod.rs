//! TLS with clients and backends, by real clients: curl, and OpenSSL's own.

mod backends;
mod by_name;
mod errors;
mod identity;
mod kinds;
pub(crate) mod papers;
mod renewal;
mod sessions;
mod streams;
mod traffic;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::engine::Engine;
use crate::oracle;
use papers::{Authority, Papers};

/// A server that says who it is; `{certificate}` is the name of its files.
fn server(certificate: &str, hosts: &str, more: &str, says: &str) -> String {
    format!(
        "[[server]]\nlisten = {{ address = \"{{listen}}\", tls = true }}\nhosts = [{hosts}]\n\
         tls = {{ certificate = \"{certificate}.pem\", key = \"{certificate}.key\"{more} }}\n\
         route = [{{ path = \"/\", respond = {{ status = 200, body = \"{says}\" }} }}]\n"
    )
}

/// An engine with one worker and one server, whose certificate is for `site.test` and for addresses of loopback.
fn site(authority: &Authority, more: &str, says: &str) -> Engine {
    let config = format!("[engine]\nworkers = 1\n{}", server("site", "", more, says));
    Engine::start_in(&config, |folder| furnish(folder, authority))
}

fn furnish(folder: &Path, authority: &Authority) {
    authority.server(&["site.test"]).write(folder, "site");
    std::fs::write(folder.join("ca.pem"), authority.pem()).expect("the folder is ours");
}

/// curl, set up to find `name` at the engine.
pub(crate) struct Curl {
    program: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
}

impl Curl {
    /// `None` when the test is to be skipped.
    pub(crate) fn of(engine: &Engine) -> Option<Self> {
        Some(Self {
            program: oracle::find("curl")?,
            folder: engine.folder.path().to_owned(),
            address: engine.address(),
        })
    }

    /// Its output, headers included if asked for, and whether it was satisfied.
    fn run(&self, name: &str, path: &str, more: &[&str]) -> Output {
        let port = self.address.port();
        Command::new(&self.program)
            .args(["-q", "-sS", "--max-time", "120", "--cacert", "ca.pem"])
            .arg("--resolve")
            .arg(format!("{name}:{port}:{}", self.address.ip()))
            .args(more)
            .arg(format!("https://{name}:{port}{path}"))
            .current_dir(&self.folder)
            .env_remove("SSLKEYLOGFILE")
            .output()
            .expect("curl runs")
    }

    #[track_caller]
    pub(crate) fn get(&self, name: &str, more: &[&str]) -> String {
        let output = self.run(name, "/", more);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    /// What it complains about.
    #[track_caller]
    fn refused(&self, name: &str, more: &[&str]) -> String {
        let output = self.run(name, "/", more);
        assert!(!output.status.success(), "{}", text(&output.stdout));
        text(&output.stderr)
    }
}

/// `openssl s_client` with a request, until the server closes; everything it says.
fn s_client(engine: &Engine, more: &[&str]) -> Option<String> {
    use std::io::Write as _;
    let mut child = Command::new(oracle::find("openssl")?)
        .args(["s_client", "-ign_eof", "-CAfile", "ca.pem", "-connect"])
        .arg(engine.address().to_string())
        .args(more)
        .current_dir(engine.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl runs");
    let mut input = child.stdin.take().expect("a pipe");
    // Whoever was refused reads nothing.
    let _refused =
        input.write_all(b"GET / HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n");
    drop(input);
    let output = child.wait_with_output().expect("openssl ends");
    Some(text(&output.stdout) + &text(&output.stderr))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_name_that_is_asked_for_decides_which_certificate_is_shown() {
    let authority = Authority::new("authority");
    let config = [
        server("one", "\"one.test\"", "", "one"),
        server("wild", "\"*.wild.test\"", "", "wild"),
        server("rest", "", "", "rest"),
    ]
    .concat();
    let engine = Engine::start_in(&config, |folder| {
        authority.server(&["one.test"]).write(folder, "one");
        authority.server(&["*.wild.test"]).write(folder, "wild");
        authority.server(&["rest.test"]).write(folder, "rest");
        std::fs::write(folder.join("ca.pem"), authority.pem()).expect("the folder is ours");
    });
    let Some(curl) = Curl::of(&engine) else { return };
    for (name, says) in [("one.test", "one"), ("a.wild.test", "wild"), ("rest.test", "rest")] {
        assert_eq!(curl.get(name, &[]), says);
    }
    let refused = curl.refused("other.test", &[]);
    assert!(refused.contains("rest.test") || refused.contains("other.test"), "{refused}");
    assert_eq!(curl.get("other.test", &["-k"]), "rest", "nobody else's name: the default server");
    assert!(engine.status()["listeners"][0]["tls"] == true, "{}", engine.status());
}

#[test]
fn versions_are_those_of_today_or_as_the_file_says() {
    let authority = Authority::new("authority");
    let engine = site(&authority, "", "$ssl_protocol $ssl_cipher $scheme $https");
    let strict = site(&authority, ", min_version = \"1.3\"", "$ssl_protocol");
    let both = |engine: &Engine| {
        let curl = Curl::of(engine)?;
        let of = |version: &str| curl.run("site.test", "/", &[version, "--tls-max", &version[6..]]);
        Some([of("--tlsv1.2"), of("--tlsv1.3")])
    };
    let Some([old, new]) = both(&engine) else { return };
    assert_eq!(text(&old.stdout), "TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384 https on");
    assert_eq!(text(&new.stdout), "TLSv1.3 TLS_AES_256_GCM_SHA384 https on");
    let Some([old, new]) = both(&strict) else { return };
    assert!(!old.status.success() && text(&old.stderr).contains("protocol version"), "{old:?}");
    assert_eq!(text(&new.stdout), "TLSv1.3");
    let oldest = ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"];
    let said = s_client(&engine, &oldest).expect("curl is there, so is this");
    assert!(said.contains("alert") && said.contains("New, (NONE)"), "{said}");
}

/// A scanner finds no old protocol, no weak cipher and none of the known holes.
#[test]
fn a_scanner_finds_nothing_wrong() {
    let authority = Authority::new("authority");
    let engine = site(&authority, "", "ok");
    let Some(sslyze) = oracle::sslyze() else { return };
    let report = engine.folder.path().join("report.json");
    let output = Command::new(sslyze)
        .args(["--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3"])
        .args([
            "--heartbleed",
            "--openssl_ccs",
            "--robot",
            "--reneg",
            "--compression",
            "--fallback",
        ])
        .args(["--elliptic_curves", "--early_data", "--quiet", "--json_out"])
        .arg(&report)
        .arg(format!("site.test:{}{{{}}}", engine.address().port(), engine.address().ip()))
        .output()
        .expect("sslyze runs");
    let json = std::fs::read(&report);
    let json = json.unwrap_or_else(|error| panic!("no report: {error}; {output:?}"));
    let all: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    let result = &all["server_scan_results"][0]["scan_result"];
    let of = |scan: &str| &result[scan]["result"];
    for old in ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"] {
        let accepted = &of(&format!("{old}_cipher_suites"))["accepted_cipher_suites"];
        assert_eq!(accepted.as_array().map(Vec::len), Some(0), "{old}: {accepted}");
    }
    for (version, count) in [("tls_1_2", 3), ("tls_1_3", 3)] {
        let accepted = &of(&format!("{version}_cipher_suites"))["accepted_cipher_suites"];
        let accepted = accepted.as_array().expect("a list");
        let is_strong = |suite: &serde_json::Value| {
            let name = suite["cipher_suite"]["name"].as_str().unwrap_or_default();
            let is_sealed = name.contains("GCM") || name.contains("CHACHA20");
            is_sealed && (version == "tls_1_3" || name.contains("ECDHE"))
        };
        assert!(accepted.len() == count && accepted.iter().all(is_strong), "{accepted:?}");
    }
    for (scan, key, good) in [
        ("heartbleed", "is_vulnerable_to_heartbleed", false),
        ("openssl_ccs_injection", "is_vulnerable_to_ccs_injection", false),
        ("session_renegotiation", "supports_secure_renegotiation", true),
        ("session_renegotiation", "is_vulnerable_to_client_renegotiation_dos", false),
        ("tls_compression", "supports_compression", false),
        ("tls_1_3_early_data", "supports_early_data", false),
    ] {
        assert_eq!(of(scan)[key], good, "{scan}: {}", of(scan));
    }
    let robot = of("robot")["robot_result"].as_str().unwrap_or_default();
    assert!(robot.starts_with("NOT_VULNERABLE"), "{robot}");
}

/// The offered example, on other ports.
#[test]
fn the_offered_example_works() {
    let mut config = include_str!("../../../configs/tls.toml").to_owned();
    let (plain, backend) = (crate::ports::address(), crate::ports::address());
    for (offered, ours) in [
        ("127.0.0.1:8092", plain.as_str()),
        ("127.0.0.1:8443", "{listen}"),
        ("127.0.0.1:9443", backend.as_str()),
    ] {
        assert!(config.contains(offered), "the example listens where the test looks");
        config = config.replace(offered, ours);
    }
    let names = ["localhost".to_owned(), "team.localhost".to_owned()];
    let signed = rcgen::generate_simple_self_signed(names).expect("it signs itself");
    let engine = Engine::start_in(&config, |folder| {
        let key = signed.signing_key.serialize_pem();
        Papers::new(signed.cert.pem(), key).write(folder, "site");
        for name in ["clients.pem", "ca.pem"] {
            std::fs::copy(folder.join("site.pem"), folder.join(name)).expect("ours");
        }
    });
    let Some(curl) = Curl::of(&engine) else { return };
    assert_eq!(curl.get("localhost", &[]), "hello over TLSv1.3, \n");
    let shown = ["--cert", "site.pem", "--key", "site.key"];
    let said = curl.get("team.localhost", &shown);
    assert_eq!(said, "hello over TLSv1.3, CN=rcgen self signed cert\n");
    curl.refused("team.localhost", &[]);
    let away = crate::client::get(plain.parse().expect("an address"), "/x?y");
    assert_eq!(away.header("location"), Some("https://localhost:8443/x?y"));
}

/// The protocol is said to be HTTP/1.1, and one that is not spoken here is no session.
#[test]
fn the_protocol_above_is_agreed_on() {
    let authority = Authority::new("authority");
    let engine = site(&authority, "", "ok");
    let Some(said) = s_client(&engine, &["-alpn", "http/1.1"]) else { return };
    assert!(said.contains("ALPN protocol: http/1.1") && said.contains("HTTP/1.1 200"), "{said}");
    let said = s_client(&engine, &["-alpn", "spdy/1"]).expect("it was there before");
    assert!(said.contains("no application protocol"), "{said}");
}
