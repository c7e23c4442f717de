//! `__load`: a modest, bounded load on the engine that started it.
//!
//! A dozen client networks (127.0.N.0/24, which ip_hash tells apart), each with its own share of
//! the rate, over the four paths of the embedded default. An engine that is not ready yet, or away
//! for a moment, is waited for without a word; one that stays away ends the load.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::control;

use super::conversation::{Body, Conversation, HEADERS_MAX, bad};
use super::dice::Dice;
use super::{options, say};

const PATHS: [&str; 4] = ["/rr/", "/weighted/", "/least/", "/hash/"];
const NETWORKS: u16 = 12;
const REPORT_SECONDS: u64 = 10;
/// How often the engine is asked where it listens: fast until it is known.
const POLL_UNKNOWN_MS: u64 = 200;
const POLL_KNOWN_MS: u64 = 5_000;
/// Without an answer for this long, the engine counts as gone.
const GONE_MS: u64 = 30_000;
const REQUEST_TIMEOUT_MS: u64 = 30_000;
/// Between attempts of one client to reach a listener.
const RETRY_MS: u64 = 250;

#[derive(Default)]
struct Tally {
    done: Cell<u64>,
    failed: Cell<u64>,
}

/// Why the load ends.
enum End {
    EngineGone,
    TimeUp,
}

pub(super) async fn run(options: options::Load) -> ExitCode {
    let (target, targets) = watch::channel(options.target);
    let tally = Rc::new(Tally::default());
    let mut clients = JoinSet::new();
    for number in 0..options.connections {
        let client = Client {
            source: SocketAddr::from((source(number), 0)),
            period: period(number, &options),
            dice: Dice::seeded(u64::from(number)),
            tally: Rc::clone(&tally),
            target: targets.clone(),
        };
        clients.spawn_local(client.run());
    }
    let end = tokio::select! {
        end = follow_engine(&target), if options.target.is_none() => end,
        end = time_up(options.seconds) => end,
        end = report(&tally) => end,
    };
    let (done, failed) = (tally.done.get(), tally.failed.get());
    match end {
        End::EngineGone => {
            say(format_args!("the engine is gone; {done} requests, {failed} failed"));
        }
        End::TimeUp => say(format_args!("{done} requests, {failed} failed")),
    }
    ExitCode::SUCCESS
}

/// Keeps the target at the engine's first listener until the engine is gone.
async fn follow_engine(target: &watch::Sender<Option<SocketAddr>>) -> End {
    let Some(socket) = std::env::var_os("PILOTHOUSE_SOCKET") else {
        say(format_args!("no --target and no $PILOTHOUSE_SOCKET"));
        return End::EngineGone;
    };
    let engine = control::client::Client::new(socket);
    let mut lost_ms = 0;
    while lost_ms < GONE_MS {
        let status = engine.status().await;
        if let Ok(status) = &status {
            let found = status.listeners.iter().find_map(|row| reachable(&row.address));
            target.send_if_modified(|known| std::mem::replace(known, found) != found);
        }
        let wait_ms = if target.borrow().is_some() { POLL_KNOWN_MS } else { POLL_UNKNOWN_MS };
        lost_ms = if status.is_ok() { 0 } else { lost_ms + wait_ms };
        sleep(Duration::from_millis(wait_ms)).await;
    }
    End::EngineGone
}

/// A listener's address as a client on the same machine reaches it from 127.0.N.x.
fn reachable(address: &str) -> Option<SocketAddr> {
    let address: SocketAddr = address.parse().ok()?;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => {
            Some(SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())))
        }
        IpAddr::V4(_) => Some(address),
        IpAddr::V6(_) => None,
    }
}

async fn time_up(seconds: Option<u64>) -> End {
    match seconds {
        Some(seconds) => sleep(Duration::from_secs(seconds)).await,
        None => std::future::pending().await,
    }
    End::TimeUp
}

async fn report(tally: &Tally) -> End {
    let mut ticks = interval(Duration::from_secs(REPORT_SECONDS));
    let (mut done, mut failed) = (0, 0);
    loop {
        ticks.tick().await;
        let (done_before, failed_before) = (done, failed);
        (done, failed) = (tally.done.get(), tally.failed.get());
        if done + failed > done_before + failed_before {
            let (done, failed) = (done - done_before, failed - failed_before);
            say(format_args!("{done} requests in {REPORT_SECONDS} s, {failed} failed"));
        }
    }
}

/// `127.0.N.x`: N is the network, x tells its clients apart.
fn source(number: u16) -> Ipv4Addr {
    let network = number % NETWORKS + 1;
    Ipv4Addr::new(127, 0, network as u8, (number / NETWORKS + 1) as u8)
}

/// The busiest network asks about twice as often as the quietest.
fn share(number: u16) -> u32 {
    u32::from(2 * NETWORKS - number % NETWORKS)
}

/// Between two requests of one client, so that all together keep the rate.
fn period(number: u16, options: &options::Load) -> Duration {
    let all: u32 = (0..options.connections).map(share).sum();
    Duration::from_secs(1) * all / (share(number) * options.rate)
}

struct Client {
    source: SocketAddr,
    period: Duration,
    dice: Dice,
    tally: Rc<Tally>,
    target: watch::Receiver<Option<SocketAddr>>,
}

impl Client {
    /// Keeps its rate for ever, on one connection for as long as that holds.
    async fn run(mut self) {
        loop {
            let known = self.target.wait_for(Option::is_some).await.map(|target| *target);
            let Ok(Some(target)) = known else { return };
            let Ok(mut server) = self.connect(target).await else {
                sleep(Duration::from_millis(RETRY_MS)).await;
                continue;
            };
            let mut ticks = interval(self.period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            // The first tick is due at once; all clients asking at once would be a burst.
            sleep(self.period * self.dice.below(100) as u32 / 100).await;
            loop {
                ticks.tick().await;
                if *self.target.borrow() != Some(target) {
                    break;
                }
                let limit = Duration::from_millis(REQUEST_TIMEOUT_MS);
                match timeout(limit, self.ask(&mut server)).await {
                    Ok(Ok(Outcome::Good)) => add(&self.tally.done),
                    Ok(Ok(Outcome::Bad)) => add(&self.tally.failed),
                    // An idle connection may end at any time; that is no failed request.
                    Ok(Ok(Outcome::Closed)) => break,
                    Ok(Err(_)) | Err(_) => {
                        add(&self.tally.failed);
                        break;
                    }
                }
            }
        }
    }

    async fn connect(&self, target: SocketAddr) -> io::Result<Conversation> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(self.source)?;
        Ok(Conversation::new(socket.connect(target).await?))
    }

    async fn ask(&self, server: &mut Conversation) -> io::Result<Outcome> {
        let path = PATHS[self.dice.below(PATHS.len() as u64) as usize];
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: pilothouse-load\r\n\r\n"
        );
        if server.send(request.as_bytes()).await.is_err() {
            return Ok(Outcome::Closed);
        }
        let Some(head) = server.head().await? else { return Ok(Outcome::Closed) };
        let mut fields = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut fields);
        if !response.parse(&head).is_ok_and(|status| status.is_complete()) {
            return Err(bad("a response"));
        }
        let mut body = Body::of(response.headers, Body::UntilClose)?;
        server.skip(&mut body).await?;
        let is_good = response.code.is_some_and(|code| code < 500);
        Ok(if is_good { Outcome::Good } else { Outcome::Bad })
    }
}

enum Outcome {
    Good,
    /// Answered, with an error of the server.
    Bad,
    /// Not answered: the connection had ended before.
    Closed,
}

fn add(count: &Cell<u64>) {
    count.set(count.get() + 1);
}
