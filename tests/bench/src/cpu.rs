//! What processes have used, by the kernel's own accounts: nanoseconds of CPU, kilobytes of memory.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Between two readings that have to agree.
const BETWEEN: Duration = Duration::from_micros(300);
/// Readings until one is taken although the process is not quite idle: a timer fired, no more.
const READINGS: usize = 20;

/// Between two readings of memory that have to agree.
const BETWEEN_MEMORY: Duration = Duration::from_millis(150);
/// Kilobytes by which they may differ.
const AGREE_KB: u64 = 64;

/// CPU time of all threads of an idle process, in nanoseconds. The kernel books a thread's time when it
/// stops running, so the reading is repeated until it stands.
pub(crate) fn settled_ns(process: u32) -> Result<u64> {
    let mut before = used_ns(process)?;
    for _ in 0..READINGS {
        std::thread::sleep(BETWEEN);
        let now = used_ns(process)?;
        if now == before {
            break;
        }
        before = now;
    }
    Ok(before)
}

fn used_ns(process: u32) -> Result<u64> {
    let threads = format!("/proc/{process}/task");
    let mut sum = 0_u64;
    for thread in std::fs::read_dir(&threads).with_context(|| format!("reading {threads}"))? {
        sum = sum.saturating_add(thread_ns(&thread?.path().join("schedstat"))?);
    }
    Ok(sum)
}

fn thread_ns(file: &Path) -> Result<u64> {
    match std::fs::read_to_string(file) {
        Ok(text) => on_cpu_ns(&text).with_context(|| format!("{} holds no number", file.display())),
        // The thread has ended since its name was read.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error).with_context(|| format!("reading {}", file.display())),
    }
}

/// `sched-stats`: nanoseconds on the CPU, nanoseconds waiting, number of time slices.
fn on_cpu_ns(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

/// Resident megabytes of a process that is left alone, once they stand.
pub(crate) fn settled_mb(process: u32) -> Result<f64> {
    let mut before = resident_kb(process)?;
    for _ in 0..READINGS {
        std::thread::sleep(BETWEEN_MEMORY);
        let now = resident_kb(process)?;
        if now.abs_diff(before) <= AGREE_KB {
            before = now;
            break;
        }
        before = now;
    }
    Ok(before as f64 / 1024.0)
}

fn resident_kb(process: u32) -> Result<u64> {
    let file = format!("/proc/{process}/status");
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
    vm_rss_kb(&text).with_context(|| format!("{file} does not tell VmRSS"))
}

fn vm_rss_kb(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_of_schedstat_is_the_time_on_the_cpu() {
        assert_eq!(on_cpu_ns("495425805 742359 9\n"), Some(495_425_805));
        assert_eq!(on_cpu_ns(""), None);
        assert_eq!(on_cpu_ns("x 1 2"), None);
    }

    #[test]
    fn resident_memory_is_read_from_the_status() {
        let status = "Name:\tenvoy\nVmHWM:\t  90000 kB\nVmRSS:\t   81234 kB\nThreads:\t4\n";
        assert_eq!(vm_rss_kb(status), Some(81_234));
        assert_eq!(vm_rss_kb("Name:\tenvoy\n"), None);
    }

    #[test]
    fn this_process_has_used_something() {
        assert!(settled_mb(std::process::id()).unwrap() > 0.0);
        assert!(settled_ns(std::process::id()).is_ok());
    }
}
