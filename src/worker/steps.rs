//! What is done with a request before its route's guards and action: conditions, variables that are
//! set, rewrites and early answers, in the order of the file (nginx's rewrite module).
//!
//! A server without steps pays one look at a flag. Nothing waits here, so what a condition looks at
//! is written into a buffer that the condition keeps.

use std::cell::{Ref, RefCell};

use super::connection::Connection;
use super::exchange::Exchange;
use super::retarget::Rewrite;
use super::routes::{Pattern, Spans};
use super::server::Ground;
use super::variables::{self, Facts, Groups, Manner};
use crate::config::model::route::{Case, Redirect, Respond};
use crate::config::model::step::{self, Then, Wanted};
use crate::config::pattern;
use crate::config::template::Template;

/// What steps set is more than a request has room for, or a path that they made is none.
const FAILED: u16 = 500;

#[derive(Default)]
pub(crate) struct Steps {
    steps: Vec<Step>,
    /// Whether one of them may have to be waited for.
    pub(crate) looks: bool,
}

struct Step {
    when: Conditions,
    effect: Effect,
}

/// All of them have to hold.
pub(crate) struct Conditions(Vec<Condition>);

struct Condition {
    source: Template,
    test: Test,
    expected: bool,
    /// What `source` came to last.
    looked_at: RefCell<Vec<u8>>,
}

enum Test {
    Something,
    Is(Template),
    Matches(Pattern),
    Exists(Wanted),
}

enum Effect {
    Set(Vec<(u16, Template)>),
    Rewrite(Box<Rewrite>, Then),
    Answer(Answer),
    Stop,
    Steps(Steps),
}

/// What a request is answered without an action.
pub(crate) enum Answer {
    Respond(Respond),
    Redirect(Redirect),
}

/// How a request goes on after its steps.
pub(crate) enum Course<'s> {
    /// All were done.
    Through,
    /// The rest was passed over.
    Stopped,
    /// At a condition: what it asks for has to be found out first.
    Waits,
    Answered(&'s Answer),
}

/// Where a request is while its steps are done.
#[derive(Clone, Copy)]
pub(crate) struct Walk<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) ground: Ground<'a>,
    pub(crate) head: &'a [u8],
}

/// What the last expression that is in force has matched; without one it is the route's.
type Matched<'a> = Option<(&'a [u8], &'a Spans)>;

impl Walk<'_> {
    fn facts<'f>(&'f self, exchange: &'f Exchange, matched: Matched<'f>) -> Facts<'f> {
        let facts = exchange.facts(self.connection, self.ground, (self.head, b""), 0);
        match matched {
            None => facts,
            Some((subject, spans)) => Facts { groups: Groups { subject, spans }, ..facts },
        }
    }
}

impl Steps {
    pub(crate) fn compile(steps: &[step::Step]) -> Self {
        let compiled = |step: &step::Step| Step {
            when: Conditions::compile(&step.when),
            effect: Effect::compile(&step.effect),
        };
        let steps: Vec<Step> = steps.iter().map(compiled).collect();
        Self { looks: steps.iter().any(Step::looks), steps }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Does them; an error is the answer's status.
    pub(crate) fn run(&self, exchange: &mut Exchange, walk: Walk<'_>) -> Result<Course<'_>, u16> {
        self.run_within(exchange, walk, None)
    }

    fn run_within(
        &self,
        exchange: &mut Exchange,
        walk: Walk<'_>,
        outer: Matched<'_>,
    ) -> Result<Course<'_>, u16> {
        for step in &self.steps {
            let own = match step.when.check(exchange, walk, outer) {
                Checked::Hold(own) => own,
                Checked::Fail => continue,
                Checked::Wait => return Ok(Course::Waits),
            };
            let own = own.as_ref().map(|(subject, spans)| (subject.as_slice(), spans));
            match step.effect.take(exchange, walk, own.or(outer))? {
                Course::Through => {}
                course @ (Course::Stopped | Course::Waits | Course::Answered(_)) => {
                    return Ok(course);
                }
            }
        }
        Ok(Course::Through)
    }
}

impl Step {
    fn looks(&self) -> bool {
        let is_of_files = |condition: &Condition| matches!(condition.test, Test::Exists(_));
        let looks_within = match &self.effect {
            Effect::Steps(steps) => steps.looks,
            Effect::Set(_) | Effect::Rewrite(..) | Effect::Answer(_) | Effect::Stop => false,
        };
        looks_within || self.when.0.iter().any(is_of_files)
    }
}

/// Of a step's own expression.
type Own<'s> = Option<(Ref<'s, Vec<u8>>, Spans)>;

/// What came of all conditions of a step.
enum Checked<'s> {
    Hold(Own<'s>),
    Fail,
    /// It is not known yet.
    Wait,
}

impl Conditions {
    pub(crate) fn compile(when: &[step::Condition]) -> Self {
        Self(when.iter().map(Condition::compile).collect())
    }

    pub(crate) fn hold(&self, exchange: &Exchange, walk: Walk<'_>) -> bool {
        match self.check(exchange, walk, None) {
            Checked::Hold(_) => true,
            // The configuration's check lets nobody wait here.
            Checked::Fail | Checked::Wait => false,
        }
    }

    fn check(&self, exchange: &Exchange, walk: Walk<'_>, outer: Matched<'_>) -> Checked<'_> {
        let mut own: Own<'_> = None;
        for condition in &self.0 {
            let matched = own.as_ref().map(|(subject, spans)| (subject.as_slice(), spans));
            let facts = walk.facts(exchange, matched.or(outer));
            match condition.judge(&facts) {
                Verdict::Fails => return Checked::Fail,
                Verdict::Unknown => return Checked::Wait,
                Verdict::Holds => {}
                Verdict::Matches(spans) => own = Some((condition.looked_at.borrow(), spans)),
            }
        }
        Checked::Hold(own)
    }
}

/// What came of a condition.
enum Verdict {
    Fails,
    Holds,
    Unknown,
    /// By its expression, with these groups of what it has looked at.
    Matches(Spans),
}

impl Condition {
    fn compile(condition: &step::Condition) -> Self {
        Self {
            source: condition.source.clone(),
            test: match &condition.test {
                step::Test::Something => Test::Something,
                step::Test::Is(text) => Test::Is(text.clone()),
                step::Test::Matches(text) => {
                    let regex = pattern::compile(text, Case::Sensitive);
                    let regex = regex.expect("the configuration's check compiles every expression");
                    Test::Matches(Pattern::new(regex))
                }
                step::Test::Exists(wanted) => Test::Exists(*wanted),
            },
            expected: condition.expected,
            looked_at: RefCell::default(),
        }
    }

    fn judge(&self, facts: &Facts<'_>) -> Verdict {
        let mut source = self.looked_at.borrow_mut();
        source.clear();
        variables::render(&mut source, &self.source, facts, Manner::Plain);
        let mut spans = Spans::default();
        let (is_so, matched) = match &self.test {
            Test::Something => (!source.is_empty() && *source != b"0", None),
            Test::Is(text) => {
                let own_bytes = source.len();
                variables::render(&mut source, text, facts, Manner::Plain);
                let (own, other) = source.split_at(own_bytes);
                (own == other, None)
            }
            Test::Matches(pattern) => match pattern.matches(&source, &mut spans) {
                Some(()) => (true, Some(spans)),
                None => (false, None),
            },
            Test::Exists(wanted) => match facts.exchange.kept.way.looks.judge(&source, *wanted) {
                Some(is_so) => (is_so, None),
                None => return Verdict::Unknown,
            },
        };
        match matched {
            _ if is_so != self.expected => Verdict::Fails,
            None => Verdict::Holds,
            Some(spans) => Verdict::Matches(spans),
        }
    }
}

impl Effect {
    fn compile(effect: &step::Effect) -> Self {
        match effect {
            step::Effect::Set(pairs) => Self::Set(pairs.clone()),
            step::Effect::Rewrite { rewrite, then } => {
                Self::Rewrite(Box::new(Rewrite::compile(rewrite)), *then)
            }
            step::Effect::Respond(respond) => Self::Answer(Answer::Respond(respond.clone())),
            step::Effect::Redirect(redirect) => Self::Answer(Answer::Redirect(redirect.clone())),
            step::Effect::Stop => Self::Stop,
            step::Effect::Steps(steps) => Self::Steps(Steps::compile(steps)),
        }
    }

    fn take(
        &self,
        exchange: &mut Exchange,
        walk: Walk<'_>,
        matched: Matched<'_>,
    ) -> Result<Course<'_>, u16> {
        match self {
            Self::Set(pairs) => {
                for (at, template) in pairs {
                    let mut text = std::mem::take(&mut exchange.kept.way.scratch);
                    text.clear();
                    let facts = walk.facts(exchange, matched);
                    variables::render(&mut text, template, &facts, Manner::Plain);
                    let is_set = exchange.kept.way.own.set(*at, &text);
                    exchange.kept.way.scratch = text;
                    is_set.ok_or(FAILED)?;
                }
                Ok(Course::Through)
            }
            Self::Rewrite(rewrite, then) => {
                if !rewritten(rewrite, exchange, walk, matched)? {
                    return Ok(Course::Through);
                }
                let way = &mut exchange.kept.way;
                way.is_to_be_found = *then != Then::Stay;
                Ok(if *then == Then::Next { Course::Through } else { Course::Stopped })
            }
            Self::Answer(answer) => {
                // It is written when the steps are over, and what they have matched is not there.
                if let Some((subject, spans)) = matched {
                    exchange.kept.spans = *spans;
                    exchange.kept.way.keep_matched(subject);
                }
                Ok(Course::Answered(answer))
            }
            Self::Stop => {
                exchange.kept.way.is_to_be_found = false;
                Ok(Course::Stopped)
            }
            Self::Steps(steps) => steps.run_within(exchange, walk, matched),
        }
    }
}

/// Whether the expression matched, and the path and the arguments are what it makes of them.
pub(crate) fn rewritten(
    rewrite: &Rewrite,
    exchange: &mut Exchange,
    walk: Walk<'_>,
    matched: Matched<'_>,
) -> Result<bool, u16> {
    let mut path = std::mem::take(&mut exchange.kept.way.scratch);
    let mut args = std::mem::take(&mut exchange.kept.way.args_scratch);
    path.clear();
    args.clear();
    let facts = walk.facts(exchange, matched);
    let is_changed = rewrite.apply((&mut path, &mut args), &exchange.kept.uri, &facts);
    let kept = &mut exchange.kept;
    if let Some(Ok(())) = is_changed {
        if !kept.way.is_matched_apart {
            // What the route's expression matched was a part of this one.
            kept.way.keep_matched(&kept.uri);
        }
        std::mem::swap(&mut kept.uri, &mut path);
        std::mem::swap(&mut kept.way.args, &mut args);
        kept.way.is_rewritten = true;
    }
    kept.way.scratch = path;
    kept.way.args_scratch = args;
    match is_changed {
        None => Ok(false),
        Some(Ok(())) => Ok(true),
        Some(Err(())) => Err(FAILED),
    }
}
