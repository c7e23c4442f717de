//! `access_log`: what it can say, and what is said of what it can not.

use super::good;
use crate::config::limits::HANDED_FILES_MAX;
use crate::config::model::access_log::{AccessLog, Escape, Format, LogChoice};
use crate::config::template::Variable;

fn site(server: &str, route: &str) -> String {
    format!(
        "upstream.a.backend = [{{ address = \"127.0.0.1:1\" }}]\n[[server]]\n\
         listen = \"127.0.0.1:80\"\n{server}\n[[server.route]]\npath = \"/\"\nupstream = \"a\"\n{route}\n"
    )
}

fn choices(server: &str, route: &str) -> [Option<LogChoice>; 2] {
    let server = good(&site(server, route)).servers.remove(0);
    [server.shape.access_log.clone(), server.routes[0].shape.access_log.clone()]
}

#[test]
fn a_server_and_a_route_each_have_their_word() {
    let combined = "access_log = { file = \"/var/log/a.log\" }";
    let [server, route] = choices(combined, "access_log = \"off\"");
    assert_eq!(route, Some(LogChoice::Off));
    let Some(LogChoice::To(AccessLog { file, format })) = server else { panic!("{server:?}") };
    assert_eq!(file.to_str(), Some("/var/log/a.log"));
    let Format::Text { template, escape: Escape::Default } = format else { panic!("{format:?}") };
    assert_eq!(template.variables().count(), 8);
    assert_eq!(choices("", ""), [None, None]);
    let own =
        "access_log = { file = \"a\", format = \"$status ${request_time}s\", escape = \"json\" }";
    let [_, route] = choices("", own);
    let Some(LogChoice::To(AccessLog { format, .. })) = route else { panic!("{route:?}") };
    let Format::Text { template, escape: Escape::Json } = format else { panic!("{format:?}") };
    assert_eq!(
        template.variables().collect::<Vec<_>>(),
        [&Variable::Status, &Variable::RequestTime]
    );
    let [server, _] = choices("access_log = { file = \"a\", format = \"json\" }", "");
    assert!(matches!(server, Some(LogChoice::To(AccessLog { format: Format::Json, .. }))));
}

#[test]
fn what_can_not_be_written_down_is_an_error() {
    for (key, expected) in [
        ("\"on\"", "`access_log` is neither off nor a table"),
        ("true", "expected \"off\" or a table"),
        ("{}", "has no `file`"),
        ("{ file = \"\" }", "is not the name of a file"),
        ("{ file = \"log/\" }", "is not the name of a file"),
        ("{ file = \"a\", format = \"jsn\" }", "unknown format `jsn`"),
        ("{ file = \"a\", format = \"$statuss\" }", "unknown variable `statuss`"),
        ("{ file = \"a\", format = \"$upstream_http_x\" }", "is gone when the log is written"),
        ("{ file = \"a\", format = \"$status\\n$uri\" }", "a format of several lines"),
        ("{ file = \"a\", format = \"$1\" }", "no group `$1`"),
        ("{ file = \"a\", format = \"$uri\", escape = \"jason\" }", "unknown escape `jason`"),
        ("{ file = \"a\", escape = \"json\" }", "`escape` is for a format of one's own"),
        ("{ path = \"a\", file = \"b\" }", "unknown key `path`"),
    ] {
        let text = site(&format!("access_log = {key}"), "");
        let errors = crate::config::parse(&text, "test.toml").unwrap_err().to_string();
        assert!(errors.contains(expected), "{key}: {errors}");
        assert!(errors.contains("test.toml:4:"), "{key}: {errors}");
    }
}

#[test]
fn a_worker_has_a_bounded_number_of_files_open() {
    let server = |at: usize| {
        format!(
            "[[server]]\nlisten = [\"127.0.0.1:80\"]\nhosts = [\"h{at}.example\"]\n\
             access_log = {{ file = \"{at}.log\" }}\n\
             [[server.route]]\npath = \"/\"\nrespond = {{ body = \"\" }}\n"
        )
    };
    let text = |count: usize| (0..count).map(server).collect::<String>();
    assert!(crate::config::parse(&text(HANDED_FILES_MAX), "test.toml").is_ok());
    let errors = crate::config::parse(&text(HANDED_FILES_MAX + 1), "test.toml").unwrap_err();
    let errors = errors.to_string();
    assert!(errors.contains("more than 1024 access logs and files of users"), "{errors}");
    assert!(errors.contains(&format!("test.toml:{}:", HANDED_FILES_MAX * 7 + 1)), "{errors}");
}
