//! Every action with its reply, and what is permitted before any policy.

use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::http::send;
use countersign_e2e::raw::Request;
use countersign_e2e::stack::Stack;
use countersign_e2e::{expect, forge, tour};
use reqwest::Method;

fn with_stack(test: impl FnOnce(&Stack) -> Result<()>) -> Result<()> {
    static STACK: OnceLock<Result<Stack>> = OnceLock::new();
    let replies = ("replies.yaml", include_str!("../policies/replies.yaml"));
    match STACK.get_or_init(|| Stack::start("replies", &[tour::POLICIES[0], replies])) {
        Ok(stack) => stack.watched(test),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

#[test]
fn a_block_is_a_page_for_a_person_and_a_document_for_a_program() -> Result<()> {
    with_stack(|stack| {
        let page = stack.client()?.navigating()?.get("/products/blocked")?;
        let kind = page.header("content-type").unwrap_or_default().to_owned();
        let body = page.body.clone();
        let event = expect::blocked(page)?;
        ensure!(
            kind.starts_with("text/html") && body.contains(&event),
            "{kind}: {body}"
        );
        let program = stack.client()?.get("/products/blocked")?;
        let document = expect::problem(&program)?;
        ensure!(
            document["event_id"].as_str() == Some(&expect::blocked(program)?),
            "{document}"
        );
        Ok(())
    })
}

#[test]
fn a_redirect_goes_where_its_policy_says() -> Result<()> {
    with_stack(|stack| {
        for (path, status, location) in [
            ("/products/moved-302", 302, "/products/new"),
            (
                "/products/moved-307",
                307,
                "https://example.com/elsewhere?a=b",
            ),
            ("/products/moved-308", 308, "/products/new"),
        ] {
            let reply = stack.client()?.get(path)?.expect(status)?;
            ensure!(reply.location()? == location, "{path}: {reply}");
            ensure!(
                reply.header("cache-control") == Some("no-store"),
                "{path}: {reply}"
            );
            reply.event_id()?;
        }
        Ok(())
    })
}

#[test]
fn a_monitor_and_a_policy_in_monitor_mode_change_nothing() -> Result<()> {
    with_stack(|stack| {
        expect::served(stack.client()?.get("/products/watched")?)?;
        expect::served(stack.client()?.get("/products/would-block")?)?;
        Ok(())
    })
}

#[test]
fn an_allow_ends_the_evaluation() -> Result<()> {
    with_stack(|stack| {
        expect::served(stack.client()?.get("/products/allowed-first")?)?;
        Ok(())
    })
}

#[test]
fn methods_and_hosts_select() -> Result<()> {
    with_stack(|stack| {
        let client = stack.client()?;
        let path = "/products/only-delete";
        expect::served(client.get(path)?)?;
        expect::blocked(send(client.request(Method::DELETE, path))?)?;
        expect::served(client.get("/products/only-shop-test")?)?;
        expect::blocked(
            stack
                .client_of("shop.test")?
                .get("/products/only-shop-test")?,
        )?;
        Ok(())
    })
}

#[test]
fn every_operator_of_a_condition_works_in_the_real_filter() -> Result<()> {
    with_stack(|stack| {
        for name in [
            "compare",
            "and-or-not",
            "in-list",
            "in-cidrs",
            "starts",
            "ends",
            "contains",
            "matches",
            "has",
            "key-in",
        ] {
            let client = stack.client()?;
            let path = format!("/products/when/{name}");
            expect::served(client.get(&path)?).with_context(|| format!("{name} does not hold"))?;
            // `has` takes a field's name, which has no dash.
            let holding = client.with("x-case", "yes-42")?.with("xcase", "1")?;
            let holding = holding.get(&path)?;
            expect::blocked(holding).with_context(|| format!("{name} holds"))?;
        }
        Ok(())
    })
}

#[test]
fn what_the_host_knows_of_a_connection_can_be_read() -> Result<()> {
    with_stack(|stack| {
        expect::blocked(stack.client()?.get("/products/connection/tls")?)?;
        let plain =
            Request::get("/products/connection/tls", "localhost").send(stack.http_port())?;
        expect::served(plain)?;
        let client = stack.client()?;
        let german = client.with("x-geo-country", "DE")?;
        expect::served(german.get("/products/connection/geo")?)?;
        let network = german.with("x-geo-asn", "AS64496")?;
        expect::blocked(network.get("/products/connection/geo")?)?;
        Ok(())
    })
}

#[test]
fn the_tls_client_is_known_by_its_fingerprint() -> Result<()> {
    with_stack(|stack| {
        // The condition asks for a JA4 that begins as TLS over TCP does.
        expect::blocked(stack.client()?.get("/products/ja4")?)?;
        let plain = Request::get("/products/ja4", "localhost").send(stack.http_port())?;
        expect::served(plain)?;
        Ok(())
    })
}

#[test]
fn a_challenge_over_plaintext_goes_to_https_first() -> Result<()> {
    with_stack(|stack| {
        let port = stack.https_port();
        let ask = |request: Request| request.send(stack.http_port());
        let page = ask(Request::get("/checkout/a?b=c", "shop.test:80").navigating())?;
        let page = page.expect(307)?;
        let https = format!("https://shop.test:{port}/checkout/a?b=c");
        ensure!(page.location()? == https, "{page}");
        let told = expect::told_to_prove(ask(Request::get("/checkout/a", "shop.test:80"))?)?;
        let url = expect::text(&told, "challenge_url")?;
        ensure!(
            url.starts_with(&format!("https://shop.test:{port}/")),
            "{url}"
        );
        // Only localhost is a secure context without TLS.
        let local = ask(Request::get("/checkout/a", "localhost").navigating())?;
        expect::sent_to_challenge(local)?;
        Ok(())
    })
}

#[test]
fn a_form_that_is_challenged_leads_back_to_where_it_came_from() -> Result<()> {
    with_stack(|stack| {
        let client = stack.client()?.navigating()?;
        let post = |referer: &str| {
            let request = client.request(Method::POST, "/checkout/pay");
            let ticket = expect::sent_to_challenge(send(request.header("referer", referer))?)?;
            let claims = forge::read(&ticket, 1)?;
            anyhow::Ok(claims["path"].as_str().unwrap_or_default().to_owned())
        };
        let own = format!("{}/products?a=b", stack.https());
        ensure!(post(&own)? == "/products?a=b");
        ensure!(post("https://evil.example/x")? == "/");
        Ok(())
    })
}

#[test]
fn what_must_never_be_challenged_is_not() -> Result<()> {
    with_stack(|stack| {
        let scored = stack.client()?.with_score("100")?;
        let acme = scored.get("/.well-known/acme-challenge/token")?;
        ensure!(acme.status == 404, "the shop has none: {acme}");
        let preflight = scored
            .request(Method::OPTIONS, "/checkout/a")
            .header("origin", "https://app.example")
            .header("access-control-request-method", "POST");
        let preflight = send(preflight)?;
        ensure!(
            preflight.header("countersign-challenge").is_none(),
            "{preflight}"
        );
        ensure!(preflight.status != 403, "{preflight}");
        expect::told_to_prove(send(scored.request(Method::OPTIONS, "/checkout/a"))?)
            .context("OPTIONS that is no preflight")?;
        scored.get("/.countersign/jwks.json")?.expect(200)?;
        Ok(())
    })
}

#[test]
fn the_upstream_sees_the_event_and_no_forged_copy() -> Result<()> {
    with_stack(|stack| {
        let client = stack.client()?.with("countersign-event-id", "forged")?;
        let echo = client
            .with("countersign-verdict", "ALLOW")?
            .get("/api/echo")?
            .expect(200)?
            .json()?;
        let headers = &echo["headers"];
        let id = headers["countersign-event-id"].as_array();
        ensure!(
            id.is_some_and(|id| id.len() == 1 && id[0] != "forged"),
            "{headers}"
        );
        ensure!(headers["countersign-verdict"].is_null(), "{headers}");
        Ok(())
    })
}

#[test]
fn a_max_age_asks_again_although_the_session_is_good() -> Result<()> {
    with_stack(|stack| {
        let keys = forge::Forge::join(&stack.node_access()?, "e2e-ages")?;
        let claims = forge::session_claims("localhost");
        let old = forge::with(claims.clone(), "auth_time", forge::now() - 120);
        let client = stack.client()?;
        let fresh = client.with_session(&keys.session(&claims))?;
        let old = client.with_session(&keys.session(&old))?;
        expect::served(fresh.get("/checkout/fresh/a")?)?;
        expect::told_to_prove(old.get("/checkout/fresh/a")?)?;
        expect::served(old.get("/checkout/a")?)?;
        Ok(())
    })
}

#[test]
fn a_revoked_session_is_asked_again_and_one_taken_back_is_good() -> Result<()> {
    with_stack(|stack| {
        let keys = forge::Forge::join(&stack.node_access()?, "e2e-revoked")?;
        let session = |jti: &str, device: &str| -> Result<_> {
            let claims = forge::session_claims("localhost");
            let claims = forge::with(forge::with(claims, "jti", jti), "sub", device);
            stack.client()?.with_session(&keys.session(&claims))
        };
        let revoked = session("e2e-session-1", "e2e-device-1")?;
        let same_device = session("e2e-session-2", "e2e-device-1")?;
        let another = session("e2e-session-3", "e2e-device-2")?;
        expect::served(revoked.get("/checkout/a")?)?;

        let id = stack.admin().revoke_session("e2e-session-1")?;
        stack.wait_until_live()?;
        expect::told_to_prove(revoked.get("/checkout/a")?)?;
        expect::served(same_device.get("/checkout/a")?)?;

        stack.admin().revoke_device("e2e-device-1")?;
        stack.wait_until_live()?;
        expect::told_to_prove(same_device.get("/checkout/a")?)?;
        expect::served(another.get("/checkout/a")?)?;

        stack.admin().unrevoke(&id)?;
        let again = stack.admin().unrevoke(&id);
        ensure!(
            again.is_err_and(|status| status.code() == tonic::Code::NotFound),
            "a revocation is taken back once"
        );
        Ok(())
    })
}

#[test]
fn a_request_that_the_filter_did_not_judge_is_refused_by_the_guard() -> Result<()> {
    let mut stack = Stack::start("guard", &tour::POLICIES)?;
    stack.watched_mut(|stack| {
        expect::served(stack.client()?.get("/")?)?;
        // As Envoy skips a filter that one of its workers could not set up.
        stack.restart_envoy_with(|bootstrap| {
            let filter = "- name: countersign\n            config_discovery:";
            bootstrap.replace(
                filter,
                &filter.replace("config_", "disabled: true\n            config_"),
            )
        })?;
        for path in ["/", "/checkout/cart", "/.countersign/jwks.json"] {
            let reply = stack.client()?.get(path)?.expect(403)?;
            ensure!(
                reply.header("countersign-event-id").is_none(),
                "the filter answered: {reply}"
            );
            ensure!(
                reply.header("cache-control") == Some("no-store")
                    && reply.header("content-type") == Some("application/problem+json")
                    && !reply.body.contains("RBAC"),
                "the guard's own words: {reply}"
            );
        }
        let denied = stack.envoy_admin("/stats?filter=countersign_guard.denied")?;
        let denied = denied
            .trim()
            .rsplit(' ')
            .next()
            .unwrap_or_default()
            .parse::<u64>()?;
        ensure!(denied >= 3, "the guard counted {denied}");
        Ok(())
    })?;
    stack.stop()
}
