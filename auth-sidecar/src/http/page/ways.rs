//! The ways that a page offers.

use countersign_webauthn::Class;

use crate::kind::Kind;

/// What the page offers, in the order of the policy: a kind, or `fido` with an authenticator outside of
/// the device.
pub(super) fn ways(kinds: &[Kind], authenticators: &[Class]) -> Vec<String> {
    let of = |kind: &Kind| match kind {
        Kind::Fido => authenticators.iter().map(fido_with).collect(),
        kind => vec![kind.word().to_owned()],
    };
    kinds.iter().flat_map(of).collect()
}

fn fido_with(authenticator: &Class) -> String {
    match authenticator {
        Class::ClientDevice => Kind::Fido.word().to_owned(),
        other => format!("{}:{}", Kind::Fido.word(), other.word()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authenticator_outside_of_the_device_is_a_way_of_its_own() {
        let kinds = [Kind::Fido, Kind::Pow];
        assert_eq!(ways(&kinds, &[Class::ClientDevice]), ["fido", "pow"]);
        assert_eq!(
            ways(&kinds, &[Class::SecurityKey, Class::ClientDevice]),
            ["fido:security-key", "fido", "pow"]
        );
    }
}
