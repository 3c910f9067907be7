//! What a credential is worth: synced, bound to its device, vouched for by a maker who is believed.

use std::path::{Path, PathBuf};

use axum::http::StatusCode;
use countersign_auth_sidecar::app::StartError;
use countersign_auth_sidecar::attestation::AttestationOptions;
use countersign_auth_sidecar::cause::Cause;
use countersign_auth_sidecar::channels::ChannelOptions;
use countersign_webauthn::testing::{Maker, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::authenticator::Authenticator;
use crate::browser::Browser;
use crate::world::{World, folder, sign};

const MODEL: Uuid = Uuid::from_u128(0xcb69481e_8ff7_4039_93ec_0a2729a154a8);

/// A maker, and files that say what is believed of whom.
struct Files {
    folder: PathBuf,
    maker: Maker,
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Files {
    fn new() -> Self {
        let files = Self {
            folder: folder(),
            maker: Maker::new("A"),
        };
        files.write("roots.pem", &files.maker.root_pem());
        files
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn options(&self) -> ChannelOptions {
        let there = |name: &str| Some(self.path(name)).filter(|path| path.exists());
        ChannelOptions {
            attestation: AttestationOptions {
                attestation_roots: there("roots.pem"),
                authenticators: there("models"),
                authenticator_metadata: there("metadata.json"),
                authenticator_metadata_root: None,
            },
            ..ChannelOptions::default()
        }
    }

    fn report(&self, status: &str) {
        let entry = json!({ "aaguid": MODEL, "statusReports": [{ "status": status }] });
        self.write("metadata.json", &json!({ "entries": [entry] }).to_string());
        // Written within the same tick of the file system's clock as the one before, perhaps.
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
        let file = std::fs::File::options()
            .write(true)
            .open(self.path("metadata.json"));
        file.unwrap().set_modified(later).unwrap();
    }

    fn authenticator(&self) -> Authenticator {
        Authenticator {
            aaguid: MODEL,
            statement: self.maker.statement(MODEL),
            ..Authenticator::new()
        }
    }
}

fn demanding(world: &World, acr: &str) -> String {
    world.ticket_with("acr", json!(acr))
}

#[tokio::test]
async fn a_maker_who_is_believed_makes_an_answer_attested_now_and_next_time() {
    let files = Files::new();
    let world = World::with(files.options()).await;
    let mut browser = Browser::of(&world);
    let mut authenticator = files.authenticator();

    let ceremony = browser
        .begin(&demanding(&world, "uv_attested"))
        .await
        .json();
    assert_eq!(ceremony["options"]["attestation"], "direct");
    assert_eq!(ceremony["options"]["attestationFormats"], json!(["packed"]));
    let answer = authenticator.answer(&ceremony, &browser.origin());
    let passed = browser.end(&ceremony, &answer).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    assert_eq!(browser.session()["acr"], "uv_attested");
    assert_eq!(
        browser.session()["amr"],
        json!(["pop", "user", "mfa", "hwk"])
    );

    let ceremony = browser
        .begin(&demanding(&world, "uv_attested"))
        .await
        .json();
    assert_eq!(ceremony["mode"], "authentication");
    let answer = authenticator.answer(&ceremony, &browser.origin());
    let passed = browser.end(&ceremony, &answer).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    assert_eq!(browser.session()["acr"], "uv_attested");
}

#[tokio::test]
async fn whoever_is_not_vouched_for_is_not_attested_whatever_is_said() {
    let files = Files::new();
    let world = World::with(files.options()).await;
    let another_model = Uuid::from_u128(7);
    let strangers = Maker::new("A");
    for (statement, aaguid, cause) in [
        (Statement::None, MODEL, Cause::AttestationUntrusted),
        (Statement::Own, MODEL, Cause::AttestationUntrusted),
        // Of the same name as the one that is believed.
        (
            strangers.statement(MODEL),
            MODEL,
            Cause::AttestationUntrusted,
        ),
        // Vouched for as something else than it says.
        (
            files.maker.statement(another_model),
            MODEL,
            Cause::AttestationInvalid,
        ),
    ] {
        let before = world.refusals(cause);
        let mut browser = Browser::of(&world);
        let mut authenticator = Authenticator {
            aaguid,
            statement,
            ..Authenticator::new()
        };
        let ticket = demanding(&world, "uv_attested");
        let refused = browser.pass(&ticket, &mut authenticator).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
        assert_eq!(world.refusals(cause), before + 1, "{}", cause.name());
        assert!(browser.cookies.is_empty(), "nothing is given");
    }
}

#[tokio::test]
async fn a_maker_is_asked_only_where_it_is_demanded() {
    let files = Files::new();
    let world = World::with(files.options()).await;
    let mut browser = Browser::of(&world);
    let ceremony = browser.begin(&demanding(&world, "uv")).await.json();
    assert_eq!(ceremony["options"]["attestation"], "none");
    let answer = files.authenticator().answer(&ceremony, &browser.origin());
    browser.end(&ceremony, &answer).await;
    assert_eq!(browser.session()["acr"], "uv_bound");
}

#[tokio::test]
async fn an_upgrade_keeps_the_device_and_lesser_demands_are_not_asked_for_again() {
    let files = Files::new();
    let world = World::with(files.options()).await;
    let mut browser = Browser::of(&world);
    let mut plain = Authenticator {
        synced: true,
        ..Authenticator::new()
    };
    let passed = browser.pass(&demanding(&world, "uv"), &mut plain).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    let device = browser.session()["sub"].clone();
    assert_eq!(browser.session()["acr"], "uv");

    // Its synced key cannot reach what is demanded now: it is not asked for, a new one is.
    let mut vouched = files.authenticator();
    let ticket = demanding(&world, "uv_attested");
    let ceremony = browser.begin(&ticket).await.json();
    assert_eq!(ceremony["mode"], "registration");
    let answer = vouched.answer(&ceremony, &browser.origin());
    let passed = browser.end(&ceremony, &answer).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    assert_eq!(
        (&browser.session()["sub"], &browser.session()["acr"]),
        (&device, &json!("uv_attested"))
    );

    // Both keys serve the least demand, one of them the others.
    for (acr, keys) in [("uv", 2), ("uv_bound", 1), ("uv_attested", 1)] {
        let ceremony = browser.begin(&demanding(&world, acr)).await.json();
        assert_eq!(ceremony["mode"], "authentication", "{acr}");
        let asked = ceremony["options"]["allowCredentials"].as_array().unwrap();
        assert_eq!(asked.len(), keys, "{acr}");
    }
}

#[tokio::test]
async fn a_key_that_can_be_copied_is_refused_where_one_is_demanded_that_cannot() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let mut synced = Authenticator {
        synced: true,
        ..Authenticator::new()
    };
    let refused = browser
        .pass(&demanding(&world, "uv_bound"), &mut synced)
        .await;
    assert_eq!(refused.problem(), "credential-synced");
    assert_eq!(world.refusals(Cause::CredentialSynced), 1);
    // The next attempt makes another key instead of asking for the one that will not do.
    let ceremony = browser.begin(&demanding(&world, "uv_bound")).await.json();
    assert_eq!(ceremony["mode"], "registration");
    let answer = Authenticator::new().answer(&ceremony, &browser.origin());
    browser.end(&ceremony, &answer).await;
    assert_eq!(browser.session()["acr"], "uv_bound");
}

#[tokio::test]
async fn models_are_permitted_and_prohibited_by_name() {
    let files = Files::new();
    files.write("models", &format!("prohibit {MODEL}\n"));
    let world = World::with(files.options()).await;
    let mut browser = Browser::of(&world);
    let ticket = demanding(&world, "uv_attested");
    let refused = browser.pass(&ticket, &mut files.authenticator()).await;
    assert_eq!(refused.problem(), "assurance-too-low");
    assert_eq!(world.refusals(Cause::AuthenticatorRefused), 1);

    for (permitted, status) in [
        (Uuid::from_u128(7), StatusCode::FORBIDDEN),
        (MODEL, StatusCode::OK),
    ] {
        files.write("models", &format!("permit {permitted}\n"));
        let world = World::with(files.options()).await;
        let mut browser = Browser::of(&world);
        let ticket = demanding(&world, "uv_attested");
        let answer = browser.pass(&ticket, &mut files.authenticator()).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_model_that_turns_out_to_be_broken_is_refused_at_its_next_answer() {
    for status in [
        "REVOKED",
        "USER_VERIFICATION_BYPASS",
        "ATTESTATION_KEY_COMPROMISE",
    ] {
        let files = Files::new();
        files.write("metadata.json", r#"{"entries": []}"#);
        let world = World::with(files.options()).await;
        let mut browser = Browser::of(&world);
        let mut authenticator = files.authenticator();
        let ticket = demanding(&world, "uv_attested");
        let passed = browser.pass(&ticket, &mut authenticator).await;
        assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);

        // It was asked before anybody knew.
        let asked = browser.begin(&demanding(&world, "uv")).await.json();
        assert_eq!(asked["mode"], "authentication");
        files.report(status);
        world.app.keep_house().await;
        let answer = authenticator.answer(&asked, &browser.origin());
        let refused = browser.end(&asked, &answer).await;
        assert_eq!(refused.problem(), "assurance-too-low");
        assert_eq!(world.refusals(Cause::AuthenticatorRefused), 1, "{status}");

        // And is not asked for any more, however little is demanded.
        let asked = browser.begin(&demanding(&world, "uv")).await.json();
        assert_eq!(asked["mode"], "registration");

        // A file that cannot be read takes nothing back.
        files.write("metadata.json", "{");
        world.app.keep_house().await;
        let refused = browser.begin(&demanding(&world, "uv")).await.json();
        assert_eq!(refused["mode"], "registration");
    }
}

#[tokio::test]
async fn the_authenticators_that_a_policy_accepts_are_those_that_are_asked() {
    let world = World::ready().await;
    let mut claims = world.claims();
    let mut browser = Browser::of(&world);
    for (accepted, attachment, hints) in [
        (json!([]), json!("platform"), json!(["client-device"])),
        (
            json!(["security-key", "hybrid"]),
            json!("cross-platform"),
            json!(["security-key", "hybrid"]),
        ),
        (
            json!(["client-device", "of-tomorrow", "security-key"]),
            Value::Null,
            json!(["client-device", "security-key"]),
        ),
    ] {
        claims["authenticators"] = accepted;
        let asked = browser.begin(&sign(&claims)).await.json();
        let options = &asked["options"];
        assert_eq!(
            options["authenticatorSelection"]["authenticatorAttachment"],
            attachment
        );
        assert_eq!(options["hints"], hints);
    }

    // The person chose one of them.
    let chosen = |class: &str| json!({ "ticket": sign(&claims), "kind": "fido", "input": { "authenticator": class } });
    let asked = browser
        .post("/.countersign/ceremonies", &chosen("security-key"))
        .await
        .json();
    assert_eq!(asked["options"]["hints"], json!(["security-key"]));
    let refused = browser
        .post("/.countersign/ceremonies", &chosen("hybrid"))
        .await;
    assert_eq!(refused.problem(), "authenticator-class");
}

#[tokio::test]
async fn a_browser_that_says_it_used_another_authenticator_is_refused() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let mut key = Authenticator {
        attachment: "cross-platform",
        ..Authenticator::new()
    };
    let refused = browser.pass(&world.ticket(), &mut key).await;
    assert_eq!(refused.problem(), "authenticator-class");
    let ticket = world.ticket_with("authenticators", json!(["security-key"]));
    let passed = browser.pass(&ticket, &mut key).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    // Where only the device itself is accepted, the key that passed elsewhere is refused again.
    let refused = browser.pass(&world.ticket(), &mut key).await;
    assert_eq!(refused.problem(), "authenticator-class");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named_with_the_place_in_it() {
    let files = Files::new();
    let error = async |write: &dyn Fn(&Files)| {
        write(&files);
        let started = World::try_with(files.options()).await;
        let Err(error @ StartError::Channels(_)) = started.map(|_| ()) else {
            panic!("it started");
        };
        let text = error.to_string();
        assert!(text.contains(&files.folder.display().to_string()), "{text}");
        text
    };
    let root = files.maker.root_pem();
    let text = error(&|files| files.write("models", "\npermit 7")).await;
    assert!(text.contains("line 2: `7` is no AAGUID"), "{text}");
    files.write("models", "");
    let text = error(&|files| files.write("metadata.json", "{\n\"entries\": 7}")).await;
    assert!(text.contains("line 2 column"), "{text}");
    let text = error(&|files| files.write("metadata.json", "a.b.c")).await;
    assert!(text.contains("--authenticator-metadata-root"), "{text}");
    std::fs::remove_file(files.path("metadata.json")).unwrap();
    let torn = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let text = error(&|files| files.write("roots.pem", &format!("{root}{torn}"))).await;
    assert!(text.contains("certificate 2"), "{text}");
    let text = error(&|files| files.write("roots.pem", "nothing")).await;
    assert!(text.contains("holds 0 certificates"), "{text}");
    assert!(Path::new(&files.folder).exists());
}
