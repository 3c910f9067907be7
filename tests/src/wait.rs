//! Waiting is asking for a condition until a deadline; nothing here sleeps in place of a reason.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Between two askings.
const PAUSE: Duration = Duration::from_millis(10);

/// Asks until there is an answer.
///
/// # Errors
/// When the deadline passes; the last failure is told.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + limit;
    let mut last = None;
    loop {
        match ask() {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => {}
            Err(error) => last = Some(error),
        }
        if Instant::now() >= end {
            let limit = limit.as_secs_f32();
            match last {
                Some(error) => {
                    return Err(error.context(format!("waited {limit} s in vain until {what}")));
                }
                None => bail!("waited {limit} s in vain until {what}"),
            }
        }
        std::thread::sleep(PAUSE);
    }
}
