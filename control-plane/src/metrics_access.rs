//! What Prometheus reads of access and TLS.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};

use crate::metrics::Catalogue;

/// Counters of who was let in and who was not.
#[derive(Debug)]
pub struct AccessMetrics {
    /// Calls refused before their handler, by reason.
    pub refused: IntCounterVec,
    /// Entries that the audit log could not take.
    pub audit_lost: IntCounter,
    /// Refused attempts that were counted and not written one by one.
    pub audit_summed: IntCounter,
    /// Times that newer TLS files were taken.
    pub tls_reloads: IntCounter,
    /// Times that newer TLS files could not be used.
    pub tls_reload_errors: IntCounter,
    /// Handshakes that failed: an unknown authority, an ended certificate, no TLS at all.
    pub tls_handshakes_failed: IntCounter,
    /// When the certificate in use ends, in seconds since the Unix epoch; 0 = no TLS.
    pub tls_ends: IntGauge,
}

impl AccessMetrics {
    /// All of them at nothing.
    ///
    /// # Errors
    /// When two have the same name, which a test rules out.
    pub(crate) fn new(registry: &Catalogue) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str| {
            let metric = IntCounter::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok::<_, prometheus::Error>(metric)
        };
        let refused = IntCounterVec::new(
            Opts::new(
                "countersign_access_refused_total",
                "Calls refused before they were handled, by reason.",
            ),
            &["reason"],
        )?;
        registry.register(Box::new(refused.clone()))?;
        let tls_ends = IntGauge::new(
            "countersign_tls_certificate_ends_seconds",
            "When the certificate in use ends, in seconds since 1970; 0 = no TLS.",
        )?;
        registry.register(Box::new(tls_ends.clone()))?;
        Ok(Self {
            refused,
            audit_lost: counter(
                "countersign_audit_lost_total",
                "Entries that the audit log could not take.",
            )?,
            audit_summed: counter(
                "countersign_audit_summed_total",
                "Refused attempts that the audit log tells only the number of.",
            )?,
            tls_reloads: counter(
                "countersign_tls_reloads_total",
                "Times that a new certificate was taken.",
            )?,
            tls_reload_errors: counter(
                "countersign_tls_reload_errors_total",
                "Times that new TLS files could not be used and the old certificate went on.",
            )?,
            tls_handshakes_failed: counter(
                "countersign_tls_handshakes_failed_total",
                "TLS handshakes that failed.",
            )?,
            tls_ends,
        })
    }
}
