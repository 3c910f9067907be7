//! Policies as the filter has them, asked about requests by the engine itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_engine::cel::{NodeId, SetBuilder};
use countersign_engine::{
    ActionSpec, Assurance, Attribute, ChallengeSpec, ChallengeVerdict, Connection, EventId,
    Explanation, Plaintext, PolicySpec, Request, Revision, RevisionBuilder, RevisionId,
    SettingsSpec, SignalSpec, Timestamp, Trial, Verdict, VerdictMode, VerdictSettings,
    WorkerMemory, blob, explain,
};
use ed25519_dalek::{Signer as _, SigningKey};

use super::support::{ASNS, Spec, TENANTS, env, labs, offices};
use crate::cel::{Compiler, Typed};

/// 2026-11-21 12:00:00 UTC.
pub(super) const NOW: i64 = 1_795_262_400;

/// What of the settings limits what conditions read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub(super) score_header: bool,
    pub(super) country_header: bool,
    pub(super) case_sensitive_paths: bool,
}

/// A set that is being compiled. Lists have the numbers that [`super::support::env`] gives them.
pub(super) struct Set {
    compiler: Compiler,
    policies: Vec<PolicySpec>,
    signals: Vec<SignalSpec>,
}

impl Set {
    pub(super) fn new() -> Self {
        let mut compiler = Compiler::default();
        let texts = TENANTS.map(str::to_owned).to_vec();
        for (number, set) in (0..).zip([
            SetBuilder::cidrs("offices", offices()),
            SetBuilder::cidrs("labs", labs()),
            SetBuilder::strings("tenants", texts),
            SetBuilder::numbers("asns", ASNS.to_vec()),
        ]) {
            assert_eq!(compiler.program.set(set), number);
        }
        Self {
            compiler,
            policies: Vec::new(),
            signals: Vec::new(),
        }
    }

    /// Compiles a condition, unless it does not compile.
    pub(super) fn condition(&mut self, when: &str) -> Option<(NodeId, Typed)> {
        let compiled = self.compiler.condition(when, &env()).ok()?;
        Some((compiled.root, compiled.tree))
    }

    /// Adds a policy that only counts, so that every one is asked about every request.
    pub(super) fn policy(&mut self, spec: &Spec, when: Option<NodeId>) {
        self.policies.push(PolicySpec {
            name: format!("policy-{}", self.policies.len()),
            hosts: spec.hosts.clone(),
            endpoints: spec.endpoints.clone(),
            methods: spec.methods.clone(),
            when,
            action: ActionSpec::Block,
            monitor_only: true,
            step_up: None,
        });
    }

    pub(super) fn signal(&mut self, when: NodeId, weight: i32, reason: &str, verdict: Verdict) {
        self.signals.push(SignalSpec {
            name: format!("signal-{}", self.signals.len()),
            when: Some(when),
            weight,
            reason: reason.to_owned(),
            verdict,
        });
    }

    pub(super) fn load(self, given: Given) -> Revision {
        let mut to = RevisionBuilder::default();
        to.program = self.compiler.program;
        for &attribute in Attribute::ALL {
            to.reads(attribute);
        }
        let hops = SetBuilder::cidrs("", [("127.0.0.1".parse().unwrap(), 32)]);
        let trusted_hops = Some(to.program.set(hops));
        let named = |given: bool, name: &str| {
            if given {
                name.to_owned()
            } else {
                String::new()
            }
        };
        to.settings(&SettingsSpec {
            trusted_hops,
            score_header: named(given.score_header, "x-score"),
            country_header: named(given.country_header, "x-country"),
            asn_header: "x-asn".to_owned(),
            identifier_headers: std::array::from_fn(|_| String::new()),
            case_sensitive_paths: given.case_sensitive_paths,
            exempt_paths: Vec::new(),
            plaintext: Plaintext::Redirect,
            https_port: 443,
            session_leeway_s: 30,
            session_lifetime_s: 3600,
            session_bound_s: 300,
            ticket_lifetime_s: 600,
            allow_sampling: 0,
            verdicts: VerdictSettings {
                mode: VerdictMode::Observe,
                challenge: ChallengeVerdict::Allow,
                demand: ChallengeSpec {
                    min_assurance: Assurance::Uv,
                    max_age_s: 3600,
                    kinds: vec!["fido".to_owned()],
                    fallback: Vec::new(),
                    hold_body: 0,
                    authenticators: Vec::new(),
                    dpop: false,
                    other_device: true,
                },
            },
            step_up: None,
        });
        to.session_key("k1", &key().verifying_key().to_bytes());
        for signal in &self.signals {
            to.signal(signal);
        }
        for policy in &self.policies {
            to.policy(policy);
        }
        let mut index = countersign_engine::index::IndexBuilder::default();
        for _ in &self.policies {
            index.policy(Vec::new());
        }
        to.index(&index);
        let id = RevisionId {
            number: 1,
            hash: "0123456789ab".to_owned(),
        };
        let sealed = blob::seal(&to.finish().unwrap(), &id, 1).unwrap();
        Revision::load(sealed).unwrap()
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// A session cookie for a host.
pub(super) fn cookie(host: &str, acr: &str, age: i64) -> String {
    let issued = NOW - age;
    let claims = format!(
        r#"{{"iss":"countersign","aud":"{host}","sub":"device-1","jti":"session-1","iat":{issued},"auth_time":{issued},"exp":{},"acr":"{acr}"}}"#,
        issued + 3_600
    );
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","typ":"JWT","kid":"k1"}"#),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = URL_SAFE_NO_PAD.encode(key().sign(signed.as_bytes()).to_bytes());
    format!("__Host-countersign={signed}.{signature}")
}

/// A request: headers as the host gives them, and the peer.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) peer: Option<String>,
    pub(super) mtls: bool,
}

pub(super) fn ask(revision: &Revision, asked: &Asked, memory: &mut WorkerMemory) -> Explanation {
    let connection = Connection {
        peer: asked.peer.as_ref().map(|peer| peer.as_bytes()),
        server_name: Some(b"shop.example.com"),
        tls_version: Some(b"TLSv1.3"),
        mtls: asked.mtls,
        ja4: None,
    };
    let now = Timestamp::from_seconds(NOW);
    let request = Request::new(revision, &asked.headers, connection, now);
    explain(revision, &request, memory, EventId::new(1, [0; 10]))
}

/// Which policies matched, by their places. `None` where none was asked.
pub(super) fn matched(explanation: &Explanation) -> Option<Vec<bool>> {
    explanation
        .policies
        .iter()
        .map(|policy| Some(*policy.trial.as_ref()? == Trial::Monitored))
        .collect()
}
