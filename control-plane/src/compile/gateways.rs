//! The forms of gateways: each is compiled from what it carries of the set.

use super::{Compiling, GatewayForm, limits};
use crate::diagnostic::{Finding, Findings};
use crate::resource::{Document, Gateway, Kind, Resource};

/// Every gateway of the set, by name.
pub(super) fn of(documents: &[Document]) -> Vec<(&Document, &Gateway)> {
    let mut gateways: Vec<_> = documents
        .iter()
        .filter_map(|document| match &document.resource {
            Resource::Gateway(gateway) => Some((document, gateway)),
            _ => None,
        })
        .collect();
    gateways.sort_by_key(|(document, _)| &document.name);
    gateways
}

/// What does not fit together, and what is probably not meant.
pub(super) fn check(documents: &[Document], findings: &mut Findings) {
    let gateways = of(documents);
    for (at, (document, gateway)) in gateways.iter().enumerate() {
        let Some(nodes) = &gateway.nodes else {
            continue;
        };
        // Of two that overlap somewhere nobody can say beforehand whether a node is both.
        let both = gateways.iter().take(at).find(|(_, other)| {
            other
                .nodes
                .as_ref()
                .is_some_and(|other| other.value.surely_overlaps(&nodes.value))
        });
        if let Some((other, known)) = both {
            let finding = Finding::error(
                &document.to_source(),
                nodes.span.clone(),
                format!(
                    "the gateways `{}` and `{}` are the same nodes",
                    other.name, document.name
                ),
            );
            let related = known.nodes.iter().map(|nodes| nodes.span.clone());
            findings.push(
                related
                    .fold(finding, |finding, span| {
                        finding.related(&other.to_source(), span, "these are the others")
                    })
                    .help("a node is one gateway by itself; leave `nodes` out of one of them and have its Envoys ask for it by name"),
            );
        }
    }
    for (document, gateway) in gateways {
        let names = |kind: Kind| {
            let of_kind = documents.iter().filter(|document| document.kind == kind);
            of_kind.map(|document| document.name.as_str()).collect()
        };
        for (kind, pattern) in gateway.idle(names) {
            let message = format!("no {} has such a name", kind.spoken());
            findings.push(Finding::warning(
                &document.to_source(),
                pattern.span.clone(),
                message,
            ));
        }
    }
}

/// Compiles the form of each gateway. `everything` is the form of the whole set.
pub(super) fn forms(
    documents: &[Document],
    everything: &[u8],
    compiling: &mut Compiling<'_>,
    findings: &mut Findings,
) -> Vec<GatewayForm> {
    let mut forms: Vec<GatewayForm> = Vec::new();
    let mut room = limits::MAX_FORMS_BYTES.saturating_sub(everything.len());
    for (document, gateway) in of(documents) {
        let body = if gateway.carries_everything() {
            everything.to_vec()
        } else {
            let carried = documents
                .iter()
                .filter(|it| gateway.carries(it.kind, &it.name))
                .cloned()
                .collect::<Vec<_>>();
            compiling.body(&carried)
        };
        let Some(left) = room.checked_sub(body.len()) else {
            findings.push(
                Finding::error(
                    &document.to_source(),
                    document.name_span(),
                    "the forms of all gateways together are too large",
                )
                .label("this is the first past the limit")
                .help(format!("at most {} bytes", limits::MAX_FORMS_BYTES)),
            );
            break;
        };
        room = left;
        let nodes = gateway.nodes.as_ref();
        forms.push(GatewayForm {
            name: document.name.clone(),
            nodes: nodes.map_or_else(String::new, |nodes| nodes.value.text().to_owned()),
            body,
        });
    }
    forms
}
