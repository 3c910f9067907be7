//! `countersign.js` in a real browser: scripts' requests that are challenged wait for the person, and reach
//! the upstream once, as they were.

use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::cdp::{Browser, Page, Profile};
use countersign_e2e::stack::{PUSH_LIMIT, Stack};
use countersign_e2e::visitor::Visitor;
use countersign_e2e::{tour, wait};
use serde_json::{Value, json};

/// One test at a time: what the upstream sees is counted.
fn with_stack(test: impl FnOnce(&Stack) -> Result<()>) -> Result<()> {
    static STACK: OnceLock<Result<Stack>> = OnceLock::new();
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    match STACK.get_or_init(|| Stack::start("client-script", &tour::POLICIES)) {
        Ok(stack) => stack.watched(test),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

/// The dialog's shadow.
const DIALOG: &str = "document.querySelector('countersign-challenge')?.shadowRoot";

/// The document in the dialog's frame.
fn framed(selector: &str) -> String {
    format!("{DIALOG}?.querySelector('iframe')?.contentDocument?.querySelector('{selector}')")
}

fn in_dialog(selector: &str) -> String {
    format!("{DIALOG}?.querySelector('{selector}')")
}

/// A page of the shop that has loaded the script.
struct Caller<'a> {
    stack: &'a Stack,
    person: Visitor,
    served_before: u64,
}

impl<'a> Caller<'a> {
    fn at_home(stack: &'a Stack, browser: &Browser) -> Result<Self> {
        Self::sit_at(stack, &browser.profile()?, stack.https(), "/app")
    }

    fn sit_at(stack: &'a Stack, profile: &Profile<'_>, origin: &str, path: &str) -> Result<Self> {
        let mut person = Visitor::sit_at(profile.page()?, origin)?;
        person.open_served(path)?;
        // Counts the dialogs.
        person.page.evaluate(
            "new MutationObserver(all => { for (const {addedNodes} of all) for (const node of addedNodes)
               if (node.localName === 'countersign-challenge') window.dialogs = (window.dialogs ?? 0) + 1;
             }).observe(document.body, {childList: true});
             null",
        )?;
        Ok(Self {
            stack,
            person,
            served_before: served(stack)?,
        })
    }

    fn page(&mut self) -> &mut Page {
        &mut self.person.page
    }

    /// Begins what gives a promise and keeps what becomes of it in `done`.
    fn begin(&mut self, promise: &str) -> Result<()> {
        self.served_before = served(self.stack)?;
        self.page().evaluate(&format!(
            "window.done = undefined;
             (async () => ({promise}))().then(
               value => {{ window.done = {{value}}; }},
               error => {{ window.done = {{error: error.name}}; }});
             null"
        ))?;
        Ok(())
    }

    fn pass_in_dialog(&mut self) -> Result<()> {
        let status = framed("#status");
        self.page()
            .wait_for(&format!("{status}?.dataset.state === 'ready'"))?;
        self.page().click_on(&framed("#verify"))
    }

    /// What became of it.
    fn done(&mut self) -> Result<Value> {
        self.page().wait_for("window.done")?;
        self.page().evaluate("window.done")
    }

    /// What the upstream echoed.
    fn echoed(&mut self) -> Result<Value> {
        let mut done = self.done()?;
        let echo = done.pointer_mut("/value/echo").map(Value::take);
        echo.filter(|echo| echo.is_object())
            .with_context(|| done.to_string())
    }

    fn upstream_saw(&self, requests: u64) -> Result<()> {
        let saw = served(self.stack)? - self.served_before;
        ensure!(saw == requests, "the upstream saw {saw} requests");
        Ok(())
    }

    /// Waits until the dialog has done without a frame, which the page's policy forbids and the browser
    /// complains about.
    fn without_frame(&mut self) -> Result<()> {
        let bare = format!(
            "!({}) && Boolean({})",
            in_dialog("iframe"),
            in_dialog("#window")
        );
        wait::until("the dialog has no frame", PUSH_LIMIT, || {
            let complaints = self.page().take_complaints()?;
            ensure!(
                complaints.iter().all(|it| it.contains("Framing")),
                "{complaints:?}"
            );
            Ok((self.page().evaluate(&bare)? == true).then_some(()))
        })
    }

    fn no_dialog(&mut self) -> Result<()> {
        self.page().wait_for(&format!("!({DIALOG})"))
    }
}

/// Requests that reached the shop.
fn served(stack: &Stack) -> Result<u64> {
    counted(stack, "cluster.demo_shop.upstream_rq_total")
}

/// Requests that were answered with 403 and its like.
fn refused(stack: &Stack) -> Result<u64> {
    counted(stack, "http.edge.downstream_rq_4xx")
}

fn counted(stack: &Stack, name: &str) -> Result<u64> {
    let stats = stack.envoy_admin(&format!("/stats?filter=^{name}$"))?;
    let count = stats.trim().rsplit(' ').next().unwrap_or_default();
    count.parse().with_context(|| stats.clone())
}

/// Sends by `fetch`, with the digest of what was meant to be sent.
const FETCH: &str = "await (async () => {
  const hex = async bytes => [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))]
    .map(b => b.toString(16).padStart(2, '0')).join('');
  const request = make();
  const meant = request instanceof Request && request.body
    ? await hex(await request.clone().arrayBuffer()) : undefined;
  const answer = await (request instanceof Request ? fetch(request) : fetch(...request));
  return {status: answer.status, meant, echo: answer.ok ? await answer.json() : undefined,
          native: answer instanceof Response, url: answer.url};
})()";

fn fetch(make: &str) -> String {
    FETCH.replace("make()", &format!("(() => {make})()"))
}

#[test]
fn every_kind_of_body_reaches_the_upstream_once_as_it_was() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut caller = Caller::at_home(stack, &browser)?;
        caller.page().evaluate(
            "window.bytes = n => Uint8Array.from({length: n}, (_, i) => (i * 7919) >> 3);
             window.form = () => { const f = new FormData(); f.append('text', 'käse');
               f.append('file', new File([bytes(70000)], 'a.bin', {type: 'image/png'})); return f; };
             null",
        )?;
        let put = "{method: 'PUT', headers: {'x-own': 'kept'}, body: BODY}";
        let cases = [
            (
                "JSON.stringify({a: 'é', b: [1]})",
                "text/plain;charset=UTF-8",
            ),
            ("form()", "multipart/form-data; boundary="),
            ("new Blob([bytes(100000)], {type: 'a/b'})", "a/b"),
            (
                "new URLSearchParams('a=b&c=%C3%A9')",
                "application/x-www-form-urlencoded;charset=UTF-8",
            ),
            ("bytes(3000)", ""),
            ("''", "text/plain;charset=UTF-8"),
        ];
        for (body, content_type) in cases {
            for path in ["/checkout/echo?a=1", "/checkout/echo?a=2"] {
                let init = put.replace("BODY", body);
                let made = if path.ends_with('1') {
                    format!("new Request('{path}', {init})")
                } else {
                    format!("['{path}', {init}]")
                };
                // As if the last session had ended.
                caller.person.forget_session()?;
                caller.begin(&fetch(&made))?;
                caller.pass_in_dialog()?;
                let done = caller.done().with_context(|| made.clone())?;
                let value = &done["value"];
                ensure!(
                    value["status"] == 200 && value["native"] == true,
                    "{made}: {done}"
                );
                let echo = &value["echo"];
                ensure!(echo["method"] == "PUT", "{made}: {echo}");
                ensure!(
                    echo["headers"]["x-own"] == json!(["kept"]),
                    "{made}: {echo}"
                );
                let sent = echo["headers"]["content-type"][0]
                    .as_str()
                    .unwrap_or_default();
                ensure!(
                    sent.starts_with(content_type) && (!content_type.is_empty() || sent.is_empty()),
                    "{made}: {sent}"
                );
                let length = echo["body_length"].to_string();
                ensure!(
                    echo["headers"]["content-length"] == json!([length]),
                    "{made}: {echo}"
                );
                if value["meant"].is_string() {
                    ensure!(value["meant"] == echo["body_sha256"], "{made}: {done}");
                }
                caller.upstream_saw(1).with_context(|| made.clone())?;
                caller.no_dialog()?;
            }
        }
        Ok(())
    })
}

#[test]
fn what_is_changed_after_the_call_is_not_sent() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut caller = Caller::at_home(stack, &browser)?;
        caller.begin(&fetch(
            "{ const body = new TextEncoder().encode('as it was');
               setTimeout(() => body.fill(0)); return ['/checkout/echo', {method: 'POST', body}]; }",
        ))?;
        caller.pass_in_dialog()?;
        let echo = caller.echoed()?;
        let expected = caller.page().evaluate(
            "crypto.subtle.digest('SHA-256', new TextEncoder().encode('as it was'))
               .then(d => [...new Uint8Array(d)].map(b => b.toString(16).padStart(2, '0')).join(''))",
        )?;
        ensure!(echo["body_sha256"] == expected, "{echo}");
        Ok(())
    })
}

#[test]
fn three_requests_at_once_are_one_challenge() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut caller = Caller::at_home(stack, &browser)?;
        caller.begin(
            "await Promise.all([
               fetch('/checkout/echo?n=1', {method: 'POST', body: 'one'}),
               fetch('/payment/echo?n=2'),
               new Promise(done => { const x = new XMLHttpRequest(); x.open('PUT', '/checkout/echo?n=3');
                 x.onload = () => done(x); x.send('three'); }),
             ]).then(all => all.map(a => a.status))",
        )?;
        caller.pass_in_dialog()?;
        let done = caller.done()?;
        ensure!(done["value"] == json!([200, 200, 200]), "{done}");
        caller.upstream_saw(3)?;
        let dialogs = caller.page().evaluate("window.dialogs")?;
        ensure!(dialogs == 1, "{dialogs} dialogs");
        caller.no_dialog()
    })
}

#[test]
fn an_aborted_request_leaves_and_the_last_one_closes_the_dialog() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut caller = Caller::at_home(stack, &browser)?;
        caller.begin(
            "await Promise.all((window.stops = [1, 2].map(() => new AbortController())).map(stop =>
               fetch('/checkout/echo', {method: 'POST', body: 'x', signal: stop.signal})
                 .catch(error => [error.name, error === stop.signal.reason])))",
        )?;
        let ready = framed("#status");
        caller
            .page()
            .wait_for(&format!("{ready}?.dataset.state === 'ready'"))?;
        caller.page().evaluate("window.stops[0].abort()")?;
        let open = caller.page().evaluate(&format!("Boolean({DIALOG})"))?;
        ensure!(open == true, "the first abort closed the other's dialog");
        caller.page().evaluate("window.stops[1].abort()")?;
        caller.no_dialog()?;
        let done = caller.done()?;
        let aborted = json!(["AbortError", true]);
        ensure!(done["value"] == json!([aborted, aborted]), "{done}");
        caller.upstream_saw(0)
    })
}

#[test]
fn who_closes_the_dialog_gets_the_refusal_itself() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut caller = Caller::at_home(stack, &browser)?;
        caller.begin(
            "await fetch('/checkout/echo', {method: 'POST', body: 'x'}).then(async a => ({
               status: a.status, type: a.headers.get('content-type'),
               named: a.headers.get('countersign-challenge'), document: await a.json()}))",
        )?;
        caller.page().wait_for(&in_dialog("#close"))?;
        caller.page().click_on(&in_dialog("#close"))?;
        let done = caller.done()?;
        let value = &done["value"];
        ensure!(
            value["status"] == 403
                && value["type"] == "application/problem+json"
                && value["document"]["challenge_url"] == value["named"],
            "{done}"
        );
        caller.no_dialog()?;
        caller.upstream_saw(0)?;

        // The next request asks again; Escape closes as well.
        caller.begin("await fetch('/checkout/echo').then(a => a.status)")?;
        let status = framed("#status");
        caller
            .page()
            .wait_for(&format!("{status}?.dataset.state === 'ready'"))?;
        for kind in ["keyDown", "keyUp"] {
            let key = json!({"type": kind, "key": "Escape", "code": "Escape", "windowsVirtualKeyCode": 27});
            caller.page().call("Input.dispatchKeyEvent", key)?;
        }
        ensure!(caller.done()?["value"] == 403);
        caller.no_dialog()
    })
}

#[test]
fn a_request_that_could_not_carry_the_session_is_left_alone() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut caller = Caller::at_home(stack, &browser)?;
        caller.begin("await fetch('/checkout/echo', {credentials: 'omit'}).then(a => a.status)")?;
        ensure!(caller.done()?["value"] == 403);
        // Only of what is blocked for good there is nothing to pass.
        caller.begin("await fetch('/admin/x').then(a => a.status)")?;
        ensure!(caller.done()?["value"] == 403);
        // A stream can be read once.
        caller.begin(
            "await fetch('/checkout/echo', {method: 'POST', duplex: 'half',
               body: new Blob(['stream']).stream()}).then(a => a.status)",
        )?;
        ensure!(caller.done()?["value"] == 403);
        // Synchronous: nothing could be shown meanwhile.
        let status = caller.page().evaluate(
            "(() => { const x = new XMLHttpRequest(); x.open('POST', '/checkout/echo', false);
               x.send('x'); return x.status; })()",
        )?;
        ensure!(status == 403, "{status}");
        ensure!(caller.page().evaluate("window.dialogs ?? 0")? == 0);
        Ok(())
    })
}

/// Sends by XMLHttpRequest and writes down what its owner is told.
const XHR: &str = "await new Promise(done => {
  const x = new XMLHttpRequest(), seen = [];
  const note = e => seen.push(e.type === 'readystatechange' ? x.readyState : e.type);
  for (const type of ['loadstart', 'progress', 'load', 'loadend', 'error', 'abort', 'timeout'])
    x.addEventListener(type, note);
  x.onreadystatechange = note;
  x.upload.onload = () => seen.push('upload.load');
  x.upload.onloadstart = () => seen.push('upload.loadstart');
  x.open('POST', '/checkout/echo');
  x.setRequestHeader('x-own', 'kept');
  x.responseType = 'json';
  x.timeout = 10000;
  window.xhr = x;
  x.addEventListener('loadend', () => done({
    seen: seen.filter(s => s !== 'progress'), status: x.status, response: x.response,
    is: x instanceof XMLHttpRequest, type: x.getResponseHeader('content-type')}));
  const form = new FormData();
  form.append('file', new File([new Uint8Array(5000)], 'a.bin'));
  x.send(form);
  form.append('late', 'not sent');
})";

#[test]
fn an_xhr_tells_its_owner_of_one_request() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut caller = Caller::at_home(stack, &browser)?;
        caller.begin(XHR)?;
        let status = framed("#status");
        caller
            .page()
            .wait_for(&format!("{status}?.dataset.state === 'ready'"))?;
        let waiting = caller.page().evaluate("[xhr.readyState, xhr.status]")?;
        ensure!(
            waiting == json!([1, 0]),
            "while the person is asked: {waiting}"
        );
        caller.pass_in_dialog()?;
        let done = caller.done()?;
        let value = &done["value"];
        let expected = json!([
            1,
            "loadstart",
            "upload.loadstart",
            "upload.load",
            2,
            3,
            4,
            "load",
            "loadend"
        ]);
        ensure!(value["seen"] == expected, "{done}");
        ensure!(value["status"] == 200 && value["is"] == true, "{done}");
        let echo = &value["response"];
        ensure!(echo["headers"]["x-own"] == json!(["kept"]), "{done}");
        let length = echo["body_length"].as_u64().unwrap_or_default();
        ensure!((5000..5400).contains(&length), "{done}");
        caller.upstream_saw(1)?;

        // With the session it is a request like any other.
        caller.begin(XHR)?;
        let again = caller.done()?;
        ensure!(again["value"]["seen"] == expected, "{again}");
        Ok(())
    })
}

/// What the owner of a refused request saw. The refusal may come before the browser has sent everything:
/// then it never says that it has.
fn seen_of_refused(value: &Value) -> Value {
    let seen = value["seen"].as_array().into_iter().flatten();
    seen.filter(|it| *it != "upload.load").cloned().collect()
}

#[test]
fn an_xhr_whose_person_gives_up_tells_its_owner_of_the_refusal() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut caller = Caller::at_home(stack, &browser)?;
        caller.begin(XHR)?;
        caller.page().wait_for(&in_dialog("#close"))?;
        caller.page().click_on(&in_dialog("#close"))?;
        let done = caller.done()?;
        let value = &done["value"];
        let expected = json!([
            1,
            "loadstart",
            "upload.loadstart",
            2,
            3,
            4,
            "load",
            "loadend"
        ]);
        ensure!(seen_of_refused(value) == expected, "{done}");
        ensure!(
            value["status"] == 403
                && value["type"] == "application/problem+json"
                && value["response"]["status"] == 403,
            "{done}"
        );

        caller.begin(XHR)?;
        caller.page().wait_for(&in_dialog("#close"))?;
        caller.page().evaluate("xhr.abort()")?;
        let done = caller.done()?;
        let expected = json!([1, "loadstart", "upload.loadstart", 4, "abort", "loadend"]);
        ensure!(seen_of_refused(&done["value"]) == expected, "{done}");
        ensure!(done["value"]["status"] == 0, "{done}");
        caller.no_dialog()?;
        caller.upstream_saw(0)
    })
}

/// Waits for the window with the challenge, and gives it a device that can verify its user.
fn window_with_device(profile: &Profile<'_>) -> Result<Page> {
    let mut window = profile.opened("/.countersign/challenge")?;
    window.add_authenticator()?;
    // It has looked for one already.
    window.call("Page.reload", json!({}))?;
    window.wait_for("document.querySelector('#status')?.dataset.state === 'ready'")?;
    Ok(window)
}

#[test]
fn where_a_site_allows_no_frames_a_window_is_opened() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let profile = browser.profile()?;
        let mut caller = Caller::sit_at(stack, &profile, stack.https(), "/app/without-frames")?;
        caller.begin(
            "await fetch('/checkout/echo', {method: 'POST', body: 'x'}).then(a => a.status)",
        )?;
        caller.without_frame()?;
        caller.page().click_on(&in_dialog("#window"))?;
        let mut window = window_with_device(&profile)?;
        window.click("#verify")?;
        ensure!(caller.done()?["value"] == 200);
        caller.upstream_saw(1)?;
        caller.no_dialog()
    })
}

#[test]
fn a_window_that_is_closed_without_a_word_has_the_request_tried_again() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let profile = browser.profile()?;
        let mut caller = Caller::sit_at(stack, &profile, stack.https(), "/app/without-frames")?;
        let refused_before = refused(stack)?;
        caller.begin(
            "await fetch('/checkout/echo', {method: 'POST', body: 'x'}).then(a => a.status)",
        )?;
        caller.without_frame()?;
        caller.page().click_on(&in_dialog("#window"))?;
        let mut window = profile.opened("/.countersign/challenge")?;
        window.call("Page.close", json!({}))?;
        // Challenged as before: the dialog stays, and nothing has reached the upstream.
        wait::until("the request is tried again", PUSH_LIMIT, || {
            Ok((refused(stack)? == refused_before + 2).then_some(()))
        })?;
        caller.page().wait_for(&in_dialog("#window"))?;
        caller.upstream_saw(0)?;
        // Passed elsewhere: the same once more, and it goes through.
        caller.page().click_on(&in_dialog("#window"))?;
        let mut window = profile.opened("/.countersign/challenge")?;
        Visitor::sit_at(profile.page()?, stack.https())?.pass("/checkout/cart")?;
        caller.page().call("Page.bringToFront", json!({}))?;
        caller.served_before = served(stack)?;
        window.call("Page.close", json!({}))?;
        ensure!(caller.done()?["value"] == 200);
        caller.upstream_saw(1)?;
        caller.no_dialog()
    })
}

#[test]
fn the_page_is_not_shown_in_a_frame_of_another_origin() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let profile = browser.profile()?;
        let origin = format!("https://shop.test:{}", stack.https_port());
        let mut framing = Visitor::sit_at(profile.page()?, stack.https())?;
        framing.open_challenged("/checkout/cart")?;
        let address = framing.page.url()?;
        framing
            .page
            .call("Page.setBypassCSP", json!({"enabled": true}))?;
        for (origin, shown) in [(stack.https(), true), (origin.as_str(), false)] {
            framing.page.navigate(&format!("{origin}/products"))?;
            framing.page.evaluate(&format!(
                "new Promise(done => {{ const f = document.createElement('iframe');
                   f.src = {}; f.onload = done; document.body.append(f); }}).then(() => null)",
                Value::from(address.as_str())
            ))?;
            let seen = framing.page.evaluate(
                "Boolean(document.querySelector('iframe').contentDocument?.querySelector('#status'))",
            )?;
            framing.page.take_complaints()?;
            ensure!(seen == shown, "in a frame of {origin}: {seen}");
        }
        Ok(())
    })
}

#[test]
fn the_script_weighs_under_six_kilobytes() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut caller = Caller::at_home(stack, &browser)?;
        for name in ["countersign.js", "countersign.mjs"] {
            let bytes = caller.page().evaluate(&format!(
                "fetch('/.countersign/{name}').then(a => new Response(
                   a.body.pipeThrough(new CompressionStream('gzip'))).arrayBuffer())
                   .then(b => b.byteLength)"
            ))?;
            let bytes = bytes.as_u64().context("no size")?;
            ensure!((1000..6 * 1024).contains(&bytes), "{name}: {bytes} bytes");
        }
        Ok(())
    })
}

#[test]
fn the_module_installs_what_the_classic_script_has_not() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut caller = Caller::at_home(stack, &browser)?;
        let found = caller.page().evaluate(
            "import('/.countersign/countersign.mjs').then(m => {
               const classic = fetch, undo = m.install();
               const one = fetch === classic && undo === countersign.install();
               undo();
               const native = fetch !== classic && !('install' in XMLHttpRequest);
               const again = m.install();
               return [one, native, fetch !== classic, Object.keys(m),
                 String(fetch).includes('[native code]'), new XMLHttpRequest() instanceof EventTarget,
                 XMLHttpRequest.DONE, Object.prototype.toString.call(new XMLHttpRequest())];
             })",
        )?;
        let expected = json!([
            true,
            true,
            true,
            ["install"],
            true,
            true,
            4,
            "[object XMLHttpRequest]"
        ]);
        ensure!(found == expected, "{found}");
        Ok(())
    })
}

/// The bootstrap with the parts of `envoy/cors/` where they belong.
fn with_cors(bootstrap: &str, origin: &str) -> String {
    let indented = |text: &str, by: usize| {
        text.lines()
            .map(|line| format!("{:by$}{line}\n", ""))
            .collect::<String>()
    };
    let filter = indented(include_str!("../../envoy/cors/filter.yaml"), 10);
    let route =
        include_str!("../../envoy/cors/route.yaml").replace("https://app.example.com", origin);
    let route = indented(&route, 16);
    let before = "          # The JA4 fingerprint of the TLS client hello, as filter state";
    let route_of_upstream = "route: {cluster: demo_shop, timeout: 30s}\n";
    bootstrap
        .replacen(before, &format!("{filter}{before}"), 1)
        .replacen(route_of_upstream, &format!("{route_of_upstream}{route}"), 1)
}

#[test]
fn across_two_origins_of_one_site_a_window_passes_it() -> Result<()> {
    let mut stack = Stack::start("client-script-cors", &tour::POLICIES)?;
    stack.watched_mut(|stack| {
        let app = format!("https://app.shop.test:{}", stack.https_port());
        let api = format!("https://api.shop.test:{}", stack.https_port());
        stack.restart_envoy_with(|bootstrap| with_cors(bootstrap, &app))?;
        let browser = stack.browser()?;
        let profile = browser.profile()?;
        let mut caller = Caller::sit_at(stack, &profile, &app, "/app")?;

        // A preflight passes, the request itself is challenged, its answer can be read.
        let call = format!(
            "await fetch('{api}/checkout/echo', {{method: 'PUT', credentials: 'include',
               headers: {{'content-type': 'application/json', 'x-own': 'kept'}}, body: '{{\"a\":1}}'}})
               .then(async a => ({{status: a.status, echo: a.ok ? await a.json() : 0}}))"
        );
        caller.begin(&call)?;
        caller.page().wait_for(&in_dialog("#window"))?;
        let frame = caller.page().evaluate(&in_dialog("iframe"))?;
        ensure!(frame.is_null(), "another origin's page in a frame");
        caller.page().click_on(&in_dialog("#window"))?;
        let mut window = window_with_device(&profile)?;
        ensure!(window.url()?.starts_with(&api), "{}", window.url()?);
        window.click("#verify")?;
        let done = caller.done()?;
        let echo = &done["value"]["echo"];
        ensure!(
            done["value"]["status"] == 200
                && echo["method"] == "PUT"
                && echo["headers"]["x-own"] == json!(["kept"])
                && echo["headers"]["content-type"] == json!(["application/json"])
                && echo["body_length"] == 7,
            "{done}"
        );
        caller.upstream_saw(1)?;
        caller.no_dialog()?;

        // With the session there is nothing to ask, by XMLHttpRequest neither.
        caller.begin(&format!(
            "await new Promise(done => {{ const x = new XMLHttpRequest();
               x.open('POST', '{api}/checkout/echo'); x.withCredentials = true;
               x.onloadend = () => done(x.status); x.send('x'); }})"
        ))?;
        ensure!(caller.done()?["value"] == 200);

        // Without credentials the session would not be sent: there is nothing to pass.
        caller.begin(&format!("await fetch('{api}/checkout/echo').then(a => a.status)"))?;
        ensure!(caller.done()?["value"] == 403);

        // Another origin of the same site that nobody allowed cannot read the answer, nor the challenge.
        let other = format!("https://other.shop.test:{}", stack.https_port());
        let mut other = Caller::sit_at(stack, &profile, &other, "/app")?;
        other.begin(&call)?;
        let failed = wait::until("the request fails", PUSH_LIMIT, || {
            let complaints = other.page().take_complaints()?;
            ensure!(complaints.iter().all(|it| it.contains("CORS")), "{complaints:?}");
            let done = other.page().evaluate("window.done ?? null")?;
            Ok((!done.is_null()).then_some(done))
        })?;
        ensure!(failed["error"] == "TypeError", "{failed}");
        ensure!(other.page().evaluate("window.dialogs ?? 0")? == 0);
        Ok(())
    })?;
    stack.stop()
}
