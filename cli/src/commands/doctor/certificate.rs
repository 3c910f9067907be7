//! Is a certificate good now, and for how long?

use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::finding::{Area, Finding};

/// Less than this left is time to look at what renews it: the usual renewers act a month before the end.
const SOON_S: i64 = 14 * 86_400;

/// What is looked at.
pub(super) struct Certificate<'a> {
    pub(super) area: Area,
    pub(super) check: &'static str,
    /// In words: `the certificate of https://…`.
    pub(super) what: &'a str,
    /// How it is replaced.
    pub(super) replace: &'a str,
}

impl Certificate<'_> {
    /// `now` in seconds since 1970.
    pub(super) fn judge(&self, der: &[u8], now: i64) -> Finding {
        let Self {
            area,
            check,
            what,
            replace,
        } = *self;
        let Ok((_, certificate)) = X509Certificate::from_der(der) else {
            let found = format!("{what} is no X.509 certificate");
            return Finding::failed(area, check, found, replace);
        };
        let validity = certificate.validity();
        let (from, until) = (
            validity.not_before.timestamp(),
            validity.not_after.timestamp(),
        );
        let at = |seconds: i64| {
            let time = jiff::Timestamp::from_second(seconds);
            time.map_or_else(|_| seconds.to_string(), |time| time.to_string())
        };
        if now > until {
            let found = format!("{what} ended at {}", at(until));
            return Finding::failed(area, check, found, replace);
        }
        if now < from {
            let found = format!("{what} begins at {}", at(from));
            let remedy = format!("set this machine's clock right; if it is right: {replace}");
            return Finding::failed(area, check, found, remedy);
        }
        let left = until.saturating_sub(now);
        if left < SOON_S {
            let found = format!("{what} ends in {} days, at {}", left / 86_400, at(until));
            return Finding::warning(area, check, found, replace);
        }
        Finding::ok(area, check, format!("{what} is good until {}", at(until)))
    }

    /// The first certificate of a text in PEM.
    pub(super) fn judge_pem(&self, pem: &[u8], now: i64) -> Finding {
        let first = x509_parser::pem::Pem::iter_from_buffer(pem)
            .filter_map(Result::ok)
            .find(|block| block.label == "CERTIFICATE");
        match first {
            Some(block) => self.judge(&block.contents, now),
            None => {
                let found = format!("{} holds no certificate in PEM", self.what);
                Finding::failed(self.area, self.check, found, self.replace)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Status;
    use super::*;
    use rcgen::{CertificateParams, KeyPair};
    use time::OffsetDateTime;

    const BEGAN: i64 = 1_700_000_000;
    const ENDS: i64 = 1_800_000_000;

    fn judged(now: i64) -> Finding {
        let mut params = CertificateParams::default();
        params.not_before = OffsetDateTime::from_unix_timestamp(BEGAN).unwrap();
        params.not_after = OffsetDateTime::from_unix_timestamp(ENDS).unwrap();
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let looked = Certificate {
            area: Area::Envoy,
            check: "certificate",
            what: "the certificate of x",
            replace: "renew it",
        };
        let finding = looked.judge(made.der(), now);
        assert_eq!(finding, looked.judge_pem(made.pem().as_bytes(), now));
        finding
    }

    #[test]
    fn a_certificate_is_good_between_its_ends_and_soon_to_be_replaced_before_the_last() {
        for (now, status, part) in [
            (BEGAN - 1, Status::Failed, "begins at 2023-11-14T22:13:20Z"),
            (BEGAN, Status::Ok, "good until"),
            (ENDS - SOON_S, Status::Ok, "good until 2027-01-15T08:00:00Z"),
            (ENDS - SOON_S + 1, Status::Warning, "ends in 13 days"),
            (ENDS, Status::Warning, "ends in 0 days"),
            (ENDS + 1, Status::Failed, "ended at 2027-01-15T08:00:00Z"),
        ] {
            let finding = judged(now);
            assert_eq!(finding.status, status, "{now}: {finding:?}");
            assert!(finding.found.contains(part), "{now}: {finding:?}");
            assert_eq!(finding.remedy.is_some(), status != Status::Ok);
        }
    }

    #[test]
    fn what_is_no_certificate_is_said() {
        let looked = Certificate {
            area: Area::Envoy,
            check: "certificate",
            what: "`x.crt`",
            replace: "renew it",
        };
        assert_eq!(looked.judge(b"x", 0).status, Status::Failed);
        assert_eq!(looked.judge_pem(b"x", 0).status, Status::Failed);
    }
}
