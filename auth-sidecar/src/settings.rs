//! What the control plane tells a sidecar, in the form that the rest of the crate uses.

use countersign_proto::node::v1::SidecarSettings;
use countersign_proto::policy::v1::{Revocation as RevocationMessage, revocation::What};

use crate::limits;
use crate::look::{InvalidLook, Look};
use crate::ticket::TicketKey;

/// Settings that were accepted.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a session lasts.
    pub session_lifetime_s: u64,
    /// How long a copy of a bound session lasts; none: sessions are not bound.
    pub bound_lifetime_s: Option<u64>,
    /// Every key that may have signed a ticket.
    pub ticket_keys: Vec<TicketKey>,
    /// Sessions that are good no more.
    pub revocations: Vec<Revocation>,
    /// How the pages look.
    pub look: Look,
}

/// Ends a session, or a device's sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    what: Revoked,
    issued_before_s: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Revoked {
    Session(String),
    Device(String),
}

impl Revocation {
    /// Ends one session.
    #[must_use]
    pub fn session(jti: &str, issued_before_s: u64) -> Self {
        Self {
            what: Revoked::Session(jti.to_owned()),
            issued_before_s,
        }
    }

    /// Ends what a device earned so far.
    #[must_use]
    pub fn device(device: &str, issued_before_s: u64) -> Self {
        Self {
            what: Revoked::Device(device.to_owned()),
            issued_before_s,
        }
    }

    /// Whether this session is ended by it.
    #[must_use]
    pub fn concerns(&self, jti: &str, device: &str, issued_s: u64) -> bool {
        issued_s < self.issued_before_s
            && match &self.what {
                Revoked::Session(id) => id == jti,
                Revoked::Device(id) => id == device,
            }
    }
}

/// Why settings were refused; the ones before stay in force.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidSettings {
    /// Outside the limits.
    #[error("a session lifetime of {0} s is outside {min}..={max} s", min = limits::SESSION_LIFETIME_MIN_S, max = limits::SESSION_LIFETIME_MAX_S)]
    Lifetime(u64),
    /// Outside the limits.
    #[error("a life of {0} s for the cookies of bound sessions is outside {min}..={max} s", min = limits::BOUND_LIFETIME_MIN_S, max = limits::BOUND_LIFETIME_MAX_S)]
    BoundLifetime(u64),
    /// HS256 wants 32 bytes.
    #[error("ticket key `{0}` has no 32 byte secret")]
    TicketKey(String),
    /// Past the limit.
    #[error("{0} ticket keys; at most {max} are taken", max = limits::TICKET_KEYS)]
    TicketKeys(usize),
    /// Past the limit.
    #[error("{0} revocations; at most {max} are taken", max = limits::REVOCATIONS)]
    Revocations(usize),
    /// Neither session nor device.
    #[error("a revocation names neither a session nor a device")]
    EmptyRevocation,
    /// What cannot be shown.
    #[error("the look of the page has {0}")]
    Look(#[from] InvalidLook),
}

impl TryFrom<&SidecarSettings> for Settings {
    type Error = InvalidSettings;

    fn try_from(message: &SidecarSettings) -> Result<Self, InvalidSettings> {
        let session_lifetime_s = match u64::from(message.session_lifetime_s) {
            0 => limits::SESSION_LIFETIME_DEFAULT_S,
            s if (limits::SESSION_LIFETIME_MIN_S..=limits::SESSION_LIFETIME_MAX_S).contains(&s) => {
                s
            }
            s => return Err(InvalidSettings::Lifetime(s)),
        };
        let bound_lifetime_s = match u64::from(message.bound_lifetime_s) {
            0 => None,
            s if (limits::BOUND_LIFETIME_MIN_S..=limits::BOUND_LIFETIME_MAX_S).contains(&s) => {
                Some(s)
            }
            s => return Err(InvalidSettings::BoundLifetime(s)),
        };
        if message.ticket_keys.len() > limits::TICKET_KEYS {
            return Err(InvalidSettings::TicketKeys(message.ticket_keys.len()));
        }
        if message.revocations.len() > limits::REVOCATIONS {
            return Err(InvalidSettings::Revocations(message.revocations.len()));
        }
        let ticket_keys = message.ticket_keys.iter().map(|key| {
            if key.secret.len() < 32 || key.kid.is_empty() {
                return Err(InvalidSettings::TicketKey(key.kid.clone()));
            }
            Ok(TicketKey::new(key.kid.clone(), &key.secret))
        });
        Ok(Self {
            session_lifetime_s,
            bound_lifetime_s,
            ticket_keys: ticket_keys.collect::<Result<_, _>>()?,
            revocations: message
                .revocations
                .iter()
                .map(revocation)
                .collect::<Result<_, _>>()?,
            look: message
                .page
                .as_ref()
                .map(Look::try_from)
                .transpose()?
                .unwrap_or_default(),
        })
    }
}

fn revocation(message: &RevocationMessage) -> Result<Revocation, InvalidSettings> {
    match &message.what {
        Some(What::Jti(jti)) => Ok(Revocation::session(jti, message.issued_before)),
        Some(What::Device(device)) => Ok(Revocation::device(device, message.issued_before)),
        None => Err(InvalidSettings::EmptyRevocation),
    }
}

#[cfg(test)]
mod tests {
    use countersign_proto::policy::v1::TicketKey as KeyMessage;

    use super::*;

    fn message(lifetime: u32) -> SidecarSettings {
        SidecarSettings {
            session_lifetime_s: lifetime,
            bound_lifetime_s: 300,
            ticket_keys: vec![KeyMessage {
                kid: "t1".into(),
                secret: vec![1; 32],
            }],
            revocations: vec![],
            page: None,
        }
    }

    #[test]
    fn no_lifetime_means_the_default() {
        assert_eq!(
            Settings::try_from(&message(0)).unwrap().session_lifetime_s,
            3600
        );
        assert_eq!(
            Settings::try_from(&message(1)).unwrap().session_lifetime_s,
            1
        );
        assert!(Settings::try_from(&message(u32::MAX)).is_err());
    }

    #[test]
    fn sessions_are_bound_only_where_the_control_plane_says_for_how_long() {
        let bound = |seconds: u32| {
            let message = SidecarSettings {
                bound_lifetime_s: seconds,
                ..message(0)
            };
            Settings::try_from(&message).map(|settings| settings.bound_lifetime_s)
        };
        assert_eq!(bound(0), Ok(None));
        assert_eq!(bound(300), Ok(Some(300)));
        assert_eq!(bound(9), Err(InvalidSettings::BoundLifetime(9)));
        assert_eq!(bound(3601), Err(InvalidSettings::BoundLifetime(3601)));
    }

    #[test]
    fn a_short_secret_and_an_empty_revocation_are_refused() {
        let mut short = message(0);
        short.ticket_keys[0].secret.truncate(31);
        assert_eq!(
            Settings::try_from(&short).unwrap_err(),
            InvalidSettings::TicketKey("t1".into())
        );
        let mut empty = message(0);
        empty.revocations.push(RevocationMessage {
            what: None,
            issued_before: 1,
        });
        assert_eq!(
            Settings::try_from(&empty).unwrap_err(),
            InvalidSettings::EmptyRevocation
        );
    }

    #[test]
    fn one_key_past_the_limit_is_refused() {
        let mut many = message(0);
        many.ticket_keys = vec![many.ticket_keys[0].clone(); limits::TICKET_KEYS];
        assert!(Settings::try_from(&many).is_ok());
        many.ticket_keys.push(many.ticket_keys[0].clone());
        assert_eq!(
            Settings::try_from(&many).unwrap_err(),
            InvalidSettings::TicketKeys(17)
        );
    }
}
