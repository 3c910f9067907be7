//! The corpus: `testdata/good` compiles without a word, `testdata/warn` compiles with the warnings
//! beside it, `testdata/bad` is refused with the findings beside it. `UPDATE_GOLDEN=1` rewrites.

mod again;
mod decisions;
mod gateways;
mod limits_of_conditions;

use std::path::{Path, PathBuf};

use countersign_engine::{Revision, RevisionId, blob};

use super::*;
use crate::resource::{SourceFile, parse_document, parse_files};

fn testdata(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(folder)
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{}", folder.display());
    files
}

fn source_file(path: &Path) -> SourceFile {
    SourceFile {
        name: path.file_name().unwrap().to_string_lossy().into_owned(),
        content: std::fs::read(path).unwrap(),
    }
}

fn compile_files(files: &[SourceFile]) -> Result<Compiled, Vec<Diagnostic>> {
    compile(&parse_files(files)?, &RuntimeMaterial::default())
}

/// As the filter loads it.
fn loaded(compiled: &Compiled) -> Revision {
    let id = RevisionId {
        number: 1,
        hash: compiled.hash.clone(),
    };
    Revision::load(blob::seal(&compiled.forms.everything, &id, 1).unwrap()).unwrap()
}

fn rendered(diagnostics: &[Diagnostic]) -> String {
    diagnostics
        .iter()
        .map(|diagnostic| format!("{}\n", diagnostic.rendered))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Compares with the file beside `path`, or rewrites that.
fn check_golden(path: &Path, extension: &str, actual: &str, failures: &mut Vec<String>) {
    let golden = path.with_extension(extension);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    if expected != actual {
        failures.push(format!(
            "{}:\n--- expected\n{expected}\n--- found\n{actual}",
            golden.display()
        ));
    }
}

#[test]
fn good_files_compile_to_what_stands_beside_them() {
    let mut failures = Vec::new();
    for path in yaml_files(&testdata("good")) {
        let compiled = compile_files(&[source_file(&path)])
            .unwrap_or_else(|errors| panic!("{}:\n{}", path.display(), rendered(&errors)));
        assert_eq!(rendered(&compiled.warnings), "", "{}", path.display());
        check_golden(&path, "out", &loaded(&compiled).describe(), &mut failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn bad_files_are_refused_with_the_findings_beside_them() {
    let mut failures = Vec::new();
    for path in yaml_files(&testdata("bad")) {
        match compile_files(&[source_file(&path)]) {
            Ok(_) => failures.push(format!("{} compiles", path.display())),
            Err(errors) => check_golden(&path, "err", &rendered(&errors), &mut failures),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn doubtful_files_compile_with_the_warnings_beside_them() {
    let mut failures = Vec::new();
    for path in yaml_files(&testdata("warn")) {
        let compiled = compile_files(&[source_file(&path)])
            .unwrap_or_else(|errors| panic!("{}:\n{}", path.display(), rendered(&errors)));
        assert!(!compiled.warnings.is_empty(), "{}", path.display());
        check_golden(&path, "err", &rendered(&compiled.warnings), &mut failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn shipped_examples_compile_without_a_warning() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy/examples");
    let files: Vec<SourceFile> = yaml_files(&folder)
        .iter()
        .map(|path| source_file(path))
        .collect();
    for file in &files {
        let compiled = compile_files(std::slice::from_ref(file))
            .unwrap_or_else(|errors| panic!("{}", rendered(&errors)));
        assert_eq!(rendered(&compiled.warnings), "");
    }
}

#[test]
fn a_document_from_the_store_is_the_document_from_the_file() {
    for path in yaml_files(&testdata("good")) {
        let documents = parse_files(&[source_file(&path)]).unwrap();
        let again: Vec<Document> = documents
            .iter()
            .map(|document| {
                parse_document(&document.source, &document.file, document.line).unwrap()
            })
            .collect();
        let runtime = RuntimeMaterial::default();
        assert_eq!(
            compile(&documents, &runtime).unwrap().hash,
            compile(&again, &runtime).unwrap().hash
        );
        for (a, b) in documents.iter().zip(&again) {
            assert_eq!(
                (a.kind, &a.name, &a.file, a.line),
                (b.kind, &b.name, &b.file, b.line)
            );
        }
    }
}

const POLICY: &str = "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {name: NAME}\nspec:\n  when: WHEN\n  action: block\n";

fn policy(name: &str, when: &str) -> String {
    POLICY.replace("NAME", name).replace("WHEN", when)
}

fn file(name: &str, content: impl Into<Vec<u8>>) -> SourceFile {
    SourceFile {
        name: name.to_owned(),
        content: content.into(),
    }
}

#[test]
fn order_of_files_and_comments_do_not_change_the_hash() {
    let (a, b) = (policy("a", "score > 1"), policy("b", "score > 2"));
    let hash = |files: &[SourceFile]| compile_files(files).unwrap().hash;
    let first = hash(&[file("x.yaml", a.clone()), file("y.yaml", b.clone())]);
    let second = hash(&[file("z.yaml", format!("# both\n{b}---\n{a}"))]);
    assert_eq!(first, second);
    assert_eq!(first.len(), 12);
    assert!(
        first
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    );
    let keys = RuntimeMaterial {
        revocations: vec![proto::Revocation {
            what: Some(proto::revocation::What::Jti("j".to_owned())),
            issued_before: 1,
        }],
        ..RuntimeMaterial::default()
    };
    let documents = parse_files(&[file("x.yaml", a), file("y.yaml", b)]).unwrap();
    assert_ne!(compile(&documents, &keys).unwrap().hash, first);
}

#[test]
fn line_breaks_of_windows_change_nothing() {
    for path in yaml_files(&testdata("good")) {
        let unix = source_file(&path);
        let text = String::from_utf8(unix.content.clone()).unwrap();
        let windows = file(&unix.name, text.replace('\n', "\r\n"));
        let hash = |file| compile_files(&[file]).unwrap().hash;
        assert_eq!(hash(unix), hash(windows), "{}", path.display());
    }
    let broken = policy("p", "|\n    score > 1 &&\n    scor > 2").replace('\n', "\r\n");
    let errors = compile_files(&[file("a.yaml", broken)]).unwrap_err();
    assert_eq!((errors[0].line, errors[0].column), (7, 5));
}

#[test]
fn a_name_in_two_files_is_shown_in_both() {
    let errors = compile_files(&[
        file("a.yaml", policy("p", "true")),
        file("b.yaml", policy("p", "true")),
    ])
    .unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].file, "b.yaml");
    assert!(
        errors[0].rendered.contains("a.yaml:3:18"),
        "{}",
        errors[0].rendered
    );
}

#[test]
fn findings_of_all_files_come_in_the_order_of_the_files() {
    let errors = compile_files(&[
        file("b.yaml", policy("b", "scor > 1")),
        file(
            "a.yaml",
            format!(
                "{}---\n{}",
                policy("z", "scor > 2"),
                policy("y", "nope > 3")
            ),
        ),
    ])
    .unwrap_err();
    let places: Vec<(&str, u32)> = errors
        .iter()
        .map(|error| (error.file.as_str(), error.line))
        .collect();
    assert_eq!(places, [("b.yaml", 5), ("a.yaml", 5), ("a.yaml", 12)]);
}

#[test]
fn what_can_fail_at_run_time_is_told_in_the_order_of_the_files() {
    let signal = "apiVersion: countersign.dev/v1\nkind: Signal\nmetadata: {name: s}\nspec: {when: 'request.headers.dnt == \"1\"', weight: 1, reason: R}\n";
    let compiled = compile_files(&[
        file(
            "b.yaml",
            policy(
                "p",
                "|\n    session.valid &&\n    tls.ja4 == \"t\" && session.age > duration(\"1h\")",
            ),
        ),
        file("a.yaml", signal),
    ])
    .unwrap();
    let told: Vec<_> = compiled
        .failures
        .iter()
        .map(|failure| {
            let Failure {
                file,
                line,
                column,
                part,
                ..
            } = failure;
            format!(
                "{} {} {file}:{line}:{column} {part}",
                failure.kind.spoken(),
                failure.name
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "policy p b.yaml:7:5 tls.ja4",
            "signal s a.yaml:4:15 request.headers.dnt",
        ]
    );
    assert_eq!(
        compiled.failures[0].cause,
        "the connection may have no TLS fingerprint"
    );
    assert_eq!(compiled.failures[0].guard, "");
    assert_eq!(compiled.more_failures, 0);
}

#[test]
fn a_session_key_that_no_filter_loads_is_refused() {
    let runtime = RuntimeMaterial {
        session_keys: vec![proto::SessionKey {
            kid: "k1".to_owned(),
            public_key: vec![1, 2, 3],
        }],
        ..RuntimeMaterial::default()
    };
    let errors = compile(&[], &runtime).unwrap_err();
    assert!(errors[0].message.contains("`k1`"), "{}", errors[0].message);
}

#[test]
fn an_empty_set_compiles_to_defaults() {
    let compiled = compile(&[], &RuntimeMaterial::default()).unwrap();
    let revision = loaded(&compiled);
    assert_eq!(revision.policy_count(), 0);
    assert_eq!(revision.session_lifetime_s(), 3600);
    let described = revision.describe();
    for default in [
        "session_leeway_s: 30",
        "ticket_lifetime_s: 600",
        "allow_sampling: 1",
        "https_port: 443",
        "verdict_mode: Observe",
    ] {
        assert!(described.contains(default), "{default}: {described}");
    }
}

#[test]
fn policies_past_the_limit_are_refused() {
    let set = |count: usize| -> Vec<SourceFile> {
        let names: Vec<String> = (0..count)
            .map(|number| policy(&format!("p{number}"), "score > 1"))
            .collect();
        names
            .chunks(2_000)
            .enumerate()
            .map(|(number, chunk)| file(&format!("{number}.yaml"), chunk.join("---\n")))
            .collect()
    };
    let compiled = compile_files(&set(limits::MAX_POLICIES)).unwrap();
    assert_eq!(loaded(&compiled).policy_count(), limits::MAX_POLICIES);
    let errors = compile_files(&set(limits::MAX_POLICIES + 1)).unwrap_err();
    assert!(
        errors[0].message.contains("too many"),
        "{}",
        rendered(&errors)
    );
}

#[test]
fn signals_lists_and_overrides_past_their_limits_are_refused() {
    let set = |kind: &str, spec: &str, count: usize| -> Vec<SourceFile> {
        let documents: Vec<String> = (0..count)
            .map(|number| {
                format!(
                    "apiVersion: countersign.dev/v1\nkind: {kind}\nmetadata: {{name: n{number}}}\nspec: {}\n",
                    spec.replace("NUMBER", &number.to_string())
                )
            })
            .collect();
        documents
            .chunks(5_000)
            .enumerate()
            .map(|(number, chunk)| file(&format!("{number}.yaml"), chunk.join("---\n")))
            .collect()
    };
    for (kind, spec, most) in [
        (
            "Signal",
            "{when: request.method == 'PUT', weight: 1, reason: R}",
            limits::MAX_SIGNALS,
        ),
        ("List", "{numbers: [1]}", limits::MAX_LISTS),
        (
            "ReasonOverride",
            "{reason: RNUMBER, verdict: BLOCK}",
            limits::MAX_OVERRIDES,
        ),
    ] {
        assert!(compile_files(&set(kind, spec, most)).is_ok(), "{kind}");
        let errors = compile_files(&set(kind, spec, most + 1)).unwrap_err();
        assert!(errors[0].message.contains("too many"), "{kind}");
    }
}
