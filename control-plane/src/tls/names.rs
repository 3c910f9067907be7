//! What a certificate says of itself.

use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::access::ClientCertificate;
use crate::limits::cut;

/// Names of one certificate that are looked at. A client chooses none of them, but its authority might
/// be generous.
const MAX_NAMES: usize = 32;
/// Bytes of one name that are looked at; a longer one is cut, and so is nobody's.
const MAX_NAME_BYTES: usize = 1_024;

/// The names of a certificate that was verified.
pub(super) fn names(certificate: &CertificateDer<'_>) -> ClientCertificate {
    let mut found = ClientCertificate {
        fingerprint: hex(&Sha256::digest(certificate.as_ref())),
        ..ClientCertificate::default()
    };
    let Ok((_, certificate)) = X509Certificate::from_der(certificate.as_ref()) else {
        return found;
    };
    cut(&certificate.subject().to_string(), MAX_NAME_BYTES).clone_into(&mut found.subject);
    if let Ok(Some(alternatives)) = certificate.subject_alternative_name() {
        for name in alternatives.value.general_names.iter().take(MAX_NAMES) {
            match name {
                GeneralName::URI(uri) => found.uris.push(cut(uri, MAX_NAME_BYTES).to_owned()),
                GeneralName::DNSName(name) => found.dns.push(cut(name, MAX_NAME_BYTES).to_owned()),
                _ => {}
            }
        }
    }
    found
}

/// From when until when, in seconds since the Unix epoch.
pub(super) fn validity(certificate: &CertificateDer<'_>) -> Option<(i64, i64)> {
    let (_, certificate) = X509Certificate::from_der(certificate.as_ref()).ok()?;
    let validity = certificate.validity();
    Some((
        validity.not_before.timestamp(),
        validity.not_after.timestamp(),
    ))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
