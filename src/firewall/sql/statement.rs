//! Statements and clauses that a value brings along: `union select`, `; drop table`, `order by 3`.

use super::super::Judgement;
use super::grammar::{self, Behind};
use super::tokens::{Kind, Token};
use super::words::{Verb, Word};

/// Tokens of a list that are looked through for the table it is from.
const LIST_TOKENS_MAX: usize = 32;

/// Behind `union`.
pub(super) fn union(tokens: &[Token<'_>], behind: Behind) -> Judgement {
    let start = tokens
        .iter()
        .take_while(|token| matches!(token.kind, Kind::Word(Word::Quantity) | Kind::Open))
        .count();
    match &tokens[start..] {
        [Token { kind: Kind::Word(Word::Verb(Verb::Select)), .. }, list @ ..] => {
            match (is_list(list), behind) {
                (true, _) => Judgement::Attack,
                (false, Behind::Literal | Behind::Operand) => Judgement::Odd,
                (false, Behind::Name) => Judgement::Clean,
            }
        }
        [Token { kind: Kind::Word(Word::Values), .. }, Token { kind: Kind::Open, .. }, ..] => {
            Judgement::Attack
        }
        _ => Judgement::Clean,
    }
}

/// Whether what stands behind `select` is what could be selected, and not the rest of a sentence.
pub(super) fn is_list(tokens: &[Token<'_>]) -> bool {
    let start = tokens
        .iter()
        .take_while(|token| match token.kind {
            Kind::Word(Word::Quantity | Word::Not) | Kind::Not => true,
            Kind::Reckon => matches!(token.text, b"-" | b"+"),
            _ => false,
        })
        .count();
    let list = &tokens[start..];
    let Some(first) = list.first() else { return false };
    match first.kind {
        Kind::Number => list.get(1).is_none_or(|next| !matches!(next.kind, Kind::Name)),
        Kind::Text
        | Kind::OpenText
        | Kind::Variable
        | Kind::Star
        | Kind::Open
        | Kind::Word(Word::Constant | Word::Schema | Word::Case) => true,
        Kind::Word(Word::Function | Word::Grave) if grammar::is_call(list) => true,
        Kind::Name | Kind::Word(Word::Object | Word::Function | Word::Grave) => is_from(list),
        _ => false,
    }
}

/// A list of names that says where it is from.
fn is_from(list: &[Token<'_>]) -> bool {
    let mut is_name_due = true;
    for (at, token) in list.iter().take(LIST_TOKENS_MAX).enumerate() {
        match token.kind {
            Kind::Name
            | Kind::Number
            | Kind::Text
            | Kind::Word(
                Word::Object | Word::Function | Word::Grave | Word::Schema | Word::Constant,
            ) if is_name_due => {
                is_name_due = false;
            }
            Kind::Comma | Kind::Logic | Kind::Reckon if !is_name_due => is_name_due = true,
            Kind::Comment => return true,
            Kind::Word(Word::From) if !is_name_due => return is_table(&list[at + 1..]),
            _ => return false,
        }
    }
    false
}

/// A table's name, and nothing behind it that a sentence would go on with.
fn is_table(tokens: &[Token<'_>]) -> bool {
    match tokens {
        [first, rest @ ..] => {
            let is_name = matches!(
                first.kind,
                Kind::Name | Kind::Word(Word::Schema | Word::Object) | Kind::Open
            );
            let is_on = rest.first().is_none_or(|next| {
                !matches!(next.kind, Kind::Name | Kind::Number | Kind::Other | Kind::Comma)
            });
            is_name && is_on
        }
        [] => false,
    }
}

/// A further statement, behind a semicolon.
pub(super) fn next(tokens: &[Token<'_>], behind: Behind) -> Judgement {
    let skipped = tokens.iter().take_while(|token| token.kind == Kind::Semicolon).count();
    let tokens = &tokens[skipped..];
    let Some(first) = tokens.first() else { return Judgement::Clean };
    match (first.kind, behind) {
        (Kind::Comment, Behind::Literal) => Judgement::Attack,
        (Kind::Comment | Kind::Remark, Behind::Operand) | (Kind::Remark, Behind::Literal) => {
            Judgement::Odd
        }
        (Kind::Word(Word::Verb(verb)), _) => verb_judgement(verb, &tokens[1..]),
        (Kind::Word(Word::Grave), _) if grammar::is_call(tokens) => grammar::call(tokens).0,
        (Kind::Word(Word::Function), _) if grammar::is_call(tokens) => {
            let waits = tokens.iter().any(|token| {
                matches!(token.kind, Kind::Word(Word::Verb(Verb::WaitFor) | Word::Grave))
            });
            if waits { Judgement::Attack } else { Judgement::Clean }
        }
        _ => Judgement::Clean,
    }
}

/// A statement by its verb and what follows.
fn verb_judgement(verb: Verb, after: &[Token<'_>]) -> Judgement {
    let kinds = |at: usize| after.get(at).map(|token| token.kind);
    let is = match (verb, kinds(0)) {
        (Verb::Select, _) => is_list(after),
        (Verb::Insert, Some(Kind::Word(Word::Into)))
        | (Verb::Delete, Some(Kind::Word(Word::From)))
        | (Verb::Define, Some(Kind::Word(Word::Object)))
        | (Verb::WaitFor, Some(Kind::Word(Word::Delay)))
        | (Verb::Declare, Some(Kind::Variable))
        | (
            Verb::Call,
            Some(Kind::Word(Word::Grave | Word::Schema) | Kind::Variable | Kind::Open),
        )
        | (Verb::Shutdown, Some(Kind::Comment | Kind::Word(Word::Clause)) | None)
        | (Verb::Other, Some(Kind::Word(Word::Verb(Verb::Declare)))) => true,
        (Verb::WaitFor, Some(Kind::Name)) => after[0].text == b"time",
        (Verb::Update, Some(Kind::Name | Kind::Word(Word::Object | Word::Schema))) => {
            kinds(1) == Some(Kind::Word(Word::Set))
        }
        (Verb::Call, Some(Kind::Name)) => after[0].text.starts_with(b"xp_"),
        // PostgreSQL runs a program, or reads a file.
        (Verb::Other, Some(Kind::Name)) => {
            let is_program = after.get(2).is_some_and(|source| {
                source.text == b"program" || matches!(source.kind, Kind::Text | Kind::OpenText)
            });
            kinds(1) == Some(Kind::Word(Word::From)) && is_program
        }
        _ => false,
    };
    if is { Judgement::Attack } else { Judgement::Clean }
}

/// The value is a statement by itself: of those who write about databases, but for what reaches
/// into one.
pub(super) fn whole(tokens: &[Token<'_>]) -> Judgement {
    let Some(Token { kind: Kind::Word(Word::Verb(verb)), .. }) = tokens.first() else {
        return Judgement::Clean;
    };
    let judgement = verb_judgement(*verb, &tokens[1..]);
    if judgement == Judgement::Clean {
        return judgement;
    }
    let reaches = tokens.iter().enumerate().any(|(at, token)| match token.kind {
        Kind::Word(Word::Grave) => grammar::is_call(&tokens[at..]),
        Kind::Word(Word::Schema) => true,
        Kind::Variable => token.text.starts_with(b"@@"),
        _ => false,
    });
    let waits = matches!(verb, Verb::WaitFor | Verb::Shutdown | Verb::Call | Verb::Declare);
    if reaches || waits { judgement } else { Judgement::Odd }
}

/// Behind `order` or `group`.
pub(super) fn arrange(tokens: &[Token<'_>]) -> Judgement {
    let [Token { kind: Kind::Word(Word::By), .. }, first, rest @ ..] = tokens else {
        return Judgement::Clean;
    };
    let next = rest.first().map(|token| token.kind);
    match (first.kind, next) {
        (
            Kind::Number,
            None
            | Some(
                Kind::Comment
                | Kind::Remark
                | Kind::Comma
                | Kind::Close
                | Kind::Semicolon
                | Kind::OpenText
                | Kind::Word(_),
            ),
        )
        | (Kind::Name, Some(Kind::Comment))
        | (Kind::Word(Word::Function | Word::Grave), Some(Kind::Open))
        | (Kind::Open, Some(Kind::Word(Word::Verb(Verb::Select) | Word::Case))) => {
            Judgement::Attack
        }
        (Kind::Name, Some(Kind::Word(Word::Having))) => having(&rest[1..]),
        _ => Judgement::Clean,
    }
}

/// Behind `having`.
pub(super) fn having(tokens: &[Token<'_>]) -> Judgement {
    let [first, second, third, ..] = tokens else { return Judgement::Clean };
    let is_attack = matches!(
        (first.kind, second.kind, third.kind),
        (Kind::Number | Kind::Text, Kind::Compare, Kind::Number | Kind::Text | Kind::OpenText)
            | (Kind::Word(Word::Function | Word::Grave), Kind::Open, _)
    );
    if is_attack { Judgement::Attack } else { Judgement::Clean }
}

/// Behind `limit`.
pub(super) fn limit(tokens: &[Token<'_>]) -> Judgement {
    match tokens {
        [
            Token { kind: Kind::Number, .. },
            Token {
                kind:
                    Kind::Comment
                    | Kind::Comma
                    | Kind::Word(Word::Union | Word::Procedure | Word::Into | Word::Limit),
                ..
            },
            ..,
        ] => Judgement::Attack,
        _ => Judgement::Clean,
    }
}

/// Behind `into`: a file on the database's machine.
pub(super) fn into(tokens: &[Token<'_>]) -> Judgement {
    match tokens {
        [name, target, ..]
            if matches!(name.text, b"outfile" | b"dumpfile")
                && matches!(target.kind, Kind::Text | Kind::OpenText | Kind::Number) =>
        {
            Judgement::Attack
        }
        _ => Judgement::Clean,
    }
}

/// Behind `procedure`.
pub(super) fn procedure(tokens: &[Token<'_>]) -> Judgement {
    let is = matches!(tokens.first(), Some(Token { kind: Kind::Word(Word::Grave), .. }));
    if is && grammar::is_call(tokens) { Judgement::Attack } else { Judgement::Clean }
}

/// Behind a literal and a comma: further values of the query's list, when it ends as a list does.
pub(super) fn values(tokens: &[Token<'_>]) -> Judgement {
    let queries = tokens.windows(2).any(|pair| {
        pair[0].kind == Kind::Open && pair[1].kind == Kind::Word(Word::Verb(Verb::Select))
    });
    let ends = tokens.last().is_some_and(|token| token.kind == Kind::Comment)
        && tokens.iter().any(|token| token.kind == Kind::Close);
    let calls = tokens.iter().enumerate().any(|(at, token)| {
        token.kind == Kind::Word(Word::Grave) && grammar::is_call(&tokens[at..])
    });
    if queries || ends || calls { Judgement::Attack } else { Judgement::Clean }
}

/// What means an attack wherever in a value without a literal around it stands.
pub(super) fn anywhere(tokens: &[Token<'_>]) -> Judgement {
    within(tokens, is_script(tokens))
}

pub(super) fn is_script(tokens: &[Token<'_>]) -> bool {
    matches!(tokens.first(), Some(Token { kind: Kind::Word(Word::Verb(_)), .. }))
}

/// The same of some tokens of a value.
pub(super) fn within(tokens: &[Token<'_>], is_script: bool) -> Judgement {
    for (at, token) in tokens.iter().enumerate() {
        let after = &tokens[at + 1..];
        let before = at.checked_sub(1).map(|before| tokens[before].kind);
        let judgement = match token.kind {
            Kind::Word(Word::Union) => union(after, Behind::Name),
            // A script has one statement behind the other.
            // Of many, the last is looked behind.
            Kind::Semicolon if before_semicolon(after) => Judgement::Clean,
            Kind::Semicolon if !is_script => next(after, Behind::Name),
            Kind::Word(Word::Into) => into(after),
            Kind::Word(Word::Verb(Verb::WaitFor)) => verb_judgement(Verb::WaitFor, after),
            Kind::Word(Word::Grave)
                if is_operand_due(before) && grammar::is_call(&tokens[at..]) =>
            {
                grammar::call(&tokens[at..]).0
            }
            Kind::Word(Word::Logic) | Kind::Logic => same(after),
            _ => Judgement::Clean,
        };
        if judgement == Judgement::Attack {
            return judgement;
        }
    }
    Judgement::Clean
}

fn before_semicolon(after: &[Token<'_>]) -> bool {
    after.first().is_some_and(|next| next.kind == Kind::Semicolon)
}

fn is_operand_due(before: Option<Kind>) -> bool {
    matches!(
        before,
        Some(
            Kind::Compare
                | Kind::Reckon
                | Kind::Star
                | Kind::Logic
                | Kind::Comma
                | Kind::Word(Word::Logic | Word::Compare | Word::Verb(Verb::Select) | Word::Clause)
        )
    )
}

/// `1=1`, `'a'='a'`: what is true of itself.
fn same(tokens: &[Token<'_>]) -> Judgement {
    match tokens {
        [left, operator, right, ..] => {
            let is_constant = |token: &Token<'_>| {
                matches!(token.kind, Kind::Number | Kind::Text | Kind::OpenText)
            };
            let is = operator.kind == Kind::Compare
                && operator.text == b"="
                && is_constant(left)
                && is_constant(right)
                && bare_text(left.text) == bare_text(right.text);
            if is { Judgement::Attack } else { Judgement::Clean }
        }
        _ => Judgement::Clean,
    }
}

fn bare_text(text: &[u8]) -> &[u8] {
    let text = text.strip_prefix(b"'").or(text.strip_prefix(b"\"")).unwrap_or(text);
    text.strip_suffix(b"'").or(text.strip_suffix(b"\"")).unwrap_or(text)
}
