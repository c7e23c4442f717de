//! SQL injection, by the method of libinjection: the value is read as SQL in each of the places
//! where it could have been put, and its kinds of tokens say whether it goes on with the query.
//!
//! A value that is data has no reading in which it ends a literal and goes on as SQL would: what
//! follows an apostrophe in a name is a name again. The tokens are ours (`tokens`, `words`), and in
//! place of a list of fingerprints stands a small grammar of how a query can go on (`grammar`).

mod grammar;
mod statement;
mod tokens;
mod words;

use super::{Judgement, prose};
use tokens::{Place, Reader};

pub(super) fn judge(value: &[u8]) -> (Judgement, usize) {
    let mut worst = (Judgement::Clean, 0);
    for place in [Place::Bare, Place::Single, Place::Double, Place::Backtick] {
        let Some(start) = place.end_of_literal(value) else { continue };
        let mut reader = Reader::begin(value, place);
        let is_script = statement::is_script(reader.tokens());
        let mut judgement = grammar::judge(reader.tokens(), place);
        while judgement != Judgement::Attack && reader.go_on() {
            judgement = judgement.max(statement::within(reader.tokens(), is_script));
        }
        if judgement > worst.0 {
            worst = (judgement, start);
        }
        if judgement == Judgement::Attack {
            break;
        }
    }
    // Sentences have quotes, numbers and words of SQL's in them, but no sentence is a query's rest.
    if worst.0 == Judgement::Odd && prose::is_text(value) {
        worst.0 = Judgement::Clean;
    }
    worst
}
