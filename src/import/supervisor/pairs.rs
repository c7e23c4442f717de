//! `KEY="value",KEY2='other'`: Supervisor's `dict_of_key_value_pairs`, with the words of Python's
//! `shlex` in its old (not POSIX) mode, where quotes stay on and only whole words are quoted.

use super::expand::MARKS;

/// The pairs in their order, the last of one name winning. The error is what is wrong.
pub(super) fn read(text: &str) -> Result<Vec<(String, String)>, String> {
    let words = words(text)?;
    let mut pairs: Vec<(String, String)> = Vec::new();
    // Whatever word stands where the comma should be is passed over, as there.
    for chunk in words.chunks(4) {
        let [key, equals, value, ..] = chunk else {
            return Err(format!("the pairs end early, after `{}`", chunk.join("")));
        };
        if equals != "=" {
            return Err(format!("expected `{key}=value`, quoted if it holds more than a word"));
        }
        let value = value.trim_matches(['\'', '"']).to_owned();
        pairs.retain(|(known, _)| known != key);
        pairs.push((key.clone(), value));
    }
    Ok(pairs)
}

fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = text.chars().peekable();
    let mut word = String::new();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(taken(&mut word)),
            // Also in the middle of a word, which goes on in the next line.
            '#' => while rest.next_if(|c| *c != '\n').is_some() {},
            '\'' | '"' if word.is_empty() => {
                word.push(c);
                loop {
                    let next = rest.next().ok_or_else(|| format!("`{word}` is not closed"))?;
                    word.push(next);
                    if next == c {
                        break;
                    }
                }
                words.extend(taken(&mut word));
            }
            c if is_of_words(c) || matches!(c, '\'' | '"') => word.push(c),
            c => {
                words.extend(taken(&mut word));
                words.push(c.to_string());
            }
        }
    }
    words.extend(taken(&mut word));
    Ok(words)
}

fn taken(word: &mut String) -> Option<String> {
    (!word.is_empty()).then(|| std::mem::take(word))
}

fn is_of_words(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_/.+-():".contains(c) || MARKS.contains(&c)
}
