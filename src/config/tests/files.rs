//! Routes that serve files, and compression.

use super::super::model::files::{
    Coding, Compress, DotFiles, Expires, Fallback, Files, Freshness, Listing, Symlinks, Types,
};
use super::super::model::route::Action;
use super::errors::check_short;
use super::good;

fn files(lines: &str) -> Files {
    let config = good(&format!(
        "server = [{{ listen = \"127.0.0.1:80\", route = [{{ path = \"/app/\", {lines} }}] }}]\n\
         upstream.api.backend = [{{ address = \"127.0.0.1:81\" }}]"
    ));
    match &config.servers[0].routes[0].action {
        Action::Files(files) => (**files).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_becomes_its_final_types() {
    let plain = files("root = \"/srv/www/\"");
    assert_eq!((plain.root.as_str(), plain.mount.as_str()), ("/srv/www", ""));
    assert_eq!(plain.index, ["index.html"]);
    assert_eq!(plain.fallback, Fallback::Status(404));
    assert_eq!((plain.listing, plain.ranges_max), (None, 64));
    assert_eq!((plain.symlinks, plain.dot_files), (Symlinks::Follow, DotFiles::Hidden));
    assert_eq!(plain.freshness, Freshness::default());

    let full = files(
        "alias = \"/srv\", index = [\"a\", \"b\"], try_files = [\"$uri\", \"$uri/\"], \
         fallback = \"api\", prefix = \"/v2\", autoindex = \"json\", default_type = \"text/plain\", \
         types = { MD = \"text/x-md\", \".c\" = \"text/x-c\" }, precompressed = [\"br\", \"gz\"], \
         symlinks = \"deny\", dot_files = true, ranges_max = 0, expires = \"1h\", \
         cache_control = \"public\"",
    );
    assert_eq!((full.root.as_str(), full.mount.as_str()), ("/srv", "/app"));
    assert_eq!(full.tries.len(), 2);
    let Fallback::Upstream { upstream, retarget } = &full.fallback else { panic!("{full:?}") };
    assert_eq!(upstream, "api");
    assert_eq!(retarget.as_ref().and_then(|it| it.prefix.as_deref()), Some("/v2"));
    assert_eq!(full.listing, Some(Listing::Json));
    let own = [("c".to_owned(), "text/x-c".to_owned()), ("md".to_owned(), "text/x-md".to_owned())];
    assert_eq!(full.types, Types { own: own.to_vec(), default: "text/plain".to_owned() });
    assert_eq!(full.precompressed, [Coding::Brotli, Coding::Gzip]);
    assert_eq!((full.symlinks, full.dot_files), (Symlinks::Deny, DotFiles::Served));
    assert_eq!(full.freshness.expires, Some(Expires::AfterSeconds(3600)));
    assert_eq!(full.freshness.cache_control.as_deref(), Some("public"));
    assert_eq!(files("root = \"/\"").root, "");
    let epoch = files("root = \"/srv\", expires = \"epoch\", autoindex = true");
    assert_eq!(epoch.freshness.expires, Some(Expires::Epoch));
    assert_eq!(epoch.listing, Some(Listing::Html));
}

#[test]
fn what_is_compressed_is_said_in_three_ways() {
    let compress = |value: &str| -> Compress {
        let config = good(&format!(
            "server = [{{ listen = \"127.0.0.1:80\", compress = {value}, \
             route = [{{ path = \"/\", respond = 204 }}] }}]"
        ));
        config.servers[0].shape.compress.clone().expect("it was said")
    };
    assert_eq!(compress("false"), Compress::default());
    assert_eq!(compress("true").codings, Coding::ALL);
    assert_eq!(compress("[\"gzip\", \"br\"]").codings, [Coding::Gzip, Coding::Brotli]);
    let own = compress("{ types = [\"Text/X\"], min = \"1B\" }");
    assert_eq!((own.codings.as_slice(), own.bytes_min), (&Coding::ALL[..], 1));
    assert_eq!(own.types, ["text/x"]);
}

#[test]
fn what_does_not_fit() {
    let route = |lines: &str| format!("route = [{{ path = \"/\", {lines} }}]");
    for (lines, error) in [
        ("root = 1", "3:31 expected a string, found integer 1"),
        (
            "root = \"/a\", alias = \"/b\"",
            "3:45 `alias` beside `root` (`root` has the whole path below it, `alias` what follows the route's)",
        ),
        ("root = \"/a\", index = \"a/b\"", "3:45 `a/b` is no file's name (such as \"index.html\")"),
        (
            "root = \"/a\", try_files = \"=404\"",
            "3:49 a path starts with a slash (`=404` is `fallback = 404`, `@name` is `fallback = \"UPSTREAM\"`)",
        ),
        (
            "root = \"/a\", try_files = []",
            "3:37 `try_files` is empty (such as [\"$uri\", \"/index.html\"])",
        ),
        (
            "root = \"/a\", try_files = \"$urx\"",
            "3:50 unknown variable `urx` (did you mean `$uri`?)",
        ),
        (
            "root = \"/a\", fallback = 200",
            "3:48 expected a status from 400 to 599, an upstream's name, or a path, found integer 200",
        ),
        ("root = \"/a\", fallback = \"x\"", "3:48 no upstream `x` (add [upstream.x])"),
        (
            "root = \"/a\", autoindex = \"xml\"",
            "3:49 expected true, false, \"html\" or \"json\", found string \"xml\"",
        ),
        (
            "root = \"/a\", types = { x = \"y\" }",
            "3:51 `y` is no content type (such as \"text/plain; charset=utf-8\")",
        ),
        (
            "root = \"/a\", types = { \"a.b\" = \"y/z\" }",
            "3:47 `a.b` is no end of a name (types = { md = \"text/markdown\" })",
        ),
        (
            "root = \"/a\", precompressed = \"zip\"",
            "3:53 `zip` is no coding (expected \"zstd\", \"br\" or \"gzip\")",
        ),
        (
            "root = \"/a\", symlinks = \"no\"",
            "3:48 `symlinks` is `no` (expected \"follow\", \"owner\" or \"deny\")",
        ),
        (
            "root = \"/a\", expires = \"later\"",
            "3:47 `expires` is `later` (a time such as \"1h\", \"epoch\" or \"max\")",
        ),
        (
            "root = \"/a\", compress = \"deflate\"",
            "3:48 `deflate` is no coding (expected \"zstd\", \"br\" or \"gzip\")",
        ),
        ("root = \"/a\", compress = [\"br\", \"br\"]", "3:55 `br` stands here twice"),
        (
            "root = \"/a\", compress = { types = [\"x\"] }",
            "3:59 `x` is no type (such as \"text/html\", \"text/*\" or \"*\")",
        ),
        (
            "root = \"/a\", ranges_max = 2000",
            "3:50 `ranges_max` is 2000, out of range (expected 0 to 1024)",
        ),
        (
            "root = \"/a\", gzip_static = true",
            "3:37 unknown key `gzip_static` in [[server.route]] (did you mean `precompressed`?)",
        ),
        (
            "respond = 204, index = \"a\"",
            "3:39 `index` without `root` or `alias` (this route serves no files)",
        ),
    ] {
        check_short(&server(&route(lines)), &[error]);
    }
    let expression = "route = [{ path = \"~ x\", alias = \"/a\" }]";
    check_short(
        &server(expression),
        &[
            "3:34 `alias` in a route with an expression (an expression has no end that a path could go on after: use `root`)",
        ],
    );
}

fn server(route: &str) -> String {
    format!(
        "[[server]]\nlisten = [\"127.0.0.1:80\"]\n{route}\n[upstream.api]\nbackend = [{{ address = \"a:1\" }}]\n"
    )
}

#[test]
fn a_folder_that_is_not_there_is_an_error_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pilothouse.toml");
    let text = "[[server]]\nlisten = [\"127.0.0.1:80\"]\n\
                route = [{ path = \"/\", root = \"nowhere\" }, { path = \"/a/\", root = \"here\" }]\n";
    std::fs::write(&path, text).unwrap();
    std::fs::create_dir(folder.path().join("here")).unwrap();
    let errors = super::load(&path).unwrap_err().to_string();
    let expected = format!("serve {}/nowhere: no such file or directory", folder.path().display());
    assert!(errors.contains(&expected) && errors.contains(":3:31"), "{errors}");
    assert_eq!(errors.matches("serve ").count(), 1, "{errors}");
}
