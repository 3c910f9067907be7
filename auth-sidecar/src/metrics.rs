//! Counters and gauges, read at `/metrics`.

pub use countersign_metrics::Described;

use countersign_dpop::ProofError;
use countersign_metrics::Catalogue;
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};

use crate::assurance::Assurance;
use crate::bound::Life;
use crate::cause::Cause;
use crate::keys::life::KeyState;
use crate::kind::Kind;
use crate::otp::mailer;
use crate::outcome::Step;

/// Every metric of the sidecar.
pub struct Metrics {
    registry: Catalogue,
    /// `countersign_sidecar_mails_total{result}`
    pub mails: IntCounterVec,
    /// `countersign_sidecar_mail_server_up`
    pub mail_server_up: IntGauge,
    /// `countersign_sidecar_captchas_unchecked_total`
    pub captchas_unchecked: IntCounter,
    /// `countersign_sidecar_ceremonies_evicted_total`
    pub evicted: IntCounter,
    /// `countersign_sidecar_refusals_total{cause}`
    pub refusals: IntCounterVec,
    /// `countersign_sidecar_steps_total{step}`
    pub steps: IntCounterVec,
    /// `countersign_sidecar_ceremonies_total{kind}`
    pub ceremonies: IntCounterVec,
    /// `countersign_sidecar_sessions_total{assurance}`
    pub sessions: IntCounterVec,
    /// `countersign_sidecar_outcomes_dropped_total`
    pub outcomes_dropped: IntCounter,
    /// `countersign_sidecar_outcomes_spooled`
    pub spooled: IntGauge,
    /// `countersign_sidecar_control_plane_connected`
    pub connected: IntGauge,
    /// `countersign_sidecar_control_plane_messages_refused_total`
    pub messages_refused: IntCounter,
    /// `countersign_sidecar_session_keys{state}`
    pub session_keys: IntGaugeVec,
    /// `countersign_sidecar_bound_sessions_total{step}`
    pub bound: IntCounterVec,
    /// `countersign_sidecar_bound_sessions`
    pub bound_now: IntGauge,
    /// `countersign_sidecar_held_bodies_total{result}`
    pub held: IntCounterVec,
    /// `countersign_sidecar_pairings_total{result}`
    pub pairings: IntCounterVec,
    /// `countersign_sidecar_proofs_refused_total{problem}`
    pub proofs_refused: IntCounterVec,
    /// `countersign_sidecar_held_bytes`
    pub held_bytes: IntGauge,
    /// `countersign_sidecar_ready`
    pub ready: IntGauge,
}

impl Metrics {
    /// Makes and registers them; what is known begins at zero, so that a rate over it is defined.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Catalogue::default();
        let counters =
            |name: &str, help: &str, label: &str| -> Result<IntCounterVec, prometheus::Error> {
                let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
                registry.register(Box::new(counters.clone()))?;
                Ok(counters)
            };
        let counter = |name: &str, help: &str| -> Result<IntCounter, prometheus::Error> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let gauge = |name: &str, help: &str| -> Result<IntGauge, prometheus::Error> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let refusals = counters(
            "countersign_sidecar_refusals_total",
            "Requests refused, by internal cause.",
            "cause",
        )?;
        for cause in Cause::ALL {
            refusals.with_label_values(&[cause.name()]);
        }
        let session_keys = IntGaugeVec::new(
            Opts::new(
                "countersign_sidecar_session_keys",
                "Session keys, by state.",
            ),
            &["state"],
        )?;
        registry.register(Box::new(session_keys.clone()))?;
        for state in [KeyState::Pending, KeyState::Live, KeyState::Retired] {
            session_keys.with_label_values(&[state.word()]);
        }
        let steps = counters(
            "countersign_sidecar_steps_total",
            "Steps of challenges.",
            "step",
        )?;
        for step in Step::EACH {
            steps.with_label_values(&[step.word()]);
        }
        let ceremonies = counters(
            "countersign_sidecar_ceremonies_total",
            "Ceremonies begun, by kind.",
            "kind",
        )?;
        for kind in Kind::ALL {
            ceremonies.with_label_values(&[kind.word()]);
        }
        let sessions = counters(
            "countersign_sidecar_sessions_total",
            "Sessions issued, by assurance.",
            "assurance",
        )?;
        for assurance in Kind::ALL
            .map(|kind| kind.highest(true))
            .into_iter()
            .chain([Assurance::Uv])
        {
            sessions.with_label_values(&[assurance.word()]);
        }
        let mails = counters(
            "countersign_sidecar_mails_total",
            "Mails with codes, by what became of them; `withheld` were for an address that gets none.",
            "result",
        )?;
        for result in mailer::RESULTS {
            mails.with_label_values(&[result]);
        }
        let held = counters(
            "countersign_sidecar_held_bodies_total",
            "Bodies of challenged requests that were kept, and given back.",
            "result",
        )?;
        for result in ["kept", "given"] {
            held.with_label_values(&[result]);
        }
        let bound = counters(
            "countersign_sidecar_bound_sessions_total",
            "Sessions whose browser could bind them to a key, bound ones, and their renewals.",
            "step",
        )?;
        for life in Life::EACH {
            bound.with_label_values(&[life.word()]);
        }
        let pairings = counters(
            "countersign_sidecar_pairings_total",
            "Programs and browsers whose proof is given on another device, by what became of them.",
            "result",
        )?;
        for result in ["begun", "approved", "denied", "given"] {
            pairings.with_label_values(&[result]);
        }
        let proofs_refused = counters(
            "countersign_sidecar_proofs_refused_total",
            "Proofs of possession that were refused when a token was asked for, by problem.",
            "problem",
        )?;
        for problem in ProofError::ALL {
            proofs_refused.with_label_values(&[problem.word()]);
        }
        Ok(Self {
            bound,
            bound_now: gauge(
                "countersign_sidecar_bound_sessions",
                "Sessions that a key of their device renews, as of the last housekeeping.",
            )?,
            pairings,
            proofs_refused,
            held,
            held_bytes: gauge(
                "countersign_sidecar_held_bytes",
                "Bytes that held bodies count for, as of the last housekeeping.",
            )?,
            mails,
            mail_server_up: gauge(
                "countersign_sidecar_mail_server_up",
                "1 while the mail server answers.",
            )?,
            captchas_unchecked: counter(
                "countersign_sidecar_captchas_unchecked_total",
                "Captchas taken unchecked while their provider was away.",
            )?,
            evicted: counter(
                "countersign_sidecar_ceremonies_evicted_total",
                "Ceremonies given up, of whoever had most of them, to make room.",
            )?,
            refusals,
            steps,
            ceremonies,
            sessions,
            outcomes_dropped: counter(
                "countersign_sidecar_outcomes_dropped_total",
                "Outcomes lost because the spool was full.",
            )?,
            spooled: gauge(
                "countersign_sidecar_outcomes_spooled",
                "Outcomes that the control plane has not acknowledged.",
            )?,
            connected: gauge(
                "countersign_sidecar_control_plane_connected",
                "1 while the stream is open.",
            )?,
            messages_refused: counter(
                "countersign_sidecar_control_plane_messages_refused_total",
                "Messages of the control plane that were not accepted.",
            )?,
            ready: gauge(
                "countersign_sidecar_ready",
                "1 while sessions can be issued.",
            )?,
            session_keys,
            registry,
        })
    }

    /// Every metric that there can be, by name.
    #[must_use]
    pub fn described(&self) -> Vec<Described> {
        self.registry.described()
    }

    /// The Prometheus text.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        self.registry.text()
    }
}
