//! The reference chapters of the book, written from the code. `UPDATE_GOLDEN=1` writes them anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod reference {
    pub(crate) mod cel;
    pub(crate) mod errors;
    pub(crate) mod fields;
    pub(crate) mod resources;
    pub(crate) mod rest;
}

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Compares with the page of the book, or writes it anew.
fn check(page: &str, actual: &str) {
    let path = root().join("docs/src/reference").join(page);
    let head = "<!-- Written by the tests from the code: UPDATE_GOLDEN=1 cargo test -p \
                countersign-control-plane --test reference -->\n\n";
    let actual = format!("{head}{actual}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == actual,
        "{page} is not up to date; UPDATE_GOLDEN=1 rewrites it:\n{}",
        first_difference(&expected, &actual)
    );
}

fn first_difference(expected: &str, actual: &str) -> String {
    let mut lines = expected.lines().zip(actual.lines());
    let found = lines.find(|(expected, actual)| expected != actual);
    found.map_or_else(
        || "one is longer than the other".to_owned(),
        |(expected, actual)| format!("- {expected}\n+ {actual}"),
    )
}

/// A cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[test]
fn the_reference_of_resources_is_up_to_date() {
    check("resources.md", &reference::resources::page());
}

#[test]
fn the_reference_of_the_language_is_up_to_date() {
    check("cel.md", &reference::cel::page());
}

#[test]
fn the_reference_of_rest_is_up_to_date() {
    check("rest.md", &reference::rest::page());
}

#[test]
fn the_reference_of_errors_is_up_to_date() {
    check("errors.md", &reference::errors::page());
}

#[test]
fn every_field_that_the_reader_takes_is_described_and_no_other() {
    for (kind, _, mappings) in reference::fields::KINDS {
        for mapping in *mappings {
            let taken = reference::resources::taken(kind, mapping);
            let described: Vec<_> = mapping.fields.iter().map(|field| field.name).collect();
            let mut sorted = (taken.clone(), described.clone());
            sorted.0.sort();
            sorted.1.sort_unstable();
            assert_eq!(sorted.0, sorted.1, "{kind} {}", mapping.path);
        }
    }
}
