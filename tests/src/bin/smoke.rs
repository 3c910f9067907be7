//! `make smoke`: the tour without a person, one line a step, exit code 0 when every step held.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use countersign_e2e::tour;

fn main() -> ExitCode {
    let start = Instant::now();
    let mut stack = match tour::stack("smoke") {
        Ok(stack) => stack,
        Err(error) => {
            say(
                false,
                "0 the stack starts",
                &format!("{error:?}"),
                start.elapsed(),
            );
            return ExitCode::FAILURE;
        }
    };
    let seen = format!("{}, {}", stack.https(), stack.http());
    say(true, "0 the stack starts", &seen, start.elapsed());

    let mut held = true;
    for step in &tour::STEPS {
        let start = Instant::now();
        let taken = (step.take)(&mut stack);
        let title = format!("{} {}", step.number, step.title);
        match taken {
            Ok(seen) => say(true, &title, &seen, start.elapsed()),
            Err(error) => {
                held = false;
                say(false, &title, &format!("{error:#}"), start.elapsed());
                eprintln!("{}", stack.logs());
            }
        }
    }

    let start = Instant::now();
    match stack.stop() {
        Ok(()) => say(
            true,
            "7 everything stops",
            "no process is left",
            start.elapsed(),
        ),
        Err(error) => {
            held = false;
            say(
                false,
                "7 everything stops",
                &format!("{error:#}"),
                start.elapsed(),
            );
        }
    }
    if held {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn say(held: bool, title: &str, seen: &str, took: Duration) {
    let mark = match (held, std::io::stdout().is_terminal()) {
        (true, true) => "\u{1b}[32m\u{2713}\u{1b}[0m",
        (false, true) => "\u{1b}[31m\u{2717}\u{1b}[0m",
        (true, false) => "\u{2713}",
        (false, false) => "\u{2717}",
    };
    // A closed pipe is no reason not to finish the tour: the exit code tells as well.
    let _ = writeln!(
        std::io::stdout(),
        "{mark} {title}: {seen} ({} ms)",
        took.as_millis()
    );
}
