//! How a query goes on behind a value that ended its literal, or stood without one.
//!
//! Walks over operators and operands in turn. What breaks their turn is no query and ends the walk;
//! what would change a query's meaning ends it with a judgement.

use super::super::Judgement;
use super::statement;
use super::tokens::{Kind, Place, Token};
use super::words::{Verb, Word};

/// What the query goes on behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// A literal of the query's that the value ended.
    Literal,
    /// A number, or another whole operand.
    Operand,
    /// A name, which may as well be a word of a sentence.
    Name,
}

pub(super) fn judge(tokens: &[Token<'_>], place: Place) -> Judgement {
    match place {
        Place::Bare => bare(tokens).max(statement::anywhere(tokens)),
        Place::Single | Place::Double | Place::Backtick => match tokens {
            [Token { kind: Kind::Text, .. }, rest @ ..] => go_on(rest, Behind::Literal),
            _ => Judgement::Clean,
        },
    }
}

/// The value stands where a number or a name would.
fn bare(tokens: &[Token<'_>]) -> Judgement {
    let start = tokens.iter().take_while(|token| is_before_operand(token)).count();
    let opens = tokens[..start].iter().any(|token| token.kind == Kind::Open);
    let tokens = &tokens[start..];
    let [first, rest @ ..] = tokens else { return Judgement::Clean };
    match first.kind {
        Kind::Number | Kind::Variable | Kind::Word(Word::Constant) | Kind::Close => {
            go_on(rest, Behind::Operand)
        }
        Kind::Word(Word::Function | Word::Grave) if is_call(tokens) => match call(tokens) {
            (Judgement::Attack, _) => Judgement::Attack,
            (found, length) => found.max(go_on(&tokens[length..], Behind::Operand)),
        },
        Kind::Word(Word::Verb(Verb::Select)) if opens && statement::is_list(rest) => {
            Judgement::Attack
        }
        Kind::Word(Word::Verb(_)) => statement::whole(tokens),
        Kind::Word(Word::Union) => statement::union(rest, Behind::Name),
        Kind::Word(Word::Logic) | Kind::Logic => walk(tokens, Behind::Name),
        Kind::Semicolon => statement::next(rest, Behind::Name),
        Kind::Word(Word::Arrange) => statement::arrange(rest).min(Judgement::Odd),
        Kind::Word(Word::Case) if holds(rest, Kind::Word(Word::Clause)) => Judgement::Odd,
        // A text in quotes is what searches are made of.
        Kind::Name | Kind::Text | Kind::Word(_) => go_on(rest, Behind::Name),
        Kind::OpenText
        | Kind::Compare
        | Kind::Reckon
        | Kind::Star
        | Kind::Not
        | Kind::Open
        | Kind::Comma
        | Kind::Comment
        | Kind::Remark
        | Kind::Other => Judgement::Clean,
    }
}

fn holds(tokens: &[Token<'_>], kind: Kind) -> bool {
    tokens.iter().any(|token| token.kind == kind)
}

/// Signs that an operand may have before it.
fn is_before_operand(token: &Token<'_>) -> bool {
    match token.kind {
        Kind::Reckon => matches!(token.text, b"+" | b"-"),
        Kind::Not | Kind::Open | Kind::Word(Word::Not | Word::Quantity) => true,
        _ => false,
    }
}

/// What stands behind an operand.
pub(super) fn go_on(rest: &[Token<'_>], behind: Behind) -> Judgement {
    let closed = rest.iter().take_while(|token| token.kind == Kind::Close).count();
    let rest = &rest[closed..];
    let [first, after @ ..] = rest else { return Judgement::Clean };
    match first.kind {
        Kind::Comment => match behind {
            Behind::Literal => Judgement::Attack,
            Behind::Operand => Judgement::Odd,
            Behind::Name => Judgement::Clean,
        },
        Kind::Remark if behind == Behind::Literal => Judgement::Odd,
        Kind::Word(Word::Union) => statement::union(after, behind),
        Kind::Semicolon => statement::next(after, behind),
        Kind::Word(Word::Arrange) => statement::arrange(after),
        Kind::Word(Word::Having) => statement::having(after),
        Kind::Word(Word::Limit) => statement::limit(after),
        Kind::Word(Word::Into) => statement::into(after),
        Kind::Word(Word::Procedure) => statement::procedure(after),
        Kind::Word(Word::Where) if behind != Behind::Name => walk(rest, behind),
        Kind::Word(Word::Verb(Verb::WaitFor | Verb::Call | Verb::Shutdown | Verb::Declare)) => {
            statement::next(rest, Behind::Name)
        }
        Kind::Comma if behind == Behind::Literal => statement::values(after),
        Kind::Compare
        | Kind::Reckon
        | Kind::Star
        | Kind::Logic
        | Kind::Word(Word::Logic | Word::Compare | Word::Reckon | Word::Not) => walk(rest, behind),
        _ => Judgement::Clean,
    }
}

/// An operand, as far as comparing it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operand {
    /// What was there before the value.
    Given,
    Constant,
    Name,
    Function,
}

/// What the last operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Logic,
    Compare,
    Reckon,
}

/// Operators and operands in turn, from an operator on.
fn walk(tokens: &[Token<'_>], behind: Behind) -> Judgement {
    let mut left = Operand::Given;
    let mut is_logical = false;
    let mut worst = Judgement::Clean;
    // `5 > 3 and 2 < 4`: who compares first says something about numbers.
    let is_sum =
        behind == Behind::Operand && tokens.first().is_some_and(|it| it.kind == Kind::Compare);
    let mut at = 0;
    while let Some(operator) = tokens.get(at).and_then(operator) {
        is_logical |= operator == Operator::Logic;
        at += 1;
        let (operand, length) = match operand(&tokens[at..], behind) {
            Turn::Judged(judgement) => return judgement,
            Turn::Operand(operand, length) => (operand, length),
            // An operator without its operand: no query goes on like that.
            Turn::None => return worst,
        };
        let comparison = &tokens[at - 1..at + length];
        at += length;
        if operator == Operator::Compare {
            worst = worst.max(compare((left, operand), comparison, is_logical, behind));
            if tokens.get(at).is_some_and(is_operand) {
                return Judgement::Clean;
            }
            if worst == Judgement::Attack {
                return if is_sum { Judgement::Odd } else { worst };
            }
        }
        left = operand;
        at += tokens[at..].iter().take_while(|token| token.kind == Kind::Close).count();
    }
    worst.max(end(tokens, at, is_logical, behind))
}

/// What cannot stand behind another: a sentence goes on.
fn is_operand(token: &Token<'_>) -> bool {
    matches!(token.kind, Kind::Name | Kind::Number | Kind::Text | Kind::OpenText | Kind::Variable)
}

fn operator(token: &Token<'_>) -> Option<Operator> {
    Some(match token.kind {
        Kind::Logic | Kind::Word(Word::Logic | Word::Where) => Operator::Logic,
        Kind::Compare | Kind::Word(Word::Compare) => Operator::Compare,
        // And the beginning of `not like`.
        Kind::Reckon | Kind::Star | Kind::Word(Word::Reckon | Word::Not) => Operator::Reckon,
        _ => return None,
    })
}

enum Turn {
    Judged(Judgement),
    /// An operand, and how many tokens it takes.
    Operand(Operand, usize),
    None,
}

fn operand(tokens: &[Token<'_>], behind: Behind) -> Turn {
    let signs = tokens
        .iter()
        .take_while(|token| is_before_operand(token) || token.kind == Kind::Word(Word::Compare))
        .count();
    let is_inner = tokens[..signs].iter().any(|token| token.kind == Kind::Open);
    let rest = &tokens[signs..];
    let Some(first) = rest.first() else { return Turn::None };
    let operand = match first.kind {
        Kind::Word(Word::Verb(Verb::Select)) if is_inner => {
            let is_query = statement::is_list(&rest[1..]) || behind == Behind::Literal;
            return Turn::Judged(if is_query { Judgement::Attack } else { Judgement::Clean });
        }
        Kind::Word(Word::Case) if holds(rest, Kind::Word(Word::Clause)) => {
            return Turn::Judged(Judgement::Attack);
        }
        Kind::Word(Word::Function | Word::Grave) if is_call(rest) => {
            return match call(rest) {
                (Judgement::Attack, _) => Turn::Judged(Judgement::Attack),
                (Judgement::Clean | Judgement::Odd, length) => {
                    Turn::Operand(Operand::Function, signs + length)
                }
            };
        }
        Kind::Number | Kind::Text | Kind::OpenText | Kind::Word(Word::Constant) => {
            Operand::Constant
        }
        Kind::Variable | Kind::Word(Word::Schema) => Operand::Function,
        Kind::Name | Kind::Word(Word::Object | Word::Function | Word::Grave | Word::Delay) => {
            Operand::Name
        }
        _ => return Turn::None,
    };
    Turn::Operand(operand, signs + 1)
}

/// What a comparison, whose tokens are given from its operator on, says of the query it stands in.
fn compare(
    (left, right): (Operand, Operand),
    comparison: &[Token<'_>],
    is_logical: bool,
    behind: Behind,
) -> Judgement {
    use Operand::{Constant, Function, Given, Name};
    let is_word = matches!(comparison.first(), Some(Token { kind: Kind::Word(_), .. }));
    let is_text =
        matches!(comparison.last(), Some(Token { kind: Kind::Text | Kind::OpenText, .. }));
    let is_attack = match (left, right, behind) {
        // `'='`, `' like '%`: the query's own literal is compared.
        (Given, Constant, Behind::Literal) => is_text,
        (Given, Function, Behind::Operand) => is_word,
        (Constant | Function, Constant | Function, _)
        | (Name, Constant | Function, Behind::Literal | Behind::Operand)
        | (Constant | Function, Name, Behind::Literal) => is_logical,
        _ => false,
    };
    let is_odd = match (left, right, behind) {
        (Given, Constant, Behind::Literal)
        | (Given, Function, Behind::Literal | Behind::Operand)
        | (Name, Constant, Behind::Name) => true,
        (Given, _, _) | (_, Given, _) => false,
        (Name, Name, Behind::Literal) => is_logical,
        (Function, _, _) | (_, Function, _) => true,
        (Constant | Name, Constant | Name, _) => false,
    };
    match (is_attack, is_odd) {
        (true, _) => Judgement::Attack,
        (false, true) => Judgement::Odd,
        (false, false) => Judgement::Clean,
    }
}

/// The walk ended at `at`; behind a literal the query needs an end of its own.
fn end(tokens: &[Token<'_>], at: usize, is_logical: bool, behind: Behind) -> Judgement {
    let rest = &tokens[at.min(tokens.len())..];
    match (rest.first().map(|token| token.kind), behind) {
        (Some(Kind::Comment), Behind::Literal) => Judgement::Attack,
        (Some(Kind::Comment), Behind::Operand) if is_logical => Judgement::Attack,
        (Some(Kind::Comment), Behind::Operand) => Judgement::Odd,
        (Some(Kind::Comment), Behind::Name) if is_logical => Judgement::Odd,
        (Some(Kind::Semicolon), _) => statement::next(&rest[1..], behind),
        (Some(Kind::Word(Word::Union)), _) => statement::union(&rest[1..], behind),
        (Some(Kind::Word(Word::Limit)), _) => statement::limit(&rest[1..]),
        (Some(Kind::Word(Word::Arrange)), _) => statement::arrange(&rest[1..]),
        (Some(Kind::Word(Word::Having)), _) => statement::having(&rest[1..]),
        (Some(Kind::Word(Word::Into)), _) => statement::into(&rest[1..]),
        (None, Behind::Literal) => match tokens.last() {
            Some(Token { kind: Kind::OpenText, text }) if is_logical => match text.get(1) {
                Some(byte) if byte.is_ascii_digit() => Judgement::Attack,
                Some(_) | None => Judgement::Odd,
            },
            Some(Token { kind: Kind::Number | Kind::Word(Word::Constant), .. }) if is_logical => {
                Judgement::Odd
            }
            Some(Token { kind: Kind::OpenText, .. }) => Judgement::Odd,
            Some(_) | None => Judgement::Clean,
        },
        _ => Judgement::Clean,
    }
}

/// Whether a word is called as a function is.
pub(super) fn is_call(tokens: &[Token<'_>]) -> bool {
    matches!(tokens, [_, Token { kind: Kind::Open, .. }, ..])
}

/// A call from its function's name on: the judgement on it and the tokens it takes.
pub(super) fn call(tokens: &[Token<'_>]) -> (Judgement, usize) {
    let arguments = &tokens[2..];
    let mut depth = 1_usize;
    let mut length = 2;
    for token in arguments {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth -= 1,
            _ => {}
        }
        length += 1;
        if depth == 0 {
            break;
        }
    }
    let inner = &tokens[2..length];
    let is_grave = tokens[0].kind == Kind::Word(Word::Grave) && is_arguments(inner);
    let holds_grave = inner.iter().enumerate().any(|(at, token)| {
        let rest = &inner[at..];
        match token.kind {
            Kind::Word(Word::Grave) => is_call(rest) && is_arguments(&rest[2..]),
            Kind::Word(Word::Verb(Verb::Select)) => {
                at > 0 && inner[at - 1].kind == Kind::Open && statement::is_list(&rest[1..])
            }
            _ => false,
        }
    });
    // The function's own parenthesis opens a query.
    let is_query = matches!(inner, [Token { kind: Kind::Word(Word::Verb(Verb::Select)), .. }, rest @ ..]
        if statement::is_list(rest));
    let judgement =
        if is_grave || holds_grave || is_query { Judgement::Attack } else { Judgement::Clean };
    (judgement, length)
}

/// Whether what stands behind an opening parenthesis are arguments, and no words in brackets.
pub(super) fn is_arguments(inner: &[Token<'_>]) -> bool {
    let signs = inner.iter().take_while(|token| is_before_operand(token)).count();
    match &inner[signs..] {
        [first, second, ..] => matches!(
            (first.kind, second.kind),
            (Kind::Word(Word::Function | Word::Grave | Word::Verb(Verb::Select)), _)
                | (Kind::Name | Kind::Word(_), Kind::Open)
                | (Kind::Number | Kind::Text | Kind::Variable, Kind::Close)
                | (
                    Kind::Number | Kind::Text | Kind::Variable | Kind::Name | Kind::Word(_),
                    Kind::Comma
                        | Kind::Compare
                        | Kind::Reckon
                        | Kind::Star
                        | Kind::Logic
                        | Kind::Word(Word::Compare | Word::Logic | Word::Reckon),
                )
        ),
        // The value ends in it.
        [only] => matches!(only.kind, Kind::Number | Kind::OpenText),
        [] => false,
    }
}
