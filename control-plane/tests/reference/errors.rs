//! Errors: run-time errors of conditions, problems of sessions, refusals, causes, and what `countersign
//! check` says, read out of the code that says it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::{cell, read, root};

/// The page.
pub(crate) fn page() -> String {
    let mut page = String::from(
        "# Errors\n\nExit codes of `countersign`: 0 fine, 1 the input is at fault, 2 the environment is.\n",
    );
    page.push_str(
        "\n## Conditions that fail at run time\n\nAs events and `countersign explain` show them. The \
         condition then does not match.\n\n| error | when |\n|---|---|\n",
    );
    for (doc, message) in thiserror_enum("filter/engine/src/cel/error.rs", "EvalError") {
        let _ = writeln!(page, "| {} | {} |", cell(&message), cell(&doc));
    }
    page.push_str(
        "\n## Sessions that are not good\n\nIn events, and as `result` of `countersign_sessions_total`.\n\n\
         | result | why |\n|---|---|\n| `absent` | There is no cookie. |\n",
    );
    for (word, doc) in words_of("filter/engine/src/session/token.rs") {
        let _ = writeln!(page, "| `{word}` | {} |", cell(&doc));
    }
    page.push_str(
        "\n## Calls that the control plane refuses\n\nAs `reason` of `countersign_access_refused_total`.\n\n\
         | reason | when |\n|---|---|\n",
    );
    for (word, doc) in words_of("control-plane/src/access/refusal.rs") {
        let _ = writeln!(page, "| `{word}` | {} |", cell(&doc));
    }
    page.push_str(
        "\n## Causes of the auth sidecar\n\nIn its log, in the funnel, and as `cause` of \
         `countersign_sidecar_refusals_total`. A visitor sees only a coarser message.\n\n\
         | cause | when |\n|---|---|\n",
    );
    for (name, doc) in causes() {
        let _ = writeln!(page, "| `{name}` | {} |", cell(&doc));
    }
    for (severity, folder, about) in [
        (
            "error",
            "bad",
            "Nothing is changed where one of these is found. Names and numbers are examples.",
        ),
        (
            "warning",
            "warn",
            "It is taken, and probably not what was meant.",
        ),
    ] {
        let _ = write!(
            page,
            "\n## What `countersign check` says: {severity}s\n\n{about}\n\n"
        );
        for message in findings(severity, folder) {
            let _ = writeln!(page, "- {message}");
        }
    }
    page
}

/// Variants of an enum with their documentation and their `#[error("…")]`.
fn thiserror_enum(file: &str, name: &str) -> Vec<(String, String)> {
    let text = read(file);
    let start = text.find(&format!("pub enum {name} {{")).expect("the enum");
    let (mut doc, mut found) = (String::new(), Vec::new());
    for line in text[start..].lines().skip(1) {
        if line == "}" {
            break;
        }
        let line = line.trim();
        if let Some(more) = line.strip_prefix("/// ") {
            if !doc.is_empty() {
                doc.push(' ');
            }
            doc.push_str(more);
        } else if let Some(rest) = line.strip_prefix("#[error(\"") {
            let message = rest.split("\", ").next().unwrap_or(rest);
            let message = message.trim_end_matches("\")]");
            found.push((std::mem::take(&mut doc), readable(message)));
        } else {
            doc.clear();
        }
    }
    assert!(!found.is_empty(), "{file} has no errors");
    found
}

/// `{0}` and `{start}` say little to who reads.
fn readable(message: &str) -> String {
    let mut out = String::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (inner, after) = after.split_once('}').expect("its end");
        let name: String = inner.chars().filter(char::is_ascii_lowercase).collect();
        out.push_str(if name.is_empty() { "…" } else { inner });
        rest = after;
    }
    out + rest
}

/// Words of `Self::Variant => "word"` with the documentation of the variant.
fn words_of(file: &str) -> Vec<(String, String)> {
    let text = read(file);
    let mut found = Vec::new();
    for line in text.lines() {
        let Some((variant, word)) = line.trim().split_once(" => \"") else {
            continue;
        };
        let Some(variant) = variant.strip_prefix("Self::") else {
            continue;
        };
        let end = variant.find(|c: char| !c.is_ascii_alphanumeric());
        let variant = &variant[..end.unwrap_or(variant.len())];
        let word = word.trim_end_matches("\",").to_owned();
        found.push((word, doc_of(&text, variant)));
    }
    assert!(!found.is_empty(), "{file} has no words");
    found
}

fn doc_of(text: &str, variant: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    let is_it = |line: &str| {
        let rest = line.trim().strip_prefix(variant);
        rest.is_some_and(|rest| rest.starts_with([',', '(', ' ']) && !rest.contains("=>"))
    };
    let at = lines.iter().position(|line| is_it(line)).expect(variant);
    let mut doc = Vec::new();
    let mut inside = false;
    for line in lines[..at].iter().rev().map(|line| line.trim()) {
        if let Some(more) = line.strip_prefix("/// ") {
            doc.push(more);
        } else if !doc.is_empty() {
            break;
        } else if inside || line.ends_with(")]") {
            inside = !line.starts_with("#[");
        } else {
            break;
        }
    }
    doc.reverse();
    assert!(!doc.is_empty(), "{variant} has no documentation");
    // Links are for who reads the code.
    doc.join(" ").replace("[`", "`").replace("`]", "`")
}

fn causes() -> Vec<(String, String)> {
    let text = read("auth-sidecar/src/cause.rs");
    let start = text.find("\ncauses! {").expect("the causes");
    let (mut doc, mut found) = (Vec::new(), Vec::new());
    for line in text[start..].lines().skip(2) {
        if line == "}" {
            break;
        }
        let line = line.trim();
        if let Some(more) = line.strip_prefix("/// ") {
            doc.push(more);
        } else if let Some((_, rest)) = line.split_once(" = \"") {
            let name = rest.split('"').next().unwrap_or_default();
            found.push((name.to_owned(), std::mem::take(&mut doc).join(" ")));
        }
    }
    found
}

/// What the compiler's own tests have it say.
fn findings(severity: &str, folder: &str) -> BTreeSet<String> {
    let folder = root().join("control-plane/testdata").join(folder);
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "err") {
            for line in std::fs::read_to_string(path).unwrap().lines() {
                if let Some(message) = line.strip_prefix(&format!("{severity}: ")) {
                    let long = message.chars().count() > 160;
                    if !long && !message.contains(['<', '\u{1b}']) {
                        found.insert(message.to_owned());
                    }
                }
            }
        }
    }
    found
}
