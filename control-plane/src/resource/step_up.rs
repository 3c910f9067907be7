//! `stepUp`: which upstreams may answer that they want more proof, and what is offered then.

use super::challenge::{self, ChallengeKind};
use super::fields::{Field, Reader};
use super::limits;
use crate::diagnostic::{Finding, Located, quoted};

/// Which upstreams may ask; what is absent is taken from a wider scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct StepUpSpec {
    /// Globs on the names of Envoy's clusters; empty = none may.
    pub(crate) upstreams: Vec<String>,
    pub(crate) kinds: Option<Vec<Located<ChallengeKind>>>,
    pub(crate) fallback: Option<Vec<Located<ChallengeKind>>>,
    /// Bytes of a navigation's body; 0 = none is kept.
    pub(crate) hold_body: Option<u32>,
}

impl StepUpSpec {
    /// Reads the `stepUp` of a policy or of `Settings`.
    pub(super) fn read(reader: &mut Reader<'_>, field: Field) -> Option<Self> {
        let mut fields = reader.fields(field)?;
        let upstreams = fields.take_required(reader, "upstreams");
        let kinds = fields
            .take(reader, "kinds")
            .map(|field| challenge::kinds(reader, &field, true));
        let fallback = fields
            .take(reader, "fallback")
            .map(|field| challenge::kinds(reader, &field, false));
        let hold_body = fields
            .take(reader, "holdBody")
            .and_then(|field| reader.integer(&field, 0..=limits::MAX_HELD_BYTES))
            .and_then(|bytes| u32::try_from(bytes.value).ok());
        fields.finish(reader);
        let field = upstreams?;
        // An empty list is an answer: a policy takes back what `Settings` allow.
        let none = reader
            .items(&field, limits::MAX_UPSTREAMS)
            .is_some_and(|items| items.is_empty());
        let upstreams = if none {
            Vec::new()
        } else {
            reader.patterns(&field, limits::MAX_UPSTREAMS, upstream)
        };
        Some(Self {
            upstreams,
            kinds,
            fallback,
            hold_body,
        })
    }
}

/// Reads a pattern of names of clusters. Envoy lets a name be anything; those of its control planes have
/// `|`, `/`, `:` and dots in them.
fn upstream(reader: &mut Reader<'_>, text: Located<String>) -> Option<String> {
    let fits = (1..=limits::MAX_UPSTREAM_BYTES).contains(&text.value.len())
        && text.value.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        return Some(text.value);
    }
    let message = format!("{} is not the name of an upstream", quoted(&text.value));
    reader.push(
        Finding::error(reader.source(), text.span, message)
            .help("write the name of a cluster of Envoy, `*` for any run of characters"),
    );
    None
}
