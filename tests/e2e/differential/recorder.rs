//! A backend that writes down every byte it is sent, and answers what it takes for requests.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::second_reader::{self, LENIENCIES};
use crate::wait;

/// A status that no proxy answers by itself.
pub(super) const ANSWER: &str = "HTTP/1.1 299 ";

/// Sent by the test itself: when it has been seen, everything sent before it was accepted.
const FENCE: &[u8] = b"\0fence";

pub(super) struct Recorder {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Bytes of each connection, in the order they were accepted.
    heard: Mutex<Vec<Vec<u8>>>,
    open: AtomicUsize,
}

impl Recorder {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("bound");
        let shared = Arc::<Shared>::default();
        let ours = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                ours.open.fetch_add(1, Ordering::SeqCst);
                let number = ours.with(|heard| {
                    heard.push(Vec::new());
                    heard.len() - 1
                });
                let ours = Arc::clone(&ours);
                std::thread::spawn(move || {
                    ours.record(number, stream);
                    ours.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, shared }
    }

    /// What was heard since the last call, once every connection that was opened has ended.
    pub(super) fn take(&self) -> Vec<Vec<u8>> {
        let mut fence = TcpStream::connect(self.address).expect("the recorder listens");
        fence.write_all(FENCE).expect("the recorder reads");
        drop(fence);
        wait::until("all connections to the backend end", || {
            let is_fenced = self.shared.with(|heard| heard.iter().any(|bytes| bytes == FENCE));
            (is_fenced && self.shared.open.load(Ordering::SeqCst) == 0).then_some(())
        });
        let mut heard = self.shared.with(std::mem::take);
        heard.retain(|bytes| bytes != FENCE && !bytes.is_empty());
        heard
    }
}

impl Shared {
    fn with<T>(&self, change: impl FnOnce(&mut Vec<Vec<u8>>) -> T) -> T {
        change(&mut self.heard.lock().expect("no recorder panics while holding it"))
    }

    fn record(&self, number: usize, mut stream: TcpStream) {
        let mut piece = [0; 4096];
        let mut answered = 0;
        while let Ok(count) = stream.read(&mut piece) {
            if count == 0 {
                return;
            }
            let heard = self.with(|heard| {
                heard[number].extend_from_slice(&piece[..count]);
                heard[number].clone()
            });
            // By the most lenient reader, so that nothing waits for an answer in vain.
            let requests =
                second_reader::read(&heard, LENIENCIES[1]).map_or(0, |it| it.messages.len());
            for _ in answered..requests {
                let answer = format!("{ANSWER}Recorded\r\nContent-Length: 0\r\n\r\n");
                if stream.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
            answered = requests.max(answered);
        }
    }
}
