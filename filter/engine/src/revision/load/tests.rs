use countersign_proto::policy::v1::ActionKind;

use super::LoadError;
use crate::cel::{NodeId, SetBuilder};
use crate::form::{FormError, Section};
use crate::limits::MAX_HELD_BYTES;
use crate::revision::StepUpSpec;
use crate::testing::{Compiled, body, compiled, load, policy, score_at_least, try_load};
use crate::{ActionSpec, Attribute, Revision, SignalSpec, Verdict};

fn refusal(compiled: &Compiled) -> String {
    try_load(&body(compiled)).unwrap_err().to_string()
}

#[test]
fn a_revision_knows_its_name_and_attempt() {
    let revision = load(&compiled());
    assert_eq!(revision.id().to_string(), "12-3fa9c1d2e4b5");
    assert_eq!(revision.attempt(), 7);
    assert_eq!(revision.session_kids().collect::<Vec<_>>(), ["k1"]);
    assert_eq!(revision.ticket_kid(), Some("t1"));
    assert_eq!(revision.session_lifetime_s(), 3600);
}

#[test]
fn what_conditions_read_is_known() {
    let mut compiled = compiled();
    score_at_least(&mut compiled, 70);
    let revision = load(&compiled);
    assert!(revision.reads(Attribute::Score));
    assert!(!revision.reads(Attribute::TlsJa4));
}

#[test]
fn a_body_without_settings_is_refused() {
    let body = crate::RevisionBuilder::default().finish().unwrap();
    let LoadError::Invalid { what, kind, .. } = try_load(&body).unwrap_err() else {
        panic!("an invalid resource")
    };
    assert_eq!((what, kind), ("the record", "Settings"));
}

#[test]
fn an_impossible_policy_is_refused_by_name() {
    let changed = |action, change: fn(&mut crate::PolicySpec)| {
        let mut compiled = compiled();
        let mut policy = policy("p", action);
        change(&mut policy);
        compiled.policies = vec![policy];
        refusal(&compiled)
    };
    use ActionKind::{Block, Redirect};
    for (message, expected) in [
        (
            changed(Block, |policy| policy.name.clear()),
            "the name of MitigationPolicy `` is not valid",
        ),
        (
            changed(Block, |policy| policy.when = Some(NodeId(0))),
            "the condition of MitigationPolicy `p` is not valid",
        ),
        (
            changed(Redirect, |policy| {
                if let ActionSpec::Redirect(redirect) = &mut policy.action {
                    redirect.status = 301;
                }
            }),
            "the redirect status of MitigationPolicy `p` is not valid",
        ),
        (
            changed(Redirect, |policy| {
                if let ActionSpec::Redirect(redirect) = &mut policy.action {
                    redirect.location = "/a\r\nb".to_owned();
                }
            }),
            "the redirect location of MitigationPolicy `p` is not valid",
        ),
        (
            changed(Redirect, |policy| {
                if let ActionSpec::Redirect(redirect) = &mut policy.action {
                    redirect.location.clear();
                }
            }),
            "the redirect location of MitigationPolicy `p` is not valid",
        ),
    ] {
        assert_eq!(message, expected);
    }
}

#[test]
fn an_impossible_signal_is_refused_by_name() {
    let mut compiled = compiled();
    compiled.signals = vec![SignalSpec {
        name: "s".to_owned(),
        when: None,
        weight: 1,
        reason: String::new(),
        verdict: Verdict::Block,
    }];
    assert_eq!(refusal(&compiled), "the reason of Signal `s` is not valid");
}

#[test]
fn settings_that_no_filter_could_follow_are_refused() {
    let changed = |change: fn(&mut Compiled)| {
        let mut compiled = compiled();
        change(&mut compiled);
        refusal(&compiled)
    };
    assert_eq!(
        changed(|compiled| compiled.settings.score_header = "X-Score".to_owned()),
        "a header name of Settings `default` is not valid"
    );
    assert_eq!(
        changed(|compiled| compiled.settings.https_port = 0),
        "the https port of Settings `default` is not valid"
    );
}

#[test]
fn a_step_up_that_holds_more_than_there_is_room_for_is_refused() {
    let refused = |bytes: u32| {
        let mut compiled = compiled();
        compiled.settings.step_up = Some(StepUpSpec {
            upstreams: Vec::new(),
            kinds: Vec::new(),
            fallback: Vec::new(),
            hold_body: bytes,
            authenticators: Vec::new(),
        });
        try_load(&body(&compiled))
            .err()
            .map(|error| error.to_string())
    };
    assert_eq!(refused(MAX_HELD_BYTES), None);
    assert_eq!(
        refused(MAX_HELD_BYTES + 1).unwrap(),
        "`holdBody` of `stepUp` of Settings `default` is not valid"
    );
}

#[test]
fn keys_that_verify_nothing_or_anything_are_refused() {
    let changed = |change: fn(&mut Compiled)| {
        let mut compiled = compiled();
        change(&mut compiled);
        refusal(&compiled)
    };
    assert_eq!(
        changed(|compiled| compiled.session_keys[0].1 = vec![1; 31]),
        "key `k1` is not valid"
    );
    // The identity point verifies anything.
    assert_eq!(
        changed(|compiled| {
            compiled.session_keys[0].1 = vec![0; 32];
            compiled.session_keys[0].1[0] = 1;
        }),
        "key `k1` is not valid"
    );
    assert_eq!(
        changed(|compiled| compiled.ticket_keys[0].1 = vec![1; 31]),
        "key `t1` is not valid"
    );
}

/// Everything that a revision can hold.
fn full() -> Vec<u8> {
    let mut compiled = compiled();
    let high = score_at_least(&mut compiled, 70);
    let program = &mut compiled.builder.program;
    let names = SetBuilder::strings("names", vec!["a".to_owned(), "b".to_owned()]);
    let set = program.set(names);
    let set = program.leaf(crate::cel::Op::Set, [set, 0, 0]);
    let header = program.named(crate::cel::Op::Header, "x-tenant");
    let among = program.call(crate::cel::Op::In, &[header, set]);
    let when = program.call(crate::cel::Op::And, &[high, among]);
    let mut challenge = policy("p", ActionKind::Challenge);
    challenge.when = Some(when);
    challenge.endpoints = vec!["/checkout/*".to_owned(), "*.php".to_owned()];
    challenge.hosts = vec!["*.example.com".to_owned()];
    let terms = StepUpSpec {
        upstreams: vec!["orders".to_owned(), "*".to_owned()],
        kinds: vec!["fido".to_owned()],
        fallback: Vec::new(),
        hold_body: 1000,
        authenticators: vec!["security-key".to_owned()],
    };
    challenge.step_up = Some(terms.clone());
    compiled.settings.step_up = Some(StepUpSpec {
        hold_body: 0,
        ..terms
    });
    compiled.policies = vec![challenge, policy("q", ActionKind::Redirect)];
    compiled.signals = vec![SignalSpec {
        name: "s".to_owned(),
        when: Some(among),
        weight: -5,
        reason: "R".to_owned(),
        verdict: Verdict::Challenge,
    }];
    compiled.revoked = vec![(true, "d".to_owned(), 1), (false, "j".to_owned(), 2)];
    body(&compiled)
}

fn use_of(revision: &Revision) {
    let _described = revision.describe();
    for path in ["/checkout/x", "/a.php", "/"] {
        let headers: [(&str, &[u8]); 2] = [("x-tenant", b"a"), ("x-bot-score", b"90")];
        let _decided = crate::testing::decision(revision, path, &headers);
    }
}

#[test]
fn no_truncation_or_flipped_bit_of_a_body_panics() {
    let whole = full();
    use_of(&try_load(&whole).unwrap());
    for length in 0..whole.len() {
        if let Ok(revision) = try_load(&whole[..length]) {
            use_of(&revision);
        }
    }
    for byte in 0..whole.len() {
        for bit in 0..8 {
            let mut altered = whole.clone();
            altered[byte] ^= 1 << bit;
            if let Ok(revision) = try_load(&altered) {
                use_of(&revision);
            }
        }
    }
}

#[test]
fn a_text_that_leaves_the_pool_is_refused() {
    let whole = full();
    let sections = crate::form::Sections::read(&whole).unwrap();
    let texts = sections.get(Section::Texts);
    let at = texts.as_ptr() as usize - whole.as_ptr() as usize;
    let mut altered = whole.clone();
    altered[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(
        try_load(&altered).unwrap_err(),
        LoadError::Form(FormError::Entry(Section::Texts, 0))
    );
}
