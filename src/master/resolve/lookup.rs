//! One lookup of one name: the questions, and what their answers come to.
//!
//! Asks through hickory, anew each time: `/etc/resolv.conf` and `/etc/hosts` are read as they are
//! then, and no cache stands between a change and us. Decides nothing about time or membership.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use tokio::task::JoinSet;

use super::service::{self, Offer};
use crate::config::limits;
use crate::config::model::{Family, Resolve};
use crate::master::membership::{Found, Rank};

/// Repetitions of a question that nobody answers; each gets its part of the time limit.
const ATTEMPTS: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Sorted, each address once, never empty: who is asked in which order must not depend on the
    /// order of records, which name servers turn with each answer.
    pub(super) found: Vec<Found>,
    pub(super) ttl_ms: u64,
}

/// What hosts led to last, by kind of address: one kind's failure does not take the other's out.
#[derive(Debug, Default)]
pub(super) struct Memory {
    hosts: BTreeMap<(String, RecordType), Vec<IpAddr>>,
}

/// How one question ended.
enum Reply<T> {
    Records {
        records: Vec<T>,
        ttl_ms: u64,
    },
    /// The name server knows that there is nothing.
    Nothing(String),
    Failed(String),
}

/// Where a host is, and how long that is good.
type Places = (Vec<IpAddr>, u64);

impl Memory {
    /// The error is for people and names no name: it is shown beside it.
    pub(super) async fn host(
        &mut self,
        name: &str,
        port: u16,
        resolve: &Resolve,
    ) -> Result<Answer, String> {
        let questioner = Questioner::new(resolve)?;
        let mut places = self.places(&questioner, vec![name.to_owned()]).await;
        let (addresses, ttl_ms) = places.remove(name).unwrap_or_else(unanswered)?;
        let found = addresses.into_iter().map(|address| Found {
            address: SocketAddr::from((address, port)),
            weight: None,
            rank: Rank::First,
        });
        Ok(Answer { found: service::in_order(found.collect()), ttl_ms })
    }

    pub(super) async fn service(
        &mut self,
        name: &str,
        resolve: &Resolve,
    ) -> Result<Answer, String> {
        let questioner = Questioner::new(resolve)?;
        let question = questioner.ask(name, RecordType::SRV, |data| match data {
            RData::SRV(offer) if !offer.target.is_root() => Some(Offer {
                host: offer.target.to_ascii(),
                port: offer.port,
                priority: offer.priority,
                weight: offer.weight,
            }),
            _ => None,
        });
        let (mut offers, mut least_ms) = match question.await {
            Reply::Records { records, ttl_ms } => (records, ttl_ms),
            Reply::Nothing(text) | Reply::Failed(text) => return Err(text),
        };
        offers.truncate(limits::UPSTREAM_MEMBERS_MAX);
        let hosts = offers.iter().map(|offer| offer.host.clone()).collect();
        let places = self.places(&questioner, hosts).await;
        let mut failure = None;
        let mut known = BTreeMap::new();
        for (host, place) in places {
            match place {
                Ok((addresses, ttl_ms)) => {
                    least_ms = least_ms.min(ttl_ms);
                    known.insert(host, addresses);
                }
                Err(text) => failure = Some(format!("{host} {text}")),
            }
        }
        let found = service::found(&offers, &known);
        if found.is_empty() {
            return Err(failure.unwrap_or_else(|| "offers nothing".to_owned()));
        }
        Ok(Answer { found, ttl_ms: least_ms })
    }

    /// Asks for every host and kind of address at once.
    async fn places(
        &mut self,
        questioner: &Questioner,
        mut hosts: Vec<String>,
    ) -> BTreeMap<String, Result<Places, String>> {
        hosts.sort_unstable();
        hosts.dedup();
        let mut questions = JoinSet::new();
        for host in &hosts {
            for &kind in questioner.kinds {
                let (questioner, host) = (questioner.clone(), host.clone());
                questions.spawn(async move {
                    let reply = questioner.ask(&host, kind, RData::ip_addr).await;
                    (host, kind, reply)
                });
            }
        }
        let mut replies: BTreeMap<String, Vec<(RecordType, Reply<IpAddr>)>> = BTreeMap::new();
        while let Some(answered) = questions.join_next().await {
            // A question that panicked counts as unanswered.
            let Ok((host, kind, reply)) = answered else { continue };
            replies.entry(host).or_default().push((kind, reply));
        }
        self.hosts.retain(|(host, _), _| hosts.contains(host));
        let replies = replies.into_iter();
        replies.map(|(host, of_host)| (host.clone(), self.settle(&host, of_host))).collect()
    }

    /// The replies of both kinds as one.
    fn settle(
        &mut self,
        host: &str,
        replies: Vec<(RecordType, Reply<IpAddr>)>,
    ) -> Result<Places, String> {
        let (mut found, mut ttl_ms) = (Vec::new(), None);
        let (mut nothing, mut failed) = (None, None);
        for (kind, reply) in replies {
            let key = (host.to_owned(), kind);
            match reply {
                Reply::Records { records, ttl_ms: good_ms } => {
                    found.extend(&records);
                    ttl_ms = Some(ttl_ms.map_or(good_ms, |least_ms: u64| least_ms.min(good_ms)));
                    self.hosts.insert(key, records);
                }
                Reply::Nothing(text) => {
                    self.hosts.remove(&key);
                    nothing = Some(text);
                }
                Reply::Failed(text) => {
                    found.extend(self.hosts.get(&key).into_iter().flatten());
                    failed = Some(text);
                }
            }
        }
        match ttl_ms {
            Some(ttl_ms) => Ok((found, ttl_ms)),
            None => Err(failed.or(nothing).unwrap_or_else(|| NO_ANSWER.to_owned())),
        }
    }
}

const NO_ANSWER: &str = "has no answer";

fn unanswered() -> Result<Places, String> {
    Err(NO_ANSWER.to_owned())
}

/// Who is asked, and for how long.
#[derive(Clone)]
struct Questioner {
    resolver: TokioResolver,
    timeout_ms: u64,
    /// Asked for each host.
    kinds: &'static [RecordType],
}

impl Questioner {
    fn new(resolve: &Resolve) -> Result<Self, String> {
        let timeout_ms = resolve.timeout_ms;
        let provider = TokioRuntimeProvider::default();
        let mut builder = if resolve.servers.is_empty() {
            // Without a file the name server is on this machine, says resolv.conf(5).
            TokioResolver::builder_tokio().unwrap_or_else(|_| {
                let local = [SocketAddr::from((Ipv4Addr::LOCALHOST, 53))];
                TokioResolver::builder_with_config(servers(&local), provider)
            })
        } else {
            TokioResolver::builder_with_config(servers(&resolve.servers), provider)
        };
        let options: &mut ResolverOpts = builder.options_mut();
        options.cache_size = 0;
        options.attempts = ATTEMPTS;
        options.timeout = Duration::from_millis(timeout_ms.div_ceil(ATTEMPTS as u64 + 1));
        let resolver = builder.build().map_err(|error| error.to_string())?;
        let kinds: &[RecordType] = match resolve.family {
            Family::Any => &[RecordType::A, RecordType::AAAA],
            Family::V4 => &[RecordType::A],
            Family::V6 => &[RecordType::AAAA],
        };
        Ok(Self { resolver, timeout_ms, kinds })
    }

    async fn ask<T>(
        &self,
        name: &str,
        kind: RecordType,
        read: impl Fn(&RData) -> Option<T>,
    ) -> Reply<T> {
        let limit = Duration::from_millis(self.timeout_ms);
        let answer = match tokio::time::timeout(limit, self.resolver.lookup(name, kind)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return self.reply_of(&error),
            Err(_elapsed) => return Reply::Failed(self.silence()),
        };
        // The aliases on the way are among the records: the answer is good while all of them are.
        let ttl_s = answer.answers().iter().map(|record| record.ttl).min().unwrap_or(0);
        let records: Vec<T> =
            answer.answers().iter().filter_map(|record| read(&record.data)).collect();
        if records.is_empty() {
            return Reply::Nothing(format!("has no {kind} record"));
        }
        Reply::Records { records, ttl_ms: u64::from(ttl_s) * 1000 }
    }

    fn reply_of<T>(&self, error: &NetError) -> Reply<T> {
        match error {
            NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
                ResponseCode::NXDomain => Reply::Nothing("does not exist".to_owned()),
                ResponseCode::NoError => Reply::Nothing("has no address".to_owned()),
                code => Reply::Failed(code.to_string()),
            },
            NetError::Dns(DnsError::ResponseCode(code)) => Reply::Failed(code.to_string()),
            NetError::Timeout => Reply::Failed(self.silence()),
            other => Reply::Failed(other.to_string()),
        }
    }

    fn silence(&self) -> String {
        format!("no answer within {} ms", self.timeout_ms)
    }
}

fn servers(addresses: &[SocketAddr]) -> ResolverConfig {
    let server = |address: &SocketAddr| {
        let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
        for connection in &mut connections {
            connection.port = address.port();
        }
        NameServerConfig::new(address.ip(), true, connections)
    };
    ResolverConfig::from_parts(None, Vec::new(), addresses.iter().map(server).collect())
}
