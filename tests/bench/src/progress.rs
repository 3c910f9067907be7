//! What the bench is at, on standard error: a bar on a terminal, lines elsewhere.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

/// Tells how far the bench is.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Of so many steps altogether.
    pub(crate) fn new(steps: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(u64::try_from(steps).unwrap_or(u64::MAX));
            if let Ok(style) =
                ProgressStyle::with_template("{bar:30} {percent:>3} %  {eta:>4} left  {msg}")
            {
                bar.set_style(style);
            }
            bar
        });
        Self { bar }
    }

    /// What comes now.
    pub(crate) fn say(&self, what: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(what.to_owned()),
            None => eprintln!("bench-filter: {what}"),
        }
    }

    /// One step is done.
    pub(crate) fn step(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
