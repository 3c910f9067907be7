use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{BEARER_TYPE, Carried};
use crate::session::{SessionState, present};
use crate::testing::{self, claims, compiled, cookie, load, token, token_with, with};
use crate::{Decision, SessionCache};

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": BEARER_TYPE, "kid": "k1"})
}

fn bearer() -> String {
    token_with(&header(), &claims())
}

/// What the request presents, and whether it brings a token of ours.
fn presented(more: &[(&str, &[u8])]) -> (SessionState, bool) {
    let revision = load(&compiled());
    let headers = testing::headers("/", more);
    let request = testing::request(&revision, &headers);
    let state = present(&revision, &request, &mut SessionCache::default());
    (state, Carried::token(&revision, &request).is_some())
}

fn with_authorization(value: &str) -> (&'static str, bool) {
    let (state, own) = presented(&[("authorization", value.as_bytes())]);
    (state.word(), own)
}

#[test]
fn a_token_of_ours_in_authorization_is_a_session() {
    for scheme in ["Bearer", "bearer", "BEARER ", "Bearer  "] {
        let value = format!("{scheme} {}", bearer());
        assert_eq!(with_authorization(&value), ("valid", true), "{scheme:?}");
    }
}

#[test]
fn tokens_of_others_are_neither_looked_at_nor_counted() {
    let of = |change: Value| token_with(&with(header(), change), &claims());
    let long = json!({"x5c": "a".repeat(400)});
    for value in [
        "Basic dXNlcjpwYXNz".to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer opaque-token".to_owned(),
        "Bearer a.b.c".to_owned(),
        format!("Token {}", bearer()),
        bearer(),
        // Somebody else's JWT, even one that is signed alike.
        format!("Bearer {}", token(&claims())),
        format!("Bearer {}", of(json!({"typ": "at+jwt"}))),
        // Another gateway's of our kind: its own filter stands behind this one.
        format!("Bearer {}", of(json!({"kid": "k2"}))),
        format!("Bearer {}", of(json!({"kid": null}))),
        format!("Bearer {}", of(json!({"typ": "JWT", "x": BEARER_TYPE}))),
        format!("Bearer {}", of(long)),
        format!("Bearer \u{fffd}{}", bearer()),
    ] {
        assert_eq!(with_authorization(&value), ("absent", false), "{value:.60}");
    }
    let twice = bearer();
    let value = format!("Bearer {twice}");
    let (state, own) = presented(&[
        ("authorization", value.as_bytes()),
        ("authorization", b"Basic dXNlcjpwYXNz"),
    ]);
    assert_eq!((state.word(), own), ("absent", false));
}

#[test]
fn a_token_of_ours_that_is_not_good_is_refused_and_still_ours() {
    let claimed = |change: Value| token_with(&header(), &with(claims(), change));
    let good = bearer();
    let (signed, _) = good.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode([1; 64]));
    for (token, problem) in [
        (forged, "signature"),
        (format!("{good}.x"), "malformed"),
        (claimed(json!({"exp": 1})), "expired"),
        (claimed(json!({"aud": "other.example.com"})), "audience"),
        (claimed(json!({"cnf": {"x5t#S256": "a"}})), "claims"),
        (claimed(json!({"cnf": {"jkt": "short"}})), "claims"),
        (
            token_with(&with(header(), json!({"alg": "none"})), &claims()),
            "algorithm",
        ),
    ] {
        let told = with_authorization(&format!("Bearer {token}"));
        assert_eq!(told, (problem, true));
    }
}

#[test]
fn a_token_is_good_only_for_what_carries_it() {
    let revision = load(&compiled());
    let mut cache = SessionCache::default();
    let bearer = bearer();
    let authorization = format!("Bearer {bearer}");
    let in_cookie = cookie(&bearer);
    let mut word = |more: &[(&str, &[u8])]| {
        let headers = testing::headers("/", more);
        let request = testing::request(&revision, &headers);
        present(&revision, &request, &mut cache).word()
    };
    // Remembered or not: the memory does not know how a token came.
    for _ in 0..2 {
        assert_eq!(
            word(&[("authorization", authorization.as_bytes())]),
            "valid"
        );
        assert_eq!(word(&[("cookie", &in_cookie)]), "carrier");
    }
}

#[test]
fn of_a_cookie_and_a_token_the_stronger_one_counts() {
    let weak = token_with(
        &header(),
        &with(claims(), json!({"acr": "effort", "jti": "weak"})),
    );
    let authorization = format!("Bearer {weak}");
    let strong = cookie(&token(&claims()));
    let (state, own) = presented(&[
        ("authorization", authorization.as_bytes()),
        ("cookie", &strong),
    ]);
    assert_eq!(state.valid().unwrap().id, "session-1");
    assert!(own, "it is not for the upstream, whichever counts");
}

#[test]
fn a_decision_says_that_the_token_is_not_for_the_upstream() {
    let revision = load(&compiled());
    let authorization = format!("Bearer {}", bearer());
    let own = |path: &str, value: &str| {
        let decision = testing::decision(&revision, path, &[("authorization", value.as_bytes())]);
        let Decision::Permit(permit) = decision else {
            panic!("permitted")
        };
        permit.outcome().own_token
    };
    assert!(own("/", &authorization));
    assert!(own("/healthz", &authorization), "exempt");
    assert!(!own("/.countersign/token", &authorization), "our own page");
    assert!(!own("/", &format!("Bearer {}", token(&claims()))));
}
