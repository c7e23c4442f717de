//! Variables of the file's own: what tables and steps become, and what is said of those that can not.

use super::super::model::step::{Effect, Test, Then};
use super::super::model::table::Lookup;
use super::super::template::{Part, Variable};
use super::good;

/// `tables` before a server, and `steps` of it.
fn file(tables: &str, steps: &str) -> String {
    format!(
        "{tables}\n[[server]]\nlisten = \"[::]:1\"\n{steps}\n\
         route = [{{ path = \"~ ^/(\\\\w+)$\", respond = 200 }}]\n"
    )
}

/// The errors in short, each `line:column message (hint)`.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    super::errors::check_short(text, expected);
}

#[test]
fn tables_become_their_final_types() {
    let config = good(&file(
        r#"
        [map.late]
        source = "$status"
        values = { 404 = "none" }
        [map.pool]
        source = "$host"
        hosts = true
        default = "$zone"
        values = { "A.example" = "a", ".b.example" = "b", "c.*" = "c", '~^x(\d)' = "$1", '\~y' = "y" }
        [geo.zone]
        networks = { "10.0.0.0/8" = "in", "::ffff:10.1.0.0/112" = "v4" }
        [split.part]
        source = "$pool"
        shares = { a = "10%", b = "0.25%" }
        "#,
        "access_log = { file = \"a\", format = \"$late $part\" }",
    ));
    let names: Vec<&str> = config.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["late", "pool", "zone", "part"]);
    let Lookup::Words(words) = &config.tables[1].lookup else { panic!("{:?}", config.tables[1]) };
    let list = |words: &[(String, _)]| words.iter().map(|it| it.0.clone()).collect::<Vec<_>>();
    assert_eq!(list(&words.exact), ["a.example", "b.example", "~y"]);
    assert_eq!(
        (list(&words.below), list(&words.begun)),
        (vec![".b.example".into()], vec!["c.".into()])
    );
    assert_eq!(words.patterns[0].value.parts, [Part::Variable(Variable::Capture(1))]);
    assert_eq!(config.tables[1].default.parts, [Part::Variable(Variable::Table(2))]);
    assert_eq!(config.tables[2].source.parts, [Part::Variable(Variable::RemoteAddr)]);
    let Lookup::Networks(networks) = &config.tables[2].lookup else { panic!("no networks") };
    assert_eq!((networks[1].0.prefix_bits, networks[1].0.network.is_ipv4()), (16, true));
    let Lookup::Shares(shares) = &config.tables[3].lookup else { panic!("no shares") };
    assert_eq!(shares.iter().map(|(share, _)| *share).collect::<Vec<_>>(), [1000, 25]);
}

#[test]
fn what_is_wrong_with_a_table_is_said() {
    for (tables, errors) in [
        (
            "[map.host]\nsource = \"$uri\"\nvalues = {}",
            &["1:6 there is a variable `$host` already ([map.NAME] makes `$NAME`)"][..],
        ),
        (
            "[geo.a-b]",
            &["1:6 `a-b` is no name of a variable (letters, digits and `_`, and no digit first)"],
        ),
        ("[geo.a]\n[split.a]", &["2:8 two tables make `$a` (a name must mean one of them)"]),
        (
            "[map.a]\nvalues = {}",
            &["1:1 [map.a] has no `source` (what is looked up, such as `source = \"$host\"`)"],
        ),
        (
            "[map.a]\nsource = \"$hots\"\nvalues = {}",
            &["2:11 unknown variable `hots` (did you mean `$host`?)"],
        ),
        (
            "[map.a]\nsource = \"$uri\"\nvalues = { '~(' = '' }",
            &["3:12 `(` is no regular expression (unclosed group)"],
        ),
        (
            "[map.a]\nsource = \"$uri\"\nvalues = { A = '', a = '' }",
            &["3:20 `a` is in the table already (upper and lower case are the same)"],
        ),
        (
            "[map.a]\nsource = \"$uri\"\nvalues = { A = '$1' }",
            &["3:17 no group `$1` in the regular expression (there is none here)"],
        ),
        (
            "[map.a]\nsource = \"$b\"\nvalues = {}\n[map.b]\nsource = \"$a\"\nvalues = {}",
            &["1:6 `$a` comes back to itself (a table names others in no circle)"],
        ),
        (
            "[geo.a]\nnetworks = { x = '' }",
            &[
                "2:14 `x` is not a network (expected an address or a network: \"10.0.0.0/8\", \"fd00::/8\")",
            ],
        ),
        (
            "[split.a]\nshares = { a = '0.001%' }",
            &["2:16 `0.001%` is no share (expected \"0.01%\" to \"100%\")"],
        ),
        (
            "[split.a]\nshares = { a = '60%', b = '41%' }",
            &["2:27 the shares are more than 100% together"],
        ),
        (
            "[map.a]\nsource = \"$uri\"\nvalues = {}\nhostnames = true",
            &["4:1 unknown key `hostnames` in [map.a] (did you mean `hosts`?)"],
        ),
    ] {
        check(tables, errors);
    }
    let late = "[map.a]\nsource = \"$status\"\nvalues = {}\n[limit.l]\nkey = \"$a\"";
    check(late, &["5:8 `$a` is not known here yet (it is of the response)"]);
    let deep: String = (0..9)
        .map(|at| format!("[map.m{at}]\nsource = \"$m{}\"\nvalues = {{}}\n", at + 1))
        .chain(["[geo.m9]".to_owned()])
        .collect();
    check(&deep, &["1:6 more than 8 tables behind each other"]);
}

#[test]
fn steps_become_their_final_types() {
    let config = good(&file(
        "",
        r#"steps = [
            { set = { a = "$b$remote_addr" } },
            { when = { source = "$a" }, steps = [{ set = { b = "1" } }, { stop = true }] },
            { when = [{ source = "$host", is_not = "$a" }, { source = "$uri", matches = "^/(.)" }],
              rewrite = { to = "/x/$1?", then = "find" } },
            { redirect = "/" },
        ]"#,
    ));
    let steps = &config.servers[0].steps;
    let Effect::Set(pairs) = &steps[0].effect else { panic!("{steps:?}") };
    let own = |at| Part::Variable(Variable::Own(at));
    assert_eq!(pairs[0].0, 0);
    assert_eq!(pairs[0].1.parts, [own(1), Part::Variable(Variable::RemoteAddr)]);
    assert!(matches!(&steps[1].when[0].test, Test::Something));
    assert!(matches!(&steps[1].effect, Effect::Steps(inner) if inner.len() == 2));
    assert!(!steps[2].when[0].expected && steps[2].when[1].expected);
    let Effect::Rewrite { rewrite, then: Then::Find } = &steps[2].effect else {
        panic!("{steps:?}")
    };
    assert_eq!(rewrite.path.parts[1], Part::Variable(Variable::Capture(1)));
    assert!(matches!(&steps[3].effect, Effect::Redirect(_)));
}

#[test]
fn what_is_wrong_with_a_step_is_said() {
    for (step, errors) in [
        (
            "{}",
            &[
                "4:10 [[server.steps]] has no `set` (or `rewrite`, `respond`, `redirect`, `stop` or `steps`)",
            ][..],
        ),
        (
            "{ set = { a = '' }, stop = true }",
            &["4:30 `stop` beside `set` (a step does one thing; the next one another)"],
        ),
        (
            "{ set = { host = '' } }",
            &[
                "4:20 there is a variable `$host` already (what a request says of itself stays as it is)",
            ],
        ),
        ("{ set = { zone = '' } }", &["4:20 `$zone` is a table's (a name must mean one of them)"]),
        (
            "{ set = { 'a-b' = '' } }",
            &["4:20 `a-b` is no name of a variable (letters, digits and `_`, and no digit first)"],
        ),
        (
            "{ when = {}, stop = true }",
            &[
                "4:19 [[server.steps.when]] has no `source` (such as `source = \"$request_method\"`)",
            ],
        ),
        (
            "{ when = { source = '$uri', is = '', matches = '' }, stop = true }",
            &["4:57 a second test in one condition (`when` may be a list)"],
        ),
        (
            "{ when = { source = '$uri', matches_not = '(.)' }, set = { a = '$1' } }",
            &["4:74 no group `$1` in the regular expression (there is none here)"],
        ),
        (
            "{ rewrite = { to = '/', then = 'last' } }",
            &["4:41 unknown way on `last` (expected `next`, `find` or `stay`)"],
        ),
        (
            "{ steps = [{ steps = [{ steps = [{ stop = true }] }] }] }",
            &["4:34 steps within steps of a step (they can be set beside it)"],
        ),
    ] {
        check(&file("[geo.zone]", &format!("steps = [{step}]")), errors);
    }
}

#[test]
fn other_upstreams_and_hosts_are_those_of_the_file() {
    let upstream = "[upstream.a]\nbackend = [{ address = \"127.0.0.1:1\" }]\n";
    let route = |keys: &str| {
        format!("{upstream}[[server]]\nlisten = \"[::]:1\"\nroute = [{{ path = \"/\", {keys} }}]\n")
    };
    check(
        &route("upstream = \"a\", choices = [{ when = { source = \"$host\" }, upstream = \"b\" }]"),
        &["5:93 no upstream `b` (did you mean `a`?)"],
    );
    check(
        &route("upstream = \"a\", target = \"x\""),
        &["5:49 a path starts with a slash (such as \"/new$request_uri\")"],
    );
    check(
        &route("upstream = \"a\", target = \"/x\", prefix = \"/y\""),
        &["5:55 `prefix` beside `target` (`target` is all that a backend is asked for)"],
    );
    let stream = |sni: &str| {
        format!("{upstream}[[stream]]\nlisten = \"[::]:1\"\nupstream = \"a\"\nsni = [{sni}]\n")
    };
    good(&stream("{ hosts = ['a.example', '*.b.example'], upstream = 'a' }"));
    check(
        &stream("{ hosts = 'a.example', upstream = 'a' }, { hosts = 'A.example', upstream = 'a' }"),
        &["6:59 `a.example` leads somewhere already (a host leads to one upstream)"],
    );
    check(
        &stream("{ hosts = 'a:1', upstream = 'a' }"),
        &["6:18 `a:1` is not a host (hosts are without a port: it is in `listen`)"],
    );
}
