//! Keys, for who uses no mouse.

use anyhow::Result;
use serde_json::json;

use super::page::Page;

/// A key that a person presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// To the next thing.
    Tab,
    /// Follows a link, presses a button, sends a form.
    Enter,
    /// Ticks a box, presses a button.
    Space,
}

impl Page {
    /// Presses a key and lets it go, wherever the focus is.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn press_key(&mut self, key: Key) -> Result<()> {
        let (name, code, number, text) = match key {
            Key::Tab => ("Tab", "Tab", 9, ""),
            Key::Enter => ("Enter", "Enter", 13, "\r"),
            Key::Space => (" ", "Space", 32, " "),
        };
        for kind in ["keyDown", "keyUp"] {
            self.call(
                "Input.dispatchKeyEvent",
                json!({"type": kind, "key": name, "code": code, "windowsVirtualKeyCode": number, "text": text}),
            )?;
        }
        Ok(())
    }
}
