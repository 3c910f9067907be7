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
    page.push_str(PROOFS);
    for (word, doc) in words_of("filter/dpop/src/proof.rs") {
        let _ = writeln!(page, "| `{word}` | {} | {} |", cell(&doc), who_mends(&word));
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

const PROOFS: &str = "
## Proofs of possession that are not good

A token that is bound to a key is good only with a proof (RFC 9449): [programs](../operate/programs.md#bound-to-a-key). \
What was wrong with it stands in events, as `result` of `countersign_sessions_total`, and, where a token is \
asked for, as `problem` of `countersign_sidecar_proofs_refused_total`. The program itself is told less, so \
that who tries proofs of others learns nothing from the answers:

| what it sees | when |
|---|---|
| 403, `www-authenticate: DPoP error=\"invalid_dpop_proof\", algs=\"ES256 EdDSA\"` | the token is bound, and one of the words below holds |
| 403, `www-authenticate: DPoP error=\"invalid_token\", …`, or `Bearer …` where the policy demands no bound token | the token itself is not good: one of the words above |
| 403, the same with `error=\"insufficient_user_authentication\", acr_values=…, max_age=…` | token and proof are good, and more or fresher proof of the person is demanded |
| 403, `www-authenticate: DPoP algs=\"ES256 EdDSA\"` | the policy demands a bound token, and none of ours came |
| 400, `{\"error\": \"invalid_dpop_proof\"}` from the token endpoint | one of the words below holds; the device code stays good |

The document of the 403 says how to get a new token, where one may be had (`ticket`, `token_types`); its \
`event_id` leads an operator to the word.

| word | why | who can mend it |
|---|---|---|
";

/// Who can do something about a proof that is refused. A new word needs an answer.
fn who_mends(word: &str) -> &'static str {
    match word {
        "dpop_missing" => {
            "The program: `Authorization: DPoP <token>` with a header `DPoP`, never as `Bearer`. An operator, where a proxy drops the header."
        }
        "dpop_several" => "The program, or the proxy that adds a second one.",
        "dpop_too_long" => "The program: 2 KiB are enough for every honest proof.",
        "dpop_malformed" | "dpop_type" | "dpop_claims" => {
            "The program: it makes another JWS than RFC 9449 describes."
        }
        "dpop_algorithm" | "dpop_key" => {
            "The program: a key of P-256 with `ES256`, or Ed25519 with `EdDSA`."
        }
        "dpop_private_key" => {
            "The program: it must send the public part only, and should make a new key: this one has been shown."
        }
        "dpop_other_key" => {
            "The program, which keeps one key with each token. Otherwise somebody shows a stolen token."
        }
        "dpop_signature" => "The program, or somebody has altered the proof on its way.",
        "dpop_method" => "The program: a proof for each request, with its method as it is sent.",
        "dpop_uri" => {
            "The program (`htu` is scheme, host and path without query), or an operator, where something before Envoy changes host or path."
        }
        "dpop_stale" | "dpop_early" => {
            "The program: a new proof for each request. Whoever keeps its clock, or Envoy's; `session.leeway` is what they may differ."
        }
        "dpop_token" => "The program: `ath` is the hash of the token that the request carries.",
        "dpop_replayed" => {
            "The program: a new `jti` for each request, repetitions too. Otherwise somebody shows a proof of others."
        }
        other => panic!("`{other}` is new: say who can mend it"),
    }
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
