//! The backends that both proxies stand before. What each does is said by the request itself, so
//! that both see the same, whoever comes first.

use std::collections::BTreeSet;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::ScopedJoinHandle;

use super::case::{Ask, Case};
use crate::client::{self, Response};
use crate::failing;
use crate::origin::{self, Origin};
use crate::wait::{self, PATIENCE};

/// Held requests by their tokens.
#[derive(Default)]
struct Holds {
    here: Mutex<BTreeSet<String>>,
    released: Condvar,
}

pub(super) struct Stage {
    origins: Vec<Origin>,
    refusing: String,
    holds: Arc<Holds>,
}

/// What came of one request: the status, and who was asked.
pub(super) type Choice = (u16, Vec<String>);

impl Stage {
    /// Backends a case can have; nobody listens at the last one.
    pub(super) const ORIGINS: usize = 7;

    pub(super) fn set() -> Self {
        let holds = Arc::<Holds>::default();
        let origins = (0..Self::ORIGINS - 1).map(|number| {
            let holds = Arc::clone(&holds);
            Origin::by_hand(move |stream| play(number, &holds, stream))
        });
        Self { origins: origins.collect(), refusing: failing::refusing(), holds }
    }

    pub(super) fn address(&self, origin: usize) -> String {
        let address = self.origins.get(origin).map(|origin| origin.address.to_string());
        address.unwrap_or_else(|| self.refusing.clone())
    }

    /// Asks all of the case's requests that `part` has, one after another; held ones are answered at
    /// the end, but chosen for in their turn.
    pub(super) fn perform(
        &self,
        proxy: SocketAddr,
        number: usize,
        case: &Case,
        part: std::ops::Range<usize>,
    ) -> Vec<Choice> {
        std::thread::scope(|scope| {
            let mut asked = Vec::new();
            let mut tokens = Vec::new();
            for (at, ask) in case.asks[part.clone()].iter().enumerate() {
                let token = ask.is_held.then(|| format!("{proxy}-{number}-{}", part.start + at));
                let text = text(number, ask, token.as_deref());
                let asking = move || choice(&client::raw(proxy, text.as_bytes()));
                let Some(token) = token else {
                    asked.push(Asked::Answered(asking()));
                    continue;
                };
                let asking = scope.spawn(asking);
                wait::until("a backend holds it, or nobody took it", || {
                    let here = self.holds.here.lock().expect("nobody panics");
                    (here.contains(&token) || asking.is_finished()).then_some(())
                });
                tokens.push(token);
                asked.push(Asked::Held(asking));
            }
            let mut here = self.holds.here.lock().expect("nobody panics");
            here.retain(|token| !tokens.contains(token));
            self.holds.released.notify_all();
            drop(here);
            let choice = |asked| match asked {
                Asked::Answered(choice) => choice,
                Asked::Held(asking) => asking.join().expect("an answer"),
            };
            asked.into_iter().map(choice).collect()
        })
    }
}

enum Asked<'scope> {
    Answered(Choice),
    Held(ScopedJoinHandle<'scope, Choice>),
}

fn text(number: usize, ask: &Ask, token: Option<&str>) -> String {
    let failing: Vec<String> = ask.failing.iter().map(|origin| format!("<{origin}>")).collect();
    let hold = token.map_or(String::new(), |token| format!("X-Hold: {token}\r\n"));
    format!(
        "GET {} HTTP/1.1\r\nHost: c{number}\r\nX-Forwarded-For: {}\r\nX-Fail: none{}\r\n{hold}\
         Connection: close\r\n\r\n",
        ask.target,
        ask.client,
        failing.concat()
    )
}

/// Without nginx's word for nobody, the upstream's name.
fn choice(answer: &str) -> Choice {
    let answer: Response =
        client::read_response(&mut answer.as_bytes()).expect("the proxy answers");
    let tries = answer.header("x-tries").unwrap_or("").split(", ");
    let is_backend = |address: &&str| address.contains(':');
    (answer.status, tries.filter(is_backend).map(str::to_owned).collect())
}

fn play(number: usize, holds: &Holds, stream: TcpStream) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = origin::read_request(&mut reader) {
        if request.header("x-fail").is_some_and(|list| list.contains(&format!("<{number}>"))) {
            return;
        }
        if let Some(token) = request.header("x-hold") {
            let mut here = holds.here.lock().expect("nobody panics");
            here.insert(token.clone());
            let is_held = |here: &mut BTreeSet<String>| here.contains(&token);
            let _late =
                holds.released.wait_timeout_while(here, PATIENCE, is_held).expect("nobody panics");
        }
        if reader.get_mut().write_all(&origin::ok(&number.to_string())).is_err() {
            return;
        }
    }
}
