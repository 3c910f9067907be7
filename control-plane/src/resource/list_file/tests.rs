//! What a list may name, and what comes of it.

use super::super::{
    Document, List, Members, Resource, SourceFile, limits, list_files, parse_document, parse_files,
};
use crate::diagnostic::Diagnostic;

fn file(name: &str, content: impl Into<Vec<u8>>) -> SourceFile {
    SourceFile {
        name: name.to_owned(),
        content: content.into(),
    }
}

fn list(spec: &str) -> String {
    format!("apiVersion: countersign.dev/v1\nkind: List\nmetadata: {{name: l}}\nspec: {spec}\n")
}

fn members(document: &Document) -> &Members {
    match &document.resource {
        Resource::List(List { members }) => members,
        other => panic!("{other:?}"),
    }
}

fn strings(spec: &str, content: &str) -> Vec<String> {
    let documents = parse_files(&[file("a.yaml", list(spec)), file("v.txt", content)]);
    let documents = documents.unwrap_or_else(|errors| panic!("{}", errors[0].rendered));
    assert_eq!(documents.len(), 1);
    match members(&documents[0]) {
        Members::Strings(strings) => strings.clone(),
        other => panic!("{other:?}"),
    }
}

/// The findings of a list in `pol/a.yaml`.
fn refused(spec: &str, others: &[SourceFile]) -> Vec<Diagnostic> {
    let mut files = vec![file("pol/a.yaml", list(spec))];
    files.extend_from_slice(others);
    parse_files(&files).unwrap_err()
}

#[test]
fn a_line_is_a_value_whatever_it_holds() {
    let content = "\u{feff}b\r\n\n  # a note\n a: [1, 2] \n\"q\"\nno # note\n\u{e4}\\n\nb\n";
    let expected = ["\"q\"", "a: [1, 2]", "b", "no # note", "\u{e4}\\n"];
    for spec in [
        "{strings: {file: v.txt}}",
        "{strings: {'file': \"v.txt\"}}",
        "\n  strings:\n    file: v.txt # ours",
        "\n  strings:\n    file: 'v.txt'\n",
        "\n  strings: {\n    file: v.txt, # ours\n  }",
    ] {
        assert_eq!(strings(spec, content), expected, "{spec}");
    }
    assert_eq!(strings("{strings: {file: v.txt}}", "# none\n"), [""; 0]);
}

#[test]
fn numbers_and_ranges_are_read_as_inline() {
    let inline = parse_files(&[file("a.yaml", list("{numbers: [3, -4]}"))]).unwrap();
    let of_file = [
        file("a.yaml", list("{numbers: {file: v.txt}}")),
        file("v.txt", "3\n-4\n"),
    ];
    let of_file = parse_files(&of_file).unwrap();
    assert_eq!(members(&inline[0]), members(&of_file[0]));
    let inline = list("{cidrs: [10.0.0.0/8, '::/0', 192.0.2.1]}");
    let inline = parse_files(&[file("a.yaml", inline)]).unwrap();
    let of_file = [
        file("p/a.yaml", list("{cidrs: {file: nets/v.txt}}")),
        file("p/nets/v.txt", "::/0\n10.0.0.0/8\n192.0.2.1\n"),
    ];
    let of_file = parse_files(&of_file).unwrap();
    assert_eq!(members(&inline[0]), members(&of_file[0]));
}

#[test]
fn what_is_stored_needs_no_file() {
    let files = [
        file("a.yaml", list("{cidrs: {file: v.txt}}")),
        file("v.txt", "10.0.0.0/8\n"),
    ];
    let documents = parse_files(&files).unwrap();
    let again = parse_document(&documents[0].source, "a.yaml", 1).unwrap();
    assert_eq!(members(&again), members(&documents[0]));
}

#[test]
fn what_is_wrong_in_the_file_is_shown_there() {
    let nets = file("pol/v.txt", "10.0.0.0/8\n# x\n10.0.0.0/33\nnobody\n");
    let findings = refused("{cidrs: {file: v.txt}}", &[nets]);
    let places: Vec<_> = findings
        .iter()
        .map(|finding| (finding.file.as_str(), finding.line, finding.column))
        .collect();
    assert_eq!(places, [("pol/v.txt", 3, 1), ("pol/v.txt", 4, 1)]);
    assert!(
        findings[0].message.contains("`10.0.0.0/33`"),
        "{}",
        findings[0].message
    );
    let numbers = file("pol/v.txt", "1\n1.5\n9223372036854775808\n");
    assert_eq!(refused("{numbers: {file: v.txt}}", &[numbers]).len(), 2);
    let long = file("pol/v.txt", "x".repeat(limits::MAX_LIST_STRING_BYTES + 1));
    assert_eq!(refused("{strings: {file: v.txt}}", &[long]).len(), 1);
}

#[test]
fn a_file_that_can_be_none_is_refused_where_it_is_named() {
    let itself = file("pol/b.txt", list("{cidrs: {file: b.txt}}"));
    let other = file("pol/c.txt", list("{cidrs: {file: d.txt}}"));
    let cases: [(&str, &[SourceFile], &str); 9] = [
        ("v.txt", &[], "the file `v.txt` is not there"),
        (
            "/etc/passwd",
            &[],
            "`/etc/passwd` cannot be the file of a list",
        ),
        ("../v.txt", &[], "`../v.txt` cannot be"),
        ("./v.txt", &[], "`./v.txt` cannot be"),
        ("''", &[], "`` cannot be"),
        ("a.yaml", &[], "`a.yaml` cannot be"),
        // It holds resources, and names itself, or another.
        ("b.txt", &[itself], "`b.txt` cannot be"),
        ("c.txt", &[other], "`c.txt` cannot be"),
        ("v.txt", &[file("pol/v.txt", vec![0xff])], "is not UTF-8"),
    ];
    for (path, others, message) in cases {
        let findings = refused(&format!("{{cidrs: {{file: {path}}}}}"), others);
        let finding = &findings[0];
        assert!(finding.message.contains(message), "{}", finding.rendered);
        assert_eq!(
            (finding.file.as_str(), finding.line),
            ("pol/a.yaml", 4),
            "{path}"
        );
    }
}

#[test]
fn a_name_that_stands_elsewhere_is_no_name() {
    let text = "x: &x v.txt\n".to_owned() + &list("{strings: {file: *x}}");
    let files = [file("a.yaml", text), file("v.txt", "a\n")];
    assert!(parse_files(&files).is_err());
}

#[test]
fn a_file_of_resources_that_names_itself_is_told_so() {
    let findings = parse_files(&[file("b.txt", list("{cidrs: {file: b.txt}}"))]).unwrap_err();
    assert!(
        findings[0].rendered.contains("it names itself"),
        "{}",
        findings[0].rendered
    );
}

#[test]
fn entries_and_bytes_of_a_file_are_bounded() {
    let spec = "{numbers: {file: v.txt}}";
    let fits = "1\n".repeat(limits::MAX_LIST_ENTRIES);
    let files = [file("a.yaml", list(spec)), file("v.txt", fits.clone())];
    assert_eq!(parse_files(&files).unwrap().len(), 1);
    let findings = refused(spec, &[file("pol/v.txt", fits + "1\n")]);
    assert!(
        findings[0].rendered.contains("has 1000001 entries"),
        "{}",
        findings[0].rendered
    );
    assert!(
        findings[0].rendered.contains("at most 1000000"),
        "{}",
        findings[0].rendered
    );
    let large = file("pol/v.txt", vec![b'#'; limits::MAX_LIST_FILE_BYTES + 1]);
    let findings = refused(spec, &[large]);
    assert!(
        findings[0].rendered.contains("at most 33554432 bytes"),
        "{}",
        findings[0].rendered
    );
}

#[test]
fn the_files_to_read_are_known_by_their_names() {
    let files = [
        file(
            "p/a.yaml",
            list("{cidrs: {file: v.txt}}") + "---\n" + &list("{strings: {file: s/w.txt}}"),
        ),
        file("p/b.yaml", list("{cidrs: {file: v.txt}}")),
        file("c.yaml", list("{cidrs: {file: there.txt}}")),
        file("there.txt", ""),
        file("d.yaml", list("{cidrs: {file: ../up.txt}}")),
        file("e.yaml", "kind: List\nspec: [file"),
        file("f.yaml", list("{cidrs: {file: x, more: y}}")),
    ];
    assert_eq!(list_files(&files), ["p/s/w.txt", "p/v.txt"]);
}
