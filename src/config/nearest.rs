//! "Did you mean": the known word closest to a mistyped one.

/// Longer words are never compared, so that a hostile file costs nothing.
const WORD_CHARS_MAX: usize = 64;

/// The known word within a third of its length in edits, the nearest first; `None` if all are far.
pub(super) fn nearest<'w>(word: &str, known: &[&'w str]) -> Option<&'w str> {
    known
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(edits, candidate)| *edits <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other,
/// upper and lower case being the same.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().take(WORD_CHARS_MAX).collect();
    let right: Vec<char> = right.to_lowercase().chars().take(WORD_CHARS_MAX).collect();
    let mut before_last = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, &a) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &b) in right.iter().enumerate() {
            let mut edits = (last[column] + usize::from(a != b))
                .min(last[column + 1] + 1)
                .min(current[column] + 1);
            let is_swap = row > 0 && column > 0 && a == right[column - 1] && b == left[row - 1];
            if is_swap {
                edits = edits.min(before_last[column - 1] + 1);
            }
            current.push(edits);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[right.len()]
}
