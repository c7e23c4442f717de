//! The same file in supervisord and, translated, here: processes are told the same.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{import, text};
use crate::supervisorctl::pair::Pair;
use crate::{oracle, wait};

/// Everything that can be said of a program, in the words that differ most.
const INI: &str = r#"
environment=SHARED="s %(ENV_HOME)s",BOTH="daemon"
[program:plain]
command=sh -c 'exec cat' ; a remark
stdout_logfile={folder}/plain.log
stderr_logfile={folder}/plain.err
[program:told]
Command = python3 {folder}/told.py "two words" it\'s 100%% $HOME ${HOME} '%(process_num)03d'
  %(program_name)s %(group_name)s %(numprocs)d %(ENV_SHARED)s x%(host_node_name)10.3s|
process_name=%(program_name)s-%(process_num)d
numprocs=2
numprocs_start=3
environment=A="1,2 3",B='%(process_num)02d',C=x/y.z,PATH="/extra:%(ENV_PATH)s",BOTH="own"
directory=/tmp
umask=027
stdout_logfile={folder}/told-%(process_num)02d.log
stderr_logfile=NONE
stdout_logfile_maxbytes=1MB
stdout_logfile_backups=3
[program:whole]
command=cat
user=root
priority=7
autostart=false
autorestart=true
startsecs=2
startretries=5
stopsignal=SIGINT
stopwaitsecs=3
stopasgroup=true
exitcodes=0,2
redirect_stderr=true
stdout_logfile={folder}/whole
stdout_capture_maxbytes=64KB
stdout_events_enabled=true
stdout_syslog=true
[fcgi-program:fast]
command=sleep 1000
socket=unix://{folder}/fast.sock
socket_mode=0770
stdout_logfile={folder}/fast.log
stderr_logfile={folder}/fast.err
[program:web]
command=cat
numprocs=2
process_name=%(program_name)s_%(process_num)02d
stdout_logfile={folder}/web
stderr_logfile={folder}/web.err
stderr_capture_maxbytes=1KB
stderr_events_enabled=true
[group:site]
programs=web
priority=5
"#;

const TOLD: &str = "import json, os, sys, time
kept = ['A', 'B', 'C', 'PATH', 'SHARED', 'BOTH']
mask = os.umask(0)
print(json.dumps([sys.argv[1:], {k: os.environ.get(k) for k in kept}, os.getcwd(), mask]), flush=True)
time.sleep(1000)
";

/// The file's words in ours.
fn imported(ini: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("supervisord.conf");
    // Where each side's own folder will stand.
    let ini = ini.replace("{folder}", "/FOLDER");
    fs::write(&file, format!("[supervisord]\n{ini}")).expect("the folder is ours");
    let output = import("supervisor", &["--strict"], &file);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).replace("/FOLDER", "{folder}")
}

#[test]
fn supervisors_programs_are_the_same_here() {
    let Some(python) = oracle::supervisor("python") else { return };
    let toml = imported(INI);
    // The pair's own head follows the daemon's section.
    let (environment, rest) = INI.trim_start().split_once('\n').expect("lines");
    let ini = format!("{rest}\n[supervisord]\n{environment}\n");
    let furnish = |folder: &Path| fs::write(folder.join("told.py"), TOLD).expect("it is ours");
    let Some(pair) = Pair::start_furnished(&toml, &ini, furnish) else { return };
    pair.settle(&[("plain", "RUNNING"), ("told:told-3", "RUNNING"), ("told:told-4", "RUNNING")]);
    let folders = pair.folders().map(|folder| folder.display().to_string());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/supervisorctl/config_info.py");
    let [ours, theirs] = pair.sockets().map(|url| {
        let output = Command::new(&python).arg(script).arg(url).output().expect("Python runs");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    });
    let theirs = theirs.replace(&folders[1], &folders[0]);
    // How words are quoted is told otherwise, and shown to be the same below.
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.contains(" command 'python3"));
        lines.filter(|line| !line.contains(" command \"python3")).map(str::to_owned).collect()
    };
    for (ours, theirs) in lines(&ours).iter().zip(lines(&theirs)) {
        assert_eq!(*ours, theirs, "(left: ours)");
    }
    assert_eq!(lines(&ours).len(), lines(&theirs).len());
    assert_eq!(ours.lines().count(), 29 * 7);
    for log in ["told-03.log", "told-04.log"] {
        let [ours, theirs] = folders.each_ref().map(|folder| {
            let file = Path::new(folder).join(log);
            wait::until("it has said all", || {
                fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n'))
            })
        });
        assert_eq!(ours, theirs.replace(&folders[1], &folders[0]), "(left: ours)");
    }
}

#[test]
fn what_has_no_equal_is_said_and_strict_refuses_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    fs::create_dir(file("conf.d")).expect("the folder is ours");
    let main = "[supervisord]\nlogfile=/tmp/x\n[include]\nfiles = conf.d/*.conf missing/*.ini\n";
    fs::write(file("supervisord.conf"), main).expect("the folder is ours");
    for (name, program) in [("b", "two"), ("a", "one"), (".c", "hidden")] {
        let text = format!("[program:{program}]\ncommand=%(here)s/run\ncolor=red\n");
        fs::write(file(&format!("conf.d/{name}.conf")), text).expect("the folder is ours");
    }
    let output = import("supervisor", &[], &file("supervisord.conf"));
    let (toml, remarks) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{remarks}");
    let at = |part: &str| toml.find(part).unwrap_or_else(|| panic!("no {part} in {toml}"));
    assert!(at("[program.one]  # a.conf:1") < at("[program.two]  # b.conf:1"), "{toml}");
    assert!(!toml.contains("hidden"), "{toml}");
    assert!(toml.contains(&format!("command = \"{}/run\"", file("conf.d").display())), "{toml}");
    for (place, part) in [
        ("supervisord.conf:2", "`logfile` has no equal"),
        ("supervisord.conf:4", "no file matches the include `missing/*.ini`"),
        ("conf.d/a.conf:3", "`color` is no key of [program:one] there"),
        ("conf.d/b.conf:3", "`color` is no key of [program:two] there"),
    ] {
        let is_said =
            |line: &str| line.contains(&format!("{place}: warning: ")) && line.contains(part);
        assert!(remarks.lines().any(is_said), "{place} {part} is not in {remarks}");
    }
    assert_eq!(
        import("supervisor", &["--strict"], &file("supervisord.conf")).status.code(),
        Some(1)
    );
    fs::write(file("bad.conf"), "[supervisord]\n[program:x]\nautostart=maybe\n").expect("ours");
    let output = import("supervisor", &[], &file("bad.conf"));
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let remarks = text(&output.stderr);
    assert!(remarks.contains("bad.conf:2: [program:x] without `command`"), "{remarks}");
    assert_eq!(import("supervisor", &[], &file("nowhere")).status.code(), Some(1));
}
