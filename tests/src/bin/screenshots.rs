//! `make screenshots`: a picture of every page of the dashboard and each of its states, whole, light and
//! dark, on a wide screen and on a phone: `target/screenshots/VIEW-MODE.png`. Words given choose the views
//! whose names hold one of them.

use std::process::ExitCode;

use anyhow::Result;
use countersign_e2e::gallery::Gallery;

fn main() -> ExitCode {
    match take() {
        Ok(taken) => {
            println!("{taken} pictures are in target/screenshots");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("screenshots: {error:?}");
            ExitCode::FAILURE
        }
    }
}

fn take() -> Result<u32> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let gallery = Gallery::open("screenshots")?;
    let mut taken = 0;
    gallery.stack().watched(|_| {
        gallery.walk_those(&words, |screen, view, mode| {
            let name = format!("{}-{}", view.name, mode.name);
            screen.page().picture(&name)?;
            taken += 1;
            println!("{name}");
            Ok(())
        })
    })?;
    Ok(taken)
}
