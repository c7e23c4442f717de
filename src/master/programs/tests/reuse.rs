//! A record that names a number which somebody else has by now (fault 24).

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::*;
use crate::config::model::stop::Reach;
use crate::master::programs::event::{InstanceId, Report};
use crate::master::programs::process::{Process, Reporter};

#[test]
fn a_stranger_of_the_same_number_is_neither_watched_nor_signalled() {
    on_stage(async {
        let mut stranger = Command::new("sleep").arg("1000").process_group(0).spawn().unwrap();
        let pid = stranger.id();
        let started = sys::proc::start_time(pid).unwrap();
        let (post, mut inbox) = mpsc::channel(EVENTS_WAITING_MAX);
        let id = InstanceId { program: "gone".to_owned(), instance: 0 };
        let reporter = Reporter { id, life: 1, post };
        // Of an earlier boot, or of the same one before the numbers began anew.
        let process = Process::adopt((pid, started - 1), None, reporter).unwrap();
        process.signal(sys::signal::KILL).unwrap();
        process.signal_group(sys::signal::KILL).unwrap();
        process.kill(Reach::Group).unwrap();
        assert!(process.foreign_exit().is_none());
        let event = tokio::time::timeout(PATIENCE, inbox.recv()).await.unwrap().unwrap();
        let is_lost = |event: &Event| match event {
            Event::Program(event) => {
                matches!(event.report, Report::StatusLost { pid: lost } if lost == pid)
            }
            _ => false,
        };
        assert!(is_lost(&event), "{event:?}");
        drop(process);
        assert!(stranger.try_wait().unwrap().is_none(), "it goes on");
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    });
}
