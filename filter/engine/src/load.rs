//! From bytes to a [`Revision`]: the only place that reads the wire's policy types. What is loaded is
//! valid; what is not valid is refused with the reason, and the revision before stays.

mod expressions;
mod settings;

use countersign_proto::policy::v1 as wire;
use prost::Message as _;

use crate::Assurance;
use crate::blob::{self, BlobError};
use crate::revision::{
    Demand, MitigationPolicy, PolicyAction, Revision, RevisionId, Revocations, SessionKey, Signal,
    Verdict,
};
use crate::ticket::TicketSigner;

/// Why bytes are not a loadable revision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The envelope is wrong.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The body is not the message it should be.
    #[error("the body is not an encoded `CompiledPolicy`")]
    Encoding,
    /// Something that must be there is absent.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A value outside what is defined.
    #[error("{what} of `{owner}` is not valid")]
    Invalid {
        /// What it is.
        what: &'static str,
        /// The resource it belongs to.
        owner: String,
    },
    /// An expression node with a wrong operator, number of arguments, or reference.
    #[error("expression node {0} is not valid")]
    Node(usize),
    /// An expression deeper than [`crate::limits::MAX_EXPRESSION_DEPTH`].
    #[error("expression node {0} is nested too deeply")]
    TooDeep(usize),
    /// An automaton that cannot be read.
    #[error("automaton {0} is not valid")]
    Automaton(usize),
    /// A list out of order, with duplicates, or with a CIDR that is none.
    #[error("list `{0}` is not valid")]
    List(String),
    /// A session or ticket key of the wrong length, or no point of the curve.
    #[error("key `{0}` is not valid")]
    Key(String),
}

impl Revision {
    /// Loads a sealed compiled policy (see [`crate::blob`]).
    ///
    /// # Errors
    /// A [`LoadError`] for everything that is not a valid revision; no input panics, and memory stays
    /// within a constant factor of the input.
    pub fn load(bytes: &[u8]) -> Result<Self, LoadError> {
        let (attempt, body) = blob::open(bytes)?;
        let compiled = wire::CompiledPolicy::decode(body).map_err(|_| LoadError::Encoding)?;
        let revision = compiled.revision.ok_or(LoadError::Missing("revision"))?;
        let settings = settings::load(compiled.settings.ok_or(LoadError::Missing("settings"))?)?;
        let program = expressions::load(compiled.nodes, compiled.lists, &compiled.automata)?;
        let nodes = program.nodes.len();
        let policies = compiled
            .policies
            .into_iter()
            .map(|policy| {
                let when = condition(policy.when, nodes, &policy.name)?;
                let inputs = when
                    .map(|when| expressions::inputs(&program, when))
                    .unwrap_or_default();
                mitigation_policy(policy, when, inputs)
            })
            .collect::<Result<_, _>>()?;
        let signals = compiled
            .signals
            .into_iter()
            .map(|signal| {
                let when = condition(signal.when, nodes, &signal.name)?;
                self::signal(signal, when)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            id: RevisionId {
                number: revision.number,
                hash: revision.hash,
            },
            attempt,
            settings,
            policies,
            signals,
            program,
            session_keys: compiled
                .session_keys
                .into_iter()
                .map(session_key)
                .collect::<Result<_, _>>()?,
            tickets: compiled
                .ticket_keys
                .into_iter()
                .next()
                .map(TicketSigner::new)
                .transpose()?,
            revocations: revocations(compiled.revocations),
            reads: compiled
                .reads
                .into_iter()
                .map(|number| {
                    wire::Attribute::try_from(number)
                        .map_err(|_| invalid("a read attribute", "revision"))
                })
                .collect::<Result<_, _>>()?,
        })
    }
}

pub(crate) fn invalid(what: &'static str, owner: &str) -> LoadError {
    LoadError::Invalid {
        what,
        owner: owner.to_owned(),
    }
}

/// The wire counts conditions from one; zero is "always".
fn condition(number: u32, nodes: usize, owner: &str) -> Result<Option<usize>, LoadError> {
    match (number as usize).checked_sub(1) {
        Some(index) if index >= nodes => Err(invalid("the condition", owner)),
        index => Ok(index),
    }
}

fn mitigation_policy(
    policy: wire::Policy,
    when: Option<usize>,
    inputs: Vec<crate::revision::InputName>,
) -> Result<MitigationPolicy, LoadError> {
    let name = policy.name;
    if name.is_empty() {
        return Err(LoadError::Missing("policy name"));
    }
    let action = match wire::ActionKind::try_from(policy.action) {
        Ok(wire::ActionKind::Allow) => PolicyAction::Allow,
        Ok(wire::ActionKind::Block) => PolicyAction::Block,
        Ok(wire::ActionKind::Monitor) => PolicyAction::Monitor,
        Ok(wire::ActionKind::Redirect) => {
            let redirect = policy
                .redirect
                .ok_or_else(|| invalid("the redirect", &name))?;
            let status = u16::try_from(redirect.status)
                .ok()
                .filter(|status| matches!(status, 302 | 307 | 308))
                .ok_or_else(|| invalid("the redirect status", &name))?;
            if redirect.location.is_empty() || redirect.location.bytes().any(|byte| byte < b' ') {
                return Err(invalid("the redirect location", &name));
            }
            PolicyAction::Redirect {
                location: redirect.location,
                status,
            }
        }
        Ok(wire::ActionKind::Challenge) => {
            let challenge = policy
                .challenge
                .ok_or_else(|| invalid("the challenge", &name))?;
            let min_assurance = Assurance::from_wire(challenge.min_assurance)
                .ok_or_else(|| invalid("the assurance", &name))?;
            PolicyAction::Challenge(Demand {
                min_assurance,
                max_age_s: challenge.max_age_s,
                kinds: challenge.kinds,
                fallback: challenge.fallback,
            })
        }
        Ok(wire::ActionKind::Unspecified) | Err(_) => return Err(invalid("the action", &name)),
    };
    Ok(MitigationPolicy {
        name,
        hosts: policy.hosts,
        endpoints: policy.endpoints,
        methods: policy.methods,
        when,
        inputs,
        action,
        monitor_only: policy.monitor_only,
    })
}

fn signal(signal: wire::Signal, when: Option<usize>) -> Result<Signal, LoadError> {
    let verdict = match wire::Verdict::try_from(signal.verdict) {
        Ok(wire::Verdict::Allow) => Verdict::Allow,
        Ok(wire::Verdict::Challenge) => Verdict::Challenge,
        Ok(wire::Verdict::Block) => Verdict::Block,
        Ok(wire::Verdict::Unspecified) | Err(_) => {
            return Err(invalid("the verdict", &signal.name));
        }
    };
    Ok(Signal {
        name: signal.name,
        when,
        weight: signal.weight,
        reason: signal.reason,
        verdict,
    })
}

fn session_key(key: wire::SessionKey) -> Result<SessionKey, LoadError> {
    let bytes = <[u8; 32]>::try_from(key.public_key.as_slice());
    let public = bytes
        .ok()
        .and_then(|bytes| ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok());
    match public {
        // A weak key verifies signatures that nobody made.
        Some(public) if !public.is_weak() => Ok(SessionKey {
            kid: key.kid,
            key: public,
        }),
        _ => Err(LoadError::Key(key.kid)),
    }
}

fn revocations(list: Vec<wire::Revocation>) -> Revocations {
    let mut revocations = Revocations::default();
    for revocation in list {
        let before = i64::try_from(revocation.issued_before).unwrap_or(i64::MAX);
        match revocation.what {
            Some(wire::revocation::What::Jti(jti)) => revocations.sessions.push((jti, before)),
            Some(wire::revocation::What::Device(device)) => {
                revocations.devices.push((device, before))
            }
            None => {}
        }
    }
    for list in [&mut revocations.sessions, &mut revocations.devices] {
        // The latest revocation of one id covers the earlier ones.
        list.sort_unstable_by(|a, b| (&a.0, b.1).cmp(&(&b.0, a.1)));
        list.dedup_by(|later, kept| later.0 == kept.0);
    }
    revocations
}

#[cfg(test)]
mod tests;
