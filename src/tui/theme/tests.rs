//! Themes by role: readable in every tier, complete, with errors at their place; colours by tier.

use super::file::File;
use super::paint::Slot;
use super::shelf::{Shelf, names};
use super::tier::ColorTier;
use super::*;

const SURFACES: [Role; 2] = [Role::Background, Role::Panel];
const QUIET: [Role; 5] = [Role::Background, Role::Panel, Role::Selection, Role::Faint, Role::Dim];
/// Themes whose whole point is contrast: WCAG's level AAA.
const STRONG: [&str; 2] = ["contrast", "daylight"];
const STRONG_CONTRAST: f64 = 7.0;

fn built_in() -> Vec<(&'static str, Theme)> {
    let load = |name| Shelf::default().load(name).unwrap_or_else(|error| panic!("{error}"));
    names().map(|name| (name, load(name))).collect()
}

/// Each pair of text and ground that must be readable, with the contrast it needs.
fn pairs(name: &str) -> Vec<(Role, Role, f64)> {
    let loud = Role::ALL.into_iter().filter(|role| !QUIET.contains(role));
    let needed = if STRONG.contains(&name) { STRONG_CONTRAST } else { READABLE };
    let loud = loud.flat_map(|role| Role::GROUNDS.map(|ground| (role, ground, needed)));
    loud.chain(SURFACES.map(|ground| (Role::Dim, ground, READABLE))).collect()
}

#[test]
fn every_built_in_theme_is_readable() {
    for (name, theme) in built_in() {
        assert_eq!(theme.name, name);
        assert!(!theme.about.is_empty(), "{name}");
        if theme.is_terminals() {
            continue;
        }
        for (role, ground, needed) in pairs(name) {
            let ratio = theme.rgb(role).contrast(theme.rgb(ground));
            assert!(ratio >= needed, "{name}: {} on {}: {ratio:.2}", role.name(), ground.name());
        }
    }
}

#[test]
fn it_still_is_in_256_colours() {
    for (name, theme) in built_in().into_iter().filter(|(_, theme)| !theme.is_terminals()) {
        let indexes = cube::indexed(&theme);
        let shown = |role: Role| cube::color(indexes[role as usize]);
        for (role, ground, _) in pairs(name) {
            let ratio = shown(role).contrast(shown(ground));
            assert!(ratio >= READABLE, "{name}: {} on {}: {ratio:.2}", role.name(), ground.name());
        }
        for (at, ground) in Role::GROUNDS.into_iter().enumerate() {
            for other in &Role::GROUNDS[at + 1..] {
                assert_ne!(shown(ground), shown(*other), "{name}: {}", other.name());
            }
        }
    }
}

#[test]
fn states_differ_by_colour_where_there_is_one() {
    for (name, theme) in built_in().into_iter().filter(|(name, _)| *name != "mono") {
        for tier in [ColorTier::True, ColorTier::Indexed, ColorTier::Sixteen] {
            let colors = tier.colors(&theme);
            let states = [Role::Ok, Role::Warn, Role::Bad, Role::Info];
            for (at, state) in states.into_iter().enumerate() {
                for other in &states[at + 1..] {
                    let [one, other] = [state, *other].map(|role| colors[role as usize]);
                    assert_ne!(one, other, "{name} in {tier:?}: {}", state.name());
                }
            }
        }
    }
}

#[test]
fn errors_name_file_line_and_role() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::of(folder.path());
    let path = folder.path().join("mine.toml");
    let place = path.display().to_string();
    let check = |text: &str, expected: &str| {
        std::fs::write(&path, text).unwrap();
        let error = shelf.load("mine").unwrap_err().to_string();
        assert_eq!(error.strip_prefix(&place), Some(expected), "{error}");
        // The list to choose from says the same.
        let listed = shelf.entries().pop().unwrap();
        assert_eq!((listed.name.as_str(), listed.about), ("mine", error));
    };
    check("name = \"mine\"\n[roles]\nbacon = \"#000000\"", ":3: no role is called `bacon`");
    check(
        "name = \"mine\"\ninherits = \"nord\"\n\n[roles]\nbad = \"#00\"",
        ":5: role `bad`: `#00` is neither a colour nor in a [palette]",
    );
    check(
        "name = \"mine\"\ninherits = \"nord\"\n[roles]\nok = \"teal\"",
        ":4: role `ok`: `teal` is neither a colour nor in a [palette]",
    );
    check(
        "name = \"mine\"\n[palette]\nteal = \"00ffff\"",
        ":3: palette `teal`: `00ffff` is no colour, such as #1e90ff or bright-blue",
    );
    check(
        "name = \"mine\"\n[roles]\nbackground = \"#ff0000\"",
        ": role `panel` has no colour, and no inherited theme gives one",
    );
    check("name = \"mine\"\ninherits = \"mine\"", ": inherits more than 4 deep");
    assert!(matches!(File::parse("mine", "name = \n"), Err(ThemeError::Syntax { line: 1, .. })));
    let unknown = shelf.load("mint").unwrap_err().to_string();
    assert!(unknown.starts_with("theme `mint`: no such theme; built in are harbor, paper, "));
    assert!(matches!(shelf.load("/nowhere/mint.toml"), Err(ThemeError::Read { .. })));
}

#[test]
fn a_theme_inherits_what_it_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::of(folder.path());
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let rgb = |red, green, blue| Paint::Rgb(Rgb(red, green, blue));

    write("mine.toml", "name = \"mine\"\ninherits = \"harbor\"\n[roles]\nbad = \"#ff0000\"");
    let theme = shelf.load("mine").unwrap();
    assert_eq!(theme.paint(Role::Bad), rgb(255, 0, 0));
    assert_eq!(theme.paint(Role::Ok), default_theme().paint(Role::Ok));
    assert_eq!(theme.name, "mine");

    // Of one's own, by another colour of the palette alone, and with one of the terminal's.
    let text = "name = \"more\"\ninherits = \"mine\"\n[palette]\nteal = \"#00ffff\"\n\
                [roles]\nok = \"bright-green\"";
    write("more.toml", text);
    let theme = shelf.load("more").unwrap();
    assert_eq!(theme.paint(Role::Accent), rgb(0, 255, 255));
    assert_eq!(theme.paint(Role::Bad), rgb(255, 0, 0));
    assert_eq!(theme.paint(Role::Ok), Paint::Terminal(Slot::Numbered(10)));

    let names: Vec<String> = shelf.entries().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names[names.len() - 2..], ["mine", "more"], "after the built-in ones");
    let path = folder.path().join("more.toml").display().to_string();
    assert_eq!(Shelf::default().load(&path).unwrap_err(), ThemeError::Unknown("mine".to_owned()));
    assert_eq!(shelf.load(&path).unwrap(), theme, "by its path as well");
}

#[test]
fn the_environment_chooses_the_colours() {
    let check = |set: &[(&str, &str)], expected: ColorTier| {
        let variable = |name: &str| {
            set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(ColorTier::detect(variable), expected, "{set:?}");
    };
    check(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], ColorTier::True);
    check(&[("TERM", "xterm-256color")], ColorTier::Indexed);
    check(&[("TERM", "xterm")], ColorTier::Sixteen);
    check(&[("TERM", "xterm"), ("NO_COLOR", "1"), ("COLORTERM", "truecolor")], ColorTier::Mono);
    check(&[("TERM", "xterm"), ("NO_COLOR", "")], ColorTier::Sixteen);
    check(&[("TERM", "dumb")], ColorTier::Mono);
}

#[test]
fn a_colour_finds_its_neighbour_among_256() {
    let check = |rgb: Rgb, expected: u8| assert_eq!(cube::nearest(rgb, |_| true), expected);
    check(Rgb(255, 255, 255), 231);
    check(Rgb(0, 0, 0), 16);
    check(Rgb(0x5f, 0xaf, 0xff), 75);
    check(Rgb(0x1c, 0x1c, 0x1c), 234);
}
