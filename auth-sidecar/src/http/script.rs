//! `/.countersign/countersign.js` and `.mjs`: what has `fetch` and `XMLHttpRequest` follow a challenge.
//!
//! Both are made of the modules in `client/`, which tests run as they are.

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

/// In the order in which they need each other.
const MODULES: [&str; 6] = [
    include_str!("../../client/texts.js"),
    include_str!("../../client/dialog.js"),
    include_str!("../../client/gate.js"),
    include_str!("../../client/fetch.js"),
    include_str!("../../client/xhr.js"),
    include_str!("../../client/install.js"),
];

static CLASSIC: LazyLock<File> = LazyLock::new(|| {
    let code = one_file();
    File::new(format!(
        "(() => {{\n\"use strict\";\n{code}globalThis.countersign = {{ install }};\ninstall();\n}})();\n"
    ))
});
static MODULE: LazyLock<File> =
    LazyLock::new(|| File::new(format!("{}export {{ install }};\n", one_file())));
static TYPES: LazyLock<File> =
    LazyLock::new(|| File::new(include_str!("../../client/countersign.d.ts").to_owned()));

/// A text and what names its content.
struct File {
    text: String,
    etag: String,
}

impl File {
    fn new(text: String) -> Self {
        let digest = Sha256::digest(&text);
        let short = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
        let etag = format!("\"{}\"", short.collect::<String>());
        Self { text, etag }
    }
}

/// The modules in one scope: without what ties them together, and without comments.
fn one_file() -> String {
    let mut code = String::new();
    for line in MODULES.iter().flat_map(|module| module.lines()) {
        let bare = line.trim_start();
        let comment = ["//", "/**", "*"]
            .iter()
            .any(|start| bare.starts_with(start));
        if bare.is_empty() || comment || line.starts_with("import ") {
            continue;
        }
        code.push_str(line.strip_prefix("export ").unwrap_or(line));
        code.push('\n');
    }
    code
}

/// `GET /.countersign/countersign.js`: installs by itself.
pub(super) async fn classic(headers: HeaderMap) -> Response {
    answer(&CLASSIC, "text/javascript; charset=utf-8", &headers)
}

/// `GET /.countersign/countersign.mjs`: exports `install`.
pub(super) async fn module(headers: HeaderMap) -> Response {
    answer(&MODULE, "text/javascript; charset=utf-8", &headers)
}

/// `GET /.countersign/countersign.d.ts` and `.d.mts`
pub(super) async fn types(headers: HeaderMap) -> Response {
    answer(&TYPES, "application/typescript; charset=utf-8", &headers)
}

fn answer(file: &'static File, content_type: &'static str, asked: &HeaderMap) -> Response {
    let fields = [
        (header::CONTENT_TYPE, content_type),
        // Asked for again by every page after a while, so that an upgrade needs no new address.
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::ETAG, file.etag.as_str()),
        // A page of another origin loads it from here, and nothing in it is anybody's secret.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ];
    let known = asked
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known: &HeaderValue| known.as_bytes() == file.etag.as_bytes());
    if known {
        return (StatusCode::NOT_MODIFIED, fields).into_response();
    }
    (fields, file.text.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modules_become_one_scope_and_lose_nothing_else() {
        let code = one_file();
        assert!(!code.contains("import ") && !code.contains("export ") && !code.contains("//"));
        let names = |line: &str, start: &str| {
            line.strip_prefix(start)?
                .split(' ')
                .next()
                .map(str::to_owned)
        };
        let mut defined: Vec<_> = code
            .lines()
            .filter_map(|line| names(line, "const "))
            .collect();
        let all = defined.len();
        defined.sort();
        defined.dedup();
        assert_eq!(defined.len(), all, "a name is used by two modules");
        for module in MODULES {
            for line in module.lines().filter(|line| line.starts_with("import ")) {
                // One line each, so that dropping the line drops the import.
                assert!(line.ends_with("\";"), "{line}");
            }
        }
    }

    #[test]
    fn the_classic_script_cannot_close_an_element_it_is_pasted_into() {
        assert!(!CLASSIC.text.contains("</script") && !CLASSIC.text.contains("<!--"));
    }
}
