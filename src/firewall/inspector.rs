//! One request's inspection: its values one after another, what was found, and the score.
//!
//! Kept and used again: the texts that it works on are allocated once.

use super::crs::Match;
use super::finding::{Beginning, Exception, Finding, Part, is_secret};
use super::known::{Kind, Known};
use super::normal::{self, Coding, Oddities};
use super::prefilter::{self, Detectors};
use super::rule::Rule;
use super::{
    FINDINGS_MAX, Judgement, VALUES_MAX, code, command, html, path, protocol, scanner, sql,
    template,
};

#[derive(Debug, Default)]
pub(crate) struct Inspector {
    /// The normal form that is judged, and the layer before it.
    normal: Vec<u8>,
    spare: Vec<u8>,
    findings: Vec<Finding>,
    /// Of all detectors, excepted ones among them.
    found: u32,
    score: u32,
    values: u32,
    /// There were more values than are looked at, which no exception allows.
    is_overfull: bool,
}

/// A shorter part is judged as fast as it is looked up.
const KNOWN_BYTES_MIN: usize = 8;
/// Beyond this a text is not kept for the next request.
const KEPT_BYTES_MAX: usize = 16 * 1024;

/// Makes ready what all inspections share, so that no request waits for it.
pub(crate) fn prepare() {
    prefilter::prepare();
    code::prepare();
    html::script::prepare();
    scanner::prepare();
    template::prepare();
}

impl Inspector {
    /// Forgets the last request.
    pub(crate) fn begin(&mut self) {
        self.findings.clear();
        self.found = 0;
        self.score = 0;
        self.values = 0;
        self.is_overfull = false;
        for text in [&mut self.normal, &mut self.spare] {
            if text.capacity() > KEPT_BYTES_MAX {
                *text = Vec::new();
            }
        }
    }

    pub(crate) fn score(&self) -> u32 {
        self.score
    }

    /// Whether the request is no clean one whatever its score: what was not looked at must not pass.
    pub(crate) fn is_overfull(&self) -> bool {
        self.is_overfull
    }

    /// The first of what was found.
    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Goes on with a request, with what its route excepts.
    pub(crate) fn inspect<'i>(&'i mut self, exceptions: &'i [Exception]) -> Inspection<'i> {
        Inspection { inspector: self, exceptions, known: None }
    }

    /// The same, without judging again what is known to be clean.
    pub(crate) fn inspect_knowing<'i>(
        &'i mut self,
        exceptions: &'i [Exception],
        known: &'i mut Known,
    ) -> Inspection<'i> {
        Inspection { inspector: self, exceptions, known: Some(known) }
    }
}

pub(crate) struct Inspection<'i> {
    inspector: &'i mut Inspector,
    exceptions: &'i [Exception],
    known: Option<&'i mut Known>,
}

/// The value that is judged: where it stands and what it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot<'n> {
    pub(crate) part: Part,
    pub(crate) name: &'n [u8],
}

/// Headers of a narrow grammar: only a value that leaves it is worth a look.
const NARROW: [&str; 22] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "accept-charset",
    "cache-control",
    "pragma",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "upgrade",
    "expect",
    "date",
    "if-modified-since",
    "if-unmodified-since",
    "dnt",
    "upgrade-insecure-requests",
    "priority",
    "sec-fetch-site",
    "sec-fetch-mode",
    "sec-fetch-dest",
    "sec-fetch-user",
];

/// Headers that are judged where they are used, or are secrets by themselves: only what templates
/// and markup begin with is worth a look, for those who write them to a log or a page.
const ELSEWHERE: [&str; 7] = [
    "host",
    "authorization",
    "proxy-authorization",
    "content-type",
    "range",
    "if-none-match",
    "if-match",
];

impl Inspection<'_> {
    /// A whole head: the target as `target` takes it, and the header lines, which are read of the bytes
    /// of `lines` and of no others.
    pub(crate) fn head<'h>(
        &mut self,
        target: &[u8],
        lines: &[u8],
        headers: &(impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone),
    ) {
        self.unless_clean((Kind::Target, b"", target), |it| it.target(target));
        self.unless_clean((Kind::Lines, b"", lines), |it| {
            for (name, value) in headers.clone() {
                it.header(name, value);
            }
        });
    }

    /// Path and query as they were received.
    pub(crate) fn target(&mut self, path_and_query: &[u8]) {
        let end = memchr::memchr(b'?', path_and_query);
        let (path, query) = path_and_query.split_at(end.unwrap_or(path_and_query.len()));
        self.unless_clean((Kind::Path, b"", path), |it| {
            it.value(Spot { part: Part::Path, name: b"" }, path, Coding::Plain);
        });
        if let [b'?', query @ ..] = query {
            self.pairs(Part::Query, query);
        }
    }

    /// `name=value&…`, of a query or a form.
    pub(crate) fn pairs(&mut self, part: Part, pairs: &[u8]) {
        for pair in pairs.split(|&byte| byte == b'&') {
            if self.is_exhausted() {
                return;
            }
            if part == Part::Query {
                self.unless_clean((Kind::Pair, b"", pair), |it| it.pair(part, pair));
            } else {
                self.pair(part, pair);
            }
        }
    }

    fn pair(&mut self, part: Part, pair: &[u8]) {
        let Some(equals) = memchr::memchr(b'=', pair) else {
            self.value(Spot { part, name: b"" }, pair, Coding::Form);
            return;
        };
        let (name, value) = (&pair[..equals], &pair[equals + 1..]);
        self.name(part, name, Coding::Form);
        self.value(Spot { part, name }, value, Coding::Form);
    }

    /// Judges what is not known to be clean, and knows it then if it is.
    fn unless_clean(
        &mut self,
        (kind, name, text): (Kind, &[u8], &[u8]),
        judge: impl Fn(&mut Self),
    ) {
        let is_worth_it = match kind {
            Kind::Target | Kind::Lines => true,
            Kind::Path | Kind::Pair | Kind::Header => text.len() >= KNOWN_BYTES_MIN,
        };
        let known = self.known.as_mut().filter(|_| is_worth_it);
        let Some((known, mark)) =
            known.and_then(|it| it.mark(kind, name, text).map(|mark| (it, mark)))
        else {
            return judge(self);
        };
        let before = (self.inspector.found, self.inspector.values);
        if let Some(values) = known.values(mark)
            && before.1 + values <= VALUES_MAX
        {
            self.inspector.values += values;
            return;
        }
        judge(self);
        let after = (self.inspector.found, self.inspector.values);
        if after.0 == before.0
            && !self.is_exhausted()
            && let Some(known) = &mut self.known
        {
            known.learn(mark, after.1 - before.1);
        }
    }

    pub(crate) fn header(&mut self, name: &[u8], value: &[u8]) {
        self.unless_clean((Kind::Header, name, value), |it| it.judge_header(name, value));
    }

    fn judge_header(&mut self, name: &[u8], value: &[u8]) {
        let spot = Spot { part: Part::Header, name };
        self.add(Rule::OddProtocol, spot, protocol::header(name, value), value);
        let is = |known: &[&str]| known.iter().any(|it| name.eq_ignore_ascii_case(it.as_bytes()));
        if name.eq_ignore_ascii_case(b"cookie") {
            self.cookies(value);
        } else if (is(&ELSEWHERE) && memchr::memchr2(b'{', b'<', value).is_none())
            || (is(&NARROW) && value.iter().all(|byte| is_narrow(*byte)))
        {
            // Nothing can be said there.
        } else {
            if name.eq_ignore_ascii_case(b"user-agent")
                && let Some(at) = scanner::find(value)
            {
                self.find(Rule::Scanner, spot, Judgement::Attack, &value[at..]);
            }
            self.value(spot, value, Coding::Plain);
        }
    }

    fn cookies(&mut self, cookies: &[u8]) {
        for pair in cookies.split(|&byte| byte == b';').map(<[u8]>::trim_ascii) {
            let equals = memchr::memchr(b'=', pair).unwrap_or(0);
            let name = &pair[..equals];
            let value = if pair.get(equals) == Some(&b'=') { &pair[equals + 1..] } else { pair };
            self.value(Spot { part: Part::Cookie, name }, value, Coding::Plain);
            if self.is_exhausted() {
                return;
            }
        }
    }

    /// The name of a value, which says something itself.
    pub(crate) fn name(&mut self, part: Part, name: &[u8], coding: Coding) {
        if prefilter::classes(name).is_plain() && !code::is_origin(name) {
            return;
        }
        let spot = Spot { part, name };
        let mut normal = std::mem::take(&mut self.inspector.normal);
        normal::write(name, coding, &mut normal, &mut self.inspector.spare);
        self.find(Rule::CodeInjection, spot, code::judge_name(&normal, part), &normal);
        self.inspector.normal = normal;
        self.value(spot, name, coding);
    }

    /// Whether no more values are judged.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.inspector.values > VALUES_MAX
    }

    /// Judges the same bytes in two readings, of which the worse counts: what is odd is not odd twice.
    pub(crate) fn worse(&mut self, one: impl Fn(&mut Self), other: impl Fn(&mut Self)) {
        let (score, count) = (self.inspector.score, self.inspector.findings.len());
        one(self);
        let first = self.inspector.score;
        let found = self.inspector.findings.split_off(count);
        self.inspector.score = score;
        other(self);
        if first >= self.inspector.score {
            self.inspector.score = first;
            self.inspector.findings.truncate(count);
            self.inspector.findings.extend(found);
        }
    }

    /// Judges one value.
    pub(crate) fn value(&mut self, spot: Spot<'_>, value: &[u8], coding: Coding) {
        let classes = prefilter::classes(value);
        if self.is_exhausted() || (classes.is_plain() && !code::is_packed_object(value)) {
            return;
        }
        self.inspector.values += 1;
        if self.is_exhausted() {
            let head = Spot { part: Part::Head, name: b"values" };
            let before = self.inspector.score;
            self.find(Rule::OddProtocol, head, Judgement::Attack, b"");
            self.inspector.is_overfull = self.inspector.score > before;
            return;
        }
        let mut normal = std::mem::take(&mut self.inspector.normal);
        let is_coded = classes.may_be_escaped() || (coding == Coding::Form && classes.has_plus());
        let detectors = if is_coded {
            let oddities = normal::write(value, coding, &mut normal, &mut self.inspector.spare);
            self.oddities(spot, oddities, &normal);
            prefilter::detectors(&normal, prefilter::classes(&normal))
        } else {
            prefilter::detectors(value, classes)
        };
        if !detectors.is_none() {
            if !is_coded {
                normal::write(value, coding, &mut normal, &mut self.inspector.spare);
            }
            self.detect(spot, detectors, &normal);
        }
        self.inspector.normal = normal;
    }

    /// What the core rules have found.
    pub(crate) fn matched(&mut self, found: Match<'_>) {
        let excerpt = if may_hold_secret(found.spot, found.excerpt) { b"" } else { found.excerpt };
        self.add(Rule::Core(found.id), found.spot, found.points, excerpt);
    }

    fn oddities(&mut self, spot: Spot<'_>, oddities: Oddities, normal: &[u8]) {
        if oddities.is_none() {
            return;
        }
        // Zero bytes are data to some senders of JSON; overlong letters and a sixth layer to nobody.
        let is_attack = oddities.has(Oddities::OVERLONG)
            || oddities.has(Oddities::LAYERS)
            || (oddities.has(Oddities::ZERO) && spot.part != Part::Json);
        let judgement = if is_attack { Judgement::Attack } else { Judgement::Odd };
        let excerpt = if may_hold_secret(spot, normal) { b"" } else { normal };
        self.find(Rule::BadEncoding, spot, judgement, excerpt);
    }

    fn detect(&mut self, spot: Spot<'_>, detectors: Detectors, normal: &[u8]) {
        let mut judge = |rule: Rule, (judgement, at): (Judgement, usize)| {
            let is_told = judgement != Judgement::Clean && !may_hold_secret(spot, normal);
            let excerpt = if is_told { normal.get(at..).unwrap_or_default() } else { b"" };
            self.find(rule, spot, judgement, excerpt);
        };
        if detectors.has(Detectors::SQL) {
            judge(Rule::SqlInjection, in_path(spot.part, normal, sql::judge));
        }
        if detectors.has(Detectors::HTML) {
            judge(Rule::CrossSiteScripting, html::judge(normal));
        }
        if detectors.has(Detectors::PATH) {
            judge(Rule::PathTraversal, path::traversal(normal));
            judge(Rule::SensitiveFile, path::sensitive(normal, spot.part));
        }
        if detectors.has(Detectors::COMMAND) {
            judge(Rule::CommandInjection, command::judge(normal));
        }
        if detectors.has(Detectors::TEMPLATE) {
            judge(Rule::TemplateInjection, template::judge(normal));
        }
        if detectors.has(Detectors::CODE) {
            judge(Rule::CodeInjection, code::judge(normal));
        }
        if detectors.has(Detectors::HEADER) {
            judge(Rule::HeaderInjection, protocol::header_injection(normal));
        }
    }

    fn find(&mut self, rule: Rule, spot: Spot<'_>, judgement: Judgement, excerpt: &[u8]) {
        self.add(rule, spot, rule.points(judgement), excerpt);
    }

    fn add(&mut self, rule: Rule, spot: Spot<'_>, points: u32, excerpt: &[u8]) {
        if points == 0 {
            return;
        }
        self.inspector.found += 1;
        if self.exceptions.iter().any(|it| it.covers(rule, spot.part, spot.name)) {
            return;
        }
        let inspector = &mut *self.inspector;
        inspector.score = inspector.score.saturating_add(points);
        if inspector.findings.len() < FINDINGS_MAX {
            let is_secret = spot.part == Part::Cookie || is_secret(spot.name);
            let excerpt = if is_secret { b"" } else { excerpt };
            inspector.findings.push(Finding {
                rule,
                part: spot.part,
                name: Beginning::new(spot.name),
                excerpt: Beginning::new(excerpt),
                points,
            });
        }
    }
}

/// Whether a text without a name of its own, or an address, has names of secrets in it.
fn may_hold_secret(spot: Spot<'_>, text: &[u8]) -> bool {
    let is_nameless = spot.name.is_empty() && spot.part != Part::Path;
    (is_nameless || spot.name.eq_ignore_ascii_case(b"referer")) && is_secret(text)
}

/// Bytes of headers such as `Accept`.
fn is_narrow(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" /*;=,.+-:_?".contains(&byte)
}

/// A path's last segments are what applications make queries of: each is judged by itself.
fn in_path(
    part: Part,
    normal: &[u8],
    judge: impl Fn(&[u8]) -> (Judgement, usize),
) -> (Judgement, usize) {
    let whole = judge(normal);
    if part != Part::Path || whole.0 == Judgement::Attack {
        return whole;
    }
    let mut start = 0;
    let mut worst = whole;
    for segment in normal.split(|&byte| byte == b'/').take(SEGMENTS_MAX) {
        let (judgement, at) = judge(segment);
        if judgement > worst.0 {
            worst = (judgement, start + at);
        }
        start += segment.len() + 1;
    }
    worst
}

/// Segments of a path that are judged by themselves.
const SEGMENTS_MAX: usize = 32;
