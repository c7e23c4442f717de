//! A configuration for each table there is. `@` is where a key of that table can be put.

const SERVER: &str = "[[server]]\nlisten = '127.0.0.1:80'\n";
const SECURE: &str = "[[server]]\nlisten = { address = '127.0.0.1:80', tls = true }\n";
const PAPERS: &str = "[server.tls]\ncertificate = 'c'\nkey = 'k'\n";
const ROUTE: &str = "[[server.route]]\npath = '/'\nupstream = 'a'\n";
const ZONES: &str = "[limit.fast]\nrate = '1r/s'\n[limit.many]\n";
const UPSTREAM: &str = "[upstream.a]\n";
const BACKEND: &str = "[[upstream.a.backend]]\naddress = '127.0.0.1:81'\n";
const PROGRAM: &str = "[program.p]\ncommand = 'a'\n";

pub(super) fn all() -> Vec<(&'static str, String)> {
    let mut samples = servers();
    samples.extend(routes());
    samples.extend(steps());
    samples.extend(steps_of_routes());
    samples.extend(upstreams());
    samples.extend(programs());
    samples.extend(vitals());
    samples.extend(others());
    samples
}

fn servers() -> Vec<(&'static str, String)> {
    let server = |table: &'static str, text: &str| {
        (table, format!("{SERVER}{text}{ROUTE}{UPSTREAM}{BACKEND}"))
    };
    let secure = |table: &'static str, text: &str| {
        (table, format!("{SECURE}{PAPERS}{text}{ROUTE}{UPSTREAM}{BACKEND}"))
    };
    vec![
        server("server", "@"),
        (
            "server.listen",
            format!(
                "[[server]]\n[[server.listen]]\naddress = '127.0.0.1:80'\n@{ROUTE}{UPSTREAM}{BACKEND}"
            ),
        ),
        (
            "server.listen",
            format!(
                "[[server]]\n[[server.listen]]\naddress = 'unix:/s'\n@{ROUTE}{UPSTREAM}{BACKEND}"
            ),
        ),
        server("server.real_ip", "[server.real_ip]\nfrom = ['10.0.0.0/8']\n@"),
        secure("server.tls", "@"),
        secure("server.tls.hsts", "[server.tls.hsts]\nmax_age = '1d'\n@"),
        server("server.request_headers", "[server.request_headers]\n@"),
        server("server.response_headers", "[server.response_headers]\n@"),
        server("server.error_pages", "[[server.error_pages]]\nstatus = 502\nbody = ''\n@"),
        server(
            "server.error_pages.redirect",
            "[[server.error_pages]]\nstatus = 502\n[server.error_pages.redirect]\nto = '/'\n@",
        ),
        server("server.access_log", "[server.access_log]\nfile = 'a.log'\n@"),
        server("server.access_log", "[server.access_log]\nfile = 'a.log'\nformat = '$host'\n@"),
        server("server", "access = ['deny all']\n@"),
        server("server.basic_auth", "[server.basic_auth]\nfile = 'f'\n@"),
        server("server.cors", "[server.cors]\norigins = ['https://a']\n@"),
        server("server.security_headers", "[server.security_headers]\n@"),
        server("server.auth_request", "[server.auth_request]\nupstream = 'a'\n@"),
        server("server.firewall", "[server.firewall]\nmode = 'block'\n@"),
        server(
            "server.firewall.crs",
            "[server.firewall]\nmode = 'block'\n[server.firewall.crs]\nrules = 'a'\n@",
        ),
        server(
            "server.firewall.except",
            "[server.firewall]\nmode = 'block'\n[[server.firewall.except]]\nwhere = 'path'\n@",
        ),
        server("server.limits", &limits("server.limits", "zone = 'fast'\n@")),
        server("server.limits", &limits("server.limits", "zone = 'many'\nconnections = 1\n@")),
        server("server.compress", "[server.compress]\n@"),
        server("server.compress", "[server.compress]\ntypes = ['*']\n@"),
    ]
}

fn routes() -> Vec<(&'static str, String)> {
    let proxied = |table: &'static str, text: &str| {
        (table, format!("{SERVER}{ROUTE}{text}{UPSTREAM}{BACKEND}"))
    };
    let route = |table: &'static str, text: &str| {
        (table, format!("{SERVER}[[server.route]]\npath = '/'\n{text}"))
    };
    vec![
        proxied("server.route", "@"),
        proxied("server.route", "mirror = 'a'\n@"),
        route("server.route", "root = '/srv'\n@"),
        route("server.route.respond", "[server.route.respond]\n@"),
        route("server.route.redirect", "[server.route.redirect]\nto = '/'\n@"),
        proxied("server.route.rewrite", "[server.route.rewrite]\nto = '/'\n@"),
        proxied("server.route.request_headers", "[server.route.request_headers]\n@"),
        proxied("server.route.response_headers", "[server.route.response_headers]\n@"),
        proxied(
            "server.route.error_pages",
            "[[server.route.error_pages]]\nstatus = 502\nbody = ''\n@",
        ),
        proxied(
            "server.route.error_pages.redirect",
            "[[server.route.error_pages]]\nstatus = 502\n\
             [server.route.error_pages.redirect]\nto = '/'\n@",
        ),
        proxied("server.route.access_log", "[server.route.access_log]\nfile = 'a.log'\n@"),
        proxied(
            "server.route.access_log",
            "[server.route.access_log]\nfile = 'a.log'\nformat = '$host'\n@",
        ),
        proxied("server.route", "access = ['deny all']\n@"),
        proxied("server.route.basic_auth", "[server.route.basic_auth]\nfile = 'f'\n@"),
        proxied("server.route.cors", "[server.route.cors]\norigins = ['https://a']\n@"),
        proxied("server.route.security_headers", "[server.route.security_headers]\n@"),
        proxied("server.route.auth_request", "[server.route.auth_request]\nupstream = 'a'\n@"),
        proxied("server.route.firewall", "[server.route.firewall]\nmode = 'block'\n@"),
        proxied(
            "server.route.firewall.crs",
            "[server.route.firewall]\nmode = 'block'\n[server.route.firewall.crs]\nrules = 'a'\n@",
        ),
        proxied(
            "server.route.firewall.except",
            "[server.route.firewall]\nmode = 'block'\n\
             [[server.route.firewall.except]]\nwhere = 'path'\n@",
        ),
        proxied("server.route.limits", &limits("server.route.limits", "zone = 'fast'\n@")),
        proxied(
            "server.route.limits",
            &limits("server.route.limits", "zone = 'many'\nconnections = 1\n@"),
        ),
        proxied("server.route.compress", "[server.route.compress]\n@"),
        proxied("server.route.compress", "[server.route.compress]\ntypes = ['*']\n@"),
    ]
}

/// What is done before actions, and what of lines becomes another text.
fn steps() -> Vec<(&'static str, String)> {
    let server = |table: &'static str, text: &str| {
        (table, format!("{SERVER}{text}{ROUTE}{UPSTREAM}{BACKEND}"))
    };
    vec![
        server("server.steps", "[[server.steps]]\nset = { a = '' }\n@"),
        server("server.steps", "[[server.steps]]\nstop = true\n@"),
        server(
            "server.steps.when",
            "[[server.steps]]\nstop = true\n[[server.steps.when]]\nsource = '$host'\n@",
        ),
        server("server.steps.rewrite", "[[server.steps]]\n[server.steps.rewrite]\nto = '/'\n@"),
        server("server.steps.respond", "[[server.steps]]\n[server.steps.respond]\n@"),
        server("server.steps.redirect", "[[server.steps]]\n[server.steps.redirect]\nto = '/'\n@"),
        server(
            "server.response_headers.replace",
            "[[server.response_headers.replace]]\nname = 'A'\nrules = [{ match = 'a', to = 'b' }]\n@",
        ),
        server(
            "server.response_headers.replace.rules",
            "[[server.response_headers.replace]]\nname = 'A'\n\
             [[server.response_headers.replace.rules]]\nmatch = 'a'\nto = 'b'\n@",
        ),
        server(
            "server.request_headers.replace.rules",
            "[[server.request_headers.replace]]\nname = 'A'\n\
             [[server.request_headers.replace.rules]]\nmatch = 'a'\nto = 'b'\n@",
        ),
    ]
}

/// The same of routes.
fn steps_of_routes() -> Vec<(&'static str, String)> {
    let proxied = |table: &'static str, text: &str| {
        (table, format!("{SERVER}{ROUTE}{text}{UPSTREAM}{BACKEND}"))
    };
    vec![
        proxied(
            "server.route.choices",
            "[[server.route.choices]]\nwhen = { source = '$host' }\nupstream = 'a'\n@",
        ),
        proxied(
            "server.route.choices.when",
            "[[server.route.choices]]\nupstream = 'a'\n\
             [[server.route.choices.when]]\nsource = '$host'\n@",
        ),
        proxied("server.route.steps", "[[server.route.steps]]\nset = { a = '' }\n@"),
        proxied(
            "server.route.steps",
            "[[server.route.steps]]\n[[server.route.steps.steps]]\nset = { a = '' }\n@",
        ),
        proxied(
            "server.route.steps.when",
            "[[server.route.steps]]\nstop = true\n[[server.route.steps.when]]\nsource = '$host'\n@",
        ),
        proxied(
            "server.route.steps.rewrite",
            "[[server.route.steps]]\n[server.route.steps.rewrite]\nto = '/'\n@",
        ),
        proxied(
            "server.route.steps.respond",
            "[[server.route.steps]]\n[server.route.steps.respond]\n@",
        ),
        proxied(
            "server.route.steps.redirect",
            "[[server.route.steps]]\n[server.route.steps.redirect]\nto = '/'\n@",
        ),
        proxied(
            "server.route.request_headers.replace.rules",
            "[[server.route.request_headers.replace]]\nname = 'A'\n\
             [[server.route.request_headers.replace.rules]]\nmatch = 'a'\nto = 'b'\n@",
        ),
        proxied(
            "server.route.response_headers.replace.rules",
            "[[server.route.response_headers.replace]]\nname = 'A'\n\
             [[server.route.response_headers.replace.rules]]\nmatch = 'a'\nto = 'b'\n@",
        ),
    ]
}

/// A limit of a table, and the zones there are; what follows belongs to the table again.
fn limits(of: &str, text: &str) -> String {
    format!("[[{of}]]\n{text}{ZONES}")
}

fn upstreams() -> Vec<(&'static str, String)> {
    let upstream = |table: &'static str, text: &str| {
        (table, format!("{SERVER}{ROUTE}{UPSTREAM}{text}{BACKEND}"))
    };
    vec![
        upstream("upstream.NAME", "@"),
        upstream("upstream.NAME", "resolver = '10.0.0.1'\n@"),
        ("upstream.NAME.backend", format!("{SERVER}{ROUTE}{UPSTREAM}{BACKEND}@")),
        upstream("upstream.NAME.tls", "[upstream.a.tls]\n@"),
        upstream("upstream.NAME.tls", "[upstream.a.tls]\ncertificate = 'c'\nkey = 'k'\n@"),
        upstream("upstream.NAME.check", "[upstream.a.check]\n@"),
        upstream("upstream.NAME.check.tls", "[upstream.a.check.tls]\n@"),
        upstream("upstream.NAME.outlier", "[upstream.a.outlier]\n@"),
        upstream("upstream.NAME.queue", "[upstream.a.queue]\nlength = 1\n@"),
        upstream("upstream.NAME.sticky", "[upstream.a.sticky]\ncookie = 'c'\n@"),
        upstream("upstream.NAME.sticky", "[upstream.a.sticky]\nlearn = 'c'\n@"),
        upstream("upstream.NAME.sticky", "[upstream.a.sticky]\nheader = 'c'\n@"),
    ]
}

fn programs() -> Vec<(&'static str, String)> {
    let program = |table: &'static str, text: &str| (table, format!("{PROGRAM}{text}"));
    let hook = |table: &'static str, key: &str| {
        (table, format!("{PROGRAM}[program.p.hooks.{key}]\ncommand = 'b'\n@"))
    };
    vec![
        program("program.NAME", "@"),
        (
            "program.NAME.serves",
            format!(
                "{SERVER}{ROUTE}{UPSTREAM}{PROGRAM}[program.p.serves]\nupstream = 'a'\nport = 9000\n@"
            ),
        ),
        program("program.NAME.schedule", "[program.p.schedule]\nevery = '1h'\n@"),
        program("program.NAME.max_age", "[program.p.max_age]\nafter = '1h'\n@"),
        program("program.NAME.backoff", "[program.p.backoff]\n@"),
        program("program.NAME.crash_limit", "[program.p.crash_limit]\n@"),
        program("program.NAME.on_fatal", "[program.p.on_fatal]\ncommand = 'b'\n@"),
        program("program.NAME.reload", "[program.p.reload]\ncommand = 'b'\n@"),
        program("program.NAME.hooks", "[program.p.hooks]\n@"),
        hook("program.NAME.hooks.pre_start", "pre_start"),
        hook("program.NAME.hooks.post_start", "post_start"),
        hook("program.NAME.hooks.pre_stop", "pre_stop"),
        hook("program.NAME.hooks.post_stop", "post_stop"),
        program("program.NAME.roll", "[program.p.roll]\n@"),
        program("program.NAME.limits", "[program.p.limits]\n@"),
        program("program.NAME.limits.NAME", "[program.p.limits.cpu]\nsoft = 1\n@"),
        program("program.NAME.sockets", "[[program.p.sockets]]\naddress = 'unix:/s'\n@"),
        program("program.NAME.stdout", "[program.p.stdout]\n@"),
        program("program.NAME.stderr", "[program.p.stderr]\n@"),
    ]
}

fn vitals() -> Vec<(&'static str, String)> {
    let program = |table: &'static str, text: &str| (table, format!("{PROGRAM}{text}"));
    let asking = |table: &'static str, key: &str, rest: &str| {
        let live = if key == "startup" { "live.command = 'b'\n" } else { "" };
        let of = format!("[program.p.{key}]\naddress = '127.0.0.1:9000'\n[program.p.{key}.check");
        (table, format!("{PROGRAM}{live}{of}{rest}"))
    };
    vec![
        program("program.NAME.ready", "[program.p.ready]\nnotify = true\n@"),
        program("program.NAME.ready", "[program.p.ready]\ndescriptor = 3\n@"),
        program("program.NAME.ready", "[program.p.ready]\nlog = 'r'\n@"),
        program("program.NAME.ready", "[program.p.ready]\nlistening = '127.0.0.1:1'\n@"),
        program("program.NAME.ready", "[program.p.ready]\ncommand = 'b'\n@"),
        program("program.NAME.live", "[program.p.live]\ncommand = 'b'\n@"),
        program(
            "program.NAME.startup",
            "live.command = 'b'\n[program.p.startup]\ncommand = 'b'\n@",
        ),
        asking("program.NAME.ready.check", "ready", "]\n@"),
        asking("program.NAME.live.check", "live", "]\n@"),
        asking("program.NAME.startup.check", "startup", "]\n@"),
        asking("program.NAME.ready.check.tls", "ready", ".tls]\n@"),
        asking("program.NAME.live.check.tls", "live", ".tls]\n@"),
        asking("program.NAME.startup.check.tls", "startup", ".tls]\n@"),
        program(
            "program.NAME.needs",
            "[[program.p.needs]]\nprogram = 'q'\n@[program.q]\ncommand = 'a'\n",
        ),
    ]
}

fn others() -> Vec<(&'static str, String)> {
    let stream = |listen: &str| format!("[[stream]]\nupstream = 'a'\n{listen}{UPSTREAM}{BACKEND}");
    vec![
        ("file", "@".to_owned()),
        ("engine", "[engine]\n@".to_owned()),
        ("engine", "[engine]\nresolver = '10.0.0.1'\n@".to_owned()),
        ("stream", stream("listen = '127.0.0.1:80'\n@")),
        (
            "stream.tls",
            stream(
                "listen = { address = '127.0.0.1:80', tls = true }\n\
                 [stream.tls]\ncertificate = 'c'\nkey = 'k'\n@",
            ),
        ),
        ("stream.listen", stream("[[stream.listen]]\naddress = '127.0.0.1:80'\n@")),
        ("stream.listen", stream("[[stream.listen]]\naddress = 'unix:/s'\n@")),
        (
            "stream.sni",
            stream("listen = '127.0.0.1:80'\n[[stream.sni]]\nhosts = 'a'\nupstream = 'a'\n@"),
        ),
        ("limit.NAME", "[limit.l]\n@".to_owned()),
        ("map.NAME", "[map.m]\nsource = '$host'\nvalues = {}\n@".to_owned()),
        ("geo.NAME", "[geo.g]\n@".to_owned()),
        ("split.NAME", "[split.s]\n@".to_owned()),
        ("group.NAME", format!("[group.g]\nprograms = ['p']\n@{PROGRAM}")),
        ("listener.NAME", "[listener.l]\ncommand = 'a'\nevents = ['TICK']\n@".to_owned()),
        ("control", "[control]\n@".to_owned()),
        ("control.supervisor", "[control.supervisor]\nlisten = '127.0.0.1:9001'\n@".to_owned()),
    ]
}
