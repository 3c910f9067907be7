//! `RolloutStrategy`: in which stages a new revision reaches the nodes, and what must hold meanwhile.

use super::fields::{Field, Fields, Reader};
use super::node_selector;
use super::yaml::Node;
use crate::diagnostic::Located;
use crate::limits::MAX_STAGES;
use crate::rollout::{Gates, Reach, Stage, Strategy};

/// A way to roll out, as its author writes it.
#[derive(Clone, Debug)]
pub struct RolloutStrategy {
    strategy: Strategy,
}

/// The longest that a stage may last.
const MAX_STAGE_SECONDS: u32 = 30 * 24 * 3_600;
/// The longest that a node may take.
const MAX_LIVE_SECONDS: u32 = 3_600;

impl RolloutStrategy {
    /// The strategy of every change that names no other.
    pub const DEFAULT: &'static str = "default";

    pub(super) fn read(reader: &mut Reader<'_>, mut spec: Fields) -> Option<Self> {
        let stages = spec.take_required(reader, "stages");
        let stages = stages.and_then(|field| stages_of(reader, &field));
        let gates = match spec.take(reader, "gates") {
            Some(field) => gates(reader, field),
            None => Some(Gates::default()),
        };
        let approval = match spec.take(reader, "approval") {
            Some(field) => reader.word(&field, &[("none", false), ("required", true)]),
            None => Some(Located::new(false, 0..0)),
        };
        spec.finish(reader);
        Some(Self {
            strategy: Strategy {
                // Its name is `metadata.name`, which is read beside the spec.
                name: String::new(),
                stages: stages?,
                gates: gates?,
                approval: approval?.value,
            },
        })
    }

    /// As a rollout takes it.
    #[must_use]
    pub fn strategy(&self, name: &str) -> Strategy {
        Strategy {
            name: name.to_owned(),
            ..self.strategy.clone()
        }
    }
}

fn stages_of(reader: &mut Reader<'_>, field: &Field) -> Option<Vec<Stage>> {
    let items = reader.items(field, MAX_STAGES)?.to_vec();
    let mut stages = Vec::with_capacity(items.len());
    let mut whole = true;
    let (mut enforced, mut monitored) = (0_u32, 0_u32);
    let spans: Vec<_> = items.iter().map(|item| item.span.clone()).collect();
    for item in items {
        let span = item.span.clone();
        let Some(stage) = stage(reader, item) else {
            whole = false;
            continue;
        };
        if stage.monitor && stages.last().is_some_and(|before: &Stage| !before.monitor) {
            let help = "put stages in monitor mode before all others";
            reader.error(
                span.clone(),
                "policies that decide would only count again",
                help,
            );
            whole = false;
        }
        if let Reach::Percent(percent) = &stage.reach {
            // In the other mode a share begins anew.
            let largest = if stage.monitor {
                &mut monitored
            } else {
                &mut enforced
            };
            if *percent < *largest {
                let message = format!("{percent} % after a stage of {largest} %");
                reader.error(span, message, "a stage never takes nodes away: let it grow");
                whole = false;
            }
            *largest = *percent;
        }
        stages.push(stage);
    }
    let last_is_all = stages
        .last()
        .is_some_and(|stage| stage.reach == Reach::Percent(100) && !stage.monitor);
    if whole && !last_is_all {
        let span = spans.last().cloned().unwrap_or(field.key.span.clone());
        let help = "end with `- {percent: 100}`";
        reader.error(span, "the last stage does not reach every node", help);
        whole = false;
    }
    whole.then_some(stages)
}

fn stage(reader: &mut Reader<'_>, item: Node) -> Option<Stage> {
    let mut fields = reader.mapping("stages[]", item)?;
    let percent = fields.take(reader, "percent");
    let nodes = fields.take(reader, "nodes");
    let lasts = match fields.take(reader, "for") {
        Some(field) => reader.seconds(&field, 0..=MAX_STAGE_SECONDS),
        None => Some(0),
    };
    let monitor = match fields.take(reader, "mode") {
        Some(field) => {
            let words = [("enforce", false), ("monitor", true)];
            reader.word(&field, &words).map(|word| word.value)
        }
        None => Some(false),
    };
    let reach = match (percent, nodes) {
        (Some(field), None) => {
            let percent = reader.integer(&field, 1..=100)?;
            Reach::Percent(u32::try_from(percent.value).ok()?)
        }
        (None, Some(field)) => Reach::Nodes(Box::new(node_selector::read(reader, &field)?)),
        (Some(_), Some(field)) => {
            let help = "make two stages, or say the share in the expression";
            let message = "a stage names nodes or a share of them, not both";
            reader.error(field.key.span, message, help);
            return None;
        }
        (None, None) => {
            fields.require_one_of(reader, &["percent", "nodes"]);
            return None;
        }
    };
    fields.finish(reader);
    Some(Stage {
        reach,
        lasts_ms: u64::from(lasts?).saturating_mul(1_000),
        monitor: monitor?,
    })
}

fn gates(reader: &mut Reader<'_>, field: Field) -> Option<Gates> {
    let mut fields = reader.fields(field)?;
    let usual = Gates::default();
    let mut whole = true;
    let mut number = |name: &'static str, most: i64, usual: u64| {
        let Some(field) = fields.take(reader, name) else {
            return usual;
        };
        let Some(read) = reader.integer(&field, 0..=most) else {
            whole = false;
            return usual;
        };
        u64::try_from(read.value).unwrap_or(usual)
    };
    let mut points =
        |name, usual: u32| u32::try_from(number(name, 100, u64::from(usual))).unwrap_or(usual);
    let block_points = points("blockPoints", usual.block_points);
    let challenge_points = points("challengePoints", usual.challenge_points);
    let monitor_points = points("monitorPoints", usual.monitor_points);
    let error_points = points("errorPoints", usual.error_points);
    let min_requests = number("minRequests", 1_000_000_000, usual.min_requests);
    let guard_denials = number("guardDenials", 1_000_000_000, usual.guard_denials);
    let micros = u64::from(usual.latency_micros);
    let latency_micros = number("latencyMicros", 10_000_000, micros);
    let live_within_ms = match fields.take(reader, "liveWithin") {
        Some(field) => {
            let seconds = reader.seconds(&field, 1..=MAX_LIVE_SECONDS);
            whole &= seconds.is_some();
            seconds.map_or(usual.live_within_ms, |s| u64::from(s).saturating_mul(1_000))
        }
        None => usual.live_within_ms,
    };
    fields.finish(reader);
    whole.then_some(Gates {
        min_requests,
        block_points,
        challenge_points,
        monitor_points,
        error_points,
        latency_micros: u32::try_from(latency_micros).unwrap_or(usual.latency_micros),
        guard_denials,
        live_within_ms,
    })
}

#[cfg(test)]
mod tests {
    use crate::resource::{Resource, SourceFile, parse_files};
    use crate::rollout::{Gates, Reach, Strategy};

    fn parse(spec: &str) -> Result<Strategy, String> {
        let content = format!(
            "apiVersion: countersign.dev/v1\nkind: RolloutStrategy\nmetadata: {{name: careful}}\nspec:\n{spec}"
        );
        let file = SourceFile {
            name: "s.yaml".into(),
            content: content.into(),
        };
        match parse_files(&[file]) {
            Ok(documents) => match &documents[0].resource {
                Resource::RolloutStrategy(strategy) => Ok(strategy.strategy(&documents[0].name)),
                other => panic!("{other:?}"),
            },
            Err(findings) => Err(findings
                .iter()
                .map(|finding| finding.rendered.clone())
                .collect()),
        }
    }

    #[test]
    fn a_strategy_has_stages_gates_and_approval() {
        let strategy = parse(
            "  stages:\n  - {nodes: \"locality.zone == 'a'\", for: 2m, mode: monitor}\n  - {percent: 10, for: 5m}\n  - {percent: 100}\n  gates: {blockPoints: 2, liveWithin: 30s}\n  approval: required\n",
        )
        .unwrap();
        assert_eq!(strategy.name, "careful");
        assert!(strategy.approval);
        let expected = Gates {
            block_points: 2,
            live_within_ms: 30_000,
            ..Gates::default()
        };
        assert_eq!(strategy.gates, expected);
        let stages: Vec<_> = strategy
            .stages
            .iter()
            .map(|stage| (stage.reach.to_string(), stage.lasts_ms, stage.monitor))
            .collect();
        assert_eq!(
            stages,
            [
                ("locality.zone == 'a'".into(), 120_000, true),
                ("10 %".into(), 300_000, false),
                ("100 %".into(), 0, false),
            ]
        );
        assert_eq!(strategy.stages[2].reach, Reach::Percent(100));
    }

    #[test]
    fn what_is_no_strategy_is_refused_with_its_place() {
        for (spec, told) in [
            ("  stages: [{percent: 10}]\n", "does not reach every node"),
            ("  stages: []\n", "does not reach every node"),
            (
                "  stages: [{percent: 50}, {percent: 10}, {percent: 100}]\n",
                "10 % after a stage of 50 %",
            ),
            ("  stages: [{for: 2m}, {percent: 100}]\n", "`percent`"),
            (
                "  stages: [{percent: 10, nodes: 'true'}, {percent: 100}]\n",
                "not both",
            ),
            (
                "  stages: [{percent: 0}, {percent: 100}]\n",
                "between 1 and 100",
            ),
            (
                "  stages: [{nodes: \"locality.zon == 'a'\"}, {percent: 100}]\n",
                "s.yaml:5:21",
            ),
            (
                "  stages: [{nodes: \"node.id\"}, {percent: 100}]\n",
                "true or false",
            ),
            (
                "  stages: [{percent: 10}, {percent: 50, mode: monitor}, {percent: 100}]\n",
                "only count again",
            ),
            (
                "  stages: [{percent: 100, mode: monitor}]\n",
                "does not reach every node",
            ),
            (
                "  stages: [{percent: 100}]\n  gates: {blockPoints: 101}\n",
                "between 0 and 100",
            ),
            (
                "  stages: [{percent: 100}]\n  approval: perhaps\n",
                "required",
            ),
        ] {
            let refused = parse(spec).unwrap_err();
            assert!(refused.contains(told), "{spec}\n{refused}");
        }
    }
}
