//! Ceremonies that prove nothing. Each is refused for its own reason, which the client is not told,
//! and earns no session.

use anyhow::{Context as _, Result, ensure};
use countersign_e2e::cdp::authenticator::Lies;
use countersign_e2e::ceremony::{Program, Question, with_client_data, without_user_verification};
use countersign_e2e::expect;
use countersign_e2e::forge::ticket_claims;
use countersign_e2e::stack::PUSH_LIMIT;
use countersign_e2e::visitor::Visitor;
use countersign_e2e::wait;
use serde_json::{Value, json};

use super::{World, tells_no_reason, world};

/// A program with a question, and a browser that can answer it.
fn with_question<T>(
    test: impl FnOnce(&World, &mut Program, &mut Visitor, Question) -> Result<T>,
) -> Result<T> {
    world(|world| {
        let browser = world.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &world.stack)?;
        person.open_served("/products")?;
        let mut program = Program::new(&world.stack)?;
        let question = program.begin(&ticket(world))?;
        test(world, &mut program, &mut person, question)
    })
}

fn ticket(world: &World) -> String {
    world.forge.ticket(&ticket_claims(
        &world.stack.authority(),
        "https",
        "/products",
    ))
}

fn is_refused(
    world: &World,
    program: &mut Program,
    (question, answer): (&Question, &Value),
    (cause, status): (&str, u16),
) -> Result<()> {
    let had = program.session().map(str::to_owned);
    let reply = world
        .refuses(cause, || program.finish(question, answer))?
        .expect(status)?;
    expect::problem(&reply)?;
    tells_no_reason(&reply, &[cause, "origin", "clone", "webauthn"])?;
    ensure!(program.session() == had.as_deref(), "a session for {cause}");
    Ok(())
}

#[test]
fn a_replayed_answer_is_refused() -> Result<()> {
    with_question(|world, program, person, question| {
        let answer = person.page.answer(&question)?;
        program.finish(&question, &answer)?.expect(200)?;
        is_refused(
            world,
            program,
            (&question, &answer),
            ("CEREMONY_UNKNOWN", 410),
        )
    })
}

#[test]
fn a_refused_answer_cannot_be_mended() -> Result<()> {
    with_question(|world, program, person, question| {
        let answer = person.page.answer(&question)?;
        let bad = with_client_data(&answer, "origin", "https://evil.example")?;
        is_refused(world, program, (&question, &bad), ("ORIGIN_MISMATCH", 403))?;
        // Taken is taken: the good answer comes too late.
        is_refused(
            world,
            program,
            (&question, &answer),
            ("CEREMONY_UNKNOWN", 410),
        )
    })
}

#[test]
fn an_answer_to_another_challenge_is_refused() -> Result<()> {
    with_question(|world, program, person, question| {
        let other = program.begin(&ticket(world))?;
        let answer = person.page.answer(&other)?;
        is_refused(
            world,
            program,
            (&question, &answer),
            ("CHALLENGE_MISMATCH", 403),
        )?;
        // The other one is its own ceremony and still good.
        program.finish(&other, &answer)?.expect(200)?;
        Ok(())
    })
}

#[test]
fn an_answer_of_another_device_is_refused() -> Result<()> {
    with_question(|world, program, person, question| {
        let answer = person.page.answer(&question)?;
        program.finish(&question, &answer)?.expect(200)?;
        // The device is known now; somebody else presents its next answer.
        let question = program.begin(&ticket(world))?;
        let answer = person.page.answer(&question)?;
        program.forget_cookies();
        is_refused(
            world,
            program,
            (&question, &answer),
            ("CEREMONY_DEVICE", 403),
        )
    })
}

#[test]
fn an_answer_from_a_wrong_origin_is_refused() -> Result<()> {
    for origin in [
        "https://evil.example",
        "https://localhost",
        "http://localhost:80",
    ] {
        with_question(|world, program, person, question| {
            let answer = with_client_data(&person.page.answer(&question)?, "origin", origin)?;
            is_refused(
                world,
                program,
                (&question, &answer),
                ("ORIGIN_MISMATCH", 403),
            )
        })
        .context(origin)?;
    }
    Ok(())
}

#[test]
fn a_registration_without_user_verification_is_refused() -> Result<()> {
    with_question(|world, program, person, question| {
        let answer = without_user_verification(&person.page.answer(&question)?, "localhost")?;
        is_refused(
            world,
            program,
            (&question, &answer),
            ("USER_NOT_VERIFIED", 403),
        )
    })
}

#[test]
fn an_assertion_without_user_verification_is_refused() -> Result<()> {
    with_question(|world, program, person, question| {
        let answer = person.page.answer(&question)?;
        program.finish(&question, &answer)?.expect(200)?;
        let question = program.begin(&ticket(world))?;
        ensure!(question.kind == "authentication", "{question:?}");
        let lies = Lies {
            user_verification: true,
            ..Lies::default()
        };
        let authenticator = person.authenticator.clone();
        person.page.set_lies(&authenticator, lies)?;
        let answer = person.page.answer(&question)?;
        is_refused(
            world,
            program,
            (&question, &answer),
            ("USER_NOT_VERIFIED", 403),
        )
    })
}

#[test]
fn an_assertion_with_a_false_signature_is_refused() -> Result<()> {
    with_question(|world, program, person, question| {
        let answer = person.page.answer(&question)?;
        program.finish(&question, &answer)?.expect(200)?;
        let question = program.begin(&ticket(world))?;
        let authenticator = person.authenticator.clone();
        person.page.set_lies(
            &authenticator,
            Lies {
                signature: true,
                ..Lies::default()
            },
        )?;
        let answer = person.page.answer(&question)?;
        is_refused(
            world,
            program,
            (&question, &answer),
            ("SIGNATURE_INVALID", 403),
        )
    })
}

#[test]
fn an_answer_that_is_no_answer_is_refused() -> Result<()> {
    for (answer, cause) in [
        (json!({}), "ANSWER_MALFORMED"),
        (json!(null), "ANSWER_MALFORMED"),
        (
            json!({"id": "x", "rawId": "x", "type": "public-key", "response": {}}),
            "ANSWER_MALFORMED",
        ),
    ] {
        with_question(|world, program, _, question| {
            is_refused(world, program, (&question, &answer), (cause, 403))
        })
        .with_context(|| answer.to_string())?;
    }
    Ok(())
}

#[test]
fn a_ceremony_of_another_site_is_refused() -> Result<()> {
    world(|world| {
        let client = world.stack.client()?;
        let body = json!({"ticket": ticket(world)});
        let reply = world.refuses("CROSS_SITE", || {
            client.post("/.countersign/ceremonies", &body)
        })?;
        expect::problem(&reply.expect(403)?)?;
        let cross = client.with("sec-fetch-site", "cross-site")?;
        let reply = world.refuses("CROSS_SITE", || {
            cross.post("/.countersign/ceremonies", &body)
        })?;
        expect::problem(&reply.expect(403)?)?;
        Ok(())
    })
}

#[test]
fn a_cloned_credential_is_refused_and_recorded() -> Result<()> {
    world(|world| {
        let browser = world.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &world.stack)?;
        for _ in 0..2 {
            person.pass("/checkout/cart")?;
            person.forget_session()?;
        }
        let held = person.credentials()?;
        let original = held.first().context("no credential")?;
        ensure!(original.sign_count() >= 2, "{original:?}");
        let authenticator = person.authenticator.clone();
        person
            .page
            .put_credential(&authenticator, &original.cloned_at(0))?;

        person.open_challenged("/checkout/cart")?;
        let event = person
            .page
            .text("document.querySelector('#event').textContent")?;
        world.refuses("CREDENTIAL_CLONED", || {
            person.page.click("#verify")?;
            person.wait_for_state("failed")
        })?;
        let shown = person.page.text("document.body.innerText")?;
        ensure!(
            !shown.to_ascii_lowercase().contains("clone"),
            "the page tells: {shown}"
        );
        ensure!(person.session().is_err(), "a session for a clone");
        wait::until("the event tells the cause", PUSH_LIMIT, || {
            let event = world.stack.admin().event(&event)?.context("no event")?;
            let told = event
                .outcomes
                .iter()
                .any(|outcome| outcome.cause == "CREDENTIAL_CLONED");
            Ok(told.then_some(()))
        })
    })
}
