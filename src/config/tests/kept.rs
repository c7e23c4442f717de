//! How many programs there may be for a next master to be told of all of them.

use super::super::limits::PROGRAM_INSTANCES_ALL_MAX;
use super::super::{parse, scale};
use super::good;

fn program(name: &str, instances: u32, more: &str) -> String {
    format!("[program.{name}]\ncommand = \"a\"\ninstances = {instances}\n{more}")
}

#[test]
fn all_definitions_together_fit_what_the_next_master_is_told() {
    let fat = format!("environment = {{ LONG = \"{}\" }}\n", "x".repeat(64 << 10));
    let fits = good(&(program("p", 64, &fat) + &program("q", 40, &fat)));
    let too_many = program("p", 64, &fat) + &program("q", 64, &fat);
    let text = parse(&too_many, "a.toml").unwrap_err().to_string();
    assert!(text.contains("a.toml:5:10") && text.contains(", more than 7340032"), "{text}");
    let refused = scale::scaled(&fits, "q", 64).unwrap_err();
    assert!(refused.contains("bytes describe all instances of programs up to here"), "{refused}");
    assert!(scale::scaled(&fits, "q", 41).is_ok());
}

#[test]
fn the_keeper_holds_pipes_of_so_many_instances() {
    let many = |count: u32| (0..count).map(|it| program(&format!("p{it}"), 64, "")).collect();
    let fit = PROGRAM_INSTANCES_ALL_MAX / 64;
    let too_many: String = many(fit + 1);
    let text = parse(&too_many, "a.toml").unwrap_err().to_string();
    // Small ones are too many before they say too much, or the other way round.
    let is_told = text.contains("instances of programs in all, more than 3840")
        || text.contains("bytes describe all instances of programs up to here");
    assert!(is_told && text.contains("a.toml:"), "{text}");
    good(&many(fit / 2));
}
