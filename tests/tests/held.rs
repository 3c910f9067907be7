//! Forms and uploads that are challenged: nothing of them is lost, and the upstream sees each once.

use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::expect::CHALLENGE;
use countersign_e2e::held::{Prover, brought, held, posted};
use countersign_e2e::http::{Reply, send};
use countersign_e2e::raw::Request;
use countersign_e2e::stack::{Part, Stack};
use countersign_e2e::upstream::Upstream;
use countersign_e2e::visitor::Visitor;
use reqwest::Method;

const POLICIES: [(&str, &str); 1] = [("held.yaml", include_str!("../policies/held.yaml"))];

/// Bytes of the upload.
const FILE_BYTES: u32 = 200 * 1024;

/// The page with the forms of the tests.
const FORMS: &str = r#"<!doctype html><meta charset="utf-8"><title>forms</title>
<form id="order" method="post" action="/orders?from=form">
<input name="item" value="b&#228;r &amp; kn&#xf6;pfe"><input name="sign" value="a=b&amp;c+d"></form>
<form id="upload" method="post" action="/uploads" enctype="multipart/form-data">
<input name="note" value="what it is"><input name="file" type="file"></form>
<form id="text" method="post" action="/orders/text" enctype="text/plain">
<input name="note" value="plain words"></form>
<form id="look" method="post" action="/open" enctype="text/plain">
<input name="countersign-replay" value="not a token"></form>"#;

struct Place {
    stack: Stack,
    upstream: Upstream,
}

fn start(name: &str) -> Result<Place> {
    let upstream = Upstream::start(FORMS)?;
    let option = format!("--upstream={}", upstream.address());
    let stack = Stack::start_with(name, &POLICIES, &["--no-shop", &option])?;
    Ok(Place { stack, upstream })
}

fn with_place(test: impl FnOnce(&Stack, &Upstream) -> Result<()>) -> Result<()> {
    static PLACE: OnceLock<Result<Place>> = OnceLock::new();
    match PLACE.get_or_init(|| start("held")) {
        Ok(place) => place.stack.watched(|stack| test(stack, &place.upstream)),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

/// Submits a form of the page as its button would, and proves; waits until `path` is shown.
fn submit(person: &mut Visitor, form: &str, path: &str) -> Result<()> {
    person.open_served("/forms")?;
    person
        .page
        .evaluate(&format!("document.querySelector('#{form}').submit()"))?;
    person.page.wait_for(&format!(
        "location.pathname === '{CHALLENGE}' && document.readyState === 'complete'"
    ))?;
    person.wait_for_state("ready")?;
    person.verify(path)?;
    ensure!(
        person.page.status() == Some(200),
        "{:?}",
        person.page.status()
    );
    Ok(())
}

#[test]
fn a_form_arrives_once_byte_for_byte_after_the_proof() -> Result<()> {
    with_place(|stack, upstream| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        submit(&mut person, "order", "/orders?from=form")?;
        let received = upstream.once("/orders?from=form")?;
        ensure!(received.method == "POST", "{received:?}");
        let kind = received.header("content-type");
        ensure!(
            kind == Some("application/x-www-form-urlencoded"),
            "{received:?}"
        );
        let body = "item=b%C3%A4r+%26+kn%C3%B6pfe&sign=a%3Db%26c%2Bd";
        ensure!(received.body == body.as_bytes(), "{received:?}");
        ensure!(
            received.header("origin") == Some(stack.https()),
            "{received:?}"
        );
        ensure!(received.header("countersign-event-id").is_some());
        Ok(())
    })
}

/// Byte `at` of the upload; the page computes the same.
const fn file_byte(at: u32) -> u8 {
    (at.wrapping_mul(2_654_435_761) >> (at % 4 * 8)).to_le_bytes()[0]
}

#[test]
fn an_upload_of_200_kib_arrives_once_byte_for_byte_after_the_proof() -> Result<()> {
    with_place(|stack, upstream| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.open_served("/forms")?;
        person.page.evaluate(&format!(
            "(() => {{ const a = new Uint8Array({FILE_BYTES});
             for (let i = 0; i < a.length; i++) a[i] = (Math.imul(i, 2654435761) >>> (i % 4 * 8)) & 255;
             const t = new DataTransfer(); t.items.add(new File([a], 'random.bin'));
             const f = document.querySelector('#upload'); f.elements.file.files = t.files; f.submit(); }})()"
        ))?;
        person.page.wait_for(&format!(
            "location.pathname === '{CHALLENGE}' && document.readyState === 'complete'"
        ))?;
        person.wait_for_state("ready")?;
        person.verify("/uploads")?;
        let received = upstream.once("/uploads")?;
        let kind = received.header("content-type").unwrap_or_default();
        let boundary = kind
            .strip_prefix("multipart/form-data; boundary=")
            .context("no multipart")?;
        let mut body = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"note\"\r\n\r\nwhat it is\r\n\
             --{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"random.bin\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        )
        .replace("content-d", "Content-D")
        .replace("content-t", "Content-T")
        .into_bytes();
        body.extend((0..FILE_BYTES).map(file_byte));
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        ensure!(
            received.body == body,
            "{} bytes differ",
            received.body.len()
        );
        Ok(())
    })
}

#[test]
fn plain_text_is_held_like_anything_else_and_what_looks_like_a_token_passes_untouched() -> Result<()>
{
    with_place(|stack, upstream| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        submit(&mut person, "text", "/orders/text")?;
        let received = upstream.once("/orders/text")?;
        ensure!(
            received.header("content-type") == Some("text/plain")
                && received.body == b"note=plain words\r\n",
            "{received:?}"
        );
        person.open_served("/forms")?;
        person
            .page
            .evaluate("document.querySelector('#look').submit()")?;
        person.page.wait_for("location.pathname === '/open'")?;
        let received = upstream.once("/open")?;
        ensure!(
            received.body == b"countersign-replay=not a token\r\n",
            "{received:?}"
        );
        Ok(())
    })
}

#[test]
fn a_form_that_took_longer_than_the_session_is_repeated() -> Result<()> {
    with_place(|stack, upstream| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        submit(&mut person, "order", "/orders?from=form")?;
        let device = person.device()?;
        let before = upstream.received("/orders?from=form").len();
        person.open_served("/forms")?;
        person.forget_session()?;
        submit(&mut person, "order", "/orders?from=form")?;
        ensure!(upstream.received("/orders?from=form").len() == before + 1);
        ensure!(person.device()? == device, "another device");
        Ok(())
    })
}

#[test]
fn every_method_and_every_way_to_send_a_body_is_repeated_as_it_was() -> Result<()> {
    with_place(|stack, upstream| {
        let browser = stack.browser()?;
        let mut prover = Prover::new(&browser, stack)?;
        let client = stack.client()?;
        let body: Vec<u8> = (0..30_000).map(file_byte).collect();

        for method in [Method::PUT, Method::PATCH, Method::DELETE] {
            let path = format!("/raw/{method}");
            // HTTP/2 over TLS.
            let ticket = prover.held(posted(&client, method.clone(), &path, body.clone())?)?;
            prover.pass(&client, &ticket)?.expect(200)?;
            let received = upstream.once(&path)?;
            ensure!(received.method == method.as_str(), "{}", received.method);
            ensure!(received.header("content-type") == Some("application/x-test"));
            ensure!(received.body == body, "{method} differs");
            prover.program.forget_cookies();
        }

        let raw = |path: &str| {
            Request::new("POST", path, &format!("localhost:{}", stack.http_port()))
                .navigating()
                .header("content-type", "application/x-test")
        };
        let length = body.len().to_string();
        for (path, request) in [
            ("/raw/chunked", raw("/raw/chunked").chunked(&body)),
            (
                "/raw/expect",
                raw("/raw/expect")
                    .header("expect", "100-continue")
                    .header("content-length", &length)
                    .body(body.clone()),
            ),
            (
                "/raw/gzip",
                raw("/raw/gzip")
                    .header("content-encoding", "gzip")
                    .header("content-length", &length)
                    .body(body.clone()),
            ),
            ("/raw/empty", raw("/raw/empty").chunked(b"")),
        ] {
            let mut reply = request.send(stack.http_port())?;
            if reply.status == 100 {
                reply = reply_after_continue(&reply)?;
            }
            // The ticket is for the plaintext port of localhost; so are session and token.
            let mut person = Visitor::arrive_at(&browser, stack.http())?;
            person.take_cookie(reply.header("set-cookie").context("no sender's cookie")?)?;
            let ticket = held(reply)?;
            person
                .page
                .navigate(&format!("{}{CHALLENGE}?ticket={ticket}", stack.http()))?;
            person.wait_for_state("ready")?;
            person.verify(path)?;
            let received = upstream.once(path)?;
            let expected: &[u8] = if path == "/raw/empty" { b"" } else { &body };
            ensure!(received.body == expected, "{path} differs");
            let encoding = received.header("content-encoding");
            ensure!(
                encoding == (path == "/raw/gzip").then_some("gzip"),
                "{path}: {encoding:?}"
            );
        }
        Ok(())
    })
}

/// What follows `100 Continue` on the same connection.
fn reply_after_continue(reply: &Reply) -> Result<Reply> {
    let mut headers = reqwest::header::HeaderMap::new();
    for name in [
        "location",
        "set-cookie",
        "countersign-event-id",
        "cache-control",
    ] {
        let mut lines = reply.body.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        headers.insert(name, value.context(name)?.parse()?);
    }
    ensure!(reply.body.starts_with("HTTP/1.1 303"), "{reply}");
    Ok(Reply {
        status: 303,
        headers,
        body: String::new(),
    })
}

#[test]
fn a_megabyte_is_kept_where_the_policy_says_so() -> Result<()> {
    with_place(|stack, upstream| {
        let browser = stack.browser()?;
        let mut prover = Prover::new(&browser, stack)?;
        let client = stack.client()?;
        let body: Vec<u8> = (0..1_048_576).map(file_byte).collect();
        let ticket = prover.held(posted(&client, Method::POST, "/large", body.clone())?)?;
        prover.pass(&client, &ticket)?.expect(200)?;
        ensure!(upstream.once("/large")?.body == body, "it differs");
        Ok(())
    })
}

#[test]
fn what_is_too_large_or_not_to_be_kept_is_told_so_and_does_not_arrive() -> Result<()> {
    with_place(|stack, upstream| {
        let client = stack.client()?;
        let refused = posted(&client, Method::POST, "/small", vec![b'x'; 1001])?.expect(413)?;
        ensure!(refused.body.contains("Give the proof first"), "{refused}");
        let id = refused.event_id()?;
        ensure!(refused.body.contains(&id), "{refused}");
        let chunked = Request::new("POST", "/small", "localhost")
            .navigating()
            .chunked(&[b'x'; 5000])
            .send(stack.http_port())?;
        chunked.expect(413)?;
        held(posted(&client, Method::POST, "/small", vec![b'x'; 1000])?)?;
        let off = posted(&client, Method::POST, "/unheld", b"a".to_vec())?;
        let ticket = countersign_e2e::expect::sent_to_challenge(off)?;
        let claims = countersign_e2e::forge::read(&ticket, 1)?;
        ensure!(claims.get("held").is_none(), "{claims}");
        for path in ["/small", "/unheld"] {
            ensure!(upstream.received(path).is_empty(), "{path} arrived");
        }
        Ok(())
    })
}

#[test]
fn a_body_that_is_not_as_long_as_it_says_does_not_arrive() -> Result<()> {
    with_place(|stack, upstream| {
        let port = stack.http_port();
        let raw = |path: &str, length: &str| {
            Request::new("POST", path, "localhost")
                .navigating()
                .header("content-length", length)
        };
        // Longer than it says: what follows is no request, and the body is what was said.
        let longer = raw("/raw/longer", "4").body("abcdefgh").send(port)?;
        held(longer)?;
        // Two lengths, or a length and chunks, are how requests are smuggled.
        let both = raw("/raw/both", "4").chunked(b"abcd").send(port)?;
        ensure!(both.status == 400, "{both}");
        let twice = raw("/raw/twice", "4")
            .header("content-length", "5")
            .body("abcde")
            .send(port)?;
        ensure!(twice.status == 400, "{twice}");
        for path in ["/raw/longer", "/raw/both", "/raw/twice"] {
            ensure!(upstream.received(path).is_empty(), "{path} arrived");
        }
        Ok(())
    })
}

#[test]
fn a_token_is_good_once_for_its_device_at_its_path_and_host() -> Result<()> {
    with_place(|stack, upstream| {
        let browser = stack.browser()?;
        let mut prover = Prover::new(&browser, stack)?;
        let client = stack.client()?;
        let body = b"only once".to_vec();
        let ticket = prover.held(posted(&client, Method::POST, "/raw/once", body.clone())?)?;
        let (path, token) = prover.token(&ticket)?;
        ensure!(path == "/raw/once" && token.len() == 43, "{path} {token}");

        // Nobody's: without a session, and with another device's.
        send(brought(&client, &path, &token)?)?.expect(403)?;
        let mut other = Prover::new(&browser, stack)?;
        let others = other.held(posted(&client, Method::POST, "/raw/others", b"x".to_vec())?)?;
        let (_, others_token) = other.token(&others)?;
        other.bring(&client, &path, &token)?.expect(403)?;
        // Another path, another query, another host.
        for elsewhere in ["/raw/others", "/raw/once?a=b"] {
            prover.bring(&client, elsewhere, &token)?.expect(403)?;
        }
        prover
            .bring(&stack.client_of("shop.test")?, &path, &token)?
            .expect(403)?;
        // Another site's form, and a token that nobody has given, are no tokens.
        let foreign = client
            .navigating()?
            .request(Method::POST, &path)
            .header("content-type", "text/plain")
            .header("sec-fetch-site", "cross-site")
            .body(format!("countersign-replay={token}\r\n"));
        held(send(foreign)?)?;
        prover.bring(&client, &path, &"A".repeat(43))?.expect(410)?;
        // With another ticket's token nothing but that ticket's body is reached.
        prover.bring(&client, &path, &others_token)?.expect(403)?;
        ensure!(upstream.received(&path).is_empty(), "it arrived early");

        // Twice at once: one of them.
        let cookies = format!(
            "__Host-countersign={}",
            prover.program.session().context("-")?
        );
        let both: Vec<_> = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..4)
                .map(|_| {
                    let request = brought(&client, &path, &token);
                    scope.spawn(|| send(request?.header("cookie", &cookies)))
                })
                .collect();
            tries.into_iter().flat_map(|it| it.join()).collect()
        });
        let mut statuses = Vec::new();
        for reply in both {
            statuses.push(reply?.status);
        }
        statuses.sort_unstable();
        ensure!(statuses == [200, 410, 410, 410], "{statuses:?}");
        ensure!(upstream.once(&path)?.body == body);
        let used = prover.bring(&client, &path, &token)?.expect(410)?;
        ensure!(used.body.contains("passed on already"), "{used}");
        Ok(())
    })
}

#[test]
fn a_policy_that_decides_about_the_request_as_it_was_decides_about_its_repetition() -> Result<()> {
    with_place(|stack, upstream| {
        let browser = stack.browser()?;
        let mut prover = Prover::new(&browser, stack)?;
        let client = stack.client()?;
        let put = posted(&client, Method::PUT, "/raw/no-put", b"a".to_vec())?;
        let ticket = prover.held(put)?;
        let reply = prover.pass(&client, &ticket)?;
        countersign_e2e::expect::blocked(reply)?;
        ensure!(upstream.received("/raw/no-put").is_empty(), "it arrived");
        Ok(())
    })
}

/// Who has a form held and gets somebody else to pass its challenge must not have it sent with that one's
/// cookies.
#[test]
fn a_form_that_somebody_else_sent_is_not_sent_by_who_passes() -> Result<()> {
    with_place(|stack, upstream| {
        let browser = stack.browser()?;
        let mut prover = Prover::new(&browser, stack)?;
        let client = stack.client()?;
        let request = client
            .navigating()?
            .request(Method::POST, "/raw/planted")
            .header("sec-fetch-site", "same-origin")
            .body("transfer=all");
        let ticket = held(send(request)?)?;
        let way = prover.way_on(&ticket)?;
        let page = prover.program.get(&way)?.expect(403)?;
        ensure!(!page.body.contains("countersign-replay"), "{page}");
        // A cookie of another request of its own is none for this one.
        prover.held(posted(&client, Method::POST, "/raw/own", b"x".to_vec())?)?;
        prover.program.get(&way)?.expect(403)?;
        ensure!(upstream.received("/raw/planted").is_empty(), "it arrived");
        let refused = stack.sidecar_metrics()?;
        let cause = [("cause", "HELD_SENDER")];
        let refused = refused.sum("countersign_sidecar_refusals_total", &cause);
        ensure!(refused >= 2.0, "{refused}");
        Ok(())
    })
}

/// Browsers keep `SameSite` cookies from a form of another site: the filter sees no session, and its
/// person has one.
#[test]
fn a_form_of_another_site_asks_who_has_a_session_for_no_second_proof() -> Result<()> {
    with_place(|stack, upstream| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        submit(&mut person, "order", "/orders?from=form")?;
        let session = person.session()?.value;
        let path = "/raw/returned-from-payment";
        let form = format!(
            "data:text/html,<form method=post action='{}{path}'><input name=paid value=yes></form>",
            stack.https()
        );
        person.page.navigate(&form)?;
        person
            .page
            .evaluate("document.querySelector('form').submit()")?;
        person.comes_to(path)?;
        let received = upstream.once(path)?;
        ensure!(received.body == b"paid=yes", "{received:?}");
        ensure!(received.header("sec-fetch-site") == Some("cross-site"));
        ensure!(person.session()?.value == session, "another session");
        let event = received.header("countersign-event-id").context("no id")?;
        let repeated = stack.event(event)?;
        ensure!(
            repeated["notes"].to_string().contains("repeated"),
            "{repeated}"
        );
        Ok(())
    })
}

/// A form of another site is sent without `SameSite` cookies; being held must not give it any.
#[test]
fn a_form_of_another_site_gains_nothing_by_being_held() -> Result<()> {
    with_place(|stack, upstream| {
        let browser = stack.browser()?;
        let mut prover = Prover::new(&browser, stack)?;
        let client = stack.client()?;
        // The site's own cookie.
        prover.program.get("/forms")?.expect(200)?;
        let request = client
            .navigating()?
            .request(Method::POST, "/raw/forged")
            .header("origin", "https://evil.example")
            .header("sec-fetch-site", "cross-site")
            .body("transfer=all");
        let ticket = prover.held(send(request)?)?;
        prover.pass(&client, &ticket)?.expect(200)?;
        let received = upstream.once("/raw/forged")?;
        ensure!(received.header("origin") == Some("https://evil.example"));
        ensure!(received.header("sec-fetch-site") == Some("cross-site"));
        let cookies = received.header("cookie").unwrap_or_default();
        ensure!(!cookies.contains("basket"), "{cookies}");
        Ok(())
    })
}

#[test]
fn the_paths_between_filter_and_sidecar_are_nothing_to_anybody_else() -> Result<()> {
    with_place(|stack, _| {
        let browser = stack.browser()?;
        let mut prover = Prover::new(&browser, stack)?;
        let client = stack.client()?;
        let body = b"secret of the form".to_vec();
        let ticket = prover.held(posted(&client, Method::POST, "/raw/kept", body)?)?;
        let (_, token) = prover.token(&ticket)?;
        for path in ["/.countersign/held", "/.countersign/held/take"] {
            for proof in ["", "a.b.c", ticket.as_str()] {
                let request = client.request(Method::POST, path);
                let request = request.header("countersign-proof", proof);
                let reply = prover.program.send(request.body(token.clone()))?;
                ensure!(reply.status == 404, "{path}: {reply}");
            }
        }
        let event = countersign_e2e::forge::read(&ticket, 1)?["jti"].clone();
        let event = event.as_str().unwrap_or_default();
        // The page belongs to the device that passed.
        client
            .navigating()?
            .get(&format!("/.countersign/held?event={event}"))?
            .expect(403)?;
        let told = stack.event(event)?;
        ensure!(!told.to_string().contains("secret of the form"), "{told}");
        ensure!(told.to_string().contains("\"held\""), "{told}");
        ensure!(!stack.logs().contains("secret of the form"));
        Ok(())
    })
}

#[test]
fn a_sidecar_that_is_away_loses_nothing_silently() -> Result<()> {
    let mut place = start("held-away")?;
    place.stack.crash(Part::Sidecar)?;
    let client = place.stack.client()?;
    let reply = posted(&client, Method::POST, "/raw/away", b"a".to_vec())?.expect(503)?;
    ensure!(reply.body.contains("not passed on"), "{reply}");
    ensure!(reply.header("retry-after").is_some(), "{reply}");
    ensure!(
        place.upstream.received("/raw/away").is_empty(),
        "it arrived"
    );
    Ok(())
}
