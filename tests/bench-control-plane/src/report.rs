//! The numbers, as a table and as a file.

use std::path::Path;

use anyhow::{Context as _, Result};
use comfy_table::{Table, presets};
use serde::Serialize;

use crate::compile::Compile;
use crate::fanout::Fanout;
use crate::ingest::Ingest;

/// Everything that was measured.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) fanout: Vec<Fanout>,
    pub(crate) ingest: Option<Ingest>,
    pub(crate) compile: Option<Compile>,
}

impl Report {
    /// Writes `control-plane.json`.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(file, text + "\n").with_context(|| format!("writing {}", file.display()))
    }

    /// One line a number, with what is to be reached.
    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_BORDERS_ONLY);
        table.set_header(["what", "measured", "to reach"]);
        for fanout in &self.fanout {
            let what = |name| {
                format!(
                    "{name}, {} nodes, {}, {} replica{}",
                    fanout.nodes,
                    fanout.store,
                    fanout.replicas,
                    if fanout.replicas == 1 { "" } else { "s" }
                )
            };
            table.add_row([what("change to ACK, p50"), ms(fanout.p50_ms), String::new()]);
            table.add_row([
                what("change to ACK, p99"),
                ms(fanout.p99_ms),
                "under 2000 ms".into(),
            ]);
            table.add_row([
                what("CPU of a change"),
                format!("{:.2} s", fanout.cpu_s),
                String::new(),
            ]);
            table.add_row([
                what("memory of an idle stream"),
                format!("{:.1} KiB", fanout.kib_per_stream),
                "under 40 KiB".into(),
            ]);
            table.add_row([
                what("CPU of the idle fleet"),
                format!("{:.2} cores", fanout.idle_cores),
                String::new(),
            ]);
            table.add_row([
                what("how"),
                format!(
                    "a connection and two streams a node, {} KiB a push, {} open files allowed",
                    fanout.resource_bytes / 1024,
                    fanout.open_files
                ),
                String::new(),
            ]);
        }
        if let Some(ingest) = &self.ingest {
            table.add_row([
                "events stored on one core".into(),
                format!("{:.0} a second", ingest.events_per_s),
                "20000 a second".to_owned(),
            ]);
            table.add_row([
                "events lost".into(),
                format!("{} of {}", ingest.lost, ingest.sent),
                "none".to_owned(),
            ]);
        }
        if let Some(compile) = &self.compile {
            let policies = compile.policies;
            table.add_row([
                format!("compile {policies} policies"),
                format!("{:.2} s", compile.s),
                "under 2 s".into(),
            ]);
            table.add_row([
                format!("change one of {policies}, to the first ACK"),
                ms(compile.incremental_ms),
                "under 200 ms".into(),
            ]);
        }
        table.to_string()
    }
}

fn ms(value: f64) -> String {
    format!("{value:.0} ms")
}
