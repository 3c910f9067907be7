//! Why something was refused: one constant for each reason, and the much coarser face shown outside.
//!
//! The cause goes to the log, to the metric `countersign_sidecar_refusals_total{cause}` and, where a
//! ticket was valid, to the control plane. The client sees only the [`Face`]: telling a forger which
//! check failed would be telling him what to mend.

use axum::http::StatusCode;

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal => $face:ident;)+) => {
        /// An internal reason. Never shown to a client.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Cause { $($(#[doc = $doc])+ $variant,)+ }

        impl Cause {
            /// Every cause, for metrics that begin at zero and for tests.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The constant: metric label and outcome.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What the client is shown instead.
            #[must_use]
            pub fn face(self) -> Face {
                match self { $(Self::$variant => Face::$face,)+ }
            }
        }
    };
}

causes! {
    /// No `ticket`, or two.
    TicketMissing = "TICKET_MISSING" => TicketInvalid;
    /// Longer than any ticket that the filter makes.
    TicketTooLarge = "TICKET_TOO_LARGE" => TicketInvalid;
    /// Not a compact JWS with our claims.
    TicketMalformed = "TICKET_MALFORMED" => TicketInvalid;
    /// `alg`, `typ` or `crit` are not a ticket's.
    TicketType = "TICKET_TYPE" => TicketInvalid;
    /// Signed with a key that the control plane did not give us.
    TicketKeyUnknown = "TICKET_KEY_UNKNOWN" => TicketInvalid;
    /// The signature does not fit: altered or forged.
    TicketAltered = "TICKET_ALTERED" => TicketInvalid;
    /// `iss` is not the filter.
    TicketIssuer = "TICKET_ISSUER" => TicketInvalid;
    /// For another host than the one asked.
    TicketHost = "TICKET_HOST" => TicketInvalid;
    /// The return path could leave the origin.
    TicketReturnPath = "TICKET_RETURN_PATH" => TicketInvalid;
    /// Its time is over.
    TicketExpired = "TICKET_EXPIRED" => TicketExpired;
    /// It has been passed already.
    TicketUsed = "TICKET_USED" => TicketUsed;
    /// It asks only for kinds of challenge that this sidecar does not have.
    KindUnsupported = "KIND_UNSUPPORTED" => Unanswerable;
    /// The host is an address, or plain HTTP: browsers refuse WebAuthn there.
    HostUnfit = "HOST_UNFIT" => Unanswerable;
    /// More was demanded than was, or can be, proven.
    AssuranceTooLow = "ASSURANCE_TOO_LOW" => AssuranceTooLow;
    /// The ticket has started too many ceremonies.
    TooManyAttempts = "TOO_MANY_ATTEMPTS" => TooManyAttempts;
    /// Never existed, was taken already (a replay), or was removed.
    CeremonyUnknown = "CEREMONY_UNKNOWN" => CeremonyOver;
    /// The answer came too late.
    CeremonyExpired = "CEREMONY_EXPIRED" => CeremonyOver;
    /// Begun at another host.
    CeremonyHost = "CEREMONY_HOST" => Rejected;
    /// Begun by another device.
    CeremonyDevice = "CEREMONY_DEVICE" => Rejected;
    /// The answer is not one of the ceremony's kind, or not readable.
    AnswerMalformed = "ANSWER_MALFORMED" => Rejected;
    /// An answer to another challenge.
    ChallengeMismatch = "CHALLENGE_MISMATCH" => Rejected;
    /// Made at another origin: a phishing page, or a cross-origin frame.
    OriginMismatch = "ORIGIN_MISMATCH" => Rejected;
    /// Made for another relying party.
    RpIdMismatch = "RP_ID_MISMATCH" => Rejected;
    /// The authenticator did not see its user.
    UserNotPresent = "USER_NOT_PRESENT" => NotVerified;
    /// The authenticator did not verify its user.
    UserNotVerified = "USER_NOT_VERIFIED" => NotVerified;
    /// The signature does not fit.
    SignatureInvalid = "SIGNATURE_INVALID" => Rejected;
    /// The counter did not go up: two copies of one credential are in use.
    CredentialCloned = "CREDENTIAL_CLONED" => Rejected;
    /// Not one of the credentials that were asked for.
    CredentialUnknown = "CREDENTIAL_UNKNOWN" => Rejected;
    /// The id is registered already.
    CredentialTaken = "CREDENTIAL_TAKEN" => Rejected;
    /// Backup eligibility, algorithm or key are not what this credential can have.
    CredentialInconsistent = "CREDENTIAL_INCONSISTENT" => Rejected;
    /// An attestation that does not verify.
    AttestationInvalid = "ATTESTATION_INVALID" => Rejected;
    /// A maker's word was asked for; there is none, or of no maker or model that is trusted.
    AttestationUntrusted = "ATTESTATION_UNTRUSTED" => AssuranceTooLow;
    /// `uv_attested` is demanded, and this sidecar has no roots: an operator has to name some.
    AttestationRootsMissing = "ATTESTATION_ROOTS_MISSING" => Unanswerable;
    /// The authenticator's model is prohibited, or reported as broken.
    AuthenticatorRefused = "AUTHENTICATOR_REFUSED" => AssuranceTooLow;
    /// Another class of authenticators than the policy allows.
    AuthenticatorClass = "AUTHENTICATOR_CLASS" => AuthenticatorClass;
    /// The credential can be copied to other devices, and one was demanded that cannot.
    CredentialSynced = "CREDENTIAL_SYNCED" => CredentialSynced;
    /// Not every puzzle is solved, or others are.
    PowUnsolved = "POW_UNSOLVED" => Rejected;
    /// The form without JavaScript came back before its time.
    TooSoon = "TOO_SOON" => TooSoon;
    /// The store cannot be reached, or is busy for too long.
    StoreAway = "STORE_AWAY" => NotReady;
    /// The captcha's provider cannot be asked, and the operator lets nobody pass then.
    CaptchaAway = "CAPTCHA_AWAY" => Busy;
    /// The provider does not vouch for the token.
    CaptchaRefused = "CAPTCHA_REFUSED" => Rejected;
    /// The provider does not know our secret: an operator has to mend the configuration.
    CaptchaSecret = "CAPTCHA_SECRET" => Internal;
    /// The token was used before.
    CaptchaSpent = "CAPTCHA_SPENT" => Rejected;
    /// The captcha was solved at another host.
    CaptchaHost = "CAPTCHA_HOST" => Rejected;
    /// The captcha was solved for another ceremony, or for something else.
    CaptchaCeremony = "CAPTCHA_CEREMONY" => Rejected;
    /// Solved too long ago, or at no time that can be read.
    CaptchaStale = "CAPTCHA_STALE" => Rejected;
    /// The score is too low, or missing where one is demanded.
    CaptchaScore = "CAPTCHA_SCORE" => Rejected;
    /// What was typed is no mail address.
    AddressInvalid = "ADDRESS_INVALID" => AddressInvalid;
    /// The mail server is away, or too much waits for it.
    MailAway = "MAIL_AWAY" => MailAway;
    /// The code is wrong, or was sent to nobody.
    CodeWrong = "CODE_WRONG" => CodeWrong;
    /// The code of the authenticator app was used before.
    CodeUsed = "CODE_USED" => CodeWrong;
    /// Too many codes were wrong, of this device or from this prefix.
    CodesLocked = "CODES_LOCKED" => Locked;
    /// This device has failed too often.
    DeviceLocked = "DEVICE_LOCKED" => Locked;
    /// The prefix begins ceremonies too fast.
    RateBegin = "RATE_BEGIN" => SlowDown;
    /// The prefix answers too fast.
    RateAnswer = "RATE_ANSWER" => SlowDown;
    /// The prefix has mails sent too fast.
    RateMail = "RATE_MAIL" => SlowDown;
    /// Setting up an authenticator app needs a good session of the same device.
    EnrolmentSession = "ENROLMENT_SESSION" => EnrolmentSession;
    /// There is no app that is being set up, or no longer.
    EnrolmentOver = "ENROLMENT_OVER" => CeremonyOver;
    /// What a session's key should have signed is too long.
    BoundTooLarge = "BOUND_TOO_LARGE" => BoundRefused;
    /// Not a compact JWS with the claims of a response, or more than one.
    BoundMalformed = "BOUND_MALFORMED" => BoundRefused;
    /// Another algorithm than ES256, `none` included.
    BoundAlgorithm = "BOUND_ALGORITHM" => BoundRefused;
    /// `typ` or `crit` are not a response's.
    BoundType = "BOUND_TYPE" => BoundRefused;
    /// A registration without a key of P-256, or a renewal that brings one.
    BoundKey = "BOUND_KEY" => BoundRefused;
    /// Not signed with the session's key.
    BoundSignature = "BOUND_SIGNATURE" => BoundRefused;
    /// Nobody was offered to register with this authorization, or it is over.
    BoundAuthorization = "BOUND_AUTHORIZATION" => BoundRefused;
    /// The registration was used already.
    BoundReplayed = "BOUND_REPLAYED" => BoundRefused;
    /// Another challenge than the one that was given, one that was used, or one that is over.
    BoundChallenge = "BOUND_CHALLENGE" => BoundRefused;
    /// Signed for another address or another session.
    BoundElsewhere = "BOUND_ELSEWHERE" => BoundRefused;
    /// No bound session of that name: never there, replaced by a newer one, or forgotten.
    BoundUnknown = "BOUND_UNKNOWN" => BoundRefused;
    /// The session, or the offer to bind it, has ended.
    BoundOver = "BOUND_OVER" => BoundRefused;
    /// The session or its device was revoked.
    BoundRevoked = "BOUND_REVOKED" => BoundRefused;
    /// Somebody other than the filter asks for held bodies.
    HeldProof = "HELD_PROOF" => NotFound;
    /// There is no room for another body.
    HeldFull = "HELD_FULL" => HeldFull;
    /// No body of that name or token: never kept, or forgotten since.
    HeldUnknown = "HELD_UNKNOWN" => HeldGone;
    /// The body was kept for its time.
    HeldExpired = "HELD_EXPIRED" => HeldGone;
    /// The body was given already.
    HeldTaken = "HELD_TAKEN" => HeldUsed;
    /// The token was brought to another host or path.
    HeldElsewhere = "HELD_ELSEWHERE" => HeldElsewhere;
    /// The body is another device's, or the browser names none.
    HeldDevice = "HELD_DEVICE" => HeldElsewhere;
    /// The request that is held was sent by another browser, or this one kept no cookie of it.
    HeldSender = "HELD_SENDER" => HeldElsewhere;
    /// Nobody waits with that secret, for that host: never did, or has got what it waited for.
    PairingUnknown = "PAIRING_UNKNOWN" => CeremonyOver;
    /// Nobody said yes in time.
    PairingExpired = "PAIRING_EXPIRED" => CeremonyOver;
    /// Its person said no.
    PairingDenied = "PAIRING_DENIED" => CeremonyOver;
    /// What is demanded must be proven on the device that asks.
    PairingForbidden = "PAIRING_FORBIDDEN" => Unanswerable;
    /// It asks for its token more often than it was told to.
    PairingTooFast = "PAIRING_TOO_FAST" => SlowDown;
    /// The code that was entered is nobody's, or no longer.
    PairingCode = "PAIRING_CODE" => CodeWrong;
    /// Yes or no of a device that gave no proof for it.
    PairingDevice = "PAIRING_DEVICE" => Forbidden;
    /// Another kind of grant than a device code.
    GrantType = "GRANT_TYPE" => BadRequest;
    /// `Host` is missing or not a host.
    HostInvalid = "HOST_INVALID" => BadRequest;
    /// A body that does not say it is JSON: a form of another site could have sent it.
    NotJson = "NOT_JSON" => UnsupportedMedia;
    /// A body that is not a form's.
    NotForm = "NOT_FORM" => BadRequest;
    /// The form without JavaScript came without the cookie that its page set.
    CookiesBlocked = "COOKIES_BLOCKED" => CookiesBlocked;
    /// Not sent by a page of this origin.
    CrossSite = "CROSS_SITE" => Forbidden;
    /// The body is longer than any honest one.
    BodyTooLarge = "BODY_TOO_LARGE" => TooLarge;
    /// The body did not arrive, or is not the JSON that is asked for.
    BodyMalformed = "BODY_MALFORMED" => BadRequest;
    /// No such page.
    NotFound = "NOT_FOUND" => NotFound;
    /// No such method here.
    MethodNotAllowed = "METHOD_NOT_ALLOWED" => MethodNotAllowed;
    /// A table or the machine is full.
    Busy = "BUSY" => Busy;
    /// No ticket key, or no session key that the filters know.
    NotReady = "NOT_READY" => NotReady;
    /// The store or the random source failed.
    Internal = "INTERNAL" => Internal;
}

macro_rules! faces {
    ($($(#[doc = $doc:literal])+ $variant:ident = $slug:literal, $status:ident, $title:literal;)+) => {
        /// What a client is told.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Face { $($(#[doc = $doc])+ $variant,)+ }

        impl Face {
            /// The last part of the problem's type.
            #[must_use]
            pub fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug,)+ }
            }

            /// The status.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// The problem's title, in English as RFC 9457 problems of machines are.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }
        }
    };
}

faces! {
    /// Go back and get a new one.
    TicketInvalid = "ticket-invalid", FORBIDDEN, "this challenge is not valid";
    /// Go back and get a new one.
    TicketExpired = "ticket-expired", GONE, "this challenge has expired";
    /// Nothing left to do.
    TicketUsed = "ticket-used", CONFLICT, "this challenge has been passed already";
    /// Nothing that this person can do.
    Unanswerable = "unanswerable", FORBIDDEN, "this challenge cannot be answered here";
    /// Another device may do.
    AssuranceTooLow = "assurance-too-low", FORBIDDEN, "this page asks for a stronger proof";
    /// Another device, or another key, may do.
    CredentialSynced = "credential-synced", FORBIDDEN, "this page asks for a key that stays in one device";
    /// Another authenticator does.
    AuthenticatorClass = "authenticator-class", FORBIDDEN, "this page does not accept this kind of key";
    /// Allow cookies.
    CookiesBlocked = "cookies-blocked", FORBIDDEN, "this site cannot remember what is proven: cookies are blocked";
    /// Go back and get a new ticket.
    TooManyAttempts = "too-many-attempts", TOO_MANY_REQUESTS, "too many attempts";
    /// Try again.
    CeremonyOver = "ceremony-over", GONE, "this attempt is over";
    /// Try again.
    NotVerified = "not-verified", FORBIDDEN, "the device did not verify its user";
    /// Try again.
    Rejected = "rejected", FORBIDDEN, "the answer was not accepted";
    /// Wait, then try again.
    TooSoon = "too-soon", FORBIDDEN, "the answer came too soon";
    /// Type it again.
    AddressInvalid = "address-invalid", UNPROCESSABLE_ENTITY, "this is not a mail address";
    /// Another way, or later. The same for every address.
    MailAway = "mail-away", SERVICE_UNAVAILABLE, "no mail can be sent at the moment";
    /// Type it again.
    CodeWrong = "code-wrong", FORBIDDEN, "this code is not right";
    /// Wait.
    Locked = "locked", TOO_MANY_REQUESTS, "too many failed attempts, wait a while";
    /// Wait a little.
    SlowDown = "slow-down", TOO_MANY_REQUESTS, "too many requests, try again in a moment";
    /// Confirm who it is first.
    EnrolmentSession = "enrolment-session", FORBIDDEN, "confirm that it is you first";
    /// Try again soon.
    HeldFull = "held-full", INSUFFICIENT_STORAGE, "there is no room for another request body";
    /// Send it again.
    HeldGone = "held-gone", GONE, "the request body is no longer kept";
    /// Nothing left to do.
    HeldUsed = "held-used", CONFLICT, "the request body was passed on already";
    /// Nothing that this person can do.
    HeldElsewhere = "held-elsewhere", FORBIDDEN, "the request body belongs to another device or address";
    /// Nothing left to do: the session is not renewed.
    BoundRefused = "bound-refused", FORBIDDEN, "this session is not renewed";
    /// A program's mistake.
    BadRequest = "bad-request", BAD_REQUEST, "the request is not understood";
    /// A program's mistake.
    UnsupportedMedia = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "the body must be application/json";
    /// A program's mistake.
    Forbidden = "forbidden", FORBIDDEN, "the request must come from a page of this origin";
    /// A program's mistake.
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "the body is too large";
    /// A program's mistake.
    NotFound = "not-found", NOT_FOUND, "there is nothing here";
    /// A program's mistake.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "this method is not allowed here";
    /// Try again soon.
    Busy = "busy", SERVICE_UNAVAILABLE, "busy, try again in a moment";
    /// Try again soon.
    NotReady = "not-ready", SERVICE_UNAVAILABLE, "not ready, try again in a moment";
    /// Try again.
    Internal = "internal", INTERNAL_SERVER_ERROR, "something went wrong";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_cause_has_a_constant_of_its_own() {
        let names: HashSet<_> = Cause::ALL.iter().map(|cause| cause.name()).collect();
        assert_eq!(names.len(), Cause::ALL.len());
        assert!(
            names
                .iter()
                .all(|n| n.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        );
    }

    #[test]
    fn no_face_repeats_a_cause() {
        for cause in Cause::ALL {
            let shown = format!("{} {}", cause.face().slug(), cause.face().title());
            assert!(!shown.contains(cause.name()), "{shown}");
        }
    }
}
