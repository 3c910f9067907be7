//! Manual pages, one for each command.

use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::{definition, help, shown, title};

/// Why there are no manual pages.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManError {
    /// The directory or a file in it.
    #[error("cannot write `{}`: {source}; give a directory that can be written", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes every page into `directory`, which is made where it is not there; returns their files.
pub(crate) fn write(directory: &Path) -> Result<Vec<PathBuf>, ManError> {
    let failed = |path: &Path, source| ManError::Write {
        path: path.to_owned(),
        source,
    };
    std::fs::create_dir_all(directory).map_err(|source| failed(directory, source))?;
    let mut files = Vec::new();
    for (name, page) in pages().map_err(|source| failed(directory, source))? {
        let path = directory.join(name);
        std::fs::write(&path, page).map_err(|source| failed(&path, source))?;
        files.push(path);
    }
    Ok(files)
}

/// `countersign-access-tokens.1` and what it holds.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let root = definition();
    let mut pages = Vec::new();
    collect(&root, None, &mut pages)?;
    Ok(pages)
}

fn collect(
    command: &Command,
    above: Option<&str>,
    pages: &mut Vec<(String, Vec<u8>)>,
) -> io::Result<()> {
    let name = page_name(command);
    pages.push((format!("{name}.1"), page(command, &name, above)?));
    for inner in shown(command) {
        collect(inner, Some(&name), pages)?;
    }
    Ok(())
}

fn page_name(command: &Command) -> String {
    title(command).replace(' ', "-")
}

fn page(command: &Command, name: &str, above: Option<&str>) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone())
        .title(name.to_uppercase())
        .section("1")
        .manual("Countersign")
        .source(format!("countersign {}", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    description(command).to_writer(&mut page)?;
    if command.get_arguments().any(|arg| !arg.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    commands(command).to_writer(&mut page)?;
    examples(command).to_writer(&mut page)?;
    see_also(command, above).to_writer(&mut page)?;
    Ok(page)
}

/// Written here, since a block that is indented in the help must stay as it is.
fn description(command: &Command) -> Roff {
    let mut roff = Roff::default();
    roff.control("SH", ["DESCRIPTION"]);
    for piece in help::pieces(&help::about(command)) {
        match piece {
            help::Piece::Paragraph(text) => {
                roff.control("PP", []);
                roff.text([roman(text)]);
            }
            help::Piece::Block(lines) => block(&mut roff, &lines),
        }
    }
    roff
}

fn commands(command: &Command) -> Roff {
    let mut roff = Roff::default();
    let mut first = true;
    for inner in shown(command) {
        if std::mem::take(&mut first) {
            roff.control("SH", ["COMMANDS"]);
        }
        roff.control("TP", []);
        roff.text([bold(format!("{}(1)", page_name(inner)))]);
        roff.text([roman(help::short(inner))]);
    }
    roff
}

fn examples(command: &Command) -> Roff {
    let mut roff = Roff::default();
    let after = help::after(command);
    if !after.examples.is_empty() {
        roff.control("SH", ["EXAMPLES"]);
        block(&mut roff, &after.examples);
    }
    for remark in after.remarks {
        roff.control("PP", []);
        roff.text([roman(remark)]);
    }
    roff
}

fn see_also(command: &Command, above: Option<&str>) -> Roff {
    let mut roff = Roff::default();
    let others = above.map(str::to_owned).into_iter();
    let others: Vec<_> = others.chain(shown(command).map(page_name)).collect();
    if !others.is_empty() {
        roff.control("SH", ["SEE ALSO"]);
        let others: Vec<_> = others.iter().map(|name| format!("{name}(1)")).collect();
        roff.text([roman(others.join(", "))]);
    }
    roff
}

/// Lines that stay as they are.
fn block(roff: &mut Roff, lines: &[String]) {
    roff.control("PP", []);
    roff.control("RS", ["4"]);
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line.clone())]);
    }
    roff.control("fi", []);
    roff.control("RE", []);
}
