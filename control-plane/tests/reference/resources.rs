//! Resources: which fields there are and which words they take is asked of the reader itself.

use std::fmt::Write as _;

use countersign_control_plane::resource::{Kind, limits, parse_document};

use super::fields::{Field, KINDS, Mapping};
use crate::cell;

/// No field and no word is near it, so that the reader lists what it knows.
const NOTHING: &str = "zzqqzzqqzz";

/// The page.
pub(crate) fn page() -> String {
    let kinds: Vec<_> = KINDS.iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(kinds, Kind::ALL.map(Kind::as_str), "a kind is missing here");
    let mut page = String::from(
        "# Resources\n\nA file holds any number of documents, with `---` between them. Each has \
         `apiVersion: countersign.dev/v1`, a `kind`, a name in `metadata` and a `spec`. A name is a DNS \
         label of at most ",
    );
    let _ = write!(
        page,
        "{} characters. A kind has a name once.\n\nDurations are written `30s`, `5m`, `1h30m`. A \
         field that is unknown, or has no value, is an error.\n",
        limits::MAX_NAME
    );
    for (kind, about, mappings) in KINDS {
        let _ = write!(page, "\n## {kind}\n\n{about}\n");
        for mapping in *mappings {
            let title = match mapping.path {
                "" => "`spec`".to_owned(),
                path => format!("`{path}`"),
            };
            let _ = write!(
                page,
                "\n{title}:\n\n| field | value | left out | meaning |\n|---|---|---|---|\n"
            );
            for field in mapping.fields {
                let _ = writeln!(
                    page,
                    "| `{}` | {} | {} | {} |",
                    field.name,
                    cell(&value(kind, mapping, field)),
                    cell(field.absent),
                    cell(field.doc)
                );
            }
        }
    }
    page.push_str("\n## Limits\n\n| what | at most |\n|---|---|\n");
    for (what, most) in [
        ("bytes of one file of resources", limits::MAX_FILE_BYTES),
        ("bytes of a file of values", limits::MAX_LIST_FILE_BYTES),
        ("bytes of all files together", limits::MAX_TOTAL_BYTES),
        ("files", limits::MAX_FILES),
        ("documents of a file", limits::MAX_DOCUMENTS_PER_FILE),
        (
            "hosts, endpoints or methods of a policy",
            limits::MAX_PATTERNS,
        ),
        ("bytes of an endpoint pattern", limits::MAX_ENDPOINT_BYTES),
        ("bytes of an expression", limits::MAX_EXPRESSION_BYTES),
        ("entries of a list", limits::MAX_LIST_ENTRIES),
        ("values of device rules", limits::MAX_DEVICE_RULE_VALUES),
        ("trusted hops", limits::MAX_TRUSTED_HOPS),
        ("exempt paths", limits::MAX_EXEMPT_PATHS),
        ("tests of a document", limits::MAX_TESTS),
    ] {
        let _ = writeln!(page, "| {what} | {most} |");
    }
    page
}

fn value(kind: &str, mapping: &Mapping, field: &Field) -> String {
    if field.value != "word" {
        return field.value.to_owned();
    }
    let spec = mapping.inside(&format!("{}: {NOTHING}", field.name));
    let told = findings(kind, &spec);
    let help = told
        .lines()
        .skip_while(|line| !line.contains(&format!("`{NOTHING}`")))
        .find_map(|line| line.split_once("= help: it is "))
        .unwrap_or_else(|| panic!("{kind} {}: {told}", field.name));
    quoted(help.1)
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The fields that the reader takes of a mapping.
pub(crate) fn taken(kind: &str, mapping: &Mapping) -> Vec<String> {
    let told = findings(kind, &mapping.inside(&format!("{NOTHING}: 1")));
    let help = told
        .lines()
        .skip_while(|line| !line.contains(&format!("unknown field `{NOTHING}`")))
        .find_map(|line| line.split_once("= help: the fields of "))
        .unwrap_or_else(|| panic!("{kind} {}: {told}", mapping.path));
    let fields = help.1.split_once(" are ").expect("the fields").1;
    quoted(fields)
}

fn findings(kind: &str, spec: &str) -> String {
    let text = format!(
        "apiVersion: countersign.dev/v1\nkind: {kind}\nmetadata: {{name: default}}\nspec: {{{spec}}}\n"
    );
    let findings = parse_document(&text, "probe.yaml", 1).expect_err("it is wrong on purpose");
    findings.iter().map(|it| it.rendered.clone()).collect()
}

fn quoted(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}
