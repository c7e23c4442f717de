//! Which lines of two texts are different, with a few of those around them.
//!
//! Pure. The longest common run of lines is found by the usual table; where that would be too large,
//! what lies between the same beginning and the same end is told as a whole.

/// Same lines shown before and after a different one.
const AROUND: usize = 2;
/// Cells of the table at most: some milliseconds.
const CELLS_MAX: usize = 4_000_000;

/// One line of either text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
    /// Here so many same lines are left out.
    Gap(usize),
}

pub(crate) fn between<'a>(old: &'a str, new: &'a str) -> Vec<Line<'a>> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let rest = (&old[head..], &new[head..]);
    let tail = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(old, new)| old == new);
    let tail = tail.count();
    let (middle_old, middle_new) = (&rest.0[..rest.0.len() - tail], &rest.1[..rest.1.len() - tail]);
    let mut lines: Vec<Line<'a>> = old[..head].iter().map(|line| Line::Same(line)).collect();
    lines.extend(middle(middle_old, middle_new));
    lines.extend(old[old.len() - tail..].iter().map(|line| Line::Same(line)));
    without_the_rest(&lines)
}

fn middle<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let width = new.len() + 1;
    if (old.len() + 1).saturating_mul(width) > CELLS_MAX {
        let gone = old.iter().map(|line| Line::Gone(line));
        return gone.chain(new.iter().map(|line| Line::New(line))).collect();
    }
    // The length of the longest common run of what is left from there on.
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for at in (0..old.len()).rev() {
        for to in (0..new.len()).rev() {
            common[at * width + to] = if old[at] == new[to] {
                common[(at + 1) * width + to + 1] + 1
            } else {
                common[(at + 1) * width + to].max(common[at * width + to + 1])
            };
        }
    }
    let (mut at, mut to, mut lines) = (0, 0, Vec::new());
    while at < old.len() && to < new.len() {
        if old[at] == new[to] {
            lines.push(Line::Same(old[at]));
            (at, to) = (at + 1, to + 1);
        } else if common[(at + 1) * width + to] >= common[at * width + to + 1] {
            lines.push(Line::Gone(old[at]));
            at += 1;
        } else {
            lines.push(Line::New(new[to]));
            to += 1;
        }
    }
    lines.extend(old[at..].iter().map(|line| Line::Gone(line)));
    lines.extend(new[to..].iter().map(|line| Line::New(line)));
    lines
}

/// Same lines that are far from a different one are counted instead.
fn without_the_rest<'a>(lines: &[Line<'a>]) -> Vec<Line<'a>> {
    let is_same = |line: &Line<'_>| matches!(line, Line::Same(_));
    let is_near = |at: usize| {
        let around = at.saturating_sub(AROUND)..(at + AROUND + 1).min(lines.len());
        lines[around].iter().any(|line| !is_same(line))
    };
    let mut shown = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        match (is_near(at), shown.last_mut()) {
            (true, _) => shown.push(*line),
            (false, Some(Line::Gap(count))) => *count += 1,
            (false, _) => shown.push(Line::Gap(1)),
        }
    }
    if shown.iter().all(|line| matches!(line, Line::Gap(_))) { Vec::new() } else { shown }
}
