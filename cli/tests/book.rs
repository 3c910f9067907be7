//! The book of `docs/`: its pages hang together, its recipes do what they say, its policies compile.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn src() -> PathBuf {
    docs().join("src")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every page, by its path below `src`.
fn pages() -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    let mut folders = vec![src()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(src()).unwrap().to_str().unwrap();
                assert!(name.ends_with(".md"), "{name} is no page");
                pages.insert(name.to_owned(), read(&path));
            }
        }
    }
    pages
}

/// The lines of a page that are no code.
fn prose(page: &str) -> String {
    let mut code = false;
    let mut prose = String::new();
    for line in page.lines() {
        if line.starts_with("```") {
            code = !code;
        } else if !code {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// The targets of `[…](…)`.
fn links(prose: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut rest = prose;
    while let Some((_, after)) = rest.split_once("](") {
        let (target, after) = after.split_once(')').unwrap_or((after, ""));
        links.push(target.to_owned());
        rest = after;
    }
    links
}

/// As mdBook makes them of headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let prose = prose(page);
    let headings = prose
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim());
    headings
        .map(|heading| {
            heading
                .chars()
                .filter_map(|c| match c {
                    c if c.is_whitespace() => Some('-'),
                    c if c.is_alphanumeric() || c == '-' || c == '_' => {
                        Some(c.to_ascii_lowercase())
                    }
                    _ => None,
                })
                .collect()
        })
        .collect()
}

/// `a/b.md` and `../c.md` make `c.md`.
fn beside(page: &str, target: &str) -> String {
    let mut parts: Vec<_> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        if part == ".." {
            assert!(parts.pop().is_some(), "{page}: {target} leaves the book");
        } else if part != "." {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// Blocks of code: their language and text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.trim().to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block does not end");
    blocks
}

fn countersign(arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("COUNTERSIGN_") {
            command.env_remove(name);
        }
    }
    let output = command.args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (output.status.success(), said)
}

#[test]
fn every_page_is_in_the_summary_once_and_nothing_else_is() {
    let mut pages = pages();
    let summary = pages.remove("SUMMARY.md").unwrap();
    let named = links(&summary);
    let unique: BTreeSet<_> = named.iter().cloned().collect();
    assert_eq!(unique.len(), named.len(), "a page is there twice");
    assert_eq!(unique, pages.keys().cloned().collect());
}

#[test]
fn every_link_leads_to_a_page_and_a_heading_that_exist() {
    let pages = pages();
    for (name, page) in &pages {
        assert!(page.contains("# "), "{name} has no title");
        for link in links(&prose(page)) {
            if link.starts_with("https://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match file {
                "" => name.clone(),
                file => beside(name, file),
            };
            let there = pages
                .get(&target)
                .unwrap_or_else(|| panic!("{name}: {link}: there is no {target}"));
            assert!(
                anchor.is_empty() || anchors(there).contains(anchor),
                "{name}: {link}: no such heading"
            );
        }
    }
}

#[test]
fn what_pages_include_is_there() {
    for (name, page) in pages() {
        for (_, rest) in page.match_indices("{{#include ").map(|(at, mark)| {
            let rest = &page[at + mark.len()..];
            (at, rest)
        }) {
            let file = rest.split_once("}}").unwrap().0.trim();
            let folder = src().join(&name);
            let path = folder.parent().unwrap().join(file);
            assert!(path.is_file(), "{name}: {file}");
        }
    }
}

#[test]
fn every_recipe_is_checked_tested_and_told() {
    let pages = pages();
    let mut recipes = 0;
    for entry in std::fs::read_dir(docs().join("recipes")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let folder = path.to_str().unwrap();
        let (fine, said) = countersign(&["check", folder]);
        assert!(fine && !said.contains("warning"), "{name}: {said}");
        let (fine, said) = countersign(&["test", folder]);
        assert!(fine && said.contains(" passed, 0 failed"), "{name}: {said}");
        let page = pages.get(&format!("cookbook/{name}.md"));
        let page = page.unwrap_or_else(|| panic!("the cookbook does not tell of {name}"));
        for file in std::fs::read_dir(&path).unwrap() {
            let file = file.unwrap().file_name();
            let include = format!(
                "{{{{#include ../../recipes/{name}/{}}}}}",
                file.to_string_lossy()
            );
            assert!(page.contains(&include), "{name}: {include}");
        }
        recipes += 1;
    }
    assert!(recipes >= 12, "{recipes}");
}

#[test]
fn every_policy_in_the_text_compiles() {
    let mut policies = 0;
    for (name, page) in pages() {
        for (language, text) in blocks(&page) {
            if language != "yaml" || text.contains("{{#include") {
                continue;
            }
            assert!(text.contains("apiVersion:"), "{name}: {text}");
            let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("book");
            std::fs::create_dir_all(&folder).unwrap();
            let file = folder.join(format!("{}-{policies}.yaml", std::process::id()));
            std::fs::write(&file, &text).unwrap();
            let (fine, said) = countersign(&["check", file.to_str().unwrap()]);
            std::fs::remove_file(&file).unwrap();
            assert!(fine && !said.contains("warning"), "{name}: {said}");
            policies += 1;
        }
    }
    assert!(policies >= 5, "{policies}");
}

#[test]
fn pages_stay_plain() {
    for (name, page) in pages() {
        assert!(!page.contains('\t'), "{name} has tabs");
        for word in ["TODO", "FIXME", "lorem", "blazing", "world-class"] {
            assert!(!page.contains(word), "{name}: {word}");
        }
    }
}
