//! Writes a revision: what [`Revision::load`](super::Revision::load) reads. Whoever compiles resources
//! fills these in; nothing is decided here.

use super::record::{action, key, policy, proving, settings, signal, step_up};
use super::spec::{ActionSpec, ChallengeSpec, PolicySpec, SettingsSpec, SignalSpec, StepUpSpec};
use super::verdict::{ChallengeVerdict, Plaintext, VerdictMode};
use crate::Attribute;
use crate::cel::{NodeId, ProgramBuilder};
use crate::device::{DeviceRulesBuilder, TooManyDeviceRules};
use crate::form::{FormWriter, Section};
use crate::index::{IndexBuilder, Subject};

/// A revision's resources while they are written.
#[derive(Clone, Debug, Default)]
pub struct RevisionBuilder {
    /// Conditions, sets, texts.
    pub program: ProgramBuilder,
    form: FormWriter,
    texts: u32,
    step_ups: Vec<StepUpSpec>,
    reads: std::collections::BTreeSet<Attribute>,
    keys: std::collections::BTreeMap<(u32, u32, String), [u32; 2]>,
    order: u32,
}

impl RevisionBuilder {
    /// Adds a policy; they are evaluated in the order of their adding.
    pub fn policy(&mut self, spec: &PolicySpec) {
        let mut record = [0; policy::WORDS];
        self.put_text(&mut record, policy::NAME, &spec.name);
        put(&mut record, policy::WHEN, self.condition(spec.when));
        put(&mut record, policy::MONITOR_ONLY, spec.monitor_only.into());
        put(
            &mut record,
            policy::STEP_UP,
            self.step_up(spec.step_up.as_ref()),
        );
        self.put_list(&mut record, policy::HOSTS, &spec.hosts);
        self.put_list(&mut record, policy::ENDPOINTS, &spec.endpoints);
        self.put_list(&mut record, policy::METHODS, &spec.methods);
        let number = match &spec.action {
            ActionSpec::Allow => action::ALLOW,
            ActionSpec::Block => action::BLOCK,
            ActionSpec::Monitor => action::MONITOR,
            ActionSpec::Redirect(redirect) => {
                self.put_text(&mut record, policy::LOCATION, &redirect.location);
                put(&mut record, policy::STATUS, redirect.status.into());
                action::REDIRECT
            }
            ActionSpec::Challenge(challenge) => {
                let at = [
                    policy::MIN_ASSURANCE,
                    policy::MAX_AGE_S,
                    policy::KINDS,
                    policy::FALLBACK,
                    policy::HOLD_BODY,
                    policy::AUTHENTICATORS,
                    policy::PROVING,
                ];
                self.put_challenge(&mut record, at, challenge);
                action::CHALLENGE
            }
        };
        put(&mut record, policy::ACTION, number);
        self.write(Section::Policies, &record);
    }

    /// Adds a signal.
    pub fn signal(&mut self, spec: &SignalSpec) {
        let mut record = [0; signal::WORDS];
        self.put_text(&mut record, signal::NAME, &spec.name);
        put(&mut record, signal::WHEN, self.condition(spec.when));
        put(&mut record, signal::WEIGHT, spec.weight.cast_unsigned());
        self.put_text(&mut record, signal::REASON, &spec.reason);
        put(&mut record, signal::VERDICT, spec.verdict.number());
        self.write(Section::Signals, &record);
    }

    /// Writes the settings, once.
    pub fn settings(&mut self, spec: &SettingsSpec) {
        let mut record = [0; settings::WORDS];
        let hops = spec.trusted_hops.map_or(0, |set| set.saturating_add(1));
        put(&mut record, settings::TRUSTED_HOPS, hops);
        self.put_text(&mut record, settings::SCORE_HEADER, &spec.score_header);
        self.put_text(&mut record, settings::COUNTRY_HEADER, &spec.country_header);
        self.put_text(&mut record, settings::ASN_HEADER, &spec.asn_header);
        for (index, header) in spec.identifier_headers.iter().enumerate() {
            self.put_text(&mut record, settings::IDENTIFIERS + index * 2, header);
        }
        self.put_list(&mut record, settings::EXEMPT_PATHS, &spec.exempt_paths);
        let plaintext = match spec.plaintext {
            Plaintext::Redirect => 0,
            Plaintext::Block => 1,
        };
        let mode = match spec.verdicts.mode {
            VerdictMode::Observe => 0,
            VerdictMode::Enforce => 1,
        };
        let challenge = match spec.verdicts.challenge {
            ChallengeVerdict::Allow => 0,
            ChallengeVerdict::Block => 1,
            ChallengeVerdict::Challenge => 2,
        };
        for (at, word) in [
            (
                settings::CASE_SENSITIVE_PATHS,
                spec.case_sensitive_paths.into(),
            ),
            (settings::PLAINTEXT, plaintext),
            (settings::HTTPS_PORT, spec.https_port.into()),
            (settings::SESSION_LEEWAY_S, spec.session_leeway_s),
            (settings::SESSION_LIFETIME_S, spec.session_lifetime_s),
            (settings::SESSION_BOUND_S, spec.session_bound_s),
            (settings::TICKET_LIFETIME_S, spec.ticket_lifetime_s),
            (settings::ALLOW_SAMPLING, spec.allow_sampling),
            (settings::VERDICT_MODE, mode),
            (settings::VERDICT_CHALLENGE, challenge),
        ] {
            put(&mut record, at, word);
        }
        let at = [
            settings::MIN_ASSURANCE,
            settings::MAX_AGE_S,
            settings::KINDS,
            settings::FALLBACK,
            settings::HOLD_BODY,
            settings::AUTHENTICATORS,
            settings::PROVING,
        ];
        self.put_challenge(&mut record, at, &spec.verdicts.demand);
        put(
            &mut record,
            settings::STEP_UP,
            self.step_up(spec.step_up.as_ref()),
        );
        self.form.section(Section::Settings).clear();
        self.write(Section::Settings, &record);
    }

    /// The number of a record plus one, each written once; zero is none.
    fn step_up(&mut self, spec: Option<&StepUpSpec>) -> u32 {
        let Some(spec) = spec else { return 0 };
        let known = self.step_ups.iter().position(|known| known == spec);
        let number = known.unwrap_or_else(|| {
            let mut record = [0; step_up::WORDS];
            self.put_list(&mut record, step_up::UPSTREAMS, &spec.upstreams);
            self.put_list(&mut record, step_up::KINDS, &spec.kinds);
            self.put_list(&mut record, step_up::FALLBACK, &spec.fallback);
            put(&mut record, step_up::HOLD_BODY, spec.hold_body);
            self.put_list(&mut record, step_up::AUTHENTICATORS, &spec.authenticators);
            self.write(Section::StepUps, &record);
            self.step_ups.push(spec.clone());
            self.step_ups.len().saturating_sub(1)
        });
        u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Adds an Ed25519 public key (RFC 8037), 32 bytes.
    pub fn session_key(&mut self, kid: &str, public: &[u8]) {
        self.key(key::SESSION, kid, public);
    }

    /// Adds an HMAC-SHA256 key; the first one signs.
    pub fn ticket_key(&mut self, kid: &str, secret: &[u8]) {
        self.key(key::TICKET, kid, secret);
    }

    fn key(&mut self, kind: u32, kid: &str, bytes: &[u8]) {
        let (offset, length) = self.program.pooled_bytes(bytes);
        // In the order of adding: the first ticket key is the one that signs.
        self.order = self.order.saturating_add(1);
        self.keys
            .insert((kind, self.order, kid.to_owned()), [offset, length]);
    }

    /// Revokes a session by its id: those issued before that second.
    pub fn revoke_session(&mut self, jti: &str, issued_before: u64) {
        self.revoke(key::REVOKED_SESSION, jti, issued_before);
    }

    /// Revokes the sessions of a device: those issued before that second.
    pub fn revoke_device(&mut self, device: &str, issued_before: u64) {
        self.revoke(key::REVOKED_DEVICE, device, issued_before);
    }

    fn revoke(&mut self, kind: u32, text: &str, before: u64) {
        #[expect(clippy::cast_possible_truncation, reason = "the halves of a number")]
        let words = [before as u32, (before >> 32) as u32];
        // The latest revocation of one id covers the earlier ones.
        let known = self
            .keys
            .entry((kind, 0, text.to_owned()))
            .or_insert([0, 0]);
        if u64::from(known[0]) | u64::from(known[1]) << 32 <= before {
            *known = words;
        }
    }

    /// Says that something reads an attribute, so that the host fetches it.
    pub fn reads(&mut self, attribute: Attribute) {
        self.reads.insert(attribute);
    }

    /// Writes the index of the policies, once.
    pub fn index(&mut self, index: &IndexBuilder) {
        let keys = index.policies().iter().flatten().flatten();
        let nodes: std::collections::BTreeSet<NodeId> = keys
            .filter_map(|key| match key.subject {
                Subject::Node(node) => Some(node),
                _ => None,
            })
            .collect();
        for node in nodes {
            self.program.root(node);
        }
        index.write(&self.program, &mut self.form);
    }

    /// Writes the device rules, once.
    ///
    /// # Errors
    /// When they are more than the form can hold.
    pub fn device_rules(
        &mut self,
        rules: DeviceRulesBuilder<'_>,
    ) -> Result<(), TooManyDeviceRules> {
        rules.write(&mut self.form)
    }

    /// The body of a blob. `None` when it does not fit into 32 bits.
    #[must_use]
    pub fn finish(mut self) -> Option<Vec<u8>> {
        let keys = std::mem::take(&mut self.keys);
        for ((kind, _, text), [a, b]) in keys {
            let mut record = [0; key::WORDS];
            put(&mut record, key::KIND, kind);
            self.put_text(&mut record, key::TEXT, &text);
            put(&mut record, key::VALUE, a);
            put(&mut record, key::VALUE + 1, b);
            self.write(Section::Keys, &record);
        }
        for attribute in &self.reads {
            self.form.word(Section::Reads, attribute.number());
        }
        self.program.write(&mut self.form);
        self.form.finish()
    }

    fn condition(&mut self, when: Option<NodeId>) -> u32 {
        when.map_or(0, |node| {
            self.program.root(node);
            node.0.saturating_add(1)
        })
    }

    fn put_text(&mut self, record: &mut [u32], at: usize, text: &str) {
        let (offset, length) = self.program.text(text);
        put(record, at, offset);
        put(record, at + 1, length);
    }

    fn put_list(&mut self, record: &mut [u32], at: usize, list: &[String]) {
        put(record, at, self.texts);
        put(
            record,
            at + 1,
            u32::try_from(list.len()).unwrap_or(u32::MAX),
        );
        for text in list {
            let (offset, length) = self.program.text(text);
            self.form.word(Section::Texts, offset);
            self.form.word(Section::Texts, length);
            self.texts = self.texts.saturating_add(1);
        }
    }

    fn put_challenge(&mut self, record: &mut [u32], at: [usize; 7], challenge: &ChallengeSpec) {
        let [least, age, kinds, fallback, held, authenticators, how] = at;
        let grade = u32::try_from(challenge.min_assurance.grade()).unwrap_or(u32::MAX);
        put(record, least, grade);
        put(record, age, challenge.max_age_s);
        put(record, held, challenge.hold_body);
        let bits = proving::bits(challenge.dpop, challenge.other_device);
        put(record, how, bits);
        self.put_list(record, kinds, &challenge.kinds);
        self.put_list(record, fallback, &challenge.fallback);
        self.put_list(record, authenticators, &challenge.authenticators);
    }

    fn write(&mut self, section: Section, record: &[u32]) {
        for &word in record {
            self.form.word(section, word);
        }
    }
}

fn put(record: &mut [u32], at: usize, word: u32) {
    if let Some(place) = record.get_mut(at) {
        *place = word;
    }
}
