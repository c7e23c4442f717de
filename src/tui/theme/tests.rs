//! Themes by role: readable, complete, with errors at their place; colours by tier.

use super::tier::ColorTier;
use super::*;

const SURFACES: [Role; 2] = [Role::Background, Role::Panel];
const QUIET: [Role; 5] = [Role::Background, Role::Panel, Role::Selection, Role::Faint, Role::Dim];

fn luminance(color: Rgb) -> f64 {
    let linear = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(color.0) + 0.7152 * linear(color.1) + 0.0722 * linear(color.2)
}

fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_built_in_theme_is_readable() {
    for name in names() {
        let theme = load(name).unwrap();
        assert_eq!(theme.name, name);
        let check = |role: Role, surface: Role| {
            let ratio = contrast(theme.color(role), theme.color(surface));
            assert!(ratio >= 4.5, "{name}: {} on {}: {ratio:.2}", role.name(), surface.name());
        };
        for role in Role::ALL.into_iter().filter(|role| !QUIET.contains(role)) {
            for surface in SURFACES {
                check(role, surface);
            }
            check(role, Role::Selection);
        }
        for surface in SURFACES {
            check(Role::Dim, surface);
        }
    }
}

#[test]
fn errors_name_line_and_role() {
    let check = |text: &str, expected: &str| {
        let error = parse("mine", text).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(expected));
    };
    check(
        "name = \"mine\"\n[roles]\nbacon = \"#000000\"",
        "theme `mine`: line 3: no role is called `bacon`",
    );
    check(
        "name = \"mine\"\n\n[roles]\nbad = \"#00\"",
        "theme `mine`: line 4: role `bad`: `#00` is neither #rrggbb nor in [palette]",
    );
    check(
        "name = \"mine\"\n[roles]\nok = \"teal\"",
        "theme `mine`: line 3: role `ok`: `teal` is neither #rrggbb nor in [palette]",
    );
    assert!(matches!(parse("mine", "name = \n"), Err(ThemeError::Syntax { line: 1, .. })));
    assert_eq!(
        load("mint").unwrap_err().to_string(),
        "theme `mint`: no such theme; built in are harbor, paper"
    );
    assert!(matches!(load("/nowhere/mint.toml"), Err(ThemeError::Read { .. })));
}

#[test]
fn a_theme_inherits_what_it_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    let name = path.to_str().unwrap();

    write("name = \"mine\"\ninherits = \"harbor\"\n[roles]\nbad = \"#ff0000\"");
    let theme = load(name).unwrap();
    assert_eq!(theme.color(Role::Bad), Rgb(255, 0, 0));
    assert_eq!(theme.color(Role::Ok), default_theme().color(Role::Ok));
    assert_eq!(theme.name, "mine");

    write("name = \"mine\"\n[roles]\nbackground = \"#ff0000\"");
    assert_eq!(
        load(name).unwrap_err().to_string(),
        "theme `mine`: role `panel` has no colour, and no inherited theme gives one"
    );

    write(&format!("name = \"mine\"\ninherits = {name:?}"));
    assert!(matches!(load(name), Err(ThemeError::TooDeep(_))));
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
fn a_colour_finds_its_neighbour_in_the_cube() {
    let index = |text: &str| ColorTier::Indexed.color(Role::Ok, Rgb::parse(text).unwrap());
    assert_eq!(index("#ffffff"), ratatui::style::Color::Indexed(231));
    assert_eq!(index("#000000"), ratatui::style::Color::Indexed(16));
    assert_eq!(index("#5fafff"), ratatui::style::Color::Indexed(75));
    assert_eq!(index("#1c1c1c"), ratatui::style::Color::Indexed(234));
}
