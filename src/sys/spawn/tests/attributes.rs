//! What a child is given beside its program, as `/proc` and its own shell see it.

use super::*;
use crate::sys::rlimit;
use crate::sys::user;

fn start(script: &str, attributes: Attributes) -> Result<String, SpawnError> {
    start_as(script, attributes, None)
}

fn start_as(
    script: &str,
    attributes: Attributes,
    identity: Option<&Identity>,
) -> Result<String, SpawnError> {
    let arguments = words(&["sh", "-c", script]);
    let order = Order { arguments: &arguments, environment: &path(), directory: None, identity };
    let recipe = Recipe::new(&order)?.with(attributes);
    run_recipe(&recipe).map(|(output, _)| output.trim_end().to_owned())
}

#[test]
fn a_child_is_told_its_own_pid() {
    let arguments = words(&["sh", "-c", "echo $LISTEN_PID $$"]);
    let (environment, directory, identity) = (&path(), None, None);
    let order = Order { arguments: &arguments, environment, directory, identity };
    let recipe = Recipe::new(&order).unwrap().telling_pid_as("LISTEN_PID");
    for _ in 0..2 {
        let (output, _) = run_recipe(&recipe).unwrap();
        let (told, own) = output.trim().split_once(' ').unwrap();
        assert_eq!(told, own);
    }
}

fn is_root() -> bool {
    user::own_uid() == 0
}

fn limit(name: &str, soft: Option<u64>, hard: Option<u64>) -> rlimit::Limit {
    let (_, resource, _) = rlimit::ALL.iter().find(|(known, _, _)| *known == name).unwrap();
    rlimit::Limit { resource: *resource, soft, hard }
}

/// One line of `/proc/PID/limits`: the soft and the hard limit.
fn limits_of(output: &str, title: &str) -> Vec<String> {
    let line = output.lines().find_map(|line| line.strip_prefix(title)).unwrap();
    line.split_whitespace().take(2).map(str::to_owned).collect()
}

#[test]
fn umask_and_nice_are_as_said_and_else_as_ours() {
    let attributes = Attributes { umask: Some(0o27), nice: Some(7), ..Attributes::default() };
    assert_eq!(start("umask; nice", attributes).unwrap(), "0027\n7");
    let ours = std::fs::read_to_string("/proc/self/status").unwrap();
    let umask = ours.lines().find_map(|line| line.strip_prefix("Umask:")).unwrap().trim();
    assert_eq!(start("umask", Attributes::default()).unwrap(), umask);
}

#[test]
fn the_out_of_memory_score_is_written_before_the_program_runs() {
    let attributes = Attributes { oom_score_adj: Some(321), ..Attributes::default() };
    assert_eq!(start("cat /proc/self/oom_score_adj", attributes).unwrap(), "321");
}

#[test]
fn limits_are_set_soft_and_hard_and_else_stay() {
    let limits = vec![
        limit("core", Some(0), Some(0)),
        limit("open_files", Some(100), None),
        limit("file_size", Some(4096), Some(8192)),
        limit("cpu", Some(3), Some(7)),
    ];
    let attributes = Attributes { limits, ..Attributes::default() };
    let before = std::fs::read_to_string("/proc/self/limits").unwrap();
    let output = start("cat /proc/self/limits", attributes).unwrap();
    assert_eq!(limits_of(&output, "Max core file size"), ["0", "0"]);
    assert_eq!(limits_of(&output, "Max file size"), ["4096", "8192"]);
    assert_eq!(limits_of(&output, "Max cpu time"), ["3", "7"]);
    assert_eq!(limits_of(&output, "Max stack size"), limits_of(&before, "Max stack size"));
    let files = limits_of(&output, "Max open files");
    assert_eq!(files, ["100", limits_of(&before, "Max open files")[1].as_str()]);
}

#[test]
fn a_limit_above_what_may_be_is_a_failure_with_its_step() {
    let limits = vec![limit("open_files", Some(9), Some(8))];
    let attributes = Attributes { limits, ..Attributes::default() };
    let error = start("true", attributes).unwrap_err();
    assert_eq!((error.step, error.cause.raw_os_error()), (Step::Limits, Some(libc::EINVAL)));
}

#[test]
fn no_new_privileges_holds_for_the_child() {
    let attributes = Attributes { no_new_privileges: true, ..Attributes::default() };
    let script = "grep NoNewPrivs /proc/self/status";
    assert_eq!(start(script, attributes).unwrap(), "NoNewPrivs:\t1");
    assert_eq!(start(script, Attributes::default()).unwrap(), "NoNewPrivs:\t0");
}

#[test]
fn exactly_the_capabilities_are_left_whoever_it_runs_as() {
    if !is_root() {
        return;
    }
    let set = 1 << capability::parse("NET_BIND_SERVICE").unwrap();
    let attributes = || Attributes {
        capabilities: Some(capability::Capabilities(set)),
        ..Attributes::default()
    };
    let script = "grep ^Cap /proc/self/status";
    let nobody = user::identity("nobody").unwrap();
    let word = format!("{set:016x}");
    for identity in [Some(&nobody), None] {
        let output = start_as(script, attributes(), identity).unwrap();
        let sets: Vec<&str> =
            output.lines().map(|line| line.split_whitespace().last().unwrap()).collect();
        assert_eq!(sets, [word.as_str(); 5], "{output}");
    }
    let none =
        Attributes { capabilities: Some(capability::Capabilities(0)), ..Attributes::default() };
    let output = start_as(script, none, None).unwrap();
    assert!(output.lines().all(|line| line.ends_with("\t0000000000000000")), "{output}");
    let plain = start_as(script, Attributes::default(), Some(&nobody)).unwrap();
    assert!(plain.contains("CapEff:\t0000000000000000"), "{plain}");
}

#[test]
fn what_only_root_may_do_fails_as_somebody_else() {
    let attributes = Attributes { nice: Some(-5), ..Attributes::default() };
    let result = start("nice", attributes);
    if is_root() {
        assert_eq!(result.unwrap(), "-5");
    } else {
        assert_eq!(result.unwrap_err().step, Step::Nice);
    }
}
