//! What a test expects. What it does not say is not compared.

use countersign_engine::Assurance;

use super::{grade_above_none, shown};
use crate::diagnostic::quoted;
use crate::rehearsal::CameOfIt;
use crate::resource::Verdict;
use crate::resource::fields::{Field, Reader};
use crate::resource::words::VERDICTS;
use crate::resource::yaml::Value;

/// What is expected of a decision.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expectation {
    /// `allow`, `block`, `redirect` or `challenge`.
    pub(crate) action: Option<&'static str>,
    /// The policy that decides; an inner `None` = no policy does.
    pub(crate) policy: Option<Option<String>>,
    pub(crate) status: Option<u16>,
    pub(crate) score: Option<u32>,
    /// `ALLOW`, `CHALLENGE` or `BLOCK`: what reasons and device rules come to.
    pub(crate) verdict: Option<Verdict>,
    pub(crate) reasons: Option<Vec<String>>,
    pub(crate) monitored: Option<Vec<String>>,
    pub(crate) satisfied: Option<Vec<String>>,
    pub(crate) location: Option<String>,
    /// What a challenge demands.
    pub(crate) min_assurance: Option<Assurance>,
    /// What becomes of an upstream's demand: a word of [`CameOfIt`].
    pub(crate) step_up: Option<&'static str>,
}

const ACTIONS: [(&str, &str); 4] = [
    ("allow", "allow"),
    ("block", "block"),
    ("redirect", "redirect"),
    ("challenge", "challenge"),
];

/// How no policy is written; an empty string says the same.
const NO_POLICY: &str = "none";

impl Expectation {
    /// `asked`: the test's upstream asks for more proof.
    pub(super) fn read(reader: &mut Reader<'_>, field: Field, asked: bool) -> Option<Self> {
        let empty = matches!(&field.node.value, Value::Mapping(entries) if entries.is_empty());
        if empty {
            let span = reader.visible(&field.node);
            let help = "say at least `action: allow`, `block`, `redirect` or `challenge`";
            reader.error(span, "a test that expects nothing always passes", help);
            return None;
        }
        let mut fields = reader.fields(field)?;
        let action = fields
            .take(reader, "action")
            .and_then(|field| action(reader, &field));
        let policy = fields
            .take(reader, "policy")
            .and_then(|field| text(reader, &field))
            .map(|name| Some(name).filter(|name| !name.is_empty() && name != NO_POLICY));
        let status = fields
            .take(reader, "status")
            .and_then(|field| reader.integer(&field, 100..=599))
            .and_then(|status| u16::try_from(status.value).ok());
        let score = fields
            .take(reader, "score")
            .and_then(|field| reader.integer(&field, 0..=100))
            .and_then(|score| u32::try_from(score.value).ok());
        let verdict = fields
            .take(reader, "verdict")
            .and_then(|field| reader.word(&field, &VERDICTS))
            .map(|verdict| verdict.value);
        let mut names = |name| {
            let field = fields.take(reader, name)?;
            let texts = reader.texts(&field);
            let shown = texts
                .into_iter()
                .filter_map(|text| shown(reader, name, text))
                .map(|text| text.value);
            Some(shown.collect())
        };
        let reasons = names("reasons");
        let monitored = names("monitored");
        let satisfied = names("satisfied");
        let location = fields
            .take(reader, "location")
            .and_then(|field| text(reader, &field));
        let min_assurance = fields.take(reader, "minAssurance").and_then(|field| {
            let help = "a request that goes on is `action: allow`";
            grade_above_none(
                reader,
                &field,
                "no challenge demands the grade `none`",
                help,
            )
        });
        let step_up = fields.take(reader, "stepUp").and_then(|field| {
            if !asked {
                let help = "say what it answers: `upstream: {name: orders, stepUp: uv}`";
                reader.error(
                    field.key.span.clone(),
                    "no upstream of this test asks",
                    help,
                );
            }
            reader.word(&field, &CameOfIt::WORDS)
        });
        fields.finish(reader);
        Some(Self {
            action,
            policy,
            status,
            score,
            verdict,
            reasons,
            monitored,
            satisfied,
            location,
            min_assurance,
            step_up: step_up.map(|word| word.value),
        })
    }
}

fn text(reader: &mut Reader<'_>, field: &Field) -> Option<String> {
    let text = reader.text(field)?;
    shown(reader, &field.key.value, text).map(|text| text.value)
}

fn action(reader: &mut Reader<'_>, field: &Field) -> Option<&'static str> {
    if let Value::Text(word) = &field.node.value
        && word == "monitor"
    {
        let message = format!("{} decides nothing", quoted(word));
        let help = "name the policy in `monitored`, and the action that is left";
        reader.error(field.node.span.clone(), message, help);
        return None;
    }
    reader.word(field, &ACTIONS).map(|word| word.value)
}
