//! Names of hosts: of servers every kind, of TCP routes those that can be told by their letters.

use super::errors::check_short;
use super::good;

const ROUTE: &str = "route = [{ path = \"/\", upstream = \"a\" }]\n";
const UPSTREAM: &str = "[upstream.a]\nbackend = [{ address = \"127.0.0.1:1\" }]\n";

fn server(hosts: &str) -> String {
    format!("[[server]]\nlisten = \"[::]:1\"\nhosts = [{hosts}]\n{ROUTE}")
}

#[test]
fn hosts_are_of_every_kind() {
    const FORMS: &str =
        "expected \"example.com\", \"*.example.com\", \"www.example.*\" or \"~expression\"";
    good(&format!("{}{UPSTREAM}", server(r#""a.b", "[::1]", "*.a", "www.*", '~^\d\.A$', "*""#)));
    for (hosts, error) in [
        (r#""*.example.*""#, format!("3:10 `*.example.*` is not a host ({FORMS})")),
        (r#"".*", "a""#, format!("3:10 `.*` is not a host ({FORMS})")),
        (r#""a*""#, format!("3:10 `a*` is not a host ({FORMS})")),
        (r#""a", "~^(a""#, "3:15 `^(a` is no regular expression (unclosed group)".to_owned()),
        (
            r#""www.*:80""#,
            "3:10 `www.*:80` is not a host (hosts are without a port: it is in `listen`)"
                .to_owned(),
        ),
    ] {
        check_short(&format!("{}{UPSTREAM}", server(hosts)), &[&error]);
    }
    let many: Vec<String> = (0..257).map(|at| format!("'~{at}'")).collect();
    let at = 11 + many[..256].iter().map(|host| host.len() + 2).sum::<usize>() - 1;
    let error = format!(
        "3:{at} more than 256 expressions in one server (an expression may have alternatives)"
    );
    check_short(&format!("{}{UPSTREAM}", server(&many.join(", "))), &[&error]);
}

#[test]
fn an_address_has_one_server_of_a_name_and_one_for_the_rest() {
    let both = server(r#""*", "~X""#).repeat(2);
    check_short(
        &format!("{both}{UPSTREAM}"),
        &[
            "6:10 two servers for `*` listen on [::]:1 (first on line 2; `hosts` tells them apart)",
            "7:15 host `~X` is served twice on [::]:1 (first on line 3)",
        ],
    );
}

#[test]
fn a_tcp_route_goes_by_names_and_what_is_below_them() {
    let stream = |host: &str| {
        format!(
            "{UPSTREAM}[[stream]]\nlisten = \"[::]:1\"\nupstream = \"a\"\n\
             sni = [{{ hosts = '{host}', upstream = 'a' }}]\n"
        )
    };
    good(&stream("*.b.example"));
    for odd in ["www.*", "~^a", "*"] {
        let error = format!(
            "6:18 `{odd}` is not a host that a TCP route goes by (expected \"example.com\" or \"*.example.com\")"
        );
        check_short(&stream(odd), &[&error]);
    }
}
