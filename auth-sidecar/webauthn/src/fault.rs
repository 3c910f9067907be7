//! Why an answer is refused, in words of ours: those of the library are of many kinds and may change.

use webauthn_rs::prelude::WebauthnError;

/// Why an answer proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An answer to another challenge.
    #[error("it answers another challenge")]
    ChallengeMismatch,
    /// Made at another origin: a phishing page, or a cross-origin frame.
    #[error("it was made at another origin")]
    OriginMismatch,
    /// Made for another relying party.
    #[error("it was made for another relying party")]
    RpIdMismatch,
    /// The authenticator did not see its user.
    #[error("the authenticator did not see its user")]
    UserNotPresent,
    /// The authenticator did not verify its user.
    #[error("the authenticator did not verify its user")]
    UserNotVerified,
    /// The counter did not go up: two copies of one credential are in use.
    #[error("its counter did not go up: there may be a copy of the credential")]
    CredentialCloned,
    /// Not one of the credentials that were asked for.
    #[error("nobody knows this credential")]
    CredentialUnknown,
    /// The id is registered already.
    #[error("this credential is registered already")]
    CredentialTaken,
    /// The signature does not fit.
    #[error("its signature does not hold")]
    SignatureInvalid,
    /// Backup eligibility, algorithm or key are not what this credential can have.
    #[error("its key, algorithm or flags are not what this credential can have")]
    CredentialInconsistent,
    /// Attestation that nobody asked for, and that does not verify.
    #[error("its attestation does not hold")]
    AttestationInvalid,
    /// Attestation that was asked for, and that is missing or of a maker or model that is not trusted.
    #[error("no maker that is trusted vouches for it")]
    AttestationUntrusted,
    /// A credential that may be synced, where one was asked for that may not.
    #[error("it can be copied to other devices")]
    MayBeSynced,
    /// The answer is not one of the question's kind, or not readable.
    #[error("it is no answer of a browser to what was asked")]
    AnswerMalformed,
    /// Ours.
    #[error("the verifier failed")]
    Internal,
}

impl From<&WebauthnError> for Fault {
    fn from(error: &WebauthnError) -> Self {
        use WebauthnError as E;
        match error {
            E::MismatchedChallenge | E::ChallengeNotFound => Self::ChallengeMismatch,
            E::InvalidRPOrigin | E::CredentialCrossOrigin => Self::OriginMismatch,
            E::InvalidRPIDHash => Self::RpIdMismatch,
            E::UserNotPresent => Self::UserNotPresent,
            E::UserNotVerified => Self::UserNotVerified,
            E::CredentialPossibleCompromise => Self::CredentialCloned,
            E::CredentialNotFound => Self::CredentialUnknown,
            E::CredentialAlreadyExists | E::CredentialExcludedFromRequest => Self::CredentialTaken,
            E::AuthenticationFailure | E::SignatureInvalid => Self::SignatureInvalid,
            E::CredentialBackupEligibilityInconsistent
            | E::CredentialAlteredAlgFromRequest
            | E::CredentialInsecureCryptography
            | E::COSEKeyInvalidCBORValue
            | E::COSEKeyInvalidType
            | E::COSEKeyEDUnsupported
            | E::COSEKeyECDSAXYInvalid
            | E::COSEKeyRSANEInvalid
            | E::COSEKeyECDSAInvalidCurve
            | E::COSEKeyEDDSAXInvalid
            | E::COSEKeyEDDSAInvalidCurve
            | E::COSEKeyInvalidAlgorithm
            | E::EcdsaPointInvalid
            | E::RsaParametersInvalid => Self::CredentialInconsistent,
            E::CredentialMayNotBeHardwareBound => Self::MayBeSynced,
            E::AttestationNotVerifiable
            | E::AttestationUntrustedAaguid
            | E::AttestationFormatMissingAaguid
            | E::AttestationChainNotTrusted(_)
            | E::AttestationLeafCertMissing
            | E::AttestationNotSupported
            // Of a TPM the library verifies no statement.
            | E::AttestationTpmStInvalid
            | E::AttestationTpmPubAreaMismatch
            | E::AttestationTpmExtraDataInvalid
            | E::AttestationTpmExtraDataMismatch
            | E::AttestationTpmPubAreaHashUnknown
            | E::AttestationTpmPubAreaHashInvalid
            | E::AttestationTpmAttestCertifyInvalid => Self::AttestationUntrusted,
            E::AttestationStatementMapInvalid
            | E::AttestationStatementResponseMissing
            | E::AttestationStatementResponseInvalid
            | E::AttestationStatementSigMissing
            | E::AttestationStatementSigInvalid
            | E::AttestationStatementX5CMissing
            | E::AttestationStatementX5CInvalid
            | E::AttestationStatementAlgMissing
            | E::AttestationStatementAlgMismatch
            | E::AttestationStatementAlgInvalid
            | E::AttestationCertificateAAGUIDMismatch
            | E::AttestationTrustFailure
            | E::AttestationCertificateRequirementsNotMet => Self::AttestationInvalid,
            E::Configuration
            | E::InvalidUsername
            | E::InvalidUserUniqueId
            | E::MissingAttestationCaList
            | E::AttestationCertificateTrustStoreEmpty => Self::Internal,
            // What is left says that bytes were not what their place demands.
            _ => Self::AnswerMalformed,
        }
    }
}
