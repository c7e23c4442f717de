//! The configuration's tests.

#[test]
fn the_embedded_default_is_good() {
    assert!(super::embedded().is_embedded);
}
