//! Real children of `/bin/sh`: what they see is what the recipe says.

mod attributes;

use std::io::Read as _;
use std::os::fd::AsFd as _;

use super::*;
use crate::sys::capability;
use crate::sys::pidfd::Exit;

fn words(texts: &[&str]) -> Vec<OsString> {
    texts.iter().map(OsString::from).collect()
}

fn path() -> Vec<(OsString, OsString)> {
    vec![("PATH".into(), "/usr/bin:/bin".into())]
}

/// Runs it to its end with stdout and stderr in one pipe.
fn run(order: &Order<'_>) -> Result<(String, Exit), SpawnError> {
    run_recipe(&Recipe::new(order)?)
}

fn run_recipe(recipe: &Recipe) -> Result<(String, Exit), SpawnError> {
    let (read, write) = std::io::pipe().unwrap();
    let null = std::fs::File::open("/dev/null").unwrap();
    let child = recipe.start(&[null.as_fd(), write.as_fd(), write.as_fd()])?;
    drop(write);
    let mut output = String::new();
    std::io::BufReader::new(read).read_to_string(&mut output).unwrap();
    let mut wait = [rustix::event::PollFd::new(&child.pidfd, rustix::event::PollFlags::IN)];
    rustix::event::poll(&mut wait, None).unwrap();
    Ok((output, pidfd::try_wait(&child.pidfd).unwrap().unwrap()))
}

fn shell(script: &str) -> (String, Exit) {
    let arguments = words(&["sh", "-c", script]);
    let order =
        Order { arguments: &arguments, environment: &path(), directory: None, identity: None };
    run(&order).unwrap()
}

#[test]
fn only_the_given_descriptors_reach_the_child() {
    let _open_and_inheritable = std::fs::File::open("/dev/null").unwrap();
    // `ls` itself holds one more: the folder it reads.
    let (output, _) = shell("exec ls /proc/self/fd");
    assert_eq!(output.split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
}

#[test]
fn an_image_is_found_wherever_its_number_is() {
    let file = std::fs::File::open("/bin/sh").unwrap();
    let image = crate::sys::lifted::lift(file.into());
    let arguments = words(&["sh", "-c", "exec ls /proc/self/fd"]);
    let order =
        Order { arguments: &arguments, environment: &path(), directory: None, identity: None };
    let (output, exit) = run_recipe(&Recipe::of_image(image.as_fd(), &order).unwrap()).unwrap();
    assert_eq!((output.split_whitespace().count(), exit), (4, Exit::Code(0)), "{output}");
}

#[test]
fn signals_are_as_if_nobody_had_touched_them() {
    let (output, _) = shell("grep -E '^Sig(Blk|Ign)' /proc/self/status");
    let masks: Vec<&str> =
        output.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(masks, ["0000000000000000"; 2], "{output}");
}

#[test]
fn it_leads_its_own_session_with_exactly_its_environment() {
    let arguments = words(&["sh", "-c", "ps -o sid= -p $$; echo $$; env"]);
    let mut environment = path();
    environment.push(("GREETING".into(), "a=b c".into()));
    let order = Order {
        arguments: &arguments,
        environment: &environment,
        directory: Some(Path::new("/")),
        identity: None,
    };
    let (output, exit) = run(&order).unwrap();
    let lines: Vec<&str> = output.lines().map(str::trim).collect();
    assert_eq!(exit, Exit::Code(0));
    assert_eq!(lines[0], lines[1]);
    assert!(lines.contains(&"GREETING=a=b c") && lines.contains(&"PWD=/"), "{output}");
    assert!(!output.contains("CARGO"), "{output}");
}

#[test]
fn starts_of_several_threads_do_not_meet() {
    let blocked = || {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        status.lines().find(|line| line.starts_with("SigBlk")).unwrap().to_owned()
    };
    let start = |thread: i32| {
        let before = blocked();
        for round in 0..10 {
            let text = format!("{thread} {round}");
            let (output, exit) = shell(&format!("echo {text}; exit {thread}"));
            assert_eq!((output.trim_end(), exit), (text.as_str(), Exit::Code(thread)));
        }
        assert_eq!(blocked(), before);
    };
    std::thread::scope(|scope| (1..5).for_each(|thread| drop(scope.spawn(move || start(thread)))));
}

#[test]
fn the_way_it_ended_is_told() {
    assert_eq!(shell("exit 42").1, Exit::Code(42));
    assert_eq!(shell("kill -TERM $$").1, Exit::Signal(15));
}

#[test]
fn a_failure_names_step_program_and_cause() {
    let nowhere = Path::new("/no/such/folder");
    for (program, directory, step) in [
        ("no-such-program-here", None, Step::Exec),
        ("/etc/passwd", None, Step::Exec),
        ("/bin/sh", Some(nowhere), Step::Directory),
    ] {
        let arguments = words(&[program]);
        let order =
            Order { arguments: &arguments, environment: &path(), directory, identity: None };
        let error = run(&order).unwrap_err();
        assert_eq!(error.step, step);
        assert!(error.to_string().starts_with(&format!("{} {program}: ", step.verb())), "{error}");
    }
}
