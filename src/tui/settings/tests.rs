//! What a file of settings may say, and how it is told what it may not.

use super::{Settings, load, parse};
use crate::tui::action::Id;
use crate::tui::action::chord;
use crate::tui::term::aside::Alarm;
use crate::tui::theme::glyph::GlyphTier;
use crate::tui::theme::tier::ColorTier;

#[test]
fn settings_are_read() {
    let text = "theme = \"nord\"\ncolors = \"256\"\nglyphs = \"ascii\"\nnotify = \"osc9\"\n\
                [keys]\ndown = [\"n\", \"Down\"]\nnext-match = \"Ctrl-G\"\nroll = []\n";
    let settings = parse("console.toml", text).unwrap();
    assert_eq!(settings.theme.as_deref(), Some("nord"));
    assert_eq!(settings.colors, Some(ColorTier::Indexed));
    assert_eq!(settings.glyphs, Some(GlyphTier::Ascii));
    assert_eq!(settings.alarm, Some(Alarm::Osc9));
    assert!(settings.keys.is_key(Id::Down, chord::char('n')));
    assert!(!settings.keys.is_key(Id::Down, chord::char('j')));
    assert!(settings.keys.is_key(Id::NextMatch, chord::ctrl('g')));
    assert!(!settings.keys.is_key(Id::Roll, chord::char('R')));
    assert_eq!(parse("console.toml", "").unwrap(), Settings::default());
}

#[test]
fn what_the_readme_shows_is_good() {
    let readme = include_str!("../../../README.md");
    let begin = readme.find("```toml\ntheme = ").expect("an example") + "```toml\n".len();
    let text = readme[begin..].split("```").next().expect("it ends");
    let settings = parse("README.md", text).unwrap();
    assert!(settings.keys.is_key(Id::Mark, chord::char('v')));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let check = |text: &str, expected: &str| {
        let told = parse("console.toml", text).unwrap_err().to_string();
        let expected = format!("console.toml:{expected}; `--settings none` does without");
        assert_eq!(told, expected);
    };
    check("\nnotify = \"gong\"", "2: notify: `gong` is none of none, bell, osc9, osc777");
    check("colors = \"12\"", "1: colors: `12` is none of true, 256, 16, none");
    check(
        "[keys]\ndrian = \"d\"",
        "2: no action is called `drian`; the manual page of `pilothouse console` lists them",
    );
    check(
        "[keys]\nweight = \"d\"",
        "2: no action is called `weight`; there are weight-up, weight-down",
    );
    check(
        "[keys]\ndrain = \"Ctrl-M\"",
        "2: key of `drain`: `Ctrl-M` arrives from a terminal as Enter",
    );
    check("[keys]\ndrain = 4", "2: expected a key such as \"d\", or a list of them");
    check(
        "[keys]\nundo = \"U\"\n\nenable = \"d\"",
        "4: `d` would mean both `enable` and `drain` in one place; give `drain` another key, or \
         none: []",
    );
    let told = parse("console.toml", "keys = [\n").unwrap_err().to_string();
    assert!(told.starts_with("console.toml:"), "{told}");
}

#[test]
fn who_has_no_file_has_no_settings() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().display().to_string();
    let variable = |name: &str| (name == "XDG_CONFIG_HOME").then(|| home.clone());
    assert_eq!(load(None, variable), Ok(Settings::default()));
    let missing = folder.path().join("elsewhere.toml");
    let told = load(Some(&missing), variable).unwrap_err().to_string();
    assert!(told.starts_with("read settings") && told.contains("elsewhere.toml"), "{told}");
    std::fs::create_dir(folder.path().join("pilothouse")).unwrap();
    std::fs::write(folder.path().join("pilothouse/console.toml"), "theme = \"nord\"").unwrap();
    assert_eq!(load(None, variable).unwrap().theme.as_deref(), Some("nord"));
    assert_eq!(load(Some("none".as_ref()), variable), Ok(Settings::default()));
}
