//! `countersign.js` in a real browser: scripts' requests that are challenged wait for the person, and reach
//! the upstream once, as they were.

use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::cdp::{Browser, Page, Profile};
use countersign_e2e::stack::Stack;
use countersign_e2e::tour;
use countersign_e2e::visitor::Visitor;
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
        Self::sit_at(stack, &browser.profile()?, stack.https())
    }

    fn sit_at(stack: &'a Stack, profile: &Profile<'_>, origin: &str) -> Result<Self> {
        let mut person = Visitor::sit_at(profile.page()?, origin)?;
        person.open_served("/app")?;
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
             (async () => {promise})().then(
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
        ensure!(done["value"]["status"] == 200, "{done}");
        Ok(done["value"]["echo"].take())
    }

    fn upstream_saw(&self, requests: u64) -> Result<()> {
        let saw = served(self.stack)? - self.served_before;
        ensure!(saw == requests, "the upstream saw {saw} requests");
        Ok(())
    }

    fn no_dialog(&mut self) -> Result<()> {
        self.page().wait_for(&format!("!({DIALOG})"))
    }
}

/// Requests that reached the shop.
fn served(stack: &Stack) -> Result<u64> {
    let stats = stack.envoy_admin("/stats?filter=cluster.demo_shop.upstream_rq_total$")?;
    let count = stats.trim().rsplit(' ').next().unwrap_or_default();
    count.parse().with_context(|| stats.clone())
}

/// Sends by `fetch`, with the digest of what was meant to be sent.
const FETCH: &str = "{
  const hex = async bytes => [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))]
    .map(b => b.toString(16).padStart(2, '0')).join('');
  const request = make();
  const meant = request instanceof Request && request.body
    ? await hex(await request.clone().arrayBuffer()) : undefined;
  const answer = await (request instanceof Request ? fetch(request) : fetch(...request));
  return {status: answer.status, meant, echo: answer.ok ? await answer.json() : undefined,
          native: answer instanceof Response, url: answer.url};
}";

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
