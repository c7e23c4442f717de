//! Files of a folder: what is found, what is refused, what is told about it, and what becomes of a
//! file that changes while it is served.

mod compared;
mod compressed;
mod large;

use std::fs;
use std::io::{BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::Duration;

use crate::client::{self, Response};
use crate::engine::Engine;
use crate::origin::Origin;
use crate::wait;

/// An engine with one server whose routes are `routes`, and files laid out by `furnish`.
fn serve(routes: &str, furnish: impl FnOnce(&Path)) -> Engine {
    let config = format!(
        "[engine]\nworkers = 1\n[[server]]\nlisten = [\"{{listen}}\"]\n{routes}",
        routes = routes.replace("[route]", "[[server.route]]")
    );
    Engine::start_in(&config, |folder| {
        fs::create_dir(folder.join("www")).expect("the folder is ours");
        furnish(&folder.join("www"));
    })
}

fn put(root: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("a name in a folder")).expect("the folder is ours");
    fs::write(path, text).expect("the folder is ours");
}

/// One request with further header lines.
fn ask(address: SocketAddr, method: &str, path: &str, lines: &str) -> Response {
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{lines}\r\n");
    let mut stream = client::connect(address).expect("the listener accepts");
    stream.write_all(request.as_bytes()).expect("the engine reads");
    let mut reader = BufReader::new(stream);
    if method == "HEAD" {
        let head = client::read_head(&mut reader);
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        return Response { status, head, body: Vec::new() };
    }
    client::read_response(&mut reader).expect("the engine answers")
}

fn statuses(engine: &Engine, cases: &[(&str, u16)]) {
    for (path, expected) in cases {
        let answer = client::get(engine.address(), path);
        assert_eq!(answer.status, *expected, "{path}: {}", answer.text());
    }
}

#[test]
fn a_file_is_told_about_as_nginx_tells() {
    let engine = serve("[route]\npath = \"/\"\nroot = \"www\"\n", |root| {
        put(root, "a.css", "body {}");
        let file = fs::File::open(root.join("a.css")).expect("just written");
        let time = std::time::UNIX_EPOCH + Duration::from_secs(784_111_777);
        file.set_modified(time).expect("the file is ours");
    });
    let answer = client::get(engine.address(), "/a.css");
    assert_eq!((answer.status, answer.text().as_str()), (200, "body {}"));
    for (name, value) in [
        ("content-type", "text/css"),
        ("content-length", "7"),
        ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("etag", "\"2ebc98a1-7\""),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{}", answer.head);
    }
    let cached = ask(engine.address(), "GET", "/a.css", "If-None-Match: W/\"2ebc98a1-7\"\r\n");
    assert_eq!((cached.status, cached.body.len()), (304, 0));
    assert_eq!(cached.header("etag"), Some("\"2ebc98a1-7\""));
    assert_eq!(cached.header("content-length"), None);
    let part = ask(engine.address(), "GET", "/a.css", "Range: bytes=5-\r\n");
    assert_eq!((part.status, part.text().as_str()), (206, "{}"));
    assert_eq!(part.header("content-range"), Some("bytes 5-6/7"));
    let none = ask(engine.address(), "GET", "/a.css", "Range: bytes=7-\r\n");
    assert_eq!((none.status, none.header("content-range")), (416, Some("bytes */7")));
    let head = ask(engine.address(), "HEAD", "/a.css", "");
    assert_eq!((head.status, head.header("content-length")), (200, Some("7")));
    let refused = ask(engine.address(), "DELETE", "/a.css", "");
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")));
}

/// The file is there at once, and each change is seen by the next request.
#[test]
fn a_change_is_seen_by_the_next_request() {
    let engine = serve("[route]\npath = \"/\"\nroot = \"www\"\n", |root| put(root, "a", "0"));
    let path = engine.folder.path().join("www/a");
    let mut last = String::new();
    for round in 0..50 {
        let text = format!("{round}");
        fs::write(&path, &text).expect("the folder is ours");
        for _ in 0..2 {
            assert_eq!(client::get(engine.address(), "/a").text(), text);
        }
        last = text;
    }
    fs::write(engine.folder.path().join("www/b"), "moved").expect("the folder is ours");
    fs::rename(engine.folder.path().join("www/b"), &path).expect("the folder is ours");
    assert_eq!(client::get(engine.address(), "/a").text(), "moved", "after {last}");
    fs::remove_file(&path).expect("the folder is ours");
    assert_eq!(client::get(engine.address(), "/a").status, 404);
}

#[test]
fn nothing_beside_the_root_and_nothing_hidden_is_served() {
    let routes = "[route]\npath = \"/\"\nroot = \"www\"\n\
        [route]\npath = \"/alias\"\nalias = \"www/sub\"\n\
        [route]\npath = \"/all/\"\nalias = \"www\"\ndot_files = true\n\
        [route]\npath = \"/by-name/\"\nroot = \"www\"\ntry_files = [\"/sub/$arg_name\"]\n";
    let engine = serve(routes, |root| {
        put(root, "index.html", "home");
        put(root, "sub/file", "file");
        put(root, ".git/config", "secret");
        put(root, ".well-known/acme/token", "token");
        put(root, ".env", "secret");
        put(root.parent().expect("the engine's folder"), "secret", "secret");
        symlink("nowhere", root.join("dangling")).expect("the folder is ours");
        let fifo = std::process::Command::new("mkfifo").arg(root.join("pipe")).status();
        assert!(fifo.expect("coreutils").success());
    });
    statuses(
        &engine,
        &[
            ("/", 200),
            ("/sub/file", 200),
            ("/../secret", 400),
            ("/%2e%2e/secret", 400),
            ("/sub/..%2f..%2fsecret", 400),
            ("/sub/%2e%2e/sub/file", 200),
            ("/.git/config", 404),
            ("/.env", 404),
            ("/%2eenv", 404),
            ("/.well-known/acme/token", 200),
            ("/all/.git/config", 200),
            ("/alias/file", 200),
            ("/alias../index.html", 404),
            ("/alias../sub/file", 404),
            ("/alias", 301),
            ("/by-name/?name=file", 200),
            ("/by-name/?name=../index.html", 404),
            ("/by-name/?name=../../secret", 404),
            ("/by-name/?name=.hidden", 404),
            ("/dangling", 404),
            ("/pipe", 404),
            ("/a%00b", 400),
            ("/index.html/", 404),
            ("/index.html/x", 404),
            (&format!("/{}", "x".repeat(5000)), 404),
        ],
    );
}

#[test]
fn links_are_followed_as_the_route_says() {
    let route = |name: &str, symlinks: &str| {
        format!(
            "[route]\npath = \"/{name}/\"\nalias = \"www\"\nsymlinks = \"{symlinks}\"\nautoindex = \"json\"\n"
        )
    };
    let routes = ["follow", "owner", "deny"].map(|word| route(word, word)).concat();
    let engine = serve(&routes, |root| {
        put(root, "sub/file", "file");
        symlink("sub/file", root.join("link")).expect("the folder is ours");
        symlink("sub", root.join("folder")).expect("the folder is ours");
        // Root's, which is a stranger's unless root runs the tests.
        symlink("/etc/passwd", root.join("passwd")).expect("the folder is ours");
    });
    for (path, follow, owner, deny) in
        [("sub/file", 200, 200, 200), ("link", 200, 200, 403), ("folder/file", 200, 200, 403)]
    {
        for (word, expected) in [("follow", follow), ("owner", owner), ("deny", deny)] {
            // The second time, all of it is in memory.
            for _ in 0..2 {
                let status = client::get(engine.address(), &format!("/{word}/{path}")).status;
                assert_eq!(status, expected, "{word} {path}");
            }
        }
    }
    assert_eq!(client::get(engine.address(), "/deny/passwd").status, 403);
    assert_eq!(client::get(engine.address(), "/deny/nothing").status, 404);

    // What is not served is not listed, whose target's size and date would be told.
    for (word, has_links) in [("follow", true), ("owner", true), ("deny", false)] {
        let listing = client::get(engine.address(), &format!("/{word}/")).text();
        assert!(listing.contains("\"sub\""), "{word} {listing}");
        for name in ["\"link\"", "\"folder\""] {
            assert_eq!(listing.contains(name), has_links, "{word} {name} {listing}");
        }
    }
    let listing = client::get(engine.address(), "/deny/").text();
    assert!(!listing.contains("passwd"), "{listing}");
}

#[test]
fn what_is_no_file_goes_elsewhere() {
    let origin = Origin::named("app");
    let routes = format!(
        "error_pages = [{{ status = 404, body = \"no $uri\", content_type = \"text/plain\" }}]\n\
        [route]\npath = \"/\"\nroot = \"www\"\ntry_files = [\"$uri\", \"$uri/\"]\nfallback = \"app\"\n\
        [route]\npath = \"/spa/\"\nalias = \"www/spa\"\ntry_files = [\"$uri\", \"/index.html\"]\n\
        [route]\npath = \"/gone/\"\nroot = \"www\"\nfallback = 410\n\
        [route]\npath = \"/plain/\"\nroot = \"www\"\n\
        [upstream.app]\n[[upstream.app.backend]]\naddress = \"{}\"\n",
        origin.address
    );
    let engine = serve(&routes, |root| {
        put(root, "file.txt", "a file");
        put(root, "sub/index.html", "sub");
        put(root, "spa/index.html", "the app");
        put(root, "spa/app.js", "code");
    });
    let text = |path: &str| client::get(engine.address(), path).text();
    assert_eq!(text("/file.txt"), "a file");
    assert_eq!(text("/sub/"), "sub");
    assert_eq!(client::get(engine.address(), "/sub?x=1").header("location"), Some("/sub/?x=1"));
    assert_eq!(text("/spa/app.js"), "code");
    assert_eq!(text("/spa/deep/link"), "the app");
    assert_eq!(client::get(engine.address(), "/gone/x").status, 410);
    assert_eq!(text("/plain/x"), "no /plain/x");
    let before = origin.served();
    let answer = client::get(engine.address(), "/api/users?id=1");
    assert_eq!(answer.header("x-backend"), Some("app"), "{}", answer.head);
    let lines = "Content-Length: 4\r\n\r\nbody";
    let request = format!("POST /api/users HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{lines}");
    let posted = client::exchange(engine.address(), request.as_bytes()).expect("it answers");
    assert_eq!(posted.header("x-backend"), Some("app"), "{}", posted.head);
    assert_eq!(origin.seen().last().expect("it was asked").body, b"body");
    assert_eq!(origin.served(), before + 2);
}

#[test]
fn a_folder_that_cannot_be_read_fails_alone() {
    let routes = "[route]\npath = \"/\"\nroot = \"www\"\n\
        [route]\npath = \"/other/\"\nalias = \"www/other\"\n";
    let engine = serve(routes, |root| {
        put(root, "index.html", "home");
        put(root, "other/file", "other");
    });
    statuses(&engine, &[("/other/file", 200), ("/", 200)]);
    let other = engine.folder.path().join("www/other");
    fs::rename(&other, engine.folder.path().join("www/away")).expect("the folder is ours");
    statuses(&engine, &[("/other/file", 404), ("/", 200)]);
    wait::until("the log tells of it", || {
        engine.log().contains("www/other: No such file").then_some(())
    });
    fs::rename(engine.folder.path().join("www/away"), &other).expect("the folder is ours");
    statuses(&engine, &[("/other/file", 200)]);
    fs::set_permissions(&other, fs::Permissions::from_mode(0o000)).expect("the folder is ours");
    // Also where root runs this: workers are somebody else.
    statuses(&engine, &[("/other/file", 403), ("/", 200)]);
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).expect("the folder is ours");
}

#[test]
fn what_clients_may_keep_is_said() {
    let routes = "response_headers = { set = { X-Frame-Options = \"DENY\" } }\n\
        [route]\npath = \"/hour/\"\nalias = \"www\"\nexpires = \"1h\"\n\
        [route]\npath = \"/epoch/\"\nalias = \"www\"\nexpires = \"epoch\"\n\
        [route]\npath = \"/max/\"\nalias = \"www\"\nexpires = \"max\"\n\
        [route]\npath = \"/own/\"\nalias = \"www\"\ncache_control = \"public, immutable\"\n\
        [route]\npath = \"/bare/\"\nalias = \"www\"\nranges_max = 0\n\
        response_headers = { hide = [\"ETag\", \"Server\"], set = { Last-Modified = \"\" } }\n";
    let engine = serve(routes, |root| put(root, "a.foo", "text"));
    let header = |path: &str, name: &str| {
        client::get(engine.address(), path).header(name).map(str::to_owned)
    };
    assert_eq!(header("/hour/a.foo", "cache-control").as_deref(), Some("max-age=3600"));
    assert!(header("/hour/a.foo", "expires").is_some_and(|text| text.ends_with("GMT")));
    assert_eq!(header("/hour/nothing", "cache-control"), None);
    assert_eq!(header("/epoch/a.foo", "cache-control").as_deref(), Some("no-cache"));
    assert_eq!(header("/max/a.foo", "cache-control").as_deref(), Some("max-age=315360000"));
    assert_eq!(header("/own/a.foo", "cache-control").as_deref(), Some("public, immutable"));
    assert_eq!(header("/own/a.foo", "expires"), None);
    assert_eq!(header("/own/a.foo", "x-frame-options").as_deref(), Some("DENY"));
    for name in ["etag", "server", "last-modified", "accept-ranges"] {
        assert_eq!(header("/bare/a.foo", name), None, "{name}");
    }
    let whole = ask(engine.address(), "GET", "/bare/a.foo", "Range: bytes=0-0\r\n");
    assert_eq!((whole.status, whole.text().as_str()), (200, "text"));
}

/// The offered example, with the site beside it: `configs/site/index.html`.
#[test]
fn the_offered_site_is_served() {
    let config = include_str!("../../../configs/static.toml");
    let listen = "listen = [\"127.0.0.1:8090\"]";
    assert!(config.contains(listen), "the example listens where the test looks");
    let config = config.replace(listen, "listen = [\"{listen}\"]");
    let engine = Engine::start_in(&config, |folder| {
        fs::create_dir_all(folder.join("site/downloads")).expect("the folder is ours");
        for name in ["index.html", "style.css", "downloads/readme.txt"] {
            let offered = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/site").join(name);
            fs::copy(offered, folder.join("site").join(name)).expect("it is in the repository");
        }
    });
    assert_eq!(OFFERED.map(|path| path.starts_with("configs/site/")), [true; 3]);
    statuses(&engine, &[("/", 200), ("/style.css", 200), ("/downloads/", 200), ("/x/y", 200)]);
    assert!(client::get(engine.address(), "/downloads/").text().contains("readme.txt"));
}

const OFFERED: [&str; 3] =
    ["configs/site/index.html", "configs/site/style.css", "configs/site/downloads/readme.txt"];
