//! A spinner while something takes its time: on a terminal's stderr, and nowhere else.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::colour;

/// How often it turns.
const TICK: Duration = Duration::from_millis(80);

/// Turns until it is dropped.
pub(crate) struct Spinner(Option<ProgressBar>);

impl Spinner {
    pub(crate) fn begin(doing: impl Into<String>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self(terminal.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = if colour::wanted(terminal) {
                "{spinner:.cyan} {msg}"
            } else {
                "{spinner} {msg}"
            };
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style);
            }
            bar.set_message(doing.into());
            bar.enable_steady_tick(TICK);
            bar
        }))
    }

    /// What is done now.
    pub(crate) fn now(&self, doing: impl Into<String>) {
        if let Some(bar) = &self.0 {
            bar.set_message(doing.into());
        }
    }

    /// Before anything is printed.
    pub(crate) fn end(self) {}
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
