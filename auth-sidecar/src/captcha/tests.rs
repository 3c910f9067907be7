//! Against a server on this machine that speaks siteverify: what each answer, and each lack of one, is
//! worth.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::{Value, json};

use super::provider::{CaptchaOptions, Known};
use super::*;

const NOW: u64 = 1_800_000_000;

type Forms = Arc<Mutex<Vec<HashMap<String, String>>>>;

/// What the stand-in answers is in the token: `STATUS JSON`, or a word for a fault.
async fn siteverify(State(forms): State<Forms>, body: String) -> Response {
    let form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let token = form["response"].clone();
    forms.lock().unwrap().push(form);
    match token.as_str() {
        "never" => std::future::pending().await,
        "drip" => {
            // A byte now and then: each read ends in time, the whole never does.
            let drops = tokio_stream::StreamExt::throttle(
                tokio_stream::iter(std::iter::repeat_with(|| Ok::<_, std::io::Error>(" "))),
                Duration::from_millis(50),
            );
            Body::from_stream(drops).into_response()
        }
        "huge" => {
            let much = tokio_stream::iter(std::iter::repeat_with(|| {
                Ok::<_, std::io::Error>(" ".repeat(4096))
            }));
            Body::from_stream(much).into_response()
        }
        "redirect" => (StatusCode::FOUND, [("location", "/elsewhere")]).into_response(),
        other => {
            let (status, body) = other.split_once(' ').unwrap();
            let status = StatusCode::from_u16(status.parse().unwrap()).unwrap();
            (status, body.to_owned()).into_response()
        }
    }
}

struct Double {
    captcha: Captcha,
    forms: Forms,
}

async fn provider(known: Known, change: impl FnOnce(&mut CaptchaOptions)) -> Double {
    let forms = Forms::default();
    let router = Router::new()
        .route("/siteverify", post(siteverify))
        .with_state(Arc::clone(&forms));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    let secret = std::env::temp_dir().join(format!(
        "countersign-captcha-{}",
        crate::world::opaque_id(&crate::world::SystemRandom).unwrap()
    ));
    std::fs::write(&secret, "s3cret&\n").unwrap();
    let mut options = options(known);
    options.captcha_secret_file = Some(secret.clone());
    change(&mut options);
    let mut captcha = Provider::from_options(&options).unwrap().unwrap();
    std::fs::remove_file(secret).unwrap();
    captcha.provider.verify_url = format!("{base}/siteverify").parse().unwrap();
    Double { captcha, forms }
}

fn options(known: Known) -> CaptchaOptions {
    let custom = |url: &str| (known == Known::Custom).then(|| url.parse().unwrap());
    CaptchaOptions {
        captcha_provider: Some(known),
        captcha_site_key: Some("site".into()),
        captcha_secret_file: None,
        captcha_min_score: 0.0,
        captcha_when_away: WhenAway::Deny,
        captcha_verify_url: custom("http://127.0.0.1:9/siteverify"),
        captcha_script_url: custom("https://captcha.example/api.js"),
        captcha_origins: Vec::new(),
        captcha_api: Api::Turnstile,
    }
}

fn asked(token: &str) -> Asked<'_> {
    Asked {
        token,
        ceremony: "ceremony-1",
        host: "shop.example",
        address: Some([203, 0, 113, 7].into()),
        now_s: NOW,
    }
}

fn good() -> Value {
    let time = jiff::Timestamp::from_second(NOW as i64 - 10).unwrap();
    json!({"success": true, "hostname": "shop.example", "challenge_ts": time.to_string()})
}

fn with(name: &str, value: Value) -> String {
    let mut answer = good();
    answer[name] = value;
    format!("200 {answer}")
}

impl Double {
    async fn worth(&self, token: &str) -> Result<Worth, Cause> {
        self.captcha.verify(asked(token)).await
    }
}

#[tokio::test]
async fn a_token_that_the_provider_vouches_for_is_a_person() {
    let double = provider(Known::Custom, |_| {}).await;
    let token = format!("200 {}", good());
    assert_eq!(double.worth(&token).await, Ok(Worth::Human));
    let forms = double.forms.lock().unwrap();
    assert_eq!(forms[0]["secret"], "s3cret&");
    assert_eq!(forms[0]["response"], token);
    assert_eq!(forms[0]["remoteip"], "203.0.113.7");
}

#[tokio::test]
async fn every_way_to_be_refused_has_its_own_cause() {
    let double = provider(Known::Custom, |_| {}).await;
    let ago = |seconds: i64| {
        let time = jiff::Timestamp::from_second(NOW as i64 - seconds).unwrap();
        with("challenge_ts", json!(time.to_string()))
    };
    let failed = |code: &str| format!("200 {}", json!({"success": false, "error-codes": [code]}));
    for (token, cause) in [
        (failed("invalid-input-response"), Cause::CaptchaRefused),
        (failed("timeout-or-duplicate"), Cause::CaptchaSpent),
        (failed("already-seen-response"), Cause::CaptchaSpent),
        (failed("invalid-input-secret"), Cause::CaptchaSecret),
        ("200 {\"success\":false}".into(), Cause::CaptchaRefused),
        (with("hostname", json!("other.example")), Cause::CaptchaHost),
        (with("hostname", Value::Null), Cause::CaptchaHost),
        (
            with("hostname", json!("shop.example.evil.example")),
            Cause::CaptchaHost,
        ),
        (with("action", json!("login")), Cause::CaptchaCeremony),
        (with("challenge_ts", Value::Null), Cause::CaptchaStale),
        (
            with("challenge_ts", json!("yesterday")),
            Cause::CaptchaStale,
        ),
        (ago(301), Cause::CaptchaStale),
        (ago(-61), Cause::CaptchaStale),
        ("400 no".into(), Cause::CaptchaRefused),
        (String::new(), Cause::AnswerMalformed),
        (
            "x".repeat(limits::CAPTCHA_TOKEN_BYTES + 1),
            Cause::AnswerMalformed,
        ),
    ] {
        assert_eq!(double.worth(&token).await, Err(cause), "{token:.80}");
    }
    for token in [
        ago(300),
        ago(-60),
        with("action", json!("countersign")),
        with("action", json!("")),
    ] {
        assert_eq!(double.worth(&token).await, Ok(Worth::Human), "{token}");
    }
}

#[tokio::test]
async fn a_provider_that_is_away_lets_nobody_pass_unless_the_operator_says_so() {
    let deny = provider(Known::Custom, |_| {}).await;
    let allow = provider(Known::Custom, |options| {
        options.captcha_when_away = WhenAway::Allow;
    })
    .await;
    for token in [
        "500 {}",
        "503 away",
        "429 {}",
        "200 <html>",
        "200 ",
        "200 []",
        "huge",
        "redirect",
    ] {
        assert_eq!(deny.worth(token).await, Err(Cause::CaptchaAway), "{token}");
        assert_eq!(allow.worth(token).await, Ok(Worth::Unchecked), "{token}");
    }
    // What the provider refuses stays refused: `allow` is for outages.
    let refused = "200 {\"success\":false}";
    assert_eq!(allow.worth(refused).await, Err(Cause::CaptchaRefused));
    let mut gone = allow.captcha;
    gone.provider.verify_url = "http://127.0.0.1:9/".parse().unwrap();
    assert_eq!(gone.verify(asked("x")).await, Ok(Worth::Unchecked));
}

#[tokio::test]
async fn a_slow_provider_is_waited_for_within_a_bound() {
    let double = provider(Known::Custom, |_| {}).await;
    for token in ["never", "drip"] {
        let begun = Instant::now();
        assert_eq!(double.worth(token).await, Err(Cause::CaptchaAway));
        let bound = limits::CAPTCHA_TIMEOUT + Duration::from_secs(2);
        assert!(begun.elapsed() < bound, "{token}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_slow_provider_does_not_hold_every_place() {
    let double = Arc::new(provider(Known::Custom, |_| {}).await);
    let waiting: Vec<_> = (0..limits::CAPTCHAS_IN_FLIGHT)
        .map(|_| {
            let double = Arc::clone(&double);
            tokio::spawn(async move { double.worth("never").await })
        })
        .collect();
    while double.captcha.places.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    assert_eq!(double.worth("never").await, Err(Cause::CaptchaAway));
    assert!(begun.elapsed() < Duration::from_millis(500));
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_score_below_the_threshold_is_refused_and_hcaptcha_counts_the_other_way() {
    let scored = |score: f64| with("score", json!(score));
    for (known, least, passes, fails) in [
        (Known::Recaptcha, 0.5, 0.5, 0.49),
        (Known::Hcaptcha, 0.7, 0.3, 0.31),
    ] {
        let double = provider(known, |options| options.captcha_min_score = least).await;
        assert_eq!(double.worth(&scored(passes)).await, Ok(Worth::Human));
        for token in [scored(fails), format!("200 {}", good())] {
            assert_eq!(double.worth(&token).await, Err(Cause::CaptchaScore));
        }
    }
}

#[tokio::test]
async fn a_turnstile_token_belongs_to_its_ceremony() {
    let double = provider(Known::Turnstile, |_| {}).await;
    let ours = with("cdata", json!("ceremony-1"));
    assert_eq!(double.worth(&ours).await, Ok(Worth::Human));
    for token in [
        with("cdata", json!("ceremony-2")),
        format!("200 {}", good()),
    ] {
        assert_eq!(double.worth(&token).await, Err(Cause::CaptchaCeremony));
    }
}

#[test]
fn options_that_cannot_work_are_told_at_the_start() {
    let read = |change: &dyn Fn(&mut CaptchaOptions)| {
        let mut options = options(Known::Custom);
        options.captcha_secret_file = Some("/nonexistent/secret".into());
        change(&mut options);
        match Provider::from_options(&options) {
            Ok(_) => panic!("taken"),
            Err(error) => error.to_string(),
        }
    };
    for (change, word) in [
        (
            &(|_: &mut CaptchaOptions| {}) as &dyn Fn(&mut CaptchaOptions),
            "/nonexistent/secret",
        ),
        (&|o| o.captcha_min_score = 1.1, "between 0 and 1"),
        (&|o| o.captcha_min_score = f64::NAN, "between 0 and 1"),
        (&|o| o.captcha_site_key = None, "--captcha-site-key"),
        (&|o| o.captcha_secret_file = None, "--captcha-secret-file"),
        (&|o| o.captcha_verify_url = None, "--captcha-verify-url"),
        (
            &|o| o.captcha_verify_url = "http://captcha.example/".parse().ok(),
            "in clear",
        ),
        (
            &|o| o.captcha_script_url = "data:text/javascript,0".parse().ok(),
            "https",
        ),
        (
            &|o| o.captcha_origins = vec!["https://a.example".parse().unwrap(); 9],
            "8 at the most",
        ),
        (
            &|o| {
                o.captcha_provider = Some(Known::Hcaptcha);
                o.captcha_verify_url = None;
                o.captcha_script_url = None;
                o.captcha_origins = vec!["https://a.example".parse().unwrap()];
            },
            "--captcha-origins is for --captcha-provider custom",
        ),
        (
            &|o| o.captcha_provider = Some(Known::Turnstile),
            "--captcha-verify-url is for --captcha-provider custom",
        ),
        (
            &|o| {
                o.captcha_provider = Some(Known::Recaptcha);
                o.captcha_verify_url = None;
            },
            "--captcha-script-url is for --captcha-provider custom",
        ),
    ] {
        let error = read(change);
        assert!(error.contains(word), "{error}");
    }
    for part in [
        "http://static.example/",
        "https://somebody@static.example/",
        "https://static.example/?q",
        "https://static.example/;script-src",
        "https://static.example/'unsafe-inline'",
        "data:text/javascript,0",
    ] {
        let error = read(&|o| o.captcha_origins = vec![part.parse().unwrap()]);
        assert!(error.contains("nothing that a page could allow"), "{error}");
    }
    let mut none = options(Known::Custom);
    none.captcha_provider = None;
    assert!(Provider::from_options(&none).unwrap().is_none());
}

#[tokio::test]
async fn a_widget_in_parts_may_load_them_from_where_its_operator_says() {
    let parts = "https://www.gstatic.com/recaptcha/ https://static.example/ http://127.0.0.1:7/";
    let double = provider(Known::Custom, |o| {
        o.captcha_origins = parts.split(' ').map(|part| part.parse().unwrap()).collect();
        o.captcha_api = Api::Grecaptcha;
        o.captcha_min_score = 0.5;
    });
    let provider = double.await.captcha.provider;
    assert_eq!(
        provider.origins,
        [
            "https://captcha.example",
            "https://www.gstatic.com/recaptcha/",
            "https://static.example",
            "http://127.0.0.1:7",
        ]
    );
    assert!(provider.invisible);
}
