//! Asking a binary whether it could take over, by running it: no better proof that it runs here.

use std::future::Future;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use crate::config::limits::{UPGRADE_TRIAL_MS, UPGRADE_WORDS_BYTES_MAX};
use crate::master::{Options, TRIAL};
use crate::order::PROTOCOL;
use crate::sys::pidfd::{self, Exit};
use crate::sys::spawn::{Order, Recipe};
use crate::sys::watched::Watched;
use crate::sys::{pipe, signal};

/// Starts it; the verdict is its version, or why it can not.
pub(super) fn begin(
    path: &Path,
    image: &OwnedFd,
    options: &Options,
    will: BorrowedFd<'_>,
) -> io::Result<impl Future<Output = Result<String, String>> + use<>> {
    let file = options.source.word();
    let protocol = PROTOCOL.to_string();
    let arguments = [path.into(), TRIAL.into(), protocol.into(), options.name.clone().into(), file];
    let environment: Vec<_> = std::env::vars_os().collect();
    let order =
        Order { arguments: &arguments, environment: &environment, directory: None, identity: None };
    let (words, writer) = pipe::pair()?;
    let child = Recipe::of_image(image.as_fd(), &order)
        .and_then(|recipe| recipe.start(&[will, writer.as_fd(), writer.as_fd()]))
        .map_err(|error| error.cause)?;
    let (words, process) = (Watched::new(words)?, Watched::new(child.pidfd)?);
    let claim = child.claim;
    Ok(async move {
        // Who says nothing is killed, and reaped by nobody in particular.
        let _claim = claim;
        let limit = Duration::from_millis(UPGRADE_TRIAL_MS);
        let ended = tokio::time::timeout(limit, listen(&words, &process)).await;
        ended.unwrap_or_else(|_late| {
            let _it_may_have_ended = pidfd::signal(&process, signal::KILL);
            Err(format!("it said nothing within {} s", UPGRADE_TRIAL_MS / 1000))
        })
    })
}

async fn listen(words: &Watched, process: &Watched) -> Result<String, String> {
    let mut said = vec![0; UPGRADE_WORDS_BYTES_MAX];
    let mut count = 0;
    while count < said.len() {
        let read = words.read(|pipe| self::pipe::read(pipe, &mut said[count..])).await;
        match read {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) => return Err(error.to_string()),
        }
    }
    process.readable().await.map_err(|error| error.to_string())?;
    let exit = pidfd::try_wait(process).map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&said[..count]).trim().to_owned();
    verdict(exit, said)
}

fn verdict(exit: Option<Exit>, said: String) -> Result<String, String> {
    let is_version = said.starts_with(|c: char| c.is_ascii_digit()) && said.lines().count() == 1;
    match exit {
        Some(Exit::Code(0)) if is_version => Ok(said),
        Some(Exit::Code(0)) => Err("it does not know how".to_owned()),
        Some(Exit::Code(1)) if !said.is_empty() => Err(said),
        Some(exit) => Err(format!("it does not know how ({exit})")),
        None => Err("its end is unknown".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_version_with_success_is_a_yes() {
        for (exit, said, expected) in [
            (Exit::Code(0), "0.2.0", Ok("0.2.0")),
            (Exit::Code(0), "", Err("it does not know how")),
            (Exit::Code(0), "hello", Err("it does not know how")),
            (Exit::Code(0), "1\n2", Err("it does not know how")),
            (Exit::Code(1), "the configuration is bad", Err("the configuration is bad")),
            (Exit::Code(1), "", Err("it does not know how (exit 1)")),
            (Exit::Code(2), "usage", Err("it does not know how (exit 2)")),
            (Exit::Signal(11), "", Err("it does not know how (killed by SIGSEGV)")),
        ] {
            let verdict = verdict(Some(exit), said.to_owned());
            assert_eq!(verdict.as_deref().map_err(String::as_str), expected, "{exit} {said}");
        }
    }
}
