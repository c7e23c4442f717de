//! The configuration's tests.

#[test]
fn the_embedded_default_is_good() {
    assert!(super::embedded().is_embedded);
}

#[test]
fn a_running_engine_is_found_by_a_file_with_errors() {
    for (text, expected) in [
        ("", "default"),
        ("[engine]\nname = \"edge\"", "edge"),
        ("[engine]\nname = \"edge\"\nbogus = 1\n[upstream.x]\nstrateggy = 1", "edge"),
        ("[engine]\nname = \"edge\"\n[[server]\n= 3", "edge"),
        ("[engine]\nname = \"../edge\"", "default"),
        ("engine = 3", "default"),
    ] {
        assert_eq!(super::document::engine_name(text).as_deref().unwrap_or("default"), expected);
    }
}
