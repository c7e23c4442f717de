//! `server_name`: which of a file's servers a host leads to, and what its expressions name.

use super::{translated, warnings};

/// The `hosts` of all servers; none of those without.
fn hosts(text: &str) -> Vec<String> {
    let toml = translated(text).toml;
    crate::config::parse(&toml, "translated").unwrap_or_else(|errors| panic!("{errors}\n{toml}"));
    let servers = toml.split("[[server]]").skip(1);
    let of = |server: &str| {
        let line = server.lines().find_map(|line| line.strip_prefix("hosts = "));
        line.map_or("", |line| line.split("  # ").next().unwrap_or_default()).to_owned()
    };
    servers.map(of).collect()
}

fn server(names: &str, more: &str) -> String {
    format!("server {{ listen 80; server_name {names}; {more} location / {{ return 204; }} }} ")
}

#[test]
fn names_of_every_kind_are_kept() {
    let text = format!(
        "http {{ {} {} }}",
        server("_", ""),
        server(r#".Example.com www.example.* "~^(?<sub>.+)\.EXAMPLE\.org$" """#, ""),
    );
    let expected =
        r#"["example.com", "*.example.com", "www.example.*", "~^(?<sub>.+)\\.EXAMPLE\\.org$"]"#;
    assert_eq!(hosts(&text), ["", expected]);
    assert!(warnings(&text).is_empty(), "{:?}", warnings(&text));
}

#[test]
fn the_default_servers_names_are_not_taken_by_anothers_wildcard() {
    let (named, all) = (server("www.example.com", ""), server("*.example.com", ""));
    let both = format!("http {{ {named} {all} }}");
    assert_eq!(hosts(&both), [r#"["www.example.com", "*"]"#, r#"["*.example.com"]"#]);
    let plain = format!("http {{ {named} {} }}", server("example.org", ""));
    assert_eq!(hosts(&plain), ["", r#"["example.org"]"#]);
}

#[test]
fn of_two_servers_of_a_name_the_first_has_it() {
    let text =
        format!("http {{ {} {} {} }}", server("a", ""), server("a b ~x", ""), server("B ~x", ""));
    assert_eq!(hosts(&text), [r#"["a", "*"]"#, r#"["b", "~x"]"#, r#"["unnamed.invalid"]"#]);
    let told = warnings(&text);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.iter().all(|line| line.contains("leads to an earlier server")), "{told:?}");
}

#[test]
fn what_can_not_be_looked_for_is_said() {
    let text = format!("http {{ {} {} }}", server("_", ""), server(r"~(?!a) $hostname .a.*", ""));
    assert_eq!(hosts(&text), ["", r#"["unnamed.invalid"]"#]);
    let told = warnings(&text).join("\n");
    for name in ["~(?!a)", "$hostname", ".a.*"] {
        assert!(told.contains(&format!("server `{name}` is not found by this name")), "{told}");
    }
}

#[test]
fn groups_of_a_name_are_variables() {
    let text = format!(
        "http {{ {} {} }}",
        server("_", ""),
        server(
            r"a.example.com ~^(?<sub>\w+)\.example\.com$ ~^(?<sub>\w+)\.(?<host>.*)$",
            "root /srv/$sub;"
        )
        .replace("return 204;", "")
    );
    let toml = translated(&text).toml;
    let config = crate::config::parse(&toml, "translated");
    let config = config.unwrap_or_else(|errors| panic!("{errors}\n{toml}"));
    assert_eq!(config.servers[1].steps.len(), 2, "{toml}");
    for line in [
        r#"when = [{ source = "${host}", matches_not = "^(?:a\\.example\\.com)$" }, { source = "${host}", matches = "(?i)^(?<sub>\\w+)\\.example\\.com$" }]"#,
        r#"set = { sub = "${sub}" }"#,
        r#"root = "/srv""#,
    ] {
        assert!(toml.contains(line), "{line} is not in\n{toml}");
    }
    // What may be any server is none that is known.
    let leads =
        text.replace("location / {  }", "location / { set $sub a; proxy_pass http://$sub; }");
    assert!(translated(&leads).toml.contains("respond = 501"), "{}", translated(&leads).toml);
}
