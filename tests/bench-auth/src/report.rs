//! The numbers, as a table and as a file.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::Value;

use crate::ceremonies::Kind;
use crate::raw;

/// One kind's sums.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) kind: Kind,
    ceremonies: u64,
    spent: Duration,
    operations: u64,
    operating: Duration,
}

impl Line {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            ceremonies: 0,
            spent: Duration::ZERO,
            operations: 0,
            operating: Duration::ZERO,
        }
    }

    /// One slice of each more.
    pub(crate) fn add(
        &mut self,
        ceremonies: usize,
        spent: Duration,
        operations: u64,
        time: Duration,
    ) {
        self.ceremonies += ceremonies as u64;
        self.spent += spent;
        self.operations += operations;
        self.operating += time;
    }
}

/// What `auth.json` holds.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    ceremonies: Vec<Ceremonies>,
    held_body: Option<Held>,
}

#[derive(Debug, Serialize)]
struct Ceremonies {
    kind: &'static str,
    per_s_core: f64,
    raw_per_s_core: f64,
    #[serde(skip)]
    raw: &'static str,
}

#[derive(Debug, Serialize)]
struct Held {
    kib: u64,
    added_ms_p50: f64,
}

impl Report {
    /// `held` is the line that `bench-held` prints.
    pub(crate) fn new(lines: &[Line], held: Option<&Path>) -> Result<Self> {
        let ceremonies = lines.iter().map(|line| Ceremonies {
            kind: line.kind.name(),
            per_s_core: rate(line.ceremonies, line.spent),
            raw_per_s_core: rate(line.operations, line.operating),
            raw: raw::name(line.kind),
        });
        Ok(Self {
            ceremonies: ceremonies.collect(),
            held_body: held.map(read).transpose()?,
        })
    }

    /// Writes `auth.json`.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(file, text + "\n").with_context(|| format!("writing {}", file.display()))
    }

    /// One line a kind.
    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_BORDERS_ONLY);
        table.set_header([
            "kind",
            "ceremonies a second and core",
            "the bare operation",
            "which",
        ]);
        for line in &self.ceremonies {
            table.add_row([
                line.kind.to_owned(),
                format!("{:.0}", line.per_s_core),
                format!("{:.0}", line.raw_per_s_core),
                line.raw.to_owned(),
            ]);
        }
        let held = self.held_body.as_ref().map(|held| {
            format!(
                "\na held body of {} KiB adds {:.1} ms (p50)",
                held.kib, held.added_ms_p50
            )
        });
        format!("{table}{}", held.unwrap_or_default())
    }
}

fn read(file: &Path) -> Result<Held> {
    let text = std::fs::read_to_string(file)?;
    let line: Value = serde_json::from_str(&text)?;
    Ok(Held {
        kib: line["kib"].as_u64().context("no `kib`")?,
        added_ms_p50: line["added_ms_p50"].as_f64().context("no `added_ms_p50`")?,
    })
}

fn rate(number: u64, time: Duration) -> f64 {
    if time.is_zero() {
        return 0.0;
    }
    (number as f64 / time.as_secs_f64()).round()
}
