use countersign_proto::policy::v1::ActionKind;
use serde_json::json;

use crate::cel::Op;
use crate::testing::{
    Compiled, attribute, call, claims, compiled, cookie, decision, header, load, policy,
    score_at_least, text, token, verdict, with,
};
use crate::{Attribute, Decision, PolicySpec, SignalSpec, Verdict};

fn endpoints(mut policy: PolicySpec, endpoints: &[&str]) -> PolicySpec {
    policy.endpoints = endpoints
        .iter()
        .map(|&endpoint| endpoint.to_owned())
        .collect();
    policy
}

fn checkout() -> Compiled {
    let mut compiled = compiled();
    let challenge = policy("checkout", ActionKind::Challenge);
    compiled.policies = vec![endpoints(challenge, &["/checkout/*", "/payment/*"])];
    compiled
}

fn session(change: serde_json::Value) -> Vec<u8> {
    cookie(&token(&with(claims(), change)))
}

#[test]
fn no_match_is_a_permit() {
    assert_eq!(verdict(&load(&checkout()), "/", &[]), "allow -");
}

#[test]
fn an_endpoint_is_challenged_in_every_spelling() {
    let revision = load(&checkout());
    for (path, expected) in [
        ("/checkout/x", "challenge checkout"),
        ("/payment/", "challenge checkout"),
        ("/checkout/../admin", "allow -"),
        ("/admin/../checkout/x", "challenge checkout"),
        ("//checkout/x", "challenge checkout"),
        ("/%63heckout/x", "challenge checkout"),
        ("/checkout%2Fx", "challenge checkout"),
        ("/checkout;x/y", "challenge checkout"),
        ("/CHECKOUT/x", "challenge checkout"),
        ("/checkout", "allow -"),
        ("/checkouts/x", "allow -"),
    ] {
        assert_eq!(verdict(&revision, path, &[]), expected, "{path}");
    }
    assert_eq!(
        verdict(
            &revision,
            &format!("/checkout/{}", "x".repeat(16 * 1024)),
            &[]
        ),
        "challenge checkout"
    );
}

#[test]
fn letters_count_where_settings_say_so() {
    let mut compiled = checkout();
    compiled.settings.case_sensitive_paths = true;
    assert_eq!(verdict(&load(&compiled), "/CHECKOUT/x", &[]), "allow -");
}

#[test]
fn a_session_satisfies_by_grade_and_age() {
    let revision = load(&checkout());
    let now = crate::testing::NOW;
    for (change, expected) in [
        (json!({}), "allow -"),
        (json!({"acr": "uv_bound"}), "allow -"),
        (json!({"acr": "possession"}), "challenge checkout"),
        (json!({"auth_time": now - 3600}), "allow -"),
        (json!({"auth_time": now - 3601}), "challenge checkout"),
        (json!({"auth_time": now + 20}), "allow -"),
        (json!({"exp": now - 31}), "challenge checkout"),
    ] {
        let cookie = session(change.clone());
        assert_eq!(
            verdict(&revision, "/checkout/", &[("cookie", &cookie)]),
            expected,
            "{change}"
        );
    }
}

#[test]
fn a_later_block_still_blocks_a_good_session() {
    let mut compiled = checkout();
    compiled.policies.push(endpoints(
        policy("no-admin", ActionKind::Block),
        &["*/admin"],
    ));
    let revision = load(&compiled);
    let cookie = session(json!({}));
    assert_eq!(
        verdict(&revision, "/checkout/admin", &[("cookie", &cookie)]),
        "block no-admin"
    );
    assert_eq!(
        verdict(&revision, "/checkout/admin", &[]),
        "challenge checkout"
    );
}

#[test]
fn an_earlier_allow_ends_the_evaluation() {
    let mut compiled = checkout();
    compiled.policies.insert(
        0,
        endpoints(policy("public", ActionKind::Allow), &["/checkout/help"]),
    );
    assert_eq!(
        verdict(&load(&compiled), "/checkout/help", &[]),
        "allow public"
    );
}

#[test]
fn what_only_monitors_counts_and_goes_on() {
    let mut compiled = compiled();
    let mut trial = policy("trial", ActionKind::Block);
    trial.monitor_only = true;
    compiled.policies = vec![
        trial,
        policy("watch", ActionKind::Monitor),
        policy("go", ActionKind::Redirect),
    ];
    let Decision::Denial(denial) = decision(&load(&compiled), "/", &[]) else {
        panic!("a redirect")
    };
    assert_eq!(denial.outcome().monitored, ["trial", "watch"]);
    assert_eq!(
        (denial.outcome().action, denial.policy()),
        ("redirect", "go")
    );
}

#[test]
fn hosts_and_methods_select() {
    let mut compiled = compiled();
    let mut block = policy("p", ActionKind::Block);
    block.hosts = vec!["*.example.com".to_owned(), "shop.test".to_owned()];
    block.methods = vec!["POST".to_owned()];
    compiled.policies = vec![block];
    let revision = load(&compiled);
    for (method, authority, blocked) in [
        ("POST", "shop.example.com", true),
        ("POST", "SHOP.example.com:8443", true),
        ("POST", "shop.example.com.", true),
        ("POST", "a.b.example.com", true),
        ("POST", "example.com", false),
        ("POST", "badexample.com", false),
        ("POST", "shop.test", true),
        ("GET", "shop.test", false),
        ("post", "shop.test", true),
    ] {
        let headers: [(&str, &[u8]); 2] = [
            (":method", method.as_bytes()),
            (":authority", authority.as_bytes()),
        ];
        let expected = if blocked { "block p" } else { "allow -" };
        assert_eq!(
            verdict(&revision, "/", &headers),
            expected,
            "{method} {authority}"
        );
    }
}

#[test]
fn exempt_requests_pass_before_any_policy() {
    let mut compiled = compiled();
    compiled.policies = vec![policy("everything", ActionKind::Block)];
    let revision = load(&compiled);
    for (path, exempt) in [
        ("/.countersign/challenge?ticket=x", true),
        ("/.well-known/acme-challenge/token", true),
        ("/healthz", true),
        ("/healthz/x", false),
        ("/HEALTHZ", false),
        ("/.countersign/../admin", false),
        ("/.countersign/%2e%2e/admin", false),
        ("/x/../healthz", false),
        ("//healthz", false),
        ("/.countersign", false),
        ("/%2ecountersign/x", false),
    ] {
        let expected = if exempt {
            "exempt -"
        } else {
            "block everything"
        };
        assert_eq!(verdict(&revision, path, &[]), expected, "{path}");
    }
}

#[test]
fn a_preflight_is_never_challenged_and_still_blocked() {
    let preflight: [(&str, &[u8]); 3] = [
        (":method", b"OPTIONS"),
        ("origin", b"https://a.example"),
        ("access-control-request-method", b"POST"),
    ];
    let mut compiled = checkout();
    let path = "/checkout/x";
    assert_eq!(verdict(&load(&compiled), path, &preflight), "allow -");
    assert_eq!(
        verdict(&load(&compiled), path, &preflight[..2]),
        "challenge checkout"
    );
    compiled
        .policies
        .push(policy("everything", ActionKind::Block));
    assert_eq!(
        verdict(&load(&compiled), path, &preflight),
        "block everything"
    );
}

#[test]
fn what_servers_read_in_different_ways_is_refused() {
    let revision = load(&compiled());
    for path in [
        "/a/..;/b",
        "/a/..;x=1/b",
        "/a/%2e%2e;/b",
        "/a/..%3b/b",
        "/a/.;/b",
        "/..;",
    ] {
        assert_eq!(verdict(&revision, path, &[]), "block -", "{path}");
    }
    for path in ["/a/../b", "/a;x/b", "/a/...;/b", "/a?b=/..;/"] {
        assert_eq!(verdict(&revision, path, &[]), "allow -", "{path}");
    }
    assert_eq!(
        verdict(&revision, "/", &[(":authority", b"shop.example.com~")]),
        "block -"
    );
}

#[test]
fn a_policy_for_get_holds_for_head() {
    let mut compiled = compiled();
    let mut block = policy("p", ActionKind::Block);
    block.methods = vec!["GET".to_owned()];
    compiled.policies = vec![block];
    let revision = load(&compiled);
    for (method, expected) in [("HEAD", "block p"), ("get", "block p"), ("POST", "allow -")] {
        assert_eq!(
            verdict(&revision, "/", &[(":method", method.as_bytes())]),
            expected,
            "{method}"
        );
    }
}

#[test]
fn the_score_is_the_upstreams_plus_the_signals_and_stays_within_bounds() {
    let mut compiled = compiled();
    let agent = header(&mut compiled, "user-agent");
    let word = text(&mut compiled, "HeadlessChrome");
    let when = Some(call(&mut compiled, Op::Contains, &[agent, word]));
    compiled.signals = vec![SignalSpec {
        name: "headless-ua".to_owned(),
        when,
        weight: 60,
        reason: "HEADLESS_BROWSER_AUTOMATION".to_owned(),
        verdict: Verdict::Block,
    }];
    let mut high = policy("bots", ActionKind::Challenge);
    high.when = Some(score_at_least(&mut compiled, 70));
    compiled.policies = vec![high];
    let revision = load(&compiled);
    let headless: (&str, &[u8]) = ("user-agent", b"Mozilla HeadlessChrome/156");
    for (headers, action, score) in [
        (vec![("x-bot-score", b"85".as_slice())], "challenge", 85),
        (vec![("x-bot-score", b"69")], "allow", 69),
        (vec![("x-bot-score", b"10"), headless], "challenge", 70),
        (vec![("x-bot-score", b"95"), headless], "challenge", 100),
        (vec![headless], "allow", 60),
        (vec![("x-bot-score", b"-1")], "allow", 0),
        (vec![], "allow", 0),
    ] {
        let decision = decision(&revision, "/", &headers);
        let outcome = match &decision {
            Decision::Permit(permit) => permit.outcome(),
            Decision::Denial(denial) => denial.outcome(),
        };
        let event = outcome.event.as_ref().unwrap().decode();
        assert_eq!(
            (outcome.action, event.score),
            (action, score),
            "{headers:?}"
        );
        let agent_sent = headers.contains(&headless);
        assert_eq!(event.reasons.len(), usize::from(agent_sent));
        let weights: Vec<i32> = event.signals.iter().map(|signal| signal.weight).collect();
        assert_eq!(weights, vec![60; usize::from(agent_sent)]);
        // The signal reads a header that is not there: an error, counted, never silent.
        assert_eq!(outcome.errors.len(), usize::from(!agent_sent));
    }
}

#[test]
fn an_error_in_a_condition_does_not_match_and_is_told() {
    let mut compiled = compiled();
    let missing = header(&mut compiled, "x-tenant");
    let word = text(&mut compiled, "evil");
    let mut block = policy("tenant", ActionKind::Block);
    block.when = Some(call(&mut compiled, Op::Eq, &[missing, word]));
    compiled.policies = vec![block];
    let Decision::Permit(permit) = decision(&load(&compiled), "/", &[]) else {
        panic!("a permit")
    };
    let event = permit.outcome().event.as_ref().unwrap().decode();
    assert_eq!(
        (
            event.errors[0].policy.as_str(),
            event.errors[0].error.as_str()
        ),
        ("tenant", "no such key: `x-tenant`")
    );
}

#[test]
fn a_deciding_operand_absorbs_the_others_error() {
    for (op, deciding, expected) in [
        (Op::Or, true, "block p"),
        (Op::And, false, "allow -"),
        (Op::Or, false, "allow -"),
    ] {
        for error_first in [false, true] {
            let mut compiled = compiled();
            let missing = header(&mut compiled, "absent");
            let word = text(&mut compiled, "x");
            let error = call(&mut compiled, Op::Eq, &[missing, word]);
            let constant = compiled.builder.program.bool(deciding);
            let args = if error_first {
                [error, constant]
            } else {
                [constant, error]
            };
            let mut block = policy("p", ActionKind::Block);
            block.when = Some(call(&mut compiled, op, &args));
            compiled.policies = vec![block];
            assert_eq!(
                verdict(&load(&compiled), "/", &[]),
                expected,
                "{op:?} {deciding}"
            );
        }
    }
}

#[test]
fn the_event_says_what_the_deciding_policy_read() {
    let mut compiled = compiled();
    let mut bots = policy("bots", ActionKind::Challenge);
    let score = score_at_least(&mut compiled, 70);
    let cookie = compiled.builder.program.named(Op::HasHeader, "cookie");
    bots.when = Some(call(&mut compiled, Op::And, &[score, cookie]));
    compiled.policies = vec![bots];
    let headers: [(&str, &[u8]); 2] = [("x-bot-score", b"85"), ("cookie", b"secret=1")];
    let Decision::Denial(denial) = decision(&load(&compiled), "/a?b", &headers) else {
        panic!("a challenge")
    };
    let event = denial.outcome().event.as_ref().unwrap().decode();
    let inputs: Vec<(&str, &str)> = event
        .inputs
        .iter()
        .map(|input| (input.name.as_str(), input.value.as_str()))
        .collect();
    assert_eq!(
        inputs,
        [
            ("score", "85"),
            ("request.headers[\"cookie\"]", "(present)")
        ]
    );
    assert_eq!(
        (event.path.as_str(), event.host.as_str()),
        ("/a", "shop.example.com")
    );
    assert_eq!(event.client_address, "127.0.0.1");
}

#[test]
fn the_client_is_the_last_address_that_no_trusted_hop_vouches_for() {
    let mut compiled = compiled();
    compiled.trusted_hops.push(("10.0.0.0".parse().unwrap(), 8));
    let revision = load(&compiled);
    for (forwarded, client) in [
        (&[][..], "127.0.0.1"),
        (&[b"203.0.113.7".as_slice()], "203.0.113.7"),
        (&[b"198.51.100.1, 203.0.113.7, 10.0.0.5"], "203.0.113.7"),
        (&[b"198.51.100.1", b"203.0.113.7"], "203.0.113.7"),
        (&[b"203.0.113.7, nonsense, 10.0.0.5"], "10.0.0.5"),
        (&[b"203.0.113.7, \xff"], "127.0.0.1"),
        (&[b"[2001:db8::1]:443"], "2001:db8::1"),
    ] {
        let headers: Vec<(&str, &[u8])> = forwarded
            .iter()
            .map(|value| ("x-forwarded-for", *value))
            .collect();
        let Decision::Permit(permit) = decision(&revision, "/", &headers) else {
            panic!("a permit")
        };
        assert_eq!(
            permit
                .outcome()
                .event
                .as_ref()
                .unwrap()
                .decode()
                .client_address,
            client,
            "{forwarded:?}"
        );
    }
}

#[test]
fn a_plain_allow_is_sampled_and_everything_else_is_an_event() {
    let mut compiled = checkout();
    compiled.settings.allow_sampling = 0;
    let revision = load(&compiled);
    let Decision::Permit(permit) = decision(&revision, "/", &[]) else {
        panic!("a permit")
    };
    assert!(permit.outcome().event.is_none());
    let Decision::Denial(denial) = decision(&revision, "/checkout/", &[]) else {
        panic!("a challenge")
    };
    assert_eq!(denial.outcome().event.as_ref().unwrap().decode().weight, 1);
}

#[test]
fn headers_that_are_no_text_still_show_the_rest_of_themselves() {
    let mut compiled = compiled();
    let agent = header(&mut compiled, "user-agent");
    let word = text(&mut compiled, "sqlmap");
    let mut block = policy("scanner", ActionKind::Block);
    block.when = Some(call(&mut compiled, Op::Contains, &[agent, word]));
    compiled.policies = vec![block];
    assert_eq!(
        verdict(
            &load(&compiled),
            "/",
            &[("user-agent", b"\xff sqlmap \xfe")]
        ),
        "block scanner"
    );
}

fn signal(name: &str, reason: &str, verdict: Verdict) -> SignalSpec {
    SignalSpec {
        name: name.to_owned(),
        when: None,
        weight: 10,
        reason: reason.to_owned(),
        verdict,
    }
}

#[test]
fn an_enforced_verdict_decides_where_no_policy_did() {
    use crate::{
        ChallengeVerdict as On,
        VerdictMode::{Enforce, Observe},
    };
    let good = session(json!({}));
    for (mode, challenge, given, cookie, expected) in [
        (Observe, On::Block, Verdict::Block, false, "allow -"),
        (Enforce, On::Allow, Verdict::Allow, false, "allow -"),
        (Enforce, On::Allow, Verdict::Block, false, "block (verdict)"),
        (Enforce, On::Allow, Verdict::Challenge, false, "allow -"),
        (
            Enforce,
            On::Block,
            Verdict::Challenge,
            false,
            "block (verdict)",
        ),
        (
            Enforce,
            On::Challenge,
            Verdict::Challenge,
            false,
            "challenge (verdict)",
        ),
        (Enforce, On::Challenge, Verdict::Challenge, true, "allow -"),
        (
            Enforce,
            On::Block,
            Verdict::Challenge,
            true,
            "block (verdict)",
        ),
    ] {
        let mut compiled = compiled();
        compiled.settings.verdicts.mode = mode;
        compiled.settings.verdicts.challenge = challenge;
        compiled.signals = vec![signal("s", "R", given), signal("t", "Q", Verdict::Allow)];
        let revision = load(&compiled);
        let headers: &[(&str, &[u8])] = &[("cookie", &good)];
        let headers = if cookie { headers } else { &[] };
        assert_eq!(
            verdict(&revision, "/", headers),
            expected,
            "{mode:?} {challenge:?} {given:?}"
        );
    }
}

#[test]
fn a_policy_that_decides_stands_before_the_verdict() {
    let mut compiled = compiled();
    compiled.settings.verdicts.mode = crate::VerdictMode::Enforce;
    compiled.signals = vec![signal("s", "R", Verdict::Block)];
    compiled.policies = vec![endpoints(
        policy("public", ActionKind::Allow),
        &["/public/*"],
    )];
    let revision = load(&compiled);
    assert_eq!(verdict(&revision, "/public/a", &[]), "allow public");
    assert_eq!(verdict(&revision, "/other", &[]), "block (verdict)");
}

#[test]
fn a_device_rule_stands_above_the_signals_and_its_reason_is_told() {
    use crate::device::{DeviceRulesBuilder, Subject};
    let mut compiled = compiled();
    compiled.settings.verdicts.mode = crate::VerdictMode::Enforce;
    compiled.signals = vec![signal("s", "R", Verdict::Block)];
    let mut rules = DeviceRulesBuilder::default();
    let address = |text: &str| text.parse().unwrap();
    let ends = crate::Timestamp::from_seconds(crate::testing::NOW);
    rules.add(
        Subject::CidrBlock(address("203.0.113.0"), 24),
        Verdict::Allow,
        None,
    );
    rules.add(
        Subject::CidrBlock(address("203.0.113.7"), 32),
        Verdict::Block,
        Some(ends),
    );
    rules.add(Subject::BrowserId("b-1"), Verdict::Block, None);
    rules.add(Subject::VisitorId("device-1"), Verdict::Allow, None);
    compiled.builder.device_rules(rules).unwrap();
    let revision = load(&compiled);
    let cookie = session(json!({}));
    for (headers, expected, reasons) in [
        (vec![], "block (verdict)", vec!["R"]),
        // The smaller range's rule has ended; the wider one decides.
        (
            vec![("x-forwarded-for", b"203.0.113.7".as_slice())],
            "allow -",
            vec!["RULE_MATCH", "R"],
        ),
        (
            vec![
                ("x-forwarded-for", b"203.0.113.7"),
                ("x-identifier-1", b"b-1"),
            ],
            "block (verdict)",
            vec!["RULE_MATCH", "R"],
        ),
        // The device of the session is the visitor, where no hop names one.
        (
            vec![("cookie", cookie.as_slice()), ("x-identifier-1", b"b-1")],
            "allow -",
            vec!["RULE_MATCH", "R"],
        ),
    ] {
        assert_eq!(verdict(&revision, "/", &headers), expected, "{headers:?}");
        let decision = decision(&revision, "/", &headers);
        assert_eq!(
            decision.outcome().event.as_ref().unwrap().decode().reasons,
            reasons
        );
    }
}

#[test]
fn an_explanation_ends_where_the_decision_does() {
    let mut compiled = checkout();
    compiled.policies.insert(
        0,
        endpoints(policy("other", ActionKind::Block), &["/admin/*"]),
    );
    let missing = header(&mut compiled, "x-tenant");
    let word = text(&mut compiled, "evil");
    let mut tenant = policy("tenant", ActionKind::Block);
    tenant.when = Some(call(&mut compiled, Op::Eq, &[missing, word]));
    compiled.policies.insert(1, tenant);
    compiled.policies.push(policy("last", ActionKind::Block));
    let revision = load(&compiled);
    let headers = crate::testing::headers("/checkout/x", &[]);
    let request = crate::testing::request(&revision, &headers);
    let explained = crate::explain(
        &revision,
        &request,
        &mut crate::WorkerMemory::default(),
        crate::EventId::new(1, [0; 10]),
    );
    let trials: Vec<_> = explained
        .policies
        .iter()
        .map(|policy| (policy.name.as_str(), policy.trial.clone()))
        .collect();
    use crate::{Trial, Unselected};
    assert_eq!(
        trials[0],
        ("other", Some(Trial::Unselected(Unselected::Endpoint)))
    );
    assert!(matches!(trials[1], ("tenant", Some(Trial::Failed(_)))));
    assert_eq!(trials[2], ("checkout", Some(Trial::Decides)));
    assert_eq!(trials[3], ("last", None));
    assert_eq!(
        explained.decider(),
        explained.decision.outcome().policy.as_deref()
    );
}

#[test]
fn a_condition_reads_an_autonomous_system_as_device_rules_do() {
    let mut compiled = compiled();
    let mut of_system = policy("system", ActionKind::Block);
    let asn = attribute(&mut compiled, Attribute::GeoAsn);
    let number = compiled.builder.program.int(13_335);
    of_system.when = Some(call(&mut compiled, Op::Eq, &[asn, number]));
    compiled.policies = vec![of_system];
    let revision = load(&compiled);
    for text in ["13335", "AS13335", "as13335", "As13335", " 13335 "] {
        let headers = [("x-geo-asn", text.as_bytes())];
        assert_eq!(verdict(&revision, "/", &headers), "block system", "{text}");
    }
    for text in [
        "",
        "AS",
        "X13335",
        "ASN13335",
        "+13335",
        "AS AS13335",
        "1333",
    ] {
        let headers = [("x-geo-asn", text.as_bytes())];
        assert_eq!(verdict(&revision, "/", &headers), "allow -", "{text}");
    }
}

#[test]
fn the_host_is_asked_for_what_the_policies_that_are_tried_read() {
    use std::cell::RefCell;

    use crate::{ConnectionSource, EventId, Request, Timestamp, WorkerMemory, decide};

    #[derive(Debug, Default)]
    struct Host(RefCell<Vec<&'static str>>);

    impl ConnectionSource for Host {
        fn peer(&self) -> Option<&[u8]> {
            self.0.borrow_mut().push("peer");
            Some(b"192.0.2.7:4711")
        }
        fn server_name(&self) -> Option<&[u8]> {
            self.0.borrow_mut().push("server name");
            None
        }
        fn tls_version(&self) -> Option<&[u8]> {
            self.0.borrow_mut().push("tls version");
            Some(b"TLSv1.1")
        }
        fn mtls(&self) -> bool {
            self.0.borrow_mut().push("mtls");
            false
        }
        fn ja4(&self) -> Option<&[u8]> {
            self.0.borrow_mut().push("ja4");
            Some(b"t13d")
        }
    }

    let mut compiled = compiled();
    let version = attribute(&mut compiled, Attribute::ConnectionTlsVersion);
    let ja4 = attribute(&mut compiled, Attribute::TlsJa4);
    let words = ["TLSv1", "TLSv1.1", "t10d"].map(|word| text(&mut compiled, word));
    let [old, older, robot] = words;
    let of = |name: &str, when| {
        let mut policy = policy(name, ActionKind::Block);
        policy.endpoints = vec!["/old/*".to_owned()];
        policy.when = Some(when);
        policy
    };
    compiled.policies = vec![
        of("robot", call(&mut compiled, Op::Eq, &[ja4, robot])),
        of("old", call(&mut compiled, Op::Eq, &[version, old])),
        of("older", call(&mut compiled, Op::Eq, &[version, older])),
    ];
    let revision = load(&compiled);
    let asked = |path: &str| {
        let (host, headers) = (Host::default(), crate::testing::headers(path, &[]));
        let source: &dyn ConnectionSource = &host;
        let now = Timestamp::from_seconds(crate::testing::NOW);
        let request = Request::new(&revision, &headers, source, now);
        let (id, mut memory) = (EventId::new(1, [0; 10]), WorkerMemory::default());
        let decision = decide(&revision, &request, &mut memory, id);
        let word = decision.outcome().action;
        let ja4 = decision.outcome().event.as_ref().unwrap().decode().ja4;
        (word, ja4, host.0.take())
    };
    assert_eq!(asked("/new/1"), ("allow", String::new(), vec!["peer"]));
    let (word, ja4, asked) = asked("/old/1");
    assert_eq!((word, ja4.as_str()), ("block", "t13d"));
    // The event tells the fingerprint and what the deciding condition read. The host remembers.
    assert_eq!(asked, ["peer", "ja4", "tls version", "ja4", "tls version"]);
}
