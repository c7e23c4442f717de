//! The configuration's tests: good files, values, and what holds for any text. Errors are in
//! `errors`.

mod access_log;
mod bounds;
mod capacity;
mod compare;
mod control;
mod discovered;
mod errors;
mod files;
mod firewall;
mod groups;
mod guards;
mod health;
mod hosts;
mod http2;
mod kept;
mod links;
mod listeners;
mod process;
mod reference;
mod restarts;
mod rolls;
mod schedules;
mod shaping;
mod stops;
mod strategies;
mod tables;
mod templates;
mod trees;
mod vitals;

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::diagnostic::Errors;
use super::model::health::CheckKind;
use super::model::restart::AutoRestart;
use super::model::route::{Action, PathMatch};
use super::model::{Address, Cidr, Config, Location, Strategy as Balancing, Workers};
use super::variables::ExpandError;
use super::{Dates, Source, address, duration, nearest, size};

fn good(text: &str) -> Config {
    super::parse(text, "test.toml").unwrap_or_else(|errors| panic!("{errors}"))
}

fn load(path: &Path) -> Result<Config, Errors> {
    Source::File(path.to_owned()).load(Dates::Judged)
}

fn configs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let entries = std::fs::read_dir(folder).expect("the repository has its examples");
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect()
}

#[test]
fn the_embedded_default_is_good() {
    let config = super::embedded();
    assert!(config.is_embedded);
    assert_eq!(config.source, "embedded default");
    assert_eq!(config.upstreams.len(), 4);
    let in_file_order: Vec<&str> = config.upstreams.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(in_file_order, ["rr", "weighted", "least", "hash"]);
}

#[test]
fn every_example_loads_and_travels_unchanged() {
    assert!(configs().len() >= 7);
    // The one that names certificates is of nobody's until they are there.
    let folder = tempfile::tempdir().unwrap();
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let papers =
        [("site.pem", signed.cert.pem()), ("site.key", signed.signing_key.serialize_pem())];
    for (name, text) in papers {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    std::fs::copy(folder.path().join("site.pem"), folder.path().join("clients.pem")).unwrap();
    for path in configs() {
        let furnished = folder.path().join("tls.toml");
        let path = if path.ends_with("tls.toml") {
            std::fs::copy(&path, &furnished).unwrap();
            furnished
        } else {
            path
        };
        let config = load(&path).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(super::decode(&super::encode(&config)), Some(config), "{}", path.display());
    }
    assert_eq!(super::decode(b"{}"), None);
}

/// `full.toml` says every default; without them the same configuration comes out.
#[test]
fn the_full_example_states_the_defaults() {
    let full = good(include_str!("../../../configs/full.toml"));
    let short = good(
        r#"
        server = [{ listen = "127.0.0.1:8085", route = [
            { path = "/", upstream = "api" }, { path = "/files/", root = "." },
        ] }]
        stream = [{ listen = "127.0.0.1:8095", upstream = "api" }]
        upstream.api.backend = [{ address = "127.0.0.1:9241" }]
        [program.api]
        command = "${PILOTHOUSE} __origin --port ${PORT} --name ${PROGRAM}"
        serves = { upstream = "api", port = 9242 }
        "#,
    );
    assert_eq!(full, short);
}

#[test]
fn a_file_becomes_its_final_types() {
    let config = good(
        r#"
        [engine]
        workers = 3
        [[server]]
        listen = ["localhost:80", { address = "[::1]:8080", tls = false }]
        hosts = ["Example.COM", "*.example.com", "WWW.example.*", '~^\D+\.EXAMPLE\.', "*"]
        real_ip = { from = ["10.0.0.0/8", "::1"] }
        body_max = "1MB"
        route = [{ path = "= /exact", upstream = "a" }, { path = "/p/", upstream = "a" }]
        [upstream.a]
        strategy = "ip_hash"
        backend = [{ address = "unix:/run/a.sock", weight = 3, max_fails = 0, down = true }]
        [program.p]
        command = "run 'two words' ${PORT}"
        serves = { upstream = "a", port = 9000 }
        autorestart = true
        exit_codes = [0, 2]
        start_seconds = "1500ms"
        stop_signal = "sigint"
        environment = { Z = "1", A = "${INSTANCE}" }
        "#,
    );
    let (server, upstream, program) =
        (&config.servers[0], &config.upstreams[0], &config.programs[0]);
    assert_eq!(config.engine.workers, Workers::Count(3));
    let listen: Vec<String> = server.listen.iter().map(|row| row.address.to_string()).collect();
    assert_eq!(listen, ["127.0.0.1:80", "[::1]:8080"]);
    assert_eq!(
        server.hosts,
        ["example.com", "*.example.com", "www.example.*", r"~^\D+\.EXAMPLE\.", "*"]
    );
    assert_eq!(server.name(), "example.com");
    let real_ip = server.real_ip.as_ref().expect("given");
    assert_eq!(real_ip.from[1], Cidr { network: "::1".parse().unwrap(), prefix_bits: 128 });
    assert_eq!(
        (real_ip.header.as_str(), server.routes[0].limits.body_bytes_max),
        ("X-Forwarded-For", 1 << 20)
    );
    assert_eq!(server.routes[0].path, PathMatch::Exact("/exact".to_owned()));
    assert_eq!(
        server.routes[1].action,
        Action::Proxy { upstream: "a".to_owned(), choices: Vec::new(), retarget: None }
    );
    assert_eq!(upstream.strategy, Balancing::IpHash);
    let unix = Location::Fixed(Address::Unix("/run/a.sock".into()));
    assert_eq!(upstream.backends[0].address, unix);
    assert_eq!((upstream.backends[0].weight, upstream.backends[0].down), (3, true));
    assert_eq!(program.command, ["run", "two words", "${PORT}"]);
    assert_eq!((program.restart.when, program.stop.rungs[0].signal), (AutoRestart::Always, 2));
    assert_eq!(
        (program.restart.exit_codes.as_slice(), program.restart.start_ms),
        ([0, 2].as_slice(), 1500)
    );
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(program.process.environment, [pair("Z", "1"), pair("A", "${INSTANCE}")]);
}

#[test]
fn a_tcp_route_becomes_its_final_type() {
    let config = good(
        r#"
        [[stream]]
        listen = ["localhost:5432", "[::1]:5432"]
        upstream = "db"
        connect_timeout = "250ms"
        idle_timeout = "1h"
        [upstream.db]
        backend = [{ address = "10.0.0.1:5432" }]
        "#,
    );
    let stream = &config.streams[0];
    let listen: Vec<String> = stream.listen.iter().map(|row| row.address.to_string()).collect();
    assert_eq!(listen, ["127.0.0.1:5432", "[::1]:5432"]);
    assert_eq!(stream.upstream, "db");
    assert_eq!((stream.connect_timeout_ms, stream.idle_timeout_ms), (Some(250), 3_600_000));
    assert!(config.servers.is_empty());
}

/// A database would fail a GET: what leads to an upstream decides what its check asks.
#[test]
fn a_check_asks_what_its_upstream_serves() {
    let kind = |check: &str, routes: &str| {
        let config = good(&format!(
            "{routes}\n[upstream.a]\ncheck = {{ {check} }}\nbackend = [{{ address = \"127.0.0.1:1\" }}]"
        ));
        config.upstreams[0].check.clone().expect("given").kind
    };
    let stream = "[[stream]]\nlisten = \"[::]:1\"\nupstream = \"a\"\n";
    let server = "[[server]]\nlisten = \"[::]:2\"\nroute = [{ path = \"/\", upstream = \"a\" }]\n";
    let both = format!("{stream}{server}");
    for (check, routes, expected) in [
        ("", server, "http /"),
        ("", stream, "tcp"),
        ("", both.as_str(), "http /"),
        ("", "", "http /"),
        ("kind = \"tcp\"", server, "tcp"),
        ("kind = \"http\"", stream, "http /"),
        ("path = \"/up\"", stream, "http /up"),
        ("expect = 200", stream, "http /"),
        ("kind = \"tls\"", server, "tls"),
        ("tls = true", stream, "tls"),
        ("tls = true", server, "https /"),
        ("tls = false", stream, "tcp"),
    ] {
        let kind = match kind(check, routes) {
            CheckKind::Tcp => "tcp".to_owned(),
            CheckKind::Tls(_) => "tls".to_owned(),
            CheckKind::Http { request, tls: None } => format!("http {}", request.path),
            CheckKind::Http { request, tls: Some(_) } => format!("https {}", request.path),
        };
        assert_eq!(kind, expected, "{check:?} with {routes:?}");
    }
}

#[test]
fn a_running_engine_is_found_by_a_file_with_errors() {
    for (text, expected) in [
        ("", "default"),
        ("[engine]\nname = \"edge\"", "edge"),
        ("[engine]\nname = \"edge\"\nbogus = 1\n[upstream.x]\nstrateggy = 1", "edge"),
        ("[engine]\nname = \"edge\"\n[[server]\n= 3", "edge"),
        ("[engine]\nname = \"../edge\"", "default"),
        ("engine = 3", "default"),
    ] {
        assert_eq!(super::document::engine_name(text).as_deref().unwrap_or("default"), expected);
    }
}

#[test]
fn durations_and_sizes() {
    for (text, expected) in [
        ("30s", Some(30_000)),
        ("500ms", Some(500)),
        ("1h30m", Some(5_400_000)),
        ("0s", Some(0)),
        ("", None),
        ("30", None),
        ("s", None),
        ("1.5s", None),
        ("-1s", None),
        ("1 s", None),
        ("1S", None),
        ("99999999999999999999s", None),
        ("18446744073709551615d", None),
    ] {
        assert_eq!(duration::parse(text), expected, "{text}");
    }
    for (text, expected) in [
        ("512B", Some(512)),
        ("10KiB", Some(10_240)),
        ("10KB", Some(10_240)),
        ("50 MB", Some(50 << 20)),
        ("1gb", Some(1 << 30)),
        ("50", None),
        ("MB", None),
        ("1TB", None),
        ("18446744073709551615GB", None),
    ] {
        assert_eq!(size::parse(text), expected, "{text}");
    }
}

#[test]
fn addresses() {
    for (text, expected) in [
        ("127.0.0.1:80", Some("127.0.0.1:80")),
        ("localhost:80", Some("127.0.0.1:80")),
        ("[::1]:80", Some("[::1]:80")),
        ("unix:/run/app.sock", Some("unix:/run/app.sock")),
        ("127.0.0.1:0", None),
        ("127.0.0.1", None),
        ("127.0.0.1:99999", None),
        ("300.0.0.1:80", None),
        ("::1", None),
        ("Example.com:80", Some("example.com:80")),
        ("app_1.internal.:8080", Some("app_1.internal.:8080")),
        ("localhost.localdomain:80", Some("localhost.localdomain:80")),
        ("srv:_http._tcp.App.internal", Some("srv:_http._tcp.app.internal")),
        ("example.com", None),
        ("example.com:0", None),
        ("exa mple.com:80", None),
        ("exämple.com:80", None),
        ("-a.b:80", None),
        ("a..b:80", None),
        ("http://a.b:80", None),
        ("srv:app.internal", None),
        ("srv:_http._tcp", None),
        ("srv:_http._tcp.app.internal:80", None),
        ("srv:", None),
        ("file:/etc/a.list", Some("file:/etc/a.list")),
        ("file:", None),
        ("unix:run", None),
        ("", None),
        (":80", None),
    ] {
        let address = address::backend(text).ok().map(|address| address.to_string());
        assert_eq!(address.as_deref(), expected, "{text}");
    }
    for (text, is_good) in [
        ("10.0.0.0/8", true),
        ("0.0.0.0/0", true),
        ("::/0", true),
        ("10.0.0.1", true),
        ("10.0.0.1/8", false),
        ("10.0.0.0/33", false),
        ("10.0.0.0/", false),
        ("ten/8", false),
    ] {
        assert_eq!(address::network(text).is_ok(), is_good, "{text}");
    }
}

#[test]
fn variables_expand() {
    let lookup = |name: &str| (name == "PORT").then(|| "90 01${X}".to_owned());
    for (text, expected) in [
        ("none $ $5 $HOME {}", Ok("none $ $5 $HOME {}".to_owned())),
        ("a${PORT}b", Ok("a90 01${X}b".to_owned())),
        ("$${PORT} $$", Ok("${PORT} $$".to_owned())),
        ("${NOPE}", Err(ExpandError::Unknown("NOPE".to_owned()))),
        ("${PORT", Err(ExpandError::Unclosed)),
        ("${}", Err(ExpandError::BadName(String::new()))),
        ("${A:-b}", Err(ExpandError::BadName("A:-b".to_owned()))),
    ] {
        assert_eq!(super::expand(text, &lookup), expected, "{text}");
    }
}

#[test]
fn the_nearest_word() {
    let known = ["strategy", "retries", "keepalive", "check"];
    for (word, expected) in [
        ("strateggy", Some("strategy")),
        ("retires", Some("retries")),
        ("CHECK", Some("check")),
        ("chekc", Some("check")),
        ("weight", None),
        ("", None),
    ] {
        assert_eq!(nearest::nearest(word, &known), expected, "{word}");
    }
}

#[test]
fn a_named_file_is_loaded_relative_to_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pilothouse.toml");
    let text = "[program.a]\ncommand = \"./run\"\ndirectory = \"work\"\nuser = \"no such user\"\n\
                stdout = { file = \"a.log\" }\nstderr = { file = \"${PROGRAM}.log\" }\n";
    std::fs::write(&path, text).unwrap();
    let errors = load(&path).unwrap_err();
    let lines: Vec<usize> =
        errors.list.iter().filter_map(|error| Some(error.place.as_ref()?.line)).collect();
    assert_eq!(lines, [3, 4], "{errors}");
    std::fs::create_dir(folder.path().join("work")).unwrap();
    std::os::unix::fs::symlink("/bin/true", folder.path().join("work/run")).unwrap();
    std::fs::write(&path, text.replace("user = \"no such user\"", "user = \"root\"")).unwrap();
    let config = super::find(Some(&path)).load(Dates::Judged).unwrap();
    let program = &config.programs[0];
    assert_eq!(program.process.directory, Some(folder.path().join("work")));
    assert_eq!(program.output.stdout.file, Some(folder.path().join("a.log")));
    assert_eq!(program.output.stderr.file, Some(PathBuf::from("${PROGRAM}.log")));
    let missing = folder.path().join("nowhere.toml");
    let error = Source::File(missing.clone()).load(Dates::Judged).unwrap_err().to_string();
    assert!(error.starts_with(&format!("error: read {}: no such file", missing.display())));
}

proptest! {
    /// No text panics, and every caret stands on the text.
    #[test]
    fn any_text_is_judged(text in any::<String>()) {
        judge(&text);
    }

    /// Texts made of the file's own words reach further.
    #[test]
    fn any_mixture_of_words_is_judged(words in prop::collection::vec(prop::sample::select(WORDS), 0..60)) {
        judge(&words.concat());
    }

    #[test]
    fn expansion_never_panics(text in "[${}A-Z$é]{0,20}") {
        let _any_answer_will_do = super::expand(&text, &|_| Some("${A}".to_owned()));
    }
}

const WORDS: &[&str] = &[
    "\n",
    "\n",
    " = ",
    "[engine]\n",
    "[[server]]\n",
    "[[server.route]]\n",
    "[[stream]]\n",
    "idle_timeout",
    "[upstream.a]\n",
    "[[upstream.a.backend]]\n",
    "[program.p]\n",
    "[control]\n",
    "listen",
    "hosts",
    "path",
    "upstream",
    "address",
    "weight",
    "check",
    "command",
    "serves",
    "environment",
    "stdout",
    "exit_codes",
    "strategy",
    "instances",
    "\"127.0.0.1:80\"",
    "\"/\"",
    "\"a\"",
    "\"${A}\"",
    "\"${\"",
    "'''",
    "\"",
    "[",
    "]",
    "{ ",
    " }",
    ", ",
    "0",
    "-1",
    "9999999999",
    "1e400",
    "true",
    "\"30s\"",
    "é",
    "\t",
    "\u{1}",
    "1979-05-27",
    ".",
    "#",
];

fn judge(text: &str) {
    let Err(errors) = super::parse(text, "any.toml") else { return };
    assert!(!errors.list.is_empty());
    let lines = text.lines().count().max(1);
    for place in errors.list.iter().filter_map(|error| error.place.as_ref()) {
        assert!((1..=lines + 1).contains(&place.line));
        assert!((1..=place.line_text.chars().count() + 2).contains(&place.column));
        assert!(place.width >= 1);
    }
    assert!(!errors.to_string().is_empty());
}
