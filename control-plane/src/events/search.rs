//! Which events somebody looks for, beyond what the store has indexes of: decided on the event itself.

use std::net::IpAddr;

use countersign_proto::event::v1::DecisionEvent;
use countersign_proto::node::v1::Outcome;
use countersign_proto::policy::v1::Verdict;
use ipnet::IpNet;

/// What events have to have; what is not said, each has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Stands somewhere in id, host, path, policy, user agent, address or device, in any case.
    pub text: String,
    /// Decided by this policy, or it only counted, or was satisfied.
    pub mentions: String,
    /// The session's device, a device identifier that the decision read, or who answered.
    pub device: String,
    /// The client is in this range.
    pub address: Option<IpNet>,
    /// The normal path begins so.
    pub path: String,
    /// One of the reasons.
    pub reason: String,
    /// The verdict.
    pub verdict: Option<Verdict>,
    /// An answer was rejected for this.
    pub cause: String,
}

/// Text that is neither an address nor a range of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is neither an address nor a range like 10.0.0.0/8")]
pub struct NoAddress;

/// An address, or a range of them.
///
/// # Errors
/// When the text is neither.
pub fn address_range(text: &str) -> Result<IpNet, NoAddress> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| address()).map_err(|_| NoAddress)
}

impl Wanted {
    /// Is every event wanted?
    #[must_use]
    pub fn is_anything(&self) -> bool {
        *self == Self::default()
    }

    /// Can what followed a challenge make it one?
    #[must_use]
    pub fn looks_at_outcomes(&self) -> bool {
        !self.text.is_empty() || !self.device.is_empty() || !self.cause.is_empty()
    }

    /// Is this one?
    #[must_use]
    pub fn is(&self, event: &DecisionEvent, outcomes: &[Outcome]) -> bool {
        self.is_told(event, outcomes)
            && is(&self.mentions, |name| mentions(event, name))
            && is(&self.device, |device| has_device(event, outcomes, device))
            && self.address.is_none_or(|range| is_from(event, range))
            && event.path.starts_with(&self.path)
            && is(&self.reason, |reason| {
                event.reasons.iter().any(|given| given == reason)
            })
            && self
                .verdict
                .is_none_or(|verdict| event.verdict() == verdict)
            && is(&self.cause, |cause| {
                outcomes.iter().any(|outcome| outcome.cause == cause)
            })
    }

    fn is_told(&self, event: &DecisionEvent, outcomes: &[Outcome]) -> bool {
        is(&self.text, |text| {
            let text = text.to_lowercase();
            let told = [
                &event.event_id,
                &event.host,
                &event.path,
                &event.policy,
                &event.user_agent,
                &event.client_address,
            ];
            told.into_iter()
                .chain(devices(event, outcomes))
                .any(|told| told.to_lowercase().contains(&text))
        })
    }
}

/// Nothing is demanded, or it holds.
fn is(demand: &str, holds: impl FnOnce(&str) -> bool) -> bool {
    demand.is_empty() || holds(demand)
}

fn mentions(event: &DecisionEvent, policy: &str) -> bool {
    let counted = event.monitored.iter().map(|monitored| &monitored.policy);
    let mut named = counted.chain(&event.satisfied).chain([&event.policy]);
    named.any(|name| name == policy)
}

fn has_device(event: &DecisionEvent, outcomes: &[Outcome], device: &str) -> bool {
    devices(event, outcomes).any(|known| known == device)
}

fn devices<'a>(
    event: &'a DecisionEvent,
    outcomes: &'a [Outcome],
) -> impl Iterator<Item = &'a String> {
    let session = event.session.iter().map(|session| &session.device);
    let read = event.inputs.iter();
    let read = read.filter(|input| input.name.starts_with("device."));
    let answered = outcomes.iter().map(|outcome| &outcome.device);
    session
        .chain(read.map(|input| &input.value))
        .chain(answered)
}

fn is_from(event: &DecisionEvent, range: IpNet) -> bool {
    let client = event.client_address.parse::<IpAddr>();
    client.is_ok_and(|client| range.contains(&client) || range.contains(&client.to_canonical()))
}

#[cfg(test)]
mod tests {
    use countersign_proto::event::v1::{Input, Monitored, Session};

    use super::*;

    fn event() -> DecisionEvent {
        DecisionEvent {
            event_id: "018f-a".into(),
            host: "shop.example.com".into(),
            path: "/checkout/pay".into(),
            policy: "bot-score".into(),
            client_address: "192.0.2.7".into(),
            user_agent: "Curl/8".into(),
            reasons: vec!["SCRIPTED".into()],
            verdict: Verdict::Challenge.into(),
            monitored: vec![Monitored {
                policy: "trial".into(),
                ..Monitored::default()
            }],
            satisfied: vec!["gate".into()],
            session: Some(Session {
                device: "dev-1".into(),
                ..Session::default()
            }),
            inputs: vec![Input {
                name: "device.browser_id".into(),
                value: "br-9".into(),
            }],
            ..DecisionEvent::default()
        }
    }

    fn wanted(change: impl FnOnce(&mut Wanted)) -> bool {
        let mut wanted = Wanted::default();
        change(&mut wanted);
        let rejected = Outcome {
            cause: "USER_NOT_VERIFIED".into(),
            device: "dev-2".into(),
            ..Outcome::default()
        };
        wanted.is(&event(), &[rejected])
    }

    #[test]
    fn every_demand_holds_for_what_has_it() {
        assert!(wanted(|_| {}));
        for text in [
            "018F", "SHOP.", "/pay", "bot", "curl", "192.0.2", "dev-2", "BR-9",
        ] {
            assert!(wanted(|wanted| wanted.text = text.into()), "{text}");
        }
        for policy in ["bot-score", "trial", "gate"] {
            assert!(wanted(|wanted| wanted.mentions = policy.into()), "{policy}");
        }
        for device in ["dev-1", "dev-2", "br-9"] {
            assert!(wanted(|wanted| wanted.device = device.into()), "{device}");
        }
        for range in ["192.0.2.7", "192.0.2.0/24", "0.0.0.0/0"] {
            let range = address_range(range).unwrap();
            assert!(wanted(|wanted| wanted.address = Some(range)), "{range}");
        }
        assert!(wanted(|wanted| wanted.path = "/checkout".into()));
        assert!(wanted(|wanted| wanted.reason = "SCRIPTED".into()));
        assert!(wanted(|wanted| wanted.verdict = Some(Verdict::Challenge)));
        assert!(wanted(|wanted| wanted.cause = "USER_NOT_VERIFIED".into()));
    }

    #[test]
    fn no_demand_holds_for_what_lacks_it() {
        assert!(!wanted(|wanted| wanted.text = "elsewhere".into()));
        assert!(!wanted(|wanted| wanted.mentions = "bot".into()));
        assert!(!wanted(|wanted| wanted.device = "dev".into()));
        let range = address_range("192.0.2.8").unwrap();
        assert!(!wanted(|wanted| wanted.address = Some(range)));
        let range = address_range("2001:db8::/32").unwrap();
        assert!(!wanted(|wanted| wanted.address = Some(range)));
        assert!(!wanted(|wanted| wanted.path = "/pay".into()));
        assert!(!wanted(|wanted| wanted.reason = "SCRIPT".into()));
        assert!(!wanted(|wanted| wanted.verdict = Some(Verdict::Block)));
        assert!(!wanted(|wanted| wanted.cause = "USER".into()));
        assert!(address_range("example.com").is_err());
    }
}
