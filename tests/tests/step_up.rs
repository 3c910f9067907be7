//! The backend asks: an upstream's `countersign-step-up` becomes a challenge, and the request is repeated
//! with everything that was in it.
#![allow(
    clippy::indexing_slicing,
    reason = "JSON that is indexed by a name gives null, not a panic"
)]

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::expect::{self, CHALLENGE};
use countersign_e2e::forge::{self, Forge, session_claims, with};
use countersign_e2e::held::{held, posted};
use countersign_e2e::http::{REPLY_LIMIT, Reply, send};
use countersign_e2e::raw::Request;
use countersign_e2e::stack::Stack;
use countersign_e2e::upstream::{Own, Received, Upstream};
use countersign_e2e::visitor::Visitor;
use reqwest::Method;
use serde_json::{Value, json};

const POLICIES: [(&str, &str); 1] = [("step-up.yaml", include_str!("../policies/step-up.yaml"))];

/// Bytes of the upload.
const FILE_BYTES: u32 = 200 * 1024;

/// What must never reach a browser: the body and the cookie of an answer that asks.
const SECRET: &str = "secret-of-the-refusal";

/// The page with the forms of the tests.
const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><title>forms</title>
<script src="/.countersign/countersign.js"></script>
<form id="order" method="post" action="/orders/form?ask=uv">
<input name="item" value="b&#228;r &amp; kn&#xf6;pfe"><input name="sign" value="a=b&amp;c+d"></form>
<form id="upload" method="post" action="/uploads?ask=uv" enctype="multipart/form-data">
<input name="note" value="what it is"><input name="file" type="file"></form>"#;

/// A backend as it would be written: it asks for what the query names while the session lacks it. `always`
/// asks without a look at it, `early` before it has read the body, `cors` lets another origin read.
fn backend(received: &Received) -> Option<Own> {
    let (_, query) = received.target.split_once('?')?;
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value.replace("%3B", ";"))
    };
    let ask = value("ask")?;
    let proven = received.header("countersign-assurance").unwrap_or_default();
    let grade = ask.split(';').next().unwrap_or_default();
    if proven.split(", ").any(|one| one.starts_with(grade)) && !query.contains("always") {
        return None;
    }
    let status =
        value("status").map_or_else(|| "401 Unauthorized".to_owned(), |it| it.replace('+', " "));
    let cors = if query.contains("cors") {
        "access-control-allow-origin: https://shop.example\r\naccess-control-allow-credentials: true\r\n"
    } else {
        ""
    };
    let upgrade = if status.starts_with("101") {
        "upgrade: websocket\r\nconnection: upgrade\r\n"
    } else {
        "connection: close\r\n"
    };
    let length = if received.method == "HEAD" || status.starts_with("101") {
        String::new()
    } else {
        format!("content-length: {}\r\n", SECRET.len())
    };
    let body = if length.is_empty() { "" } else { SECRET };
    let answer = format!(
        "HTTP/1.1 {status}\r\ncountersign-step-up: {ask}\r\nset-cookie: basket={SECRET}\r\n{cors}{upgrade}{length}\r\n{body}"
    );
    Some(if query.contains("early") {
        Own::Early(answer)
    } else {
        Own::After(answer)
    })
}

struct Place {
    stack: Stack,
    upstream: Upstream,
    keys: Forge,
}

fn start() -> Result<Place> {
    let upstream = Upstream::answering(PAGE, backend)?;
    let option = format!("--upstream={}", upstream.address());
    let stack = Stack::start_with("step-up", &POLICIES, &["--no-shop", &option])?;
    let keys = Forge::join(&stack.node_access()?, "e2e-step-up")?;
    Ok(Place {
        stack,
        upstream,
        keys,
    })
}

fn with_place(test: impl FnOnce(&Place) -> Result<()>) -> Result<()> {
    static PLACE: OnceLock<Result<Place>> = OnceLock::new();
    match PLACE.get_or_init(start) {
        Ok(place) => place.stack.watched(|_| test(place)),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

impl Place {
    /// A session of that grade, proven so many seconds ago.
    fn session(&self, acr: &str, age: i64) -> String {
        let claims = with(session_claims("localhost"), "acr", acr);
        let claims = with(claims, "auth_time", forge::now() - age);
        self.keys.session(&claims)
    }
}

/// Nothing of the upstream's answer is in it.
fn nothing_leaked(reply: &Reply) -> Result<()> {
    let told = format!("{:?} {}", reply.headers, reply.body);
    ensure!(!told.contains(SECRET), "{told}");
    ensure!(reply.header("countersign-step-up").is_none(), "{reply}");
    Ok(())
}

/// What arrived twice, since the first answer was "not done": without proof, then with it.
fn asked_and_done(received: &[Received]) -> Result<&Received> {
    let [asked, done] = received else {
        anyhow::bail!("it arrived {} times", received.len());
    };
    let told = |it: &Received| it.header("countersign-assurance").map(str::to_owned);
    ensure!(told(asked).as_deref() == Some("none"), "{asked:?}");
    let proven = told(done).context("nothing told")?;
    ensure!(proven.starts_with("uv"), "{proven}");
    ensure!(
        asked.body == done.body && asked.method == done.method,
        "another request"
    );
    ensure!(
        asked.header("content-type") == done.header("content-type"),
        "{done:?}"
    );
    Ok(done)
}

fn submit(person: &mut Visitor, script: &str, path: &str) -> Result<()> {
    person.open_served("/forms")?;
    person.page.evaluate(script)?;
    person.page.wait_for(&format!(
        "location.pathname === '{CHALLENGE}' && document.readyState === 'complete'"
    ))?;
    person.wait_for_state("ready")?;
    person.verify(path)
}

#[test]
fn a_link_leads_to_the_challenge_and_back_to_the_page() -> Result<()> {
    with_place(|place| {
        let browser = place.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &place.stack)?;
        let path = "/orders/page?ask=uv";
        person.pass(path)?;
        asked_and_done(&place.upstream.got(path))?;
        ensure!(
            person
                .cookie("basket")?
                .is_some_and(|it| it.value != SECRET)
        );
        Ok(())
    })
}

#[test]
fn a_form_is_repeated_byte_for_byte_after_the_upstream_has_asked() -> Result<()> {
    with_place(|place| {
        let browser = place.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &place.stack)?;
        let path = "/orders/form?ask=uv";
        submit(
            &mut person,
            "document.querySelector('#order').submit()",
            path,
        )?;
        let received = place.upstream.received(path);
        let done = asked_and_done(&received)?;
        ensure!(done.body == b"item=b%C3%A4r+%26+kn%C3%B6pfe&sign=a%3Db%26c%2Bd");
        ensure!(done.header("origin") == Some(place.stack.https()));
        Ok(())
    })
}

#[test]
fn an_upload_is_repeated_byte_for_byte_after_the_upstream_has_asked() -> Result<()> {
    with_place(|place| {
        let browser = place.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &place.stack)?;
        let script = format!(
            "(() => {{ const a = new Uint8Array({FILE_BYTES});
             for (let i = 0; i < a.length; i++) a[i] = (Math.imul(i, 2654435761) >>> (i % 4 * 8)) & 255;
             const t = new DataTransfer(); t.items.add(new File([a], 'random.bin'));
             const f = document.querySelector('#upload'); f.elements.file.files = t.files; f.submit(); }})()"
        );
        let path = "/uploads?ask=uv";
        submit(&mut person, &script, path)?;
        let received = place.upstream.received(path);
        let done = asked_and_done(&received)?;
        let file: Vec<u8> = (0..FILE_BYTES)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> (at % 4 * 8)).to_le_bytes()[0])
            .collect();
        ensure!(
            done.body.windows(file.len()).any(|part| part == file),
            "{} bytes without the file",
            done.body.len()
        );
        Ok(())
    })
}

#[test]
fn scripts_wait_for_one_challenge_and_both_requests_are_repeated() -> Result<()> {
    with_place(|place| {
        let browser = place.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &place.stack)?;
        person.open_served("/forms")?;
        person.page.evaluate(
            "new MutationObserver(all => { for (const {addedNodes} of all) for (const node of addedNodes)
               if (node.localName === 'countersign-challenge') window.dialogs = (window.dialogs ?? 0) + 1;
             }).observe(document.body, {childList: true});
             Promise.all([
               fetch('/orders/fetch?ask=uv', {method: 'POST', body: 'by fetch'}),
               new Promise(done => { const x = new XMLHttpRequest(); x.open('PUT', '/orders/xhr?ask=uv');
                 x.onload = () => done(x); x.send('by XHR'); }),
             ]).then(all => { window.done = all.map(a => a.status); });
             null",
        )?;
        let frame = "document.querySelector('countersign-challenge')?.shadowRoot?.querySelector('iframe')?.contentDocument";
        person.page.wait_for(&format!(
            "{frame}?.querySelector('#status')?.dataset.state === 'ready'"
        ))?;
        person
            .page
            .click_on(&format!("{frame}?.querySelector('#verify')"))?;
        person.page.wait_for("window.done")?;
        let done = person.page.evaluate("[window.done, window.dialogs]")?;
        ensure!(done == json!([[200, 200], 1]), "{done}");
        for (path, body) in [
            ("/orders/fetch?ask=uv", "by fetch"),
            ("/orders/xhr?ask=uv", "by XHR"),
        ] {
            let received = place.upstream.received(path);
            ensure!(asked_and_done(&received)?.body == body.as_bytes(), "{path}");
        }
        Ok(())
    })
}

#[test]
fn a_program_is_told_what_is_demanded_and_the_event_says_who_asked() -> Result<()> {
    with_place(|place| {
        let path = "/orders/api?ask=uv%3Bmax-age=300";
        let asked = send(place.stack.client()?.request(Method::POST, path).body("x"))?;
        nothing_leaked(&asked)?;
        let document = expect::problem(&asked.expect(403)?)?;
        ensure!(document["min_assurance"] == "uv" && document["kinds"] == json!(["fido"]));
        let url = expect::text(&document, "challenge_url")?;
        let (_, ticket) = url.split_once("ticket=").context("no ticket")?;
        let claims = forge::read(ticket, 1)?;
        ensure!(
            claims["acr"] == "uv" && claims["max_age"] == 300,
            "{claims}"
        );
        ensure!(claims["policy"] == "orders-may-ask", "{claims}");
        let event = expect::text(&document, "event_id")?;
        let told = place.stack.event(event)?;
        ensure!(
            told["action"] == "challenge"
                && told["step_up_by"] == "demo_shop"
                && told["status"] == 403
                && told["policy"] == "orders-may-ask",
            "{told}"
        );
        ensure!(
            told["explanation"].to_string().contains("wants more proof"),
            "{told}"
        );
        let counted = place.stack.envoy_metrics()?;
        let decisions = "countersign_decisions_total";
        let labels = [("action", "challenge"), ("policy", "orders-may-ask")];
        ensure!(counted.sum(decisions, &labels) >= 1.0);
        ensure!(counted.sum("countersign_notes_total", &[("note", "step_up")]) >= 1.0);
        Ok(())
    })
}

#[test]
fn a_session_that_is_good_enough_is_not_asked_again() -> Result<()> {
    with_place(|place| {
        let client = place.stack.client()?;
        let good = client.with_session(&place.session("uv", 100))?;
        // The upstream asks all the same: its answer goes on, without the demand.
        for demand in ["uv", "effort", "uv%3Bmax-age=200"] {
            let answer = good
                .get(&format!("/orders/satisfied?ask={demand}&always"))?
                .expect(401)?;
            ensure!(answer.body == SECRET, "{answer}");
            ensure!(answer.header("countersign-step-up").is_none(), "{answer}");
        }
        // More, or newer, than there is.
        for demand in ["uv_bound", "uv%3Bmax-age=50"] {
            let asked = good.get(&format!("/orders/satisfied?ask={demand}&always"))?;
            nothing_leaked(&asked)?;
            expect::told_to_prove(asked)?;
        }
        // What the upstream is told is what is so, whatever a client says.
        let path = "/orders/told?ask=uv";
        let lied = client.with("countersign-assurance", "uv")?.get(path)?;
        expect::told_to_prove(lied)?;
        good.get(path)?.expect(200)?;
        let told: Vec<_> = place.upstream.got(path);
        let told = told.iter().map(|it| it.header("countersign-assurance"));
        let told: Vec<_> = told.map(Option::unwrap_or_default).collect();
        ensure!(told.len() == 2 && told[0] == "none", "{told:?}");
        ensure!(told[1].starts_with("uv;age=10"), "{told:?}");
        Ok(())
    })
}

#[test]
fn a_higher_demand_comes_on_top_of_a_policys_own() -> Result<()> {
    with_place(|place| {
        let client = place.stack.client()?;
        let path = "/ladder?ask=uv";
        let ticket = |reply: Reply| -> Result<Value> {
            let document = expect::problem(&reply.expect(403)?)?;
            let url = expect::text(&document, "challenge_url")?;
            forge::read(url.split_once("ticket=").context("no ticket")?.1, 1)
        };
        let first = ticket(client.get(path)?)?;
        ensure!(
            first["acr"] == "effort" && first["kinds"] == json!(["pow"]),
            "{first}"
        );
        ensure!(place.upstream.got(path).is_empty(), "it arrived");
        let some = client.with_session(&place.session("effort", 0))?;
        let then = ticket(some.get(path)?)?;
        ensure!(
            then["acr"] == "uv" && then["kinds"] == json!(["fido"]),
            "{then}"
        );
        let more = client.with_session(&place.session("uv", 0))?;
        more.get(path)?.expect(200)?;
        Ok(())
    })
}

#[test]
fn an_upstream_that_nobody_trusts_cannot_ask() -> Result<()> {
    with_place(|place| {
        let client = place.stack.client()?;
        let notes = |note| -> Result<f64> {
            let counted = place.stack.envoy_metrics()?;
            Ok(counted.sum("countersign_notes_total", &[("note", note)]))
        };
        let before = notes("step_up_untrusted")?;
        let answer = client.get("/strange?ask=uv")?.expect(401)?;
        ensure!(answer.body == SECRET, "{answer}");
        ensure!(answer.header("countersign-step-up").is_none(), "{answer}");
        ensure!(notes("step_up_untrusted")? == before + 1.0);
        // Where nobody is trusted, nothing is looked at.
        let answer = client.get("/elsewhere?ask=uv")?.expect(401)?;
        ensure!(
            answer.header("countersign-step-up") == Some("uv"),
            "{answer}"
        );
        let received = place.upstream.got("/elsewhere?ask=uv");
        ensure!(
            received
                .iter()
                .all(|it| it.header("countersign-assurance").is_none())
        );
        the_doctor_tells_of_it(place)
    })
}

/// That `demo_shop` asked in vain, and that whom the policy trusts in its place is not there.
fn the_doctor_tells_of_it(place: &Place) -> Result<()> {
    let received = place.upstream.got("/strange?ask=uv");
    let event = received
        .iter()
        .find_map(|it| it.header("countersign-event-id"))
        .context("no event id")?;
    let told = place.stack.event(event)?;
    ensure!(told["step_up_by"] == "demo_shop", "{told}");
    let output = place
        .stack
        .cli(&["doctor", "--output=json", "--state-dir=state"])?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let found = report["findings"].as_array().into_iter().flatten();
    let found: Vec<&str> = found
        .filter(|it| it["check"] == "step-up" && it["status"] == "warning")
        .filter_map(|it| it["found"].as_str())
        .collect();
    for part in [
        "`others-may-ask` trusts `another_shop`, and Envoy has no such cluster: it has ",
        "upstreams that may not ask for more proof did",
        "`demo_shop` ",
    ] {
        let told = found.iter().any(|found| found.contains(part));
        ensure!(told, "{part}: {report}");
    }
    Ok(())
}

#[test]
fn a_demand_in_words_that_are_none_drops_the_answer_and_is_told() -> Result<()> {
    with_place(|place| {
        let client = place.stack.client()?;
        for demand in ["please", "uv,uv", "uv%3Bmax-age=soon"] {
            let path = format!("/orders/malformed?ask={demand}&status=200+OK");
            let answer = client.get(&path)?;
            nothing_leaked(&answer)?;
            let document = expect::problem(&answer.expect(502)?)?;
            let event = expect::text(&document, "event_id")?;
            let told = place.stack.event(event)?;
            ensure!(
                told["notes"].to_string().contains("step_up_malformed"),
                "{told}"
            );
        }
        let page = client
            .navigating()?
            .get("/orders/malformed?ask=please")?
            .expect(502)?;
        ensure!(page.body.contains("not yours"), "{page}");
        ensure!(
            place
                .stack
                .logs()
                .contains("asks for proof in words that are none")
        );
        Ok(())
    })
}

#[test]
fn head_grpc_and_web_sockets_are_told_in_their_own_words() -> Result<()> {
    with_place(|place| {
        let port = place.stack.http_port();
        let head = Request::new("HEAD", "/orders/head?ask=uv", "localhost").send(port)?;
        nothing_leaked(&head)?;
        ensure!(head.status == 403 && head.body.is_empty(), "{head}");
        ensure!(head.header("countersign-challenge").is_some(), "{head}");

        let call = |kind: &str| {
            let request = place
                .stack
                .client()?
                .request(Method::POST, "/orders/call?ask=uv");
            let request = request
                .header("content-type", kind)
                .header("te", "trailers");
            send(request.body(vec![0; 5]))?.expect(200)
        };
        let native = call("application/grpc")?;
        nothing_leaked(&native)?;
        ensure!(native.header("grpc-status") == Some("16"), "{native}");
        ensure!(native.header("countersign-challenge").is_some(), "{native}");
        let web = call("application/grpc-web+proto")?;
        ensure!(web.body.contains("grpc-status: 16"), "{web}");

        // Before it has been accepted, and (a backend that does not know better) after.
        for status in ["401+Unauthorized", "101+Switching+Protocols"] {
            let path = format!("/orders/socket?ask=uv&status={status}");
            let answer = Request::new("GET", &path, "localhost");
            let answer = upgrade(answer.header("sec-fetch-mode", "websocket"), port)?;
            ensure!(answer.starts_with("HTTP/1.1 403"), "{status}: {answer}");
            ensure!(answer.contains("countersign-challenge: "), "{answer}");
            ensure!(!answer.contains(SECRET), "{answer}");
        }
        Ok(())
    })
}

/// What is answered to a request for a web socket, as it came.
fn upgrade(request: Request, port: u16) -> Result<String> {
    let answer = request
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .send(port)?;
    Ok(format!(
        "HTTP/1.1 {} {:?} {}",
        answer.status, answer.headers, answer.body
    )
    .replace("\": \"", ": "))
}

#[test]
fn a_body_that_is_too_large_to_be_kept_is_told_so() -> Result<()> {
    with_place(|place| {
        let client = place.stack.client()?;
        let path = "/small?ask=uv";
        let refused = posted(&client, Method::POST, path, vec![b'x'; 1001])?.expect(413)?;
        nothing_leaked(&refused)?;
        ensure!(refused.body.contains("Give the proof first"), "{refused}");
        let chunked = Request::new("POST", path, "localhost")
            .navigating()
            .chunked(&[b'x'; 5000])
            .send(place.stack.http_port())?;
        chunked.expect(413)?;
        let kept = posted(&client, Method::POST, path, vec![b'x'; 1000])?;
        held(kept)?;
        // Where the upstream does not ask, nothing is too large.
        let large = posted(&client, Method::POST, "/small", vec![b'x'; 5_000])?;
        large.expect(200)?;
        Ok(())
    })
}

/// Envoy drops the rest of a request whose answer is there: it is told so, and nobody waits for it.
#[test]
fn an_upstream_that_asks_before_the_body_has_come_is_told_of_at_once() -> Result<()> {
    with_place(|place| {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, place.stack.http_port()))?;
        stream.set_read_timeout(Some(REPLY_LIMIT))?;
        let head = "POST /orders/early?ask=uv&early HTTP/1.1\r\nhost: localhost\r\nsec-fetch-mode: navigate\r\naccept: text/html\r\nconnection: close\r\ncontent-length: 8\r\n\r\nhalf";
        stream.write_all(head.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        ensure!(answer.contains("Give the proof first"), "{answer}");
        ensure!(!answer.contains(SECRET), "{answer}");
        Ok(())
    })
}

#[test]
fn a_script_of_another_origin_may_read_the_challenge_where_it_might_read_the_answer() -> Result<()>
{
    with_place(|place| {
        let client = place
            .stack
            .client()?
            .with("origin", "https://shop.example")?;
        let asked = client.get("/orders/cors?ask=uv&cors")?.expect(403)?;
        let allowed = asked.header("access-control-allow-origin");
        ensure!(allowed == Some("https://shop.example"), "{asked}");
        let exposed = asked
            .header("access-control-expose-headers")
            .unwrap_or_default();
        ensure!(exposed.contains("countersign-challenge"), "{asked}");
        let closed = client.get("/orders/cors?ask=uv")?.expect(403)?;
        ensure!(
            closed.header("access-control-allow-origin").is_none(),
            "{closed}"
        );
        Ok(())
    })
}
