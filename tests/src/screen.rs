//! A page of the dashboard, used as a person uses it: by what stands on it.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::cdp::Page;

/// The dashboard in a tab.
pub struct Screen {
    page: Page,
    origin: String,
}

/// Marks what was found, so that the mouse can go there.
const MARK: &str = "data-e2e-found";

impl Screen {
    /// Opens the dashboard's first page.
    ///
    /// # Errors
    /// When it is not served.
    pub fn open(mut page: Page, origin: &str) -> Result<Self> {
        let status = page.navigate(&format!("{origin}/"))?;
        ensure!(status == 200, "the dashboard answers {status}");
        Ok(Self {
            page,
            origin: origin.to_owned(),
        })
    }

    /// The same tab, which has gone to another origin.
    #[must_use]
    pub fn at(self, origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            ..self
        }
    }

    /// The tab.
    pub fn page(&mut self) -> &mut Page {
        &mut self.page
    }

    /// Opens another page by its address.
    ///
    /// # Errors
    /// When it is not served.
    pub fn go(&mut self, path: &str) -> Result<()> {
        let status = self.page.navigate(&format!("{}{path}", self.origin))?;
        ensure!(status == 200, "{path} answers {status}");
        Ok(())
    }

    /// Waits until this stands on the page.
    ///
    /// # Errors
    /// When it does not in time.
    pub fn shows(&mut self, text: &str) -> Result<()> {
        let text = Value::from(text);
        self.page
            .wait_for(&format!("document.body.innerText.includes({text})"))
    }

    /// Waits until an expression holds.
    ///
    /// # Errors
    /// When it does not in time.
    pub fn wait_for(&mut self, condition: &str) -> Result<()> {
        self.page.wait_for(condition)
    }

    /// Presses the button or the link that begins so, once it can be pressed.
    ///
    /// # Errors
    /// When there is none in time.
    pub fn press(&mut self, text: &str) -> Result<()> {
        self.mark(&format!(
            "[...(document.querySelector('dialog[open]') ?? document).querySelectorAll('button, a')]
             .find(e => (e.innerText.trim() || e.getAttribute('aria-label') || '').startsWith({})
               && !e.disabled && e.getAttribute('aria-disabled') !== 'true' && e.checkVisibility())",
            Value::from(text)
        ))
        .with_context(|| format!("there is nothing to press that begins with `{text}`"))?;
        self.page.click(&format!("[{MARK}]"))
    }

    /// Writes into the field of that label.
    ///
    /// # Errors
    /// When there is none in time.
    pub fn fill(&mut self, label: &str, value: &str) -> Result<()> {
        self.mark(&format!(
            "[...document.querySelectorAll('label')]
             .find(e => e.innerText.trim().startsWith({}) && e.control && !e.control.disabled)?.control",
            Value::from(label)
        ))
        .with_context(|| format!("there is no field `{label}`"))?;
        let value = Value::from(value);
        // As typing does: the framework listens for the event, and the setter is the browser's own.
        self.page.evaluate(&format!(
            "(() => {{ const e = document.querySelector('[{MARK}]');
              const own = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(e), 'value');
              own.set.call(e, {value});
              e.dispatchEvent(new Event('input', {{bubbles: true}}));
              e.dispatchEvent(new Event('change', {{bubbles: true}})); }})()"
        ))?;
        Ok(())
    }

    /// Fails when the page has complained, of its policy for example.
    ///
    /// # Errors
    /// The complaints.
    pub fn without_complaint(&mut self) -> Result<()> {
        self.page.without_complaint()
    }

    fn mark(&mut self, element: &str) -> Result<()> {
        self.page.wait_for(&format!(
            "(() => {{ document.querySelectorAll('[{MARK}]').forEach(e => e.removeAttribute('{MARK}'));
              const found = {element}; found?.setAttribute('{MARK}', ''); return found; }})()"
        ))
    }
}
