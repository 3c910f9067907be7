//! Sets of policies and requests to them: does the index select what asking every policy in order
//! selects?

pub(crate) mod condition;
#[allow(dead_code, reason = "the fuzzer asks no recordings")]
pub(crate) mod replay;
pub(crate) mod set;
pub(crate) mod traffic;

use countersign_control_plane::compile::{Compiled, RuntimeMaterial, compile};
use countersign_control_plane::resource::{SourceFile, parse_files};
use countersign_engine::{
    Connection, Decision, EventId, Explanation, Request, Revision, RevisionId, Timestamp, Trial,
    VERDICT_POLICY, WorkerMemory, blob, explain,
};
use countersign_proto::policy::v1 as proto;

/// 2026-11-21 12:00:00 UTC.
pub(crate) const NOW: i64 = 1_795_262_400;

/// Compiles a set and loads it as a filter does. The error is the compiler's findings.
pub(crate) fn load(yaml: &str) -> Result<Revision, String> {
    let file = SourceFile {
        name: "set.yaml".to_owned(),
        content: yaml.as_bytes().to_vec(),
    };
    let told = |findings: Vec<countersign_control_plane::diagnostic::Diagnostic>| {
        let rendered = findings.into_iter().map(|finding| finding.rendered);
        rendered.collect::<Vec<_>>().join("\n")
    };
    let documents = parse_files(&[file]).map_err(told)?;
    let Compiled { forms, hash, .. } = compile(&documents, &material()).map_err(told)?;
    let body = forms.everything;
    let id = RevisionId { number: 1, hash };
    let sealed = blob::seal(&body, &id, 1).map_err(|error| error.to_string())?;
    Revision::load(sealed).map_err(|error| error.to_string())
}

fn material() -> RuntimeMaterial {
    RuntimeMaterial {
        session_keys: vec![proto::SessionKey {
            kid: traffic::KID.to_owned(),
            public_key: traffic::signing_key().verifying_key().to_bytes().to_vec(),
        }],
        ticket_keys: vec![proto::TicketKey {
            kid: "t1".to_owned(),
            secret: vec![7; 32],
        }],
        ..RuntimeMaterial::default()
    }
}

/// Asks about a request with and without the index.
pub(crate) fn ask(
    revision: &Revision,
    headers: &[(String, Vec<u8>)],
    peer: &str,
    memory: &mut WorkerMemory,
) -> Explanation {
    with_request(revision, headers, peer, |request| {
        explain(revision, request, memory, EventId::new(1, [0; 10]))
    })
}

fn with_request<T>(
    revision: &Revision,
    headers: &[(String, Vec<u8>)],
    peer: &str,
    ask: impl FnOnce(&Request<'_>) -> T,
) -> T {
    let connection = Connection {
        peer: Some(peer.as_bytes()),
        server_name: Some(b"shop.example.com"),
        tls_version: Some(b"TLSv1.3"),
        mtls: peer.starts_with("127."),
        ja4: Some(b"t13d1516h2_8daaf6152771_b186095e22b6"),
    };
    let now = Timestamp::from_seconds(NOW);
    ask(&Request::new(revision, headers, connection, now))
}

/// What the index makes of a request is what every policy in order makes of it; else how it differs.
pub(crate) fn agrees(explanation: &Explanation) -> Result<(), String> {
    let (Decision::Permit(_) | Decision::Denial(_)) = &explanation.decision;
    let outcome = explanation.decision.outcome();
    let of = |wanted: &Trial| -> Vec<&str> {
        let policies = explanation.policies.iter();
        policies
            .filter(|policy| policy.trial.as_ref() == Some(wanted))
            .map(|policy| policy.name.as_str())
            .collect()
    };
    let decided = outcome
        .policy
        .as_deref()
        .filter(|name| *name != VERDICT_POLICY);
    let satisfied = outcome.satisfied.iter().map(String::as_str);
    let satisfied: Vec<&str> = satisfied.filter(|name| *name != VERDICT_POLICY).collect();
    let differs = |what: &str, index: String, all: String| {
        Err(format!("{what}: by the index {index}, by asking all {all}"))
    };
    if decided != explanation.decider() {
        return differs(
            "decides",
            format!("{decided:?}"),
            format!("{:?}", explanation.decider()),
        );
    }
    if outcome.monitored != of(&Trial::Monitored) {
        return differs(
            "monitored",
            format!("{:?}", outcome.monitored),
            format!("{:?}", of(&Trial::Monitored)),
        );
    }
    if satisfied != of(&Trial::Satisfied) {
        return differs(
            "satisfied",
            format!("{satisfied:?}"),
            format!("{:?}", of(&Trial::Satisfied)),
        );
    }
    // The index may leave out what would have failed, and may not make up failures.
    for (name, error) in &outcome.errors {
        let failed = Trial::Failed(error.clone());
        let of_policy = of(&failed).contains(&name.as_str());
        let of_signal = explanation
            .signals
            .iter()
            .any(|signal| signal.name == *name && signal.holds.as_ref() == Err(error));
        if !of_policy && !of_signal {
            return differs(
                "fails",
                format!("{name}: {error}"),
                "it does not".to_owned(),
            );
        }
    }
    Ok(())
}
