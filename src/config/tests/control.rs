//! `[control]`: where the API may be reached, and what it then has to ask for.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::good;

const API: &str = "[upstream.a]\nbackend = [{ address = \"127.0.0.1:1\" }]\n";

fn errors(text: &str) -> String {
    super::super::parse(text, "test.toml").expect_err("it is bad").to_string()
}

#[test]
fn loopback_needs_no_token_and_the_rest_of_the_world_does() {
    let none = good("[control]\n").control;
    assert_eq!((none.http, none.token_file), (None, None));
    for loopback in ["127.0.0.1:9900", "[::1]:9900", "localhost:9900", "127.9.9.9:0"] {
        let control = good(&format!("[control]\nhttp = \"{loopback}\"\n")).control;
        assert!(control.http.is_some_and(|address| address.ip().is_loopback()), "{loopback}");
    }
    for address in ["0.0.0.0:9900", "[::]:9900", "192.0.2.1:9900", "[::ffff:127.0.0.1]:9900"] {
        let told = errors(&format!("[control]\nhttp = \"{address}\"\n"));
        assert!(told.contains("test.toml:2:8"), "{told}");
        assert!(told.contains("there is no `token_file`"), "{told}");
        let text = format!("[control]\nhttp = \"{address}\"\ntoken_file = \"/t\"\n");
        assert_eq!(good(&text).control.token_file.as_deref(), Some("/t".as_ref()));
    }
}

#[test]
fn supervisors_clients_have_an_address_of_their_own() {
    let read = |keys: &str| good(&format!("[control]\nsupervisor = {{ {keys} }}\n")).control;
    let looking = read("listen = \"127.0.0.1:9001\"").supervisor.expect("an address");
    assert_eq!((looking.listen.port(), looking.login), (9001, None));
    let keys = "listen = \"0.0.0.0:9001\", username = \"ann\", password_file = \"/p\"";
    let login = read(keys).supervisor.expect("an address").login.expect("a login");
    assert_eq!((login.username.as_str(), login.password_file.as_path()), ("ann", "/p".as_ref()));
    let server =
        "[[server]]\nlisten = \"127.0.0.1:9001\"\nroute = [{ path = \"/\", upstream = \"a\" }]\n";
    let all = "listen = \"0.0.0.0:9001\"";
    let own = "listen = \"127.0.0.1:9001\"";
    for (keys, more, place, reason) in [
        (all, "", "2:25", "others reach 0.0.0.0:9001, and there is no `username`"),
        ("listen = 9001", "", "2:25", "expected a string, found integer 9001"),
        ("listen = \"9001\"", "", "2:25", "`9001` is not an address"),
        ("", "", "2:14", "`listen`"),
        ("listen = \"127.0.0.1:1\", username = \"a\"", "", "2:40", "without `password_file`"),
        ("listen = \"127.0.0.1:1\", password_file = \"a\"", "", "2:40", "without `username`"),
        ("password = \"x\"", "", "2:16", "did you mean `password_file`?"),
        ("username = \"a:b\", password_file = \"a\"", "", "2:27", "`a:b` is no name for a user"),
        (own, "http = \"127.0.0.1:9001\"\n", "2:25", "the control API is on 127.0.0.1:9001 alr"),
        (own, server, "2:25", "clients are served on 127.0.0.1:9001 already"),
    ] {
        let told = errors(&format!("[control]\nsupervisor = {{ {keys} }}\n{more}{API}"));
        assert!(told.contains(&format!("test.toml:{place}")) && told.contains(reason), "{told}");
    }
}

#[test]
fn what_makes_no_sense_is_told_with_its_place() {
    let server =
        "[[server]]\nlisten = \"127.0.0.1:9900\"\nroute = [{ path = \"/\", upstream = \"a\" }]\n";
    let program =
        "[program.p]\ncommand = \"x\"\nserves = { upstream = \"a\", port = 9899 }\ninstances = 2\n";
    let http = "[control]\nhttp = \"127.0.0.1:9900\"\n";
    for (text, place, reason) in [
        ("[control]\nhttp = 9900\n".to_owned(), "2:8", "expected a string, found integer 9900"),
        ("[control]\nhttp = \"9900\"\n".to_owned(), "2:8", "`9900` is not an address"),
        ("[control]\nhttp = \"unix:/x\"\n".to_owned(), "2:8", "is not an address to listen on"),
        ("[control]\ntoken_file = \"/t\"\n".to_owned(), "2:1", "`token_file` without `http`"),
        ("[control]\ntoken = \"x\"\n".to_owned(), "2:1", "did you mean `token_file`?"),
        (format!("{http}{API}{server}"), "2:8", "clients are served on 127.0.0.1:9900 already"),
        (
            format!("{http}{API}{}", server.replace("127.0.0.1", "0.0.0.0")),
            "2:8",
            "clients are served on 0.0.0.0:9900 already",
        ),
        (
            format!("{http}{API}{program}"),
            "7:35",
            "port 9900 belongs to the control API on 127.0.0.1:9900",
        ),
    ] {
        let told = errors(&text);
        assert!(told.contains(&format!("test.toml:{place}")) && told.contains(reason), "{told}");
    }
}

#[test]
fn a_token_file_is_read_by_its_owner_and_holds_one_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let judge = |text: &[u8], mode: u32| {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        super::super::token(&path)
    };
    assert_eq!(judge(b" s3cret/+=\n", 0o600).as_deref(), Ok("s3cret/+="));
    assert_eq!(judge(b"s3cret", 0o640).as_deref(), Ok("s3cret"));
    for (text, mode, reason) in [
        (&b"s3cret"[..], 0o644, "is open to every user (mode 644)"),
        (b"s3cret", 0o602, "is open to every user (mode 602)"),
        (b"\n \n", 0o600, "is empty"),
        (b"s3cret other", 0o600, "holds more than one word of plain characters"),
        (b"s3cr\xc3\xa9t", 0o600, "holds more than one word of plain characters"),
        (b"s3cr\xe9t", 0o600, "not utf-8 text"),
        (&[b'x'; 5000], 0o600, "larger than 4096 bytes"),
    ] {
        let told = judge(text, mode).unwrap_err();
        assert!(told.contains(reason) && !told.contains("s3cr"), "{told}");
    }
    let missing = super::super::token(&folder.path().join("none")).unwrap_err();
    assert!(missing.contains("no such file"), "{missing}");
    let folder_itself = super::super::token(folder.path()).unwrap_err();
    assert!(folder_itself.contains("not a file"), "{folder_itself}");

    judge(b"{SHA}0123", 0o600).unwrap();
    let told = super::super::password(&path).unwrap_err();
    assert!(told.contains("40 hexadecimal digits") && !told.contains("0123"), "{told}");

    let config = folder.path().join("pilothouse.toml");
    judge(b"s3cret", 0o644).unwrap_err();
    fs::write(&config, "[control]\nhttp = \"0.0.0.0:9900\"\ntoken_file = \"token\"\n").unwrap();
    let told = super::load(&config).unwrap_err().to_string();
    assert!(told.contains("pilothouse.toml:3:14") && told.contains("mode 644"), "{told}");
    judge(b"s3cret", 0o600).unwrap();
    let loaded = super::load(&config).unwrap();
    assert_eq!(loaded.control.token_file, Some(path.clone()));
    let travelling = String::from_utf8(super::super::encode(&loaded)).unwrap();
    assert!(!travelling.contains("s3cret"), "what goes to workers holds no secret");
}
