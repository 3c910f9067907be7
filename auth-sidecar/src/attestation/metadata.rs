//! The payload of the FIDO metadata service (FIDO Metadata Service 3.0, §3.1.1 and §3.1.3): only which
//! models are reported as broken.

use std::collections::BTreeMap;

use serde::Deserialize;
use uuid::Uuid;

use crate::limits;

/// Models, and what is said of them.
pub(super) type Broken = BTreeMap<Uuid, Status>;

/// What ends the trust in a model (§3.1.4, "AuthenticatorStatus"). A model is not trusted again because a
/// later report says that there is an update: nobody can tell which of its authenticators have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    UserVerificationBypass,
    AttestationKeyCompromise,
    UserKeyRemoteCompromise,
    UserKeyPhysicalCompromise,
    Revoked,
}

impl Status {
    const ALL: [Self; 5] = [
        Self::UserVerificationBypass,
        Self::AttestationKeyCompromise,
        Self::UserKeyRemoteCompromise,
        Self::UserKeyPhysicalCompromise,
        Self::Revoked,
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::UserVerificationBypass => "USER_VERIFICATION_BYPASS",
            Self::AttestationKeyCompromise => "ATTESTATION_KEY_COMPROMISE",
            Self::UserKeyRemoteCompromise => "USER_KEY_REMOTE_COMPROMISE",
            Self::UserKeyPhysicalCompromise => "USER_KEY_PHYSICAL_COMPROMISE",
            Self::Revoked => "REVOKED",
        }
    }
}

/// Why it cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidMetadata {
    /// Not JSON of that shape; the library names line and column.
    #[error("this is no metadata: {0}")]
    Json(#[from] serde_json::Error),
    /// An entry's model.
    #[error("entry {number}: `{aaguid}` is no AAGUID")]
    Aaguid {
        /// Which, beginning at 1.
        number: usize,
        /// What stands there.
        aaguid: String,
    },
    /// Past the limit.
    #[error("{0} entries; at most {max} are taken", max = limits::METADATA_ENTRIES)]
    Entries(usize),
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "nextUpdate")]
    next_update: Option<String>,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    /// Authenticators of older protocols have none.
    aaguid: Option<String>,
    #[serde(rename = "statusReports", default)]
    status_reports: Vec<Report>,
}

#[derive(Deserialize)]
struct Report {
    status: String,
}

/// The broken models, and by when the metadata should be replaced.
pub(super) fn broken(payload: &[u8]) -> Result<(Broken, Option<u64>), InvalidMetadata> {
    let payload: Payload = serde_json::from_slice(payload)?;
    if payload.entries.len() > limits::METADATA_ENTRIES {
        return Err(InvalidMetadata::Entries(payload.entries.len()));
    }
    let mut broken = Broken::new();
    for (index, entry) in payload.entries.into_iter().enumerate() {
        let Some(text) = entry.aaguid else { continue };
        let model = Uuid::try_parse(&text).map_err(|_| InvalidMetadata::Aaguid {
            number: index.saturating_add(1),
            aaguid: text.chars().take(64).collect(),
        })?;
        let reported = |status: &Status| {
            let mut reports = entry.status_reports.iter();
            reports.any(|report| report.status == status.word())
        };
        if let Some(status) = Status::ALL.into_iter().find(reported) {
            broken.insert(model, status);
        }
    }
    // It holds until the end of that day.
    let end = |date: String| {
        let date: jiff::civil::Date = date.parse().ok()?;
        let next = date
            .tomorrow()
            .ok()?
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()?;
        u64::try_from(next.timestamp().as_second()).ok()
    };
    Ok((broken, payload.next_update.and_then(end)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(entries: serde_json::Value) -> Result<Broken, InvalidMetadata> {
        let payload = json!({ "no": 7, "nextUpdate": "2026-12-01", "entries": entries });
        broken(payload.to_string().as_bytes()).map(|(broken, _)| broken)
    }

    #[test]
    fn a_model_is_broken_by_any_report_of_it_however_old() {
        let reports = |all: &[&str]| {
            let all: Vec<_> = all.iter().map(|it| json!({ "status": it })).collect();
            json!(all)
        };
        let broken = read(json!([
            { "aaguid": "00000000-0000-0000-0000-000000000001", "statusReports": reports(&["FIDO_CERTIFIED_L1"]) },
            { "aaguid": "00000000-0000-0000-0000-000000000002", "statusReports": reports(&["USER_VERIFICATION_BYPASS", "UPDATE_AVAILABLE"]) },
            { "aaid": "0000#0001", "statusReports": reports(&["REVOKED"]) },
            { "aaguid": "00000000-0000-0000-0000-000000000003", "statusReports": reports(&["REVOKED"]) },
        ]));
        let broken = broken.unwrap();
        let of = |number| broken.get(&Uuid::from_u128(number)).copied();
        assert_eq!(of(1), None);
        assert_eq!(of(2), Some(Status::UserVerificationBypass));
        assert_eq!(of(3), Some(Status::Revoked));
        assert_eq!(broken.len(), 2);
    }

    #[test]
    fn every_word_that_ends_trust_is_one_of_the_services() {
        for status in Status::ALL {
            let entries = json!([{
                "aaguid": Uuid::from_u128(9), "statusReports": [{ "status": status.word() }],
            }]);
            assert_eq!(read(entries).unwrap().len(), 1);
        }
    }

    #[test]
    fn an_error_names_its_place() {
        let error = read(json!([{ "aaguid": "7" }])).unwrap_err().to_string();
        assert_eq!(error, "entry 1: `7` is no AAGUID");
        let error = broken(b"{\n  \"entries\": 7}").unwrap_err().to_string();
        assert!(error.contains("line 2 column"), "{error}");
        let many = vec![json!({}); limits::METADATA_ENTRIES];
        assert!(read(json!(many)).is_ok());
        let many = vec![json!({}); limits::METADATA_ENTRIES + 1];
        assert!(matches!(
            read(json!(many)),
            Err(InvalidMetadata::Entries(_))
        ));
    }

    #[test]
    fn it_is_good_until_the_end_of_the_day_of_the_next() {
        let payload = br#"{"nextUpdate": "2026-12-01", "entries": []}"#;
        // 2 December 2026, 00:00 UTC
        assert_eq!(broken(payload).unwrap().1, Some(1_796_169_600));
    }
}
