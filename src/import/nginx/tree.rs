//! Directives within blocks, with all that is included in its place.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::words::{self, Placed, Token};
use crate::config::limits::import::{IMPORT_DEPTH_MAX, IMPORT_FILES_MAX};
use crate::import::{Place, Remark, files};

#[derive(Clone, Debug)]
pub(super) struct Directive {
    pub(super) name: String,
    pub(super) arguments: Vec<String>,
    /// What is in its braces, if it has some.
    pub(super) block: Option<Vec<Directive>>,
    pub(super) place: Place,
}

/// Reads files until all is there that they include.
pub(super) struct Reader {
    /// What included files are relative to: the folder of the first one.
    folder: PathBuf,
    files_left: usize,
    pub(super) mistakes: Vec<Remark>,
    pub(super) warnings: Vec<Remark>,
    /// Of each file that was included, once.
    pub(super) texts: Vec<(Rc<Path>, String)>,
}

impl Directive {
    pub(super) fn argument(&self, at: usize) -> Option<&str> {
        self.arguments.get(at).map(String::as_str)
    }

    /// Its own and what is in its block.
    pub(super) fn inner(&self) -> &[Directive] {
        self.block.as_deref().unwrap_or_default()
    }
}

impl Reader {
    pub(super) fn new(folder: &Path) -> Self {
        let (mistakes, warnings) = (Vec::new(), Vec::new());
        let (folder, files_left) = (folder.to_owned(), IMPORT_FILES_MAX);
        Self { folder, files_left, mistakes, warnings, texts: Vec::new() }
    }

    pub(super) fn read(&mut self, file: &Rc<Path>, text: &str) -> Vec<Directive> {
        self.read_within(file, text, IMPORT_DEPTH_MAX)
    }

    fn read_within(&mut self, file: &Rc<Path>, text: &str, depth: usize) -> Vec<Directive> {
        match words::read(file, text) {
            Ok(tokens) => {
                let mut tokens = tokens.into_iter();
                let end = Place { file: Rc::clone(file), line: text.lines().count() };
                self.block(&mut tokens, None, &end, depth)
            }
            Err(mistake) => {
                self.mistakes.push(mistake);
                Vec::new()
            }
        }
    }

    /// Up to the brace that closes what was opened at `opened`, or the end of the file.
    fn block(
        &mut self,
        tokens: &mut std::vec::IntoIter<Placed>,
        opened: Option<&Place>,
        end: &Place,
        depth: usize,
    ) -> Vec<Directive> {
        let mut directives = Vec::new();
        let mut words: Vec<(String, Place)> = Vec::new();
        while let Some(Placed { token, place }) = tokens.next() {
            match token {
                Token::Word(word) => words.push((word, place)),
                Token::End => self.end(&mut directives, std::mem::take(&mut words), &place, depth),
                Token::Open => {
                    let named = directive(std::mem::take(&mut words));
                    if depth == 0 {
                        self.mistakes.push(place.remark("too deep"));
                        return directives;
                    }
                    let inner = self.block(tokens, Some(&place), end, depth - 1);
                    match named {
                        Some(named) => {
                            directives.push(Directive { block: Some(inner), ..named });
                        }
                        None => self.mistakes.push(place.remark("`{` without a name before it")),
                    }
                }
                Token::Close => {
                    if let Some((word, place)) = words.first() {
                        self.mistakes.push(place.remark(format!("`{word}` is not ended by `;`")));
                    }
                    if opened.is_none() {
                        self.mistakes.push(place.remark("`}` closes nothing"));
                        continue;
                    }
                    return directives;
                }
            }
        }
        if let Some((word, place)) = words.first() {
            self.mistakes.push(place.remark(format!("`{word}` is not ended by `;`")));
        } else if let Some(opened) = opened {
            self.mistakes.push(end.remark(format!("`{{` of line {} is not closed", opened.line)));
        }
        directives
    }

    fn end(
        &mut self,
        directives: &mut Vec<Directive>,
        words: Vec<(String, Place)>,
        place: &Place,
        depth: usize,
    ) {
        let Some(directive) = directive(words) else {
            self.mistakes.push(place.remark("`;` without a name before it"));
            return;
        };
        if directive.name != "include" {
            directives.push(directive);
        } else if depth == 0 {
            self.mistakes.push(directive.place.remark("included too deep"));
        } else {
            self.include(directives, &directive, depth - 1);
        }
    }

    fn include(&mut self, directives: &mut Vec<Directive>, include: &Directive, depth: usize) {
        let [pattern] = include.arguments.as_slice() else {
            self.mistakes.push(include.place.remark("`include` wants one file or pattern"));
            return;
        };
        let pattern = self.folder.join(pattern);
        let is_pattern = pattern.to_string_lossy().contains(['*', '?', '[']);
        let found = if is_pattern { files::matching(&pattern) } else { Ok(vec![pattern]) };
        let found = match found {
            Ok(found) if found.len() <= self.files_left => found,
            Ok(_) => {
                self.mistakes.push(include.place.remark("too many files are included"));
                return;
            }
            Err(error) => {
                self.mistakes.push(include.place.remark(error));
                return;
            }
        };
        self.files_left -= found.len();
        for path in found {
            match files::read(&path) {
                Ok(text) => {
                    let file: Rc<Path> = Rc::from(path);
                    if !self.texts.iter().any(|(known, _)| *known == file) {
                        self.texts.push((Rc::clone(&file), text.clone()));
                    }
                    directives.extend(self.read_within(&file, &text, depth));
                }
                Err(error) => {
                    let text = format!("{}: {error}", path.display());
                    self.mistakes.push(include.place.remark(text));
                }
            }
        }
    }
}

fn directive(words: Vec<(String, Place)>) -> Option<Directive> {
    let mut words = words.into_iter();
    let (name, place) = words.next()?;
    let arguments = words.map(|(word, _)| word).collect();
    Some(Directive { name, arguments, block: None, place })
}
