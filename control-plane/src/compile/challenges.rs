//! Whether the kinds of a challenge can prove what it demands, wherever either of the two is said.

use countersign_engine::Assurance;

use super::lower;
use crate::diagnostic::{Finding, Findings, Located, one_of};
use crate::resource::{ChallengeKind, ChallengeSpec, Document};

/// `Settings` and where they stand.
pub(super) type Defaults<'a> = Option<(&'a Document, &'a ChallengeSpec)>;

/// Refuses kinds that can never give what is demanded: whoever has nothing else would answer for
/// nothing.
pub(super) fn check(
    document: &Document,
    own: &ChallengeSpec,
    defaults: Defaults<'_>,
    findings: &mut Findings,
) {
    let demanded = lower::challenge(
        own,
        defaults.map_or(&ChallengeSpec::default(), |(_, it)| it),
    )
    .min_assurance;
    let asked = Asked {
        document,
        own,
        defaults,
        demanded,
    };
    asked.check(
        &own.kinds,
        defaults.and_then(|(_, it)| it.kinds.as_ref()),
        "kinds",
        findings,
    );
    asked.check(
        &own.fallback,
        defaults.and_then(|(_, it)| it.fallback.as_ref()),
        "fallback",
        findings,
    );
}

struct Asked<'a> {
    document: &'a Document,
    own: &'a ChallengeSpec,
    defaults: Defaults<'a>,
    demanded: Assurance,
}

impl Asked<'_> {
    fn check(
        &self,
        own: &Option<Vec<Located<ChallengeKind>>>,
        default: Option<&Vec<Located<ChallengeKind>>>,
        field: &str,
        findings: &mut Findings,
    ) {
        // What `Settings` demand and name by themselves is told of them.
        let stated = match (&self.own.min_assurance, own) {
            (_, Some(own)) => Some(own),
            (Some(_), None) => default,
            (None, None) => None,
        };
        for kind in stated.into_iter().flatten() {
            if kind.value.highest() < self.demanded {
                findings.push(self.refusal(kind, own.is_some(), field));
            }
        }
    }

    fn refusal(&self, kind: &Located<ChallengeKind>, is_own: bool, field: &str) -> Finding {
        let (word, highest) = (kind.value.word(), kind.value.highest().word());
        let demanded = self.demanded.word();
        let message = format!("`{word}` cannot give `{demanded}`");
        let source = self.document.to_source();
        let label = format!("it gives `{highest}` at the most");
        let finding = match (&self.own.min_assurance, is_own) {
            // Both are said here.
            (Some(grade), true) => Finding::error(&source, kind.span.clone(), message)
                .label(label)
                .related(&source, grade.span.clone(), "this is demanded"),
            // The demand comes from elsewhere.
            (None, true) => {
                let finding = Finding::error(&source, kind.span.clone(), message).label(label);
                match self.defaults.and_then(|(document, it)| {
                    Some((
                        document.to_source(),
                        it.min_assurance.as_ref()?.span.clone(),
                    ))
                }) {
                    Some((settings, span)) => {
                        finding.related(&settings, span, "this is demanded of every challenge")
                    }
                    None => finding.note(format!(
                        "`{demanded}` is demanded where `minAssurance` is not said"
                    )),
                }
            }
            // The kind comes from `Settings`.
            (Some(grade), false) => {
                let finding = Finding::error(&source, grade.span.clone(), message)
                    .label(format!("`{word}` gives `{highest}` at the most"));
                match self.defaults {
                    Some((document, _)) => finding
                        .related(
                            &document.to_source(),
                            kind.span.clone(),
                            "the kind is named here, for every challenge",
                        )
                        .note(format!(
                            "a policy that states `{field}` itself does not take these"
                        )),
                    None => finding,
                }
            }
            (None, false) => Finding::error(&source, self.document.name_span(), message),
        };
        finding.help(format!(
            "`{demanded}` is given by {}; write `minAssurance: {highest}` where less will do",
            one_of(ChallengeKind::that_reach(self.demanded))
        ))
    }
}
