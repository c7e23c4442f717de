//! The pictures of the documentation are the console's own, and can be taken again at any time.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use quick_xml::Reader;
use quick_xml::events::Event;

use super::{program, site};
use crate::engine::Engine;
use crate::origin::Origin;

/// Names of the SVG files of a folder, and of the folder of themes in it.
fn pictures(folder: &Path) -> BTreeSet<String> {
    let of = |folder: &Path, before: &str| -> BTreeSet<String> {
        let files = std::fs::read_dir(folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let paths = files.filter_map(|file| Some(file.ok()?.path()));
        let pictures = paths.filter(|path| path.extension().is_some_and(|is| is == "svg"));
        let name = |path: PathBuf| Some(format!("{before}{}", path.file_stem()?.to_str()?));
        pictures.filter_map(name).collect()
    };
    of(folder, "").into_iter().chain(of(&folder.join("themes"), "themes/")).collect()
}

/// The letters of a picture, when it is one.
fn letters(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("a picture is text");
    let mut reader = Reader::from_str(&text);
    let (mut letters, mut depth) = (String::new(), 0);
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            Event::Text(text) => letters += &text.into_inner(),
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "{} ends", path.display());
    letters
}

#[test]
fn every_picture_there_is_can_be_taken_again() {
    let origin = Origin::named("app");
    let failing = program("mailer", "false", "start_seconds = 1\nstart_retries = 0");
    let failing = failing.split_once("[program.").expect("a program").1;
    let engine = Engine::start(&format!("{}[program.{failing}", site("", &[&origin])));
    let folder = engine.folder.path().join("pictures");
    let path = folder.display().to_string();
    let told = engine.ctl_ok(&["console", "--screenshot", &path, "--samples", "2"]);
    let taken = pictures(&folder);
    assert_eq!(told.lines().count(), taken.len(), "{told}");
    let kept = pictures(&Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots"));
    assert_eq!(taken, kept, "what is shown is what the console draws");
    let overview = letters(&folder.join("overview.svg"));
    for word in ["pilothouse", "Attention", "FATAL", "Traffic"] {
        assert!(overview.contains(word), "{word} is missing in {overview}");
    }
    let sample = letters(&folder.join("themes/nord.svg"));
    assert!(sample.contains("Attention"));
}
