//! A tab: go somewhere, wait, read, click. What the page complains about on its console is a failure.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::connection::Connection;
use crate::{paths, wait};

/// No page of ours takes longer to come to rest.
const PAGE_LIMIT: Duration = Duration::from_secs(15);

/// A tab and what it has complained about.
pub struct Page {
    connection: Connection,
    /// Status of the document that the tab shows.
    status: Option<u16>,
    /// Errors, exceptions and violations of the content security policy.
    problems: Vec<String>,
    /// Every document that was answered, in order: `STATUS URL`.
    documents: Vec<String>,
    /// Every address that the page asked something of, in order.
    requests: Vec<String>,
}

/// A cookie as the browser keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Cookie {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
    /// Only over https.
    pub secure: bool,
    /// Not for scripts.
    pub http_only: bool,
    /// Gone with the browser.
    pub session: bool,
    /// `Strict`, `Lax`, `None` or empty.
    pub same_site: String,
    /// The path it is sent to.
    pub path: String,
    /// Seconds since the epoch.
    pub expires: f64,
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page")
            .field("documents", &self.documents)
            .finish()
    }
}

impl Page {
    pub(super) fn attach(connection: Connection) -> Result<Self> {
        let mut page = Self {
            connection,
            status: None,
            problems: Vec::new(),
            documents: Vec::new(),
            requests: Vec::new(),
        };
        for domain in ["Page", "Runtime", "Network", "Log"] {
            page.call(&format!("{domain}.enable"), json!({}))?;
        }
        Ok(page)
    }

    /// Any method of the protocol.
    ///
    /// # Errors
    /// What the browser answers as an error.
    pub fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        self.connection.call(method, params)
    }

    /// Opens an address and waits for its document, redirects followed; gives the status.
    ///
    /// # Errors
    /// When nothing is loaded, or the page complains.
    pub fn navigate(&mut self, url: &str) -> Result<u16> {
        self.status = None;
        let answer = self.call("Page.navigate", json!({"url": url}))?;
        if let Some(error) = answer.get("errorText").and_then(Value::as_str) {
            bail!("opening {url}: {error}");
        }
        self.wait_for("document.readyState === 'complete'")?;
        self.status()
            .with_context(|| format!("opening {url}: no document was answered"))
    }

    /// Status of the document shown.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// Every document that was answered, in order: `STATUS URL`.
    #[must_use]
    pub fn documents(&self) -> &[String] {
        &self.documents
    }

    /// Every address that the page asked something of by now, in order. What frames of other origins
    /// ask for is told to nobody here.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn requests(&mut self) -> Result<&[String]> {
        self.listen()?;
        Ok(&self.requests)
    }

    /// The address shown.
    ///
    /// # Errors
    /// When the page does not answer.
    pub fn url(&mut self) -> Result<String> {
        self.text("location.href")
    }

    /// The value of an expression; a promise is awaited.
    ///
    /// # Errors
    /// When it throws.
    pub fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let mut answer = self.call(
            "Runtime.evaluate",
            json!({
                "expression": expression,
                "awaitPromise": true,
                "returnByValue": true,
                "userGesture": true,
            }),
        )?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            let text = thrown
                .pointer("/exception/description")
                .or_else(|| thrown.get("text"));
            bail!("`{expression}` threw {}", text.unwrap_or(thrown));
        }
        Ok(answer
            .pointer_mut("/result/value")
            .map(Value::take)
            .unwrap_or_default())
    }

    /// The value of an expression that is a string.
    ///
    /// # Errors
    /// When it throws or is something else.
    pub fn text(&mut self, expression: &str) -> Result<String> {
        match self.evaluate(expression)? {
            Value::String(text) => Ok(text),
            other => bail!("`{expression}` is no string but {other}"),
        }
    }

    /// Waits until an expression holds.
    ///
    /// # Errors
    /// When it does not in time, or the page complains.
    pub fn wait_for(&mut self, condition: &str) -> Result<()> {
        // A promise that never settles would hold the call: conditions are plain expressions.
        let waited = wait::until(condition, PAGE_LIMIT, || {
            // While one document gives way to the next there is nothing that could answer.
            let holds = self.evaluate(&format!("Boolean({condition})"));
            self.listen()?;
            Ok((!self.problems.is_empty() || holds? == true).then_some(()))
        });
        if waited.is_err() {
            let url = self.url().unwrap_or_default();
            let text = self.text("document.body?.innerText ?? ''");
            return waited
                .with_context(|| format!("at {url} which shows:\n{}", text.unwrap_or_default()));
        }
        self.without_complaint()
    }

    /// Fails when the page has complained.
    ///
    /// # Errors
    /// The complaints.
    pub fn without_complaint(&mut self) -> Result<()> {
        self.listen()?;
        ensure!(
            self.problems.is_empty(),
            "the page complained:\n{}",
            self.problems.join("\n")
        );
        Ok(())
    }

    /// Takes the complaints, where a test expects them.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn take_complaints(&mut self) -> Result<Vec<String>> {
        self.listen()?;
        Ok(std::mem::take(&mut self.problems))
    }

    /// Comes to the front, then presses and releases the left button in the middle of an element.
    ///
    /// # Errors
    /// When there is no such element or it is covered by another.
    pub fn click(&mut self, selector: &str) -> Result<()> {
        // Nobody clicks in a tab in the background, and none may ask an authenticator.
        self.call("Page.bringToFront", json!({}))?;
        let quoted = Value::from(selector);
        let place = self.evaluate(&format!(
            "(() => {{ const e = document.querySelector({quoted}); if (!e) return null;
             e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect();
             const x = r.x + r.width / 2, y = r.y + r.height / 2;
             return {{x, y, hit: e.contains(document.elementFromPoint(x, y))}}; }})()"
        ))?;
        ensure!(!place.is_null(), "there is no `{selector}` to click");
        ensure!(
            place.get("hit") == Some(&Value::Bool(true)),
            "`{selector}` cannot be clicked: something covers it or it is not shown"
        );
        self.press(&place)
    }

    /// The same in the middle of an element that an expression names, which may stand in a shadow or in
    /// frames of this origin.
    ///
    /// # Errors
    /// When there is no such element.
    pub fn click_on(&mut self, expression: &str) -> Result<()> {
        self.call("Page.bringToFront", json!({}))?;
        let place = self.evaluate(&format!(
            "(() => {{ const e = {expression}; if (!e) return null;
             e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect();
             let x = r.x + r.width / 2, y = r.y + r.height / 2;
             for (let f = e.ownerDocument.defaultView.frameElement; f;
                  f = f.ownerDocument.defaultView.frameElement) {{
               const b = f.getBoundingClientRect(); x += b.x; y += b.y; }}
             return {{x, y}}; }})()"
        ))?;
        ensure!(!place.is_null(), "there is no `{expression}` to click");
        self.press(&place)
    }

    fn press(&mut self, place: &Value) -> Result<()> {
        for kind in ["mousePressed", "mouseReleased"] {
            self.call(
                "Input.dispatchMouseEvent",
                json!({"type": kind, "x": place.get("x"), "y": place.get("y"),
                       "button": "left", "clickCount": 1}),
            )?;
        }
        Ok(())
    }

    /// Sends these headers with every request from now on, in place of those set before.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn set_headers(&mut self, headers: &[(&str, &str)]) -> Result<()> {
        let headers: BTreeMap<_, _> = headers.iter().copied().collect();
        self.call("Network.setExtraHTTPHeaders", json!({"headers": headers}))?;
        Ok(())
    }

    /// The cookies that the browser would send to `url`.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn cookies(&mut self, url: &str) -> Result<Vec<Cookie>> {
        let answer = self.call("Network.getCookies", json!({"urls": [url]}))?;
        let cookies = answer.get("cookies").and_then(Value::as_array);
        let text = |cookie: &Value, field: &str| {
            let text = cookie.get(field).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let flag = |cookie: &Value, field: &str| cookie.get(field) == Some(&Value::Bool(true));
        Ok(cookies
            .into_iter()
            .flatten()
            .map(|cookie| Cookie {
                name: text(cookie, "name"),
                value: text(cookie, "value"),
                secure: flag(cookie, "secure"),
                http_only: flag(cookie, "httpOnly"),
                session: flag(cookie, "session"),
                same_site: text(cookie, "sameSite"),
                path: text(cookie, "path"),
                expires: cookie.get("expires").and_then(Value::as_f64).unwrap_or(0.0),
            })
            .collect())
    }

    /// The cookie of this name that the browser would send to `url`.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn cookie(&mut self, url: &str, name: &str) -> Result<Option<Cookie>> {
        Ok(self.cookies(url)?.into_iter().find(|c| c.name == name))
    }

    /// Forgets a cookie of `url`.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn forget_cookie(&mut self, url: &str, name: &str) -> Result<()> {
        self.call("Network.deleteCookies", json!({"url": url, "name": name}))?;
        Ok(())
    }

    /// Writes what the tab shows to `target/screenshots/NAME.png`.
    ///
    /// # Errors
    /// When the browser or the file system refuses.
    pub fn screenshot(&mut self, name: &str) -> Result<()> {
        self.capture(name, json!({"format": "png"}))
    }

    /// The same of the whole page, also of what one would have to scroll to.
    ///
    /// # Errors
    /// As [`Page::screenshot`].
    pub fn picture(&mut self, name: &str) -> Result<()> {
        let metrics = self.call("Page.getLayoutMetrics", json!({}))?;
        let size = |side: &str| metrics.pointer(&format!("/cssContentSize/{side}")).cloned();
        // As on a screen that is as high: what fills the height of the screen fills the picture's.
        let screen = json!({
            "width": size("width"), "height": size("height"), "deviceScaleFactor": 1, "mobile": false,
        });
        self.call("Emulation.setDeviceMetricsOverride", screen)?;
        let whole =
            json!({"x": 0, "y": 0, "width": size("width"), "height": size("height"), "scale": 1});
        self.capture(
            name,
            json!({"format": "png", "captureBeyondViewport": true, "clip": whole}),
        )
    }

    fn capture(&mut self, name: &str, how: Value) -> Result<()> {
        let answer = self.call("Page.captureScreenshot", how)?;
        let data = answer.get("data").and_then(Value::as_str);
        let bytes = BASE64_STANDARD.decode(data.context("no picture")?)?;
        std::fs::write(
            paths::target("screenshots")?.join(format!("{name}.png")),
            bytes,
        )?;
        Ok(())
    }

    fn listen(&mut self) -> Result<()> {
        for event in self.connection.events()? {
            let at = |path: &str| event.params.pointer(path).and_then(Value::as_str);
            match event.method.as_str() {
                "Network.responseReceived" if at("/type") == Some("Document") => {
                    let status = event.params.pointer("/response/status");
                    self.status = status
                        .and_then(Value::as_u64)
                        .and_then(|status| u16::try_from(status).ok());
                    self.documents.push(format!(
                        "{} {}",
                        self.status.unwrap_or_default(),
                        at("/response/url").unwrap_or_default()
                    ));
                }
                "Network.requestWillBeSent" => {
                    let url = at("/request/url").unwrap_or_default();
                    self.requests.push(url.to_owned());
                    if let Some(status) = event.params.pointer("/redirectResponse/status") {
                        let url = at("/redirectResponse/url").unwrap_or_default();
                        self.documents.push(format!("{status} {url}"));
                    }
                }
                "Runtime.exceptionThrown" => {
                    self.problems.push(event.params.to_string());
                }
                "Runtime.consoleAPICalled" if at("/type") == Some("error") => {
                    self.problems.push(event.params.to_string());
                }
                // A status of 400 and more is also logged as an error of the source `network`; the
                // statuses are what tests look at themselves.
                "Log.entryAdded"
                    if at("/entry/level") == Some("error")
                        && at("/entry/source") != Some("network") =>
                {
                    self.problems.push(event.params.to_string());
                }
                _ => {}
            }
        }
        Ok(())
    }
}
