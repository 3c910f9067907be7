//! One document: its envelope (`apiVersion`, `kind`, `metadata`, `spec`), then its kind's own reader.

use super::fields::Reader;
use super::list_file::ListFiles;
use super::{
    DeviceRule, Document, Gateway, Kind, List, MitigationPolicy, PolicyTest, ReasonOverride,
    Resource, RolloutStrategy, Settings, Signal, SourceFile, limits, name, split, yaml,
};
use crate::diagnostic::{Finding, Findings, Source, did_you_mean, one_of, quoted};

/// The only version there is.
const API_VERSION: &str = "countersign.dev/v1";

pub(super) fn parse_file(
    file: &SourceFile,
    lists: &ListFiles<'_>,
    documents: &mut Vec<Document>,
    findings: &mut Findings,
) {
    let whole_file = |text: &str| Source::new(&file.name, text, 1);
    if file.content.len() > limits::MAX_FILE_BYTES {
        let size = file.content.len();
        findings.push(
            Finding::error(
                &whole_file(""),
                0..0,
                format!("{size} bytes are too many for one file"),
            )
            .help(format!(
                "at most {} bytes; split it, or let a `List` take its values from a file of their own: `cidrs: {{file: …}}`",
                limits::MAX_FILE_BYTES
            )),
        );
        return;
    }
    let text = match std::str::from_utf8(&file.content) {
        Ok(text) => text,
        Err(error) => {
            let valid = file.content.get(..error.valid_up_to()).unwrap_or_default();
            let shown = format!("{}\u{fffd}", String::from_utf8_lossy(valid));
            let at = valid.len();
            findings.push(
                Finding::error(&whole_file(&shown), at..at + 1, "this is not UTF-8")
                    .label("this byte belongs to no character")
                    .help("save the file as UTF-8"),
            );
            return;
        }
    };
    let parts = split::documents(text);
    if parts.is_empty() {
        findings.push(nothing_in(&whole_file(text)));
    }
    if let Some(first_over) = parts.get(limits::MAX_DOCUMENTS_PER_FILE) {
        let source = Source::new(&file.name, first_over.text, first_over.line);
        findings.push(
            Finding::error(
                &source,
                0..1,
                format!("{} documents are too many for one file", parts.len()),
            )
            .help(format!("at most {}", limits::MAX_DOCUMENTS_PER_FILE)),
        );
        return;
    }
    let mark = findings.mark();
    for part in parts {
        let before = findings.mark();
        let expanded = lists.expanded(&part, &file.name, findings);
        if findings.mark() == before {
            let text = expanded.as_deref().unwrap_or(part.text);
            let source = Source::new(&file.name, text, part.line);
            documents.extend(parse(&source, findings));
        }
    }
    findings.sort_since(mark);
}

/// The finding for text that holds no document.
pub(super) fn nothing_in(source: &Source) -> Finding {
    Finding::error(source, 0..0, "there is no resource in this file").help(format!(
        "a resource starts with `apiVersion: {API_VERSION}` and `kind:`"
    ))
}

/// Parses one document. `None` comes with at least one finding.
pub(super) fn parse(source: &Source, findings: &mut Findings) -> Option<Document> {
    let node = match yaml::parse(source) {
        Ok(Some(node)) => node,
        Ok(None) => {
            findings.push(nothing_in(source));
            return None;
        }
        Err(finding) => {
            findings.push(*finding);
            return None;
        }
    };
    let mut reader = Reader::new(source, findings);
    let mut top = reader.mapping("the document", node)?;
    let version = top
        .take_required(&mut reader, "apiVersion")
        .and_then(|field| reader.text(&field));
    if let Some(version) = version.filter(|version| version.value != API_VERSION) {
        let message = format!("unknown `apiVersion` {}", quoted(&version.value));
        reader.push(
            Finding::error(source, version.span, message)
                .label(format!("expected `{API_VERSION}`")),
        );
    }
    let kind = top.take_required(&mut reader, "kind").and_then(|field| {
        let word = reader.word_text(&field, Kind::ALL.into_iter().map(Kind::as_str))?;
        Kind::from_word(&word.value).or_else(|| {
            reader.push(unknown_kind(source, &word.value, word.span));
            None
        })
    });
    let metadata = top
        .take_required(&mut reader, "metadata")
        .and_then(|field| {
            let mut metadata = reader.fields(field)?;
            let name = metadata
                .take_required(&mut reader, "name")
                .and_then(|field| name::name(&mut reader, &field));
            metadata.finish(&mut reader);
            name
        });
    let spec = top.take(&mut reader, "spec");
    top.finish(&mut reader);
    let kind = kind?;
    if let Some(name) = &metadata {
        reader.reads(format!("{} {}", kind.spoken(), quoted(&name.value)));
    }
    let spec = match spec {
        Some(spec) => reader.fields(spec)?,
        // Everything of these is optional, their spec too.
        None if matches!(kind, Kind::Settings | Kind::Gateway) => reader.no_fields("spec"),
        None => {
            let message = format!("this {} has no `spec`", kind.as_str());
            reader.push(Finding::error(source, start_of(source), message));
            return None;
        }
    };
    let resource = match kind {
        Kind::MitigationPolicy => {
            Resource::MitigationPolicy(MitigationPolicy::read(&mut reader, spec)?)
        }
        Kind::Signal => Resource::Signal(Signal::read(&mut reader, spec)?),
        Kind::DeviceRule => Resource::DeviceRule(DeviceRule::read(&mut reader, spec)?),
        Kind::ReasonOverride => Resource::ReasonOverride(ReasonOverride::read(&mut reader, spec)?),
        Kind::List => Resource::List(List::read(&mut reader, spec)?),
        Kind::Settings => Resource::Settings(Settings::read(&mut reader, spec)),
        Kind::RolloutStrategy => {
            Resource::RolloutStrategy(RolloutStrategy::read(&mut reader, spec)?)
        }
        Kind::Gateway => Resource::Gateway(Gateway::read(&mut reader, spec)?),
        Kind::PolicyTest => Resource::PolicyTest(PolicyTest::read(&mut reader, spec)?),
    };
    let name = metadata?;
    if kind == Kind::Settings && name.value != Settings::NAME {
        reader.push(
            Finding::error(
                source,
                name.span,
                "there is one `Settings`, and its name is `default`",
            )
            .label("expected `default`"),
        );
        return None;
    }
    Some(Document {
        kind,
        name: name.value,
        file: source.file().to_owned(),
        line: source.position(0).0,
        source: source.text().to_owned(),
        resource,
        name_span: name.span,
    })
}

/// The first line that says something.
fn start_of(source: &Source) -> std::ops::Range<usize> {
    let text = source.text();
    let start = text.len() - text.trim_start().len();
    start..source.line_end(start)
}

fn unknown_kind(source: &Source, word: &str, span: std::ops::Range<usize>) -> Finding {
    let known = || Kind::ALL.into_iter().map(Kind::as_str);
    Finding::error(source, span, format!("unknown kind {}", quoted(word)))
        .suggest(did_you_mean(word, known()))
        .help(format!("the kinds are {}", one_of(known())))
}
