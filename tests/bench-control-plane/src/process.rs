//! What a process has used, by the kernel's accounts.

use anyhow::{Context as _, Result};

/// Linux counts CPU time for `/proc` in hundredths of a second.
const TICKS_A_SECOND: f64 = 100.0;

/// Seconds of CPU of all threads, the ended ones included.
pub(crate) fn cpu_s(process: u32) -> Result<f64> {
    let stat = read(process, "stat")?;
    // The name of the program may hold spaces and ends with the last parenthesis.
    let (_, after) = stat.rsplit_once(')').context("no name in stat")?;
    let mut fields = after.split_whitespace();
    let user: f64 = fields.nth(11).context("no user time")?.parse()?;
    let system: f64 = fields.next().context("no system time")?.parse()?;
    Ok((user + system) / TICKS_A_SECOND)
}

/// Resident kilobytes.
pub(crate) fn resident_kib(process: u32) -> Result<u64> {
    let status = read(process, "status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("no VmRSS")?.parse()?)
}

fn read(process: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{process}/{file}");
    std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))
}
