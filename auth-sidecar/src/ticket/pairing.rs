//! What a ticket says of a proof that is given on another device than the one that asked.

use jsonwebtoken::{Algorithm, Header, encode};

use super::{Claims, TYP, Ticket, TicketKey};
use crate::return_path::ReturnPath;

impl Ticket {
    /// What a program asked for: method and path. Empty for a browser's navigation.
    #[must_use]
    pub fn asks(&self) -> &str {
        self.claims.asks.as_deref().unwrap_or_default()
    }

    /// Whether the session has to be bound to a key.
    #[must_use]
    pub fn wants_possession(&self) -> bool {
        self.claims.dpop
    }

    /// Whether the proof has to be given on the device that asked.
    #[must_use]
    pub fn is_for_own_device(&self) -> bool {
        self.claims.own_device
    }

    /// Whether the proof is for somebody who waits on another device.
    #[must_use]
    pub fn is_pairing(&self) -> bool {
        self.claims.pairing
    }

    /// The ticket for the device on which proof is given for the one that holds this ticket.
    #[must_use]
    pub fn for_approval(&self, now_s: u64, exp_s: u64) -> Self {
        let claims = Claims {
            pairing: true,
            // What is kept is the waiting device's.
            held: false,
            origin: None,
            path: "/".to_owned(),
            iat: now_s,
            exp: exp_s,
            ..self.claims.clone()
        };
        Self {
            claims,
            host: self.host.clone(),
            path: ReturnPath::root(),
        }
    }

    /// As text for an address, signed with the newest of the keys that filters sign with.
    #[must_use]
    pub fn sign(&self, keys: &[TicketKey]) -> Option<String> {
        let key = keys.first()?;
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYP.to_owned());
        header.kid = Some(key.kid.clone());
        encode(&header, &self.claims, &key.signs).ok()
    }
}
