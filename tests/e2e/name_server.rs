//! A DNS server inside the test process: UDP on loopback, answers by hand, manners that change
//! while the engine asks. Knows queries of one question and no compression but the question's name.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

/// One record's data; its time to live stands beside it.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    Address(IpAddr),
    Alias(&'static str),
    Service { priority: u16, weight: u16, port: u16, target: &'static str },
}

/// What it does with a question.
#[derive(Clone, Debug, Default)]
pub(crate) enum Manners {
    /// From its records; no such name without any.
    #[default]
    Answers,
    Silent,
    /// With this response code and nothing else.
    Refuses(u8),
    /// With these bytes behind the question's number.
    Garbage(Vec<u8>),
    /// With its answer, cut off after so many bytes.
    Cut(usize),
}

#[derive(Default)]
struct State {
    manners: Manners,
    /// Towards questions for one name, where they differ.
    special: HashMap<String, Manners>,
    /// By lower-case name.
    records: HashMap<String, Vec<(u32, Data)>>,
    asked: BTreeMap<(String, u16), u64>,
}

pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

pub(crate) const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
pub(crate) const SRV: u16 = 33;
const HEADER: usize = 12;
const NO_SUCH_NAME: u8 = 3;

impl NameServer {
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = socket.local_addr().expect("bound");
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            let mut query = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut query) {
                let answer = shared.lock().expect("nobody panics").answer(&query[..length]);
                if let Some(answer) = answer {
                    let _who_asked_may_be_gone = socket.send_to(&answer, from);
                }
            }
        });
        Self { address, state }
    }

    /// Replaces a name's records.
    pub(crate) fn set(&self, name: &str, ttl_s: u32, records: &[Data]) {
        let records = records.iter().map(|data| (ttl_s, data.clone())).collect();
        self.state.lock().expect("nobody panics").records.insert(name.to_owned(), records);
    }

    /// The same with addresses.
    pub(crate) fn lead(&self, name: &str, ttl_s: u32, addresses: &[&str]) {
        let address = |text: &&str| Data::Address(text.parse().expect("an address"));
        self.set(name, ttl_s, &addresses.iter().map(address).collect::<Vec<_>>());
    }

    pub(crate) fn behave(&self, manners: Manners) {
        self.state.lock().expect("nobody panics").manners = manners;
    }

    /// The same for one name; towards the others it is as it was.
    pub(crate) fn behave_for(&self, name: &str, manners: Manners) {
        self.state.lock().expect("nobody panics").special.insert(name.to_owned(), manners);
    }

    /// Questions so far for a name's records of a kind.
    pub(crate) fn asked(&self, name: &str, kind: u16) -> u64 {
        let state = self.state.lock().expect("nobody panics");
        state.asked.get(&(name.to_owned(), kind)).copied().unwrap_or(0)
    }
}

impl State {
    fn answer(&mut self, query: &[u8]) -> Option<Vec<u8>> {
        let (name, end) = name_of(query)?;
        let kind = u16::from_be_bytes([*query.get(end)?, *query.get(end + 1)?]);
        let question = query.get(HEADER..end + 4)?;
        *self.asked.entry((name.clone(), kind)).or_default() += 1;
        let manners = self.special.get(&name).unwrap_or(&self.manners);
        let code = match manners {
            Manners::Silent => return None,
            Manners::Garbage(bytes) => return Some([&query[..2], bytes].concat()),
            Manners::Refuses(code) => *code,
            Manners::Answers | Manners::Cut(_) if self.records.contains_key(&name) => 0,
            Manners::Answers | Manners::Cut(_) => NO_SUCH_NAME,
        };
        let records = self.records.get(&name).filter(|_| code == 0);
        let fitting: Vec<_> =
            records.into_iter().flatten().filter(|(_, data)| fits(data, kind)).collect();
        let count = u8::try_from(fitting.len()).expect("few records");
        let mut answer = [&query[..2], &[0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0]].concat();
        answer.extend(question);
        for (ttl_s, data) in fitting {
            // The name is the question's.
            answer.extend([0xc0, HEADER as u8]);
            put(&mut answer, *ttl_s, data);
        }
        if let Manners::Cut(length) = manners {
            answer.truncate(*length);
        }
        Some(answer)
    }
}

fn name_of(query: &[u8]) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    let mut at = HEADER;
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join(".").to_ascii_lowercase(), at));
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).into_owned());
        at += length;
    }
}

fn fits(data: &Data, kind: u16) -> bool {
    match data {
        Data::Address(IpAddr::V4(_)) => kind == A,
        Data::Address(IpAddr::V6(_)) => kind == AAAA,
        Data::Alias(_) => kind == A || kind == AAAA,
        Data::Service { .. } => kind == SRV,
    }
}

fn put(answer: &mut Vec<u8>, ttl_s: u32, data: &Data) {
    let (kind, bytes) = match data {
        Data::Address(IpAddr::V4(address)) => (A, address.octets().to_vec()),
        Data::Address(IpAddr::V6(address)) => (AAAA, address.octets().to_vec()),
        Data::Alias(name) => (CNAME, encoded(name)),
        Data::Service { priority, weight, port, target } => {
            let numbers = [priority.to_be_bytes(), weight.to_be_bytes(), port.to_be_bytes()];
            (SRV, [numbers.concat(), encoded(target)].concat())
        }
    };
    answer.extend(kind.to_be_bytes());
    answer.extend(1_u16.to_be_bytes());
    answer.extend(ttl_s.to_be_bytes());
    answer.extend(u16::try_from(bytes.len()).expect("short data").to_be_bytes());
    answer.extend(bytes);
}

fn encoded(name: &str) -> Vec<u8> {
    let label = |label: &str| {
        [&[u8::try_from(label.len()).expect("a short label")], label.as_bytes()].concat()
    };
    [name.split('.').flat_map(label).collect::<Vec<u8>>(), vec![0]].concat()
}
