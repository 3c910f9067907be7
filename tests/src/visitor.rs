//! A person with a browser and a device that can verify them.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::cdp::{Authenticator, Browser, Cookie, Credential, Page};
use crate::expect::CHALLENGE;
use crate::forge;
use crate::http::cookie_pair;
use crate::stack::Stack;

/// The session cookie.
pub const SESSION: &str = "__Host-countersign";
/// The device cookie.
pub const DEVICE: &str = "__Host-countersign-device";

/// A tab in a profile of its own, with a virtual authenticator.
#[derive(Debug)]
pub struct Visitor {
    /// The tab.
    pub page: Page,
    /// The device.
    pub authenticator: Authenticator,
    origin: String,
}

impl Visitor {
    /// A new profile that nobody knows, about to visit `stack` over https.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn arrive(browser: &Browser, stack: &Stack) -> Result<Self> {
        Self::arrive_at(browser, stack.https())
    }

    /// The same for another origin.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn arrive_at(browser: &Browser, origin: &str) -> Result<Self> {
        Self::sit_at(browser.profile()?.page()?, origin)
    }

    /// At a tab that is there already.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn sit_at(mut page: Page, origin: &str) -> Result<Self> {
        let authenticator = page.add_authenticator()?;
        Ok(Self {
            page,
            authenticator,
            origin: origin.to_owned(),
        })
    }

    /// A hop in front of Envoy gives every request this score from now on.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn scored(&mut self, score: &str) -> Result<()> {
        self.page.set_headers(&[("x-bot-score", score)])
    }

    /// Opens a path; gives the status of what is shown in the end.
    ///
    /// # Errors
    /// When nothing is shown.
    pub fn open(&mut self, path: &str) -> Result<u16> {
        self.page.navigate(&format!("{}{path}", self.origin))
    }

    /// Opens a path that must lead to the challenge page, and waits until that is ready.
    ///
    /// # Errors
    /// When it does not.
    pub fn open_challenged(&mut self, path: &str) -> Result<()> {
        self.open(path)?;
        ensure!(
            self.is_challenged()?,
            "{path} was not challenged: {:?}",
            self.page.documents()
        );
        self.wait_for_state("ready")
    }

    /// Opens a path that must be served.
    ///
    /// # Errors
    /// When it is not.
    pub fn open_served(&mut self, path: &str) -> Result<()> {
        let status = self.open(path)?;
        let at = self.path()?;
        ensure!(
            status == 200 && at == path,
            "{path} was answered {status} at {at}"
        );
        Ok(())
    }

    /// Waits until a path is shown that was served, whatever came before it.
    ///
    /// # Errors
    /// When it is not shown in time, or was not served.
    pub fn comes_to(&mut self, path: &str) -> Result<()> {
        self.page.wait_for(&format!(
            "location.pathname === '{path}' && document.readyState === 'complete'"
        ))?;
        ensure!(self.page.status() == Some(200), "{:?}", self.page);
        Ok(())
    }

    /// The session proves this, in this way.
    ///
    /// # Errors
    /// When it proves something else, or there is none.
    pub fn has_earned(&mut self, assurance: &str, methods: &[&str]) -> Result<()> {
        let claims = self.claims()?;
        ensure!(
            claims["acr"] == assurance && claims["amr"] == json!(methods),
            "{claims}"
        );
        Ok(())
    }

    /// Is the challenge page shown?
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn is_challenged(&mut self) -> Result<bool> {
        Ok(self.path()?.starts_with(CHALLENGE))
    }

    /// The path and query shown.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn path(&mut self) -> Result<String> {
        self.page.text("location.pathname + location.search")
    }

    /// Waits until the challenge page says that it is in this state.
    ///
    /// # Errors
    /// When it does not come to that.
    pub fn wait_for_state(&mut self, state: &str) -> Result<()> {
        self.page.wait_for(&format!(
            "document.querySelector('#status')?.dataset.state === '{state}'"
        ))
    }

    /// Presses the button and lets the device verify; waits until `path` is shown again.
    ///
    /// # Errors
    /// When it is not.
    pub fn verify(&mut self, path: &str) -> Result<()> {
        self.page.click("#verify")?;
        let wanted = Value::from(path);
        self.page.wait_for(&format!(
            "location.pathname + location.search === {wanted} && document.readyState === 'complete'"
        ))
    }

    /// Opens a challenged path, proves, and comes back to it.
    ///
    /// # Errors
    /// When that does not work.
    pub fn pass(&mut self, path: &str) -> Result<()> {
        self.open_challenged(path)?;
        self.verify(path)?;
        ensure!(
            self.page.status() == Some(200),
            "{path} was answered {:?} after the proof",
            self.page.status()
        );
        Ok(())
    }

    /// The session cookie.
    ///
    /// # Errors
    /// When there is none.
    pub fn session(&mut self) -> Result<Cookie> {
        self.cookie(SESSION)?.context("no session cookie")
    }

    /// The claims of the session, unverified.
    ///
    /// # Errors
    /// When there is none.
    pub fn claims(&mut self) -> Result<Value> {
        forge::read(&self.session()?.value, 1)
    }

    /// The device's name: the subject of the session, or what the device cookie says without one.
    ///
    /// # Errors
    /// When there is neither.
    pub fn device(&mut self) -> Result<String> {
        let cookie = self.cookie(DEVICE)?;
        Ok(cookie.context("no device cookie")?.value)
    }

    /// A cookie that would be sent.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn cookie(&mut self, name: &str) -> Result<Option<Cookie>> {
        let url = format!("{}/", self.origin);
        self.page.cookie(&url, name)
    }

    /// Takes the cookie of an answer that was not its own: `Set-Cookie` as it came.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn take_cookie(&mut self, set_cookie: &str) -> Result<()> {
        let (name, value) = cookie_pair(set_cookie)?;
        self.put_cookie(name, value)
    }

    /// Has from now on a cookie as ours are.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn put_cookie(&mut self, name: &str, value: &str) -> Result<()> {
        let cookie = json!({
            "name": name, "value": value, "url": format!("{}/", self.origin),
            "path": "/", "secure": true, "httpOnly": true, "sameSite": "Lax",
        });
        let set = self.page.call("Network.setCookie", cookie)?;
        ensure!(set.get("success") == Some(&json!(true)), "{set}");
        Ok(())
    }

    /// Forgets the session, as its end does.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn forget_session(&mut self) -> Result<()> {
        let url = format!("{}/", self.origin);
        self.page.forget_cookie(&url, SESSION)
    }

    /// What the device holds for this site.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn credentials(&mut self) -> Result<Vec<Credential>> {
        let authenticator = self.authenticator.clone();
        self.page.credentials(&authenticator)
    }
}
