use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;

use crate::session::{SessionState, present};
use crate::testing::{self, NOW, claims, compiled, load, signing_key, token, token_with, with};
use crate::{Assurance, SessionCache};

fn presented(cookies: &[&[u8]]) -> SessionState {
    let revision = load(&compiled());
    let more: Vec<(&str, &[u8])> = cookies.iter().map(|value| ("cookie", *value)).collect();
    let headers = testing::headers("/", &more);
    present(
        &revision,
        &testing::request(&revision, &headers),
        &mut SessionCache::default(),
    )
}

fn word(token: &str) -> &'static str {
    presented(&[&testing::cookie(token)]).word()
}

#[test]
fn a_good_session_is_accepted_with_its_grade_and_device() {
    let state = presented(&[&testing::cookie(&token(&claims()))]);
    let session = state.valid().unwrap();
    assert_eq!(
        (session.assurance, session.device.as_str()),
        (Assurance::Uv, "device-1")
    );
    assert_eq!(session.authenticated_at, NOW - 60);
}

#[test]
fn a_newer_lesser_proof_counts_for_what_it_is() {
    let also = json!({"also": {"acr": "effort", "auth_time": NOW - 5}});
    let state = presented(&[&testing::cookie(&token(&with(claims(), also)))]);
    let session = state.valid().unwrap();
    let now = crate::Timestamp::from_seconds(NOW);
    for (least, max_age_s, proven) in [
        (Assurance::Effort, 5, true),
        (Assurance::Effort, 4, false),
        (Assurance::Human, 5, false),
        (Assurance::Uv, 60, true),
        (Assurance::Uv, 59, false),
        (Assurance::Uv, 0, true),
        (Assurance::UvBound, 0, false),
    ] {
        let told = session.proves(least, max_age_s, now);
        assert_eq!(told, proven, "{least:?} {max_age_s}");
    }
    // Conditions see the stronger proof and its own age.
    assert_eq!((session.assurance, session.age_s(now)), (Assurance::Uv, 60));
    let wrong = json!({"also": {"acr": "everything", "auth_time": NOW}});
    assert_eq!(word(&token(&with(claims(), wrong))), "claims");
}

#[test]
fn every_bad_cookie_is_refused_with_its_own_problem() {
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": "k1"});
    let altered = |change: serde_json::Value| token_with(&with(header.clone(), change), &claims());
    let claimed = |change: serde_json::Value| token(&with(claims(), change));
    let good = token(&claims());
    let (signed, _) = good.rsplit_once('.').unwrap();
    let hs256 = {
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(json!({"alg": "HS256", "kid": "k1"}).to_string()),
            URL_SAFE_NO_PAD.encode(claims().to_string())
        );
        let mut mac: Hmac<sha2::Sha256> =
            Hmac::new_from_slice(signing_key().verifying_key().as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        format!(
            "{signed}.{}",
            URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
        )
    };
    let none = format!(
        "{}.",
        altered(json!({"alg": "none"})).rsplit_once('.').unwrap().0
    );
    for (token, problem) in [
        (String::new(), "empty"),
        ("a".repeat(8192), "too_long"),
        ("not-a-token".to_owned(), "malformed"),
        ("a.b.c".to_owned(), "malformed"),
        (format!("{good}.extra"), "malformed"),
        (none, "algorithm"),
        (hs256, "algorithm"),
        (altered(json!({"alg": "RS256"})), "algorithm"),
        (altered(json!({"crit": ["exp"]})), "header"),
        (altered(json!({"typ": "countersign-ticket+jwt"})), "header"),
        (altered(json!({"kid": "k2"})), "unknown_key"),
        (altered(json!({"kid": null})), "unknown_key"),
        (
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode([1; 64])),
            "signature",
        ),
        (
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode([1; 10])),
            "signature",
        ),
        (claimed(json!({"acr": "root"})), "claims"),
        (claimed(json!({"exp": null})), "claims"),
        (claimed(json!({"exp": "tomorrow"})), "claims"),
        (claimed(json!({"exp": -1})), "claims"),
        (claimed(json!({"iss": "somebody"})), "issuer"),
        (claimed(json!({"aud": "other.example.com"})), "audience"),
        (claimed(json!({"aud": ["other.example.com"]})), "audience"),
        (claimed(json!({"exp": NOW - 31})), "expired"),
        (claimed(json!({"nbf": NOW + 31})), "not_yet_valid"),
        (claimed(json!({"iat": NOW + 31})), "not_yet_valid"),
    ] {
        assert_eq!(word(&token), problem, "{token:.80}");
    }
}

#[test]
fn within_the_leeway_a_session_is_still_and_already_good() {
    for change in [
        json!({"exp": NOW - 29}),
        json!({"nbf": NOW + 30}),
        json!({"exp": NOW as f64 + 0.5}),
    ] {
        assert_eq!(
            word(&token(&with(claims(), change.clone()))),
            "valid",
            "{change}"
        );
    }
}

#[test]
fn several_audiences_may_name_this_host() {
    assert_eq!(
        word(&token(&with(
            claims(),
            json!({"aud": ["a.example.com", "shop.example.com"]})
        ))),
        "valid"
    );
}

#[test]
fn a_cookie_that_is_not_text_is_refused() {
    assert_eq!(
        presented(&[b"__Host-countersign=\xff\xfe"]).word(),
        "malformed"
    );
    assert_eq!(presented(&[b"\xff; theme=dark"]).word(), "absent");
}

#[test]
fn of_several_cookies_the_strongest_good_one_counts() {
    let good = token(&with(claims(), json!({"jti": "good"})));
    let weak = token(&with(claims(), json!({"jti": "weak", "acr": "effort"})));
    let bad = token(&with(claims(), json!({"exp": 1})));
    for cookies in [
        vec![format!(
            "__Host-countersign={bad}; __Host-countersign={good}"
        )],
        vec![
            format!("__Host-countersign={weak}"),
            format!("__Host-countersign={good}"),
        ],
        vec![
            format!("__Host-countersign={good}"),
            format!("__Host-countersign={weak}"),
        ],
        vec![format!("__Host-countersign=\"{good}\"")],
    ] {
        let bytes: Vec<&[u8]> = cookies.iter().map(String::as_bytes).collect();
        assert_eq!(presented(&bytes).valid().unwrap().id, "good");
    }
}

#[test]
fn a_fifth_session_cookie_is_not_looked_at() {
    let good = token(&claims());
    let after = |count: usize| {
        format!(
            "{}__Host-countersign={good}",
            "__Host-countersign=x; ".repeat(count)
        )
    };
    assert_eq!(presented(&[after(3).as_bytes()]).word(), "valid");
    assert_eq!(presented(&[after(4).as_bytes()]).word(), "malformed");
}

#[test]
fn another_cookie_name_is_another_cookie() {
    let good = token(&claims());
    for name in [
        "__Host-countersignx",
        "x__Host-countersign",
        "__host-countersign",
        "countersign",
    ] {
        assert_eq!(
            presented(&[format!("{name}={good}").as_bytes()]).word(),
            "absent",
            "{name}"
        );
    }
}

#[test]
fn a_revoked_session_or_device_is_refused_and_a_later_one_is_not() {
    let issued = u64::try_from(NOW - 60).unwrap();
    for (what, before, word) in [
        ((false, "session-1"), issued + 1, "revoked"),
        ((true, "device-1"), issued + 1, "revoked"),
        ((true, "device-1"), issued, "valid"),
        ((true, "device-2"), issued + 1, "valid"),
        ((true, "session-1"), issued + 1, "valid"),
        ((false, "device-1"), issued + 1, "valid"),
    ] {
        let mut compiled = compiled();
        let (device, id) = what;
        compiled.revoked = [1, before]
            .map(|before| (device, id.to_owned(), before))
            .to_vec();
        // Neighbours on both sides, of both kinds.
        for other in ["a", "z"] {
            compiled.revoked.push((false, other.to_owned(), u64::MAX));
            compiled.revoked.push((true, other.to_owned(), u64::MAX));
        }
        let revision = load(&compiled);
        let headers = testing::headers("/", &[("cookie", &testing::cookie(&token(&claims())))]);
        let request = testing::request(&revision, &headers);
        assert_eq!(
            present(&revision, &request, &mut SessionCache::default()).word(),
            word,
            "{what:?}"
        );
    }
}

#[test]
fn a_remembered_token_ends_with_its_key() {
    let mut cache = SessionCache::default();
    let headers = testing::headers("/", &[("cookie", &testing::cookie(&token(&claims())))]);
    let revision = load(&compiled());
    for _ in 0..2 {
        assert_eq!(
            present(
                &revision,
                &testing::request(&revision, &headers),
                &mut cache
            )
            .word(),
            "valid"
        );
        assert_eq!(cache.len(), 1);
    }
    let mut rotated = compiled();
    rotated.session_keys[0].1 = ed25519_dalek::SigningKey::from_bytes(&[8; 32])
        .verifying_key()
        .to_bytes()
        .to_vec();
    let rotated = load(&rotated);
    assert_eq!(
        present(&rotated, &testing::request(&rotated, &headers), &mut cache).word(),
        "signature"
    );
}

#[test]
fn the_cache_forgets_before_it_grows_past_its_bound() {
    use crate::limits::MAX_CACHED_SESSIONS;
    let mut cache = SessionCache::default();
    let revision = load(&compiled());
    let signed = crate::session::UnverifiedToken::parse(token(&claims()).as_bytes())
        .unwrap()
        .verify_signature(&revision.view().session_keys)
        .map(std::sync::Arc::new)
        .unwrap();
    for number in 0..MAX_CACHED_SESSIONS * 2 {
        cache.insert(&number.to_le_bytes(), signed.clone());
        assert!(cache.len() <= MAX_CACHED_SESSIONS);
    }
}

#[test]
fn after_two_forged_cookies_no_further_one_costs_a_signature_check() {
    let good = token(&claims());
    let forged = format!(
        "{}.{}",
        good.rsplit_once('.').unwrap().0,
        URL_SAFE_NO_PAD.encode([1; 64])
    );
    let after = |count: usize| {
        let forged = format!("__Host-countersign={forged}; ").repeat(count);
        format!("{forged}__Host-countersign={good}")
    };
    assert_eq!(presented(&[after(1).as_bytes()]).word(), "valid");
    assert_eq!(presented(&[after(2).as_bytes()]).word(), "signature");
}

#[test]
fn a_session_tells_whether_a_key_of_its_device_renews_it() {
    let bound = |change: serde_json::Value| {
        let state = presented(&[&testing::cookie(&token(&with(claims(), change)))]);
        state.valid().map(|session| session.bound)
    };
    assert_eq!(bound(json!({})), Some(false));
    assert_eq!(bound(json!({"bound_until": NOW + 3600})), Some(true));
    // The end of the session does not lengthen a copy.
    let over = json!({"exp": NOW - 31, "bound_until": NOW + 3600});
    assert_eq!(bound(over.clone()), None);
    assert_eq!(word(&token(&with(claims(), over))), "expired");
    assert_eq!(
        word(&token(&with(claims(), json!({"bound_until": "always"})))),
        "claims"
    );
}
