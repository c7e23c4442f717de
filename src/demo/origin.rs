//! `__origin`: a small HTTP/1.1 server that says who it is, takes its time, and stops politely.

use std::cell::Cell;
use std::io;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::answer::{Answer, answer, reason};
use super::conversation::{Body, Conversation, HEADERS_MAX, bad, header};
use super::dice::Dice;
use super::options;
use super::outage::{self, Outage};
use super::say;
use crate::sys;

/// Further clients wait in the listener's queue.
const CONNECTIONS_MAX: usize = 1024;
/// How often the log says how much was answered.
const REPORT_SECONDS: u64 = 10;
/// Bodies are written in pieces of this size.
const FILLER: [u8; 16 * 1024] = [b'.'; 16 * 1024];

pub(super) struct Origin {
    options: options::Origin,
    dice: Dice,
    answered: Cell<u64>,
}

pub(super) async fn run(options: options::Origin) -> ExitCode {
    let outage = if options.has_outages {
        match outage::next(outage::parent_age_ms()) {
            Outage::Running => {
                say(format_args!("cannot start: the pretended database is still away"));
                return ExitCode::FAILURE;
            }
            Outage::In(wait) => Some(wait),
        }
    } else {
        None
    };
    let port = options.port;
    match serve(options, outage).await {
        Ok(code) => code,
        Err(error) => {
            say(format_args!("serve on 127.0.0.1:{port}: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: options::Origin, outage: Option<Duration>) -> io::Result<ExitCode> {
    let listener = match handed()? {
        Some(listener) => listener,
        None => TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?,
    };
    say(format_args!("{} listens on {}", options.name, listener.local_addr()?));
    let origin = Origin::new(options);
    let (stop, is_stopping) = watch::channel(false);
    let mut terminated = signal(SignalKind::terminate())?;
    let mut report = tokio::time::interval(Duration::from_secs(REPORT_SECONDS));
    report.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let crash = tokio::time::sleep(outage.unwrap_or_default());
    tokio::pin!(crash);
    let mut reported = 0;
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                // A client that is gone again, or no descriptor left: the next one may do.
                let Ok((stream, _)) = accepted else { continue };
                let conversation = Conversation::new(stream);
                connections.spawn_local(Rc::clone(&origin).talk(conversation, is_stopping.clone()));
            }
            Some(_) = connections.join_next() => {}
            _ = report.tick() => {
                let answered = origin.answered.get();
                if answered > reported {
                    say(format_args!("{} requests answered", answered - reported));
                }
                reported = answered;
            }
            () = &mut crash, if outage.is_some() => {
                say(format_args!("lost the pretended database: exit 1"));
                return Ok(ExitCode::FAILURE);
            }
            _ = terminated.recv() => break,
        }
    }
    drop(listener);
    say(format_args!("stopping: {} connections to finish", connections.len()));
    // The supervisor bounds this: it kills what does not stop in time.
    stop.send_replace(true);
    while connections.join_next().await.is_some() {}
    Ok(ExitCode::SUCCESS)
}

/// The first socket that whoever started this process listens on for it.
fn handed() -> io::Result<Option<TcpListener>> {
    /// Where such sockets begin, behind the standard descriptors.
    const FIRST: i32 = 3;
    let is_meant =
        std::env::var("LISTEN_PID").is_ok_and(|pid| pid == std::process::id().to_string());
    if !is_meant {
        return Ok(None);
    }
    let listener = std::net::TcpListener::from(sys::inherited::take(FIRST)?);
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).map(Some)
}

impl Origin {
    pub(super) fn new(options: options::Origin) -> Rc<Self> {
        Rc::new(Self { options, dice: Dice::new(), answered: Cell::new(0) })
    }

    /// One client, until it leaves or the origin stops; what goes wrong is the client's to notice.
    pub(super) async fn talk(
        self: Rc<Self>,
        mut client: Conversation,
        mut is_stopping: watch::Receiver<bool>,
    ) {
        loop {
            // A request that has arrived is answered, even if the stop came first.
            let head = tokio::select! {
                biased;
                head = client.head() => head,
                _ = is_stopping.wait_for(|is_stopping| *is_stopping),
                    if client.is_between_messages() => return,
            };
            let Ok(Some(head)) = head else { return };
            match self.exchange(&mut client, &head, &is_stopping).await {
                Ok(Next::Stay) => {}
                Ok(Next::Leave) | Err(_) => return,
            }
        }
    }

    async fn exchange(
        &self,
        client: &mut Conversation,
        head: &[u8],
        is_stopping: &watch::Receiver<bool>,
    ) -> io::Result<Next> {
        let mut fields = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut fields);
        if !request.parse(head).is_ok_and(|status| status.is_complete()) {
            client.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await?;
            return Err(bad("a request"));
        }
        let (method, target) = (request.method.unwrap_or(""), request.path.unwrap_or(""));
        let mut body = Body::of(request.headers, Body::Length(0))?;
        if header(request.headers, "expect").is_some() {
            client.send(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let answer = answer(target);
        let text = format!("{} {method} {target}\n", self.options.name);
        let (status, length) = match answer {
            Answer::Text { status, wait } => {
                client.skip(&mut body).await?;
                tokio::time::sleep(self.delay() + wait).await;
                (status, Body::Length(text.len() as u64))
            }
            Answer::Bytes(count) => (200, Body::Length(count)),
            Answer::Echo => (200, body),
        };
        let asked_to_close = header(request.headers, "connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let is_last = request.version == Some(0) || asked_to_close || *is_stopping.borrow();
        let mut response = self.head(status, length, is_last);
        let is_bare = method == "HEAD";
        match answer {
            Answer::Text { .. } => {
                response.push_str(if is_bare { "" } else { &text });
                client.send(response.as_bytes()).await?;
            }
            Answer::Bytes(count) => {
                client.skip(&mut body).await?;
                client.send(response.as_bytes()).await?;
                fill(client, if is_bare { 0 } else { count }).await?;
            }
            Answer::Echo => {
                client.send(response.as_bytes()).await?;
                echo(client, body).await?;
            }
        }
        self.answered.set(self.answered.get() + 1);
        Ok(if is_last { Next::Leave } else { Next::Stay })
    }

    fn head(&self, status: u16, body: Body, is_last: bool) -> String {
        let framing = match body {
            Body::Length(length) => format!("Content-Length: {length}"),
            Body::Chunked(_) => "Transfer-Encoding: chunked".to_owned(),
            Body::UntilClose => "Connection: close".to_owned(),
        };
        let close = if is_last { "Connection: close\r\n" } else { "" };
        format!(
            "HTTP/1.1 {status} {}\r\nX-Backend: {}\r\nContent-Type: text/plain\r\n{framing}\r\n{close}\r\n",
            reason(status),
            self.options.name,
        )
    }

    fn delay(&self) -> Duration {
        let jitter_us = self.dice.below(self.options.jitter_ms.saturating_mul(1_000));
        Duration::from_millis(self.options.delay_ms) + Duration::from_micros(jitter_us)
    }
}

enum Next {
    Stay,
    Leave,
}

async fn fill(client: &mut Conversation, count: u64) -> io::Result<()> {
    let mut left = count;
    while left > 0 {
        let size = FILLER.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        client.send(&FILLER[..size]).await?;
        left -= size as u64;
    }
    Ok(())
}

/// Sends a body back while it arrives, framed as it came.
async fn echo(client: &mut Conversation, mut body: Body) -> io::Result<()> {
    let is_chunked = matches!(body, Body::Chunked(_));
    while let Some(piece) = client.piece(&mut body).await? {
        if is_chunked {
            client.send(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
        }
        client.send(&piece).await?;
        if is_chunked {
            client.send(b"\r\n").await?;
        }
    }
    if is_chunked { client.send(b"0\r\n\r\n").await } else { Ok(()) }
}
