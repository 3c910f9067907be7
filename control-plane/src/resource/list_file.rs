//! Files of values, one a line, that `List`s name: `cidrs: {file: offices.txt}`.
//!
//! Nothing here opens a file. Whoever reads resources asks which files their lists name ([`list_files`])
//! and gives them along; what is not given is not there. So an operator who applies a list cannot make
//! the control plane read its own files.
//!
//! The values are put into the document's text, which is then what every list is: the store, the hash
//! and a comparison of two sets need not know that there was a file.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use super::cidr::Cidr;
use super::limits;
use super::list::KINDS;
use super::split::{self, Part};
use super::yaml::{self, Node, Value};
use super::{Kind, SourceFile};
use crate::diagnostic::{Finding, Findings, Source, quoted};

/// The files that lists among these name and that are not among these, by the names that they are to
/// have here: beside the file that names them.
#[must_use]
pub fn list_files(files: &[SourceFile]) -> Vec<String> {
    let mut named: Vec<String> = files
        .iter()
        .flat_map(|file| {
            named_by(file)
                .into_iter()
                .filter_map(|named| named.name.ok())
        })
        .collect();
    named.sort_unstable();
    named.dedup();
    named.retain(|name| files.iter().all(|file| file.name != *name));
    named
}

/// The files that lists name.
#[derive(Debug, Default)]
pub(super) struct ListFiles<'f> {
    /// By name; `true` = it names files itself.
    given: HashMap<&'f str, (&'f SourceFile, bool)>,
    named: Vec<String>,
}

impl<'f> ListFiles<'f> {
    pub(super) fn of(files: &'f [SourceFile]) -> Self {
        let mut all = Self::default();
        for file in files {
            let named = named_by(file);
            all.given.insert(&file.name, (file, !named.is_empty()));
            all.named
                .extend(named.into_iter().filter_map(|named| named.name.ok()));
        }
        all.named.sort_unstable();
        all
    }

    /// Is it a file of values, and not one of resources?
    pub(super) fn contains(&self, file: &SourceFile) -> bool {
        let names_others = self
            .given
            .get(file.name.as_str())
            .is_some_and(|given| given.1);
        !names_others && self.named.binary_search(&file.name).is_ok()
    }

    /// The document with the values of the file that it names; `None` where it names none, or where a
    /// finding says what is wrong with it.
    pub(super) fn expanded(
        &self,
        part: &Part<'_>,
        file: &str,
        findings: &mut Findings,
    ) -> Option<String> {
        let named = named_in(part, file)?;
        let source = Source::new(file, part.text, part.line);
        let values = self.values(&named, &source, findings)?;
        let before = part.text.get(..named.replaced.start)?;
        let after = part.text.get(named.replaced.end..)?;
        Some(format!("{before}[{values}]{after}"))
    }

    /// The values, as a sequence has them.
    fn values(&self, named: &Named, source: &Source, findings: &mut Findings) -> Option<String> {
        let mut refuse = |message: String, help: &str| {
            let finding = Finding::error(source, named.span.clone(), message);
            findings.push(if help.is_empty() {
                finding
            } else {
                finding.help(help)
            });
        };
        let path = quoted(&named.path);
        let name = match &named.name {
            Ok(name) => name,
            Err(help) => {
                refuse(format!("{path} cannot be the file of a list"), help);
                return None;
            }
        };
        let Some((given, names_others)) = self.given.get(name.as_str()) else {
            let help = "it is looked for beside the file that names it";
            refuse(format!("the file {path} is not there"), help);
            return None;
        };
        if *names_others {
            let help = "it holds resources; a file of a list holds one value a line";
            refuse(format!("{path} cannot be the file of a list"), help);
            return None;
        }
        if given.content.len() > limits::MAX_LIST_FILE_BYTES {
            let help = format!("at most {} bytes", limits::MAX_LIST_FILE_BYTES);
            refuse(
                format!("the file {path} has {} bytes", given.content.len()),
                &help,
            );
            return None;
        }
        let Ok(text) = std::str::from_utf8(&given.content) else {
            refuse(format!("the file {path} is not UTF-8"), "");
            return None;
        };
        let count = lines(text).count();
        if count > limits::MAX_LIST_ENTRIES {
            let help = format!("at most {}", limits::MAX_LIST_ENTRIES);
            refuse(format!("the file {path} has {count} entries"), &help);
            return None;
        }
        let before = findings.mark();
        let values = written(named.kind, &Source::new(name, text, 1), findings);
        (findings.mark() == before).then_some(values)
    }
}

/// A file that a list names.
struct Named {
    /// `strings`, `numbers` or `cidrs`.
    kind: &'static str,
    /// As its author wrote it.
    path: String,
    /// Where that stands.
    span: Range<usize>,
    /// What the values take the place of.
    replaced: Range<usize>,
    /// The file's name here, or why it can be none.
    name: Result<String, &'static str>,
}

fn named_by(file: &SourceFile) -> Vec<Named> {
    // Most files name none: those are not parsed twice.
    let within = file.content.len() <= limits::MAX_FILE_BYTES;
    let text = std::str::from_utf8(&file.content).ok();
    let text = text.filter(|text| within && may_name(text));
    let parts = text.map(split::documents).unwrap_or_default();
    let parts = parts.iter().take(limits::MAX_DOCUMENTS_PER_FILE);
    parts
        .filter_map(|part| named_in(part, &file.name))
        .collect()
}

/// Is there anything that could be a list's `file`?
fn may_name(text: &str) -> bool {
    text.contains("file") && text.contains(Kind::List.as_str())
}

fn named_in(part: &Part<'_>, file: &str) -> Option<Named> {
    if !may_name(part.text) {
        return None;
    }
    let source = Source::new(file, part.text, part.line);
    let document = yaml::parse(&source).ok()??;
    let is_list = matches!(&field(&document, "kind")?.value, Value::Text(kind) if kind == Kind::List.as_str());
    let spec = field(&document, "spec").filter(|_| is_list)?;
    KINDS.into_iter().find_map(|kind| {
        let node = field(spec, kind)?;
        let Value::Mapping(entries) = &node.value else {
            return None;
        };
        let [(key, value)] = entries.as_slice() else {
            return None;
        };
        let Value::Text(path) = &value.value else {
            return None;
        };
        if key.value != "file" {
            return None;
        }
        // The place of an alias is where its value stands.
        let between = part.text.get(key.span.end..value.span.start)?;
        if between.trim_start_matches(['"', '\'']).trim() != ":" {
            return None;
        }
        let rest = part.text.get(value.span.end..)?;
        // Of a mapping in braces only the first of them is its place; without braces it is its field.
        let starts = part.text.get(node.span.start..)?;
        let replaced = match starts.starts_with('{') {
            true => node.span.start..value.span.end.checked_add(closed(rest)?)?,
            false => key.span.start..value.span.end,
        };
        Some(Named {
            kind,
            path: path.clone(),
            span: value.span.clone(),
            replaced,
            name: beside(file, path),
        })
    })
}

/// How far the brace that closes a mapping is, behind its last value.
fn closed(rest: &str) -> Option<usize> {
    let mut comment = false;
    for (at, letter) in rest.char_indices() {
        match letter {
            '\n' => comment = false,
            _ if comment => {}
            '}' => return Some(at + 1),
            '#' => comment = true,
            ',' => {}
            _ if letter.is_whitespace() => {}
            _ => return None,
        }
    }
    None
}

fn field<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let Value::Mapping(entries) = &node.value else {
        return None;
    };
    let mut found = entries.iter().filter(|(key, _)| key.value == name);
    found.next().map(|(_, node)| node)
}

/// The name of a file beside another, or below.
fn beside(file: &str, path: &str) -> Result<String, &'static str> {
    let parts = || path.split('/');
    if path.len() > limits::MAX_LIST_STRING_BYTES || path.chars().any(char::is_control) {
        return Err("write its name in one line");
    }
    if parts().any(|part| matches!(part, "" | "." | "..")) {
        return Err("name a file beside this one, or in a directory below");
    }
    if [".yaml", ".yml"]
        .iter()
        .any(|ending| path.ends_with(ending))
    {
        return Err("it holds resources; a file of a list holds one value a line");
    }
    let name = match file.rsplit_once('/') {
        Some((directory, _)) => format!("{directory}/{path}"),
        None => path.to_owned(),
    };
    if name == file {
        return Err("it names itself; a file of a list holds one value a line");
    }
    Ok(name)
}

/// The lines that hold a value, with their places.
fn lines(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
    let mut start = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let value = line.trim_start_matches('\u{feff}').trim();
        let offset = start + line.find(value).unwrap_or(0);
        start += line.len();
        let counts = !value.is_empty() && !value.starts_with('#');
        counts.then_some((value, offset..offset + value.len()))
    })
}

/// The values as a sequence of YAML has them, each checked.
fn written(kind: &str, source: &Source, findings: &mut Findings) -> String {
    let mut text = String::with_capacity(source.text().len().saturating_mul(2));
    for (value, span) in lines(source.text()) {
        let wrong = match kind {
            "numbers" => value
                .parse::<i64>()
                .err()
                .map(|_| ("is not a whole number".to_owned(), String::new())),
            "cidrs" => Cidr::parse(value).err().map(|error| error.explain()),
            _ => (value.len() > limits::MAX_LIST_STRING_BYTES).then(|| {
                let help = format!("at most {}", limits::MAX_LIST_STRING_BYTES);
                (format!("has {} bytes", value.len()), help)
            }),
        };
        if let Some((message, help)) = wrong {
            let finding = Finding::error(source, span, format!("{} {message}", quoted(value)));
            findings.push(if help.is_empty() {
                finding
            } else {
                finding.help(help)
            });
            continue;
        }
        if !text.is_empty() {
            text.push(',');
        }
        // A string of JSON is one of YAML; writing to a string does not fail.
        let _written = match kind {
            "numbers" => write!(text, "{value}"),
            _ => write!(text, "{}", serde_json::Value::from(value)),
        };
    }
    text
}

#[cfg(test)]
mod tests;
