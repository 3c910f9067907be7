//! Verdict reasons: where they come from and what they lead to.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::compile;
use crate::resource::{Kind, Verdict};
use crate::runtime::App;

#[derive(Debug, Serialize)]
struct SignalJson {
    name: String,
    /// What it states itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct OverrideJson {
    name: String,
    verdict: &'static str,
}

#[derive(Debug, Serialize)]
struct ReasonJson {
    reason: String,
    public: bool,
    default: &'static str,
    r#override: Option<OverrideJson>,
    signals: Vec<SignalJson>,
}

/// Every reason.
#[derive(Debug, Serialize)]
pub(super) struct ReasonsJson {
    reasons: Vec<ReasonJson>,
}

/// `GET /api/v1/reasons`.
pub(super) async fn reasons(State(app): State<App>) -> Json<ReasonsJson> {
    let (entries, _) = app
        .control
        .resources_that(|entry| matches!(entry.document.kind, Kind::Signal | Kind::ReasonOverride))
        .await;
    let documents: Vec<_> = entries.iter().map(|entry| entry.document.clone()).collect();
    let reasons = compile::reasons(&documents).into_iter();
    let reasons = reasons.map(|reason| ReasonJson {
        reason: reason.reason,
        public: reason.public,
        default: reason.default.word(),
        r#override: reason.overridden.map(|(name, verdict)| OverrideJson {
            name,
            verdict: verdict.word(),
        }),
        signals: reason
            .signals
            .into_iter()
            .map(|(name, verdict)| SignalJson {
                name,
                verdict: verdict.map(Verdict::word),
            })
            .collect(),
    });
    Json(ReasonsJson {
        reasons: reasons.collect(),
    })
}
