//! `seeds FOLDER` writes the seeds; `seeds --check FOLDER` says whether they are still worth something.

use std::path::Path;
use std::process::ExitCode;

use countersign_fuzz::seeds;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["--check", folder] => seeds::accepted(Path::new(folder)).map(|accepted| accepted > 0),
        [folder] => seeds::write(Path::new(folder)).map(|()| true),
        _ => {
            eprintln!("usage: seeds [--check] FOLDER");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!(
                "seeds: those of the decoder are of an earlier compiled form: write them anew"
            );
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("seeds: {error}");
            ExitCode::from(2)
        }
    }
}
