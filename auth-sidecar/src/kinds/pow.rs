//! `pow`: proof of work. The browser finds, for each of 32 small puzzles, a number whose SHA-256
//! begins low enough. It proves that somebody spent time for this one challenge, and no more.
//!
//! Many small puzzles and not one large one: the time of one large one varies as much as it lasts,
//! that of 32 by less than a fifth. Each is one block of SHA-256:
//! `seed (32 bytes) || puzzle (4) || number (4)`, big-endian. The seed is random, made when the
//! ceremony begins and known to its row only; so nothing can be worked out before, or be good for
//! another ticket, and an answer is taken once like every other.

mod pressure;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Answering, Asked, Asking, Miss, Proof, Verified};
use crate::app::App;
use crate::assurance::Assurance;
use crate::cause::Cause;
use crate::http::Refusal;
use crate::limits;
use crate::store::StoreError;

pub use pressure::Pressure;

/// RFC 8176 has no word for it.
const METHODS: [&str; 1] = ["pow"];

#[derive(Debug, Serialize, Deserialize)]
struct Puzzle {
    seed: [u8; 32],
    /// A hash whose first 32 bits are below this solves a puzzle.
    below: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    numbers: Vec<u32>,
}

/// Sets the puzzles, harder for a network that asks often and while everybody does.
pub(super) fn ask(app: &App, asking: &Asking<'_>) -> Result<Asked, Refusal> {
    let mut seed = [0; 32];
    app.random.fill(&mut seed)?;
    let work = app.pressure.note(asking.from, app.clock.now_s());
    let puzzle = Puzzle {
        seed,
        below: below(work),
    };
    let options = json!({
        "seed": URL_SAFE_NO_PAD.encode(seed),
        "below": puzzle.below,
        "puzzles": limits::POW_PUZZLES,
        // How many hashes it takes on average: for a bar that shows how far it is.
        "work": work,
    });
    let state = serde_json::to_string(&puzzle)
        .map_err(|_| Refusal::with(Cause::Internal, asking.ticket))?;
    Ok(Asked {
        lifetime_s: limits::POW_LIFETIME_S,
        ..Asked::once(asking.proven, options, state)
    })
}

/// The bound that makes all puzzles together take so many hashes on average.
fn below(work: u64) -> u32 {
    let each = (work / u64::from(limits::POW_PUZZLES)).max(1);
    u32::try_from((1 << 32) / each).unwrap_or(u32::MAX)
}

/// 32 hashes: some microseconds, whatever the client sent.
pub(super) fn verify(
    answering: &Answering<'_>,
    answer: Value,
) -> Result<Result<Verified, Miss>, StoreError> {
    let puzzle: Puzzle = serde_json::from_str(&answering.row.state)
        .map_err(|_| StoreError::Corrupt("ceremonies"))?;
    let Ok(Answer { numbers }) = serde_json::from_value(answer) else {
        return Ok(Err(Cause::AnswerMalformed.into()));
    };
    Ok(if solves(&puzzle, &numbers) {
        Ok(Verified::Proof(Proof {
            assurance: Assurance::Effort,
            amr: &METHODS,
        }))
    } else {
        Err(Cause::PowUnsolved.into())
    })
}

fn solves(puzzle: &Puzzle, numbers: &[u32]) -> bool {
    let puzzles = 0..limits::POW_PUZZLES;
    numbers.len() == puzzles.len()
        && puzzles
            .zip(numbers)
            .all(|(index, &number)| first_word(&puzzle.seed, index, number) < puzzle.below)
}

fn first_word(seed: &[u8; 32], index: u32, number: u32) -> u32 {
    let mut hash = Sha256::new();
    hash.update(seed);
    hash.update(index.to_be_bytes());
    hash.update(number.to_be_bytes());
    let [a, b, c, d, ..] = <[u8; 32]>::from(hash.finalize());
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solve(puzzle: &Puzzle) -> Vec<u32> {
        (0..limits::POW_PUZZLES)
            .map(|index| {
                (0..)
                    .find(|&number| first_word(&puzzle.seed, index, number) < puzzle.below)
                    .unwrap()
            })
            .collect()
    }

    fn puzzle(seed: u8) -> Puzzle {
        Puzzle {
            seed: [seed; 32],
            below: below(32 * 64),
        }
    }

    #[test]
    fn every_puzzle_must_be_solved_and_for_this_seed() {
        let numbers = solve(&puzzle(1));
        assert!(solves(&puzzle(1), &numbers));
        assert!(!solves(&puzzle(2), &numbers), "another seed");
        assert!(!solves(&puzzle(1), &numbers[1..]), "one too few");
        let mut more = numbers.clone();
        more.push(0);
        assert!(!solves(&puzzle(1), &more), "one too many");
        let mut swapped = numbers.clone();
        swapped.rotate_left(1);
        assert!(!solves(&puzzle(1), &swapped), "answers to other puzzles");
        assert!(!solves(&puzzle(1), &[]));
    }

    #[test]
    fn the_work_asked_for_is_the_work_it_takes() {
        let (mut tried, mut asked) = (0_u64, 0);
        for seed in 0..16 {
            let numbers = solve(&puzzle(seed));
            tried += numbers.iter().map(|&n| u64::from(n) + 1).sum::<u64>();
            asked += 32 * 64;
        }
        let share = tried as f64 / asked as f64;
        assert!((0.8..1.2).contains(&share), "{share}");
    }

    #[test]
    fn the_bound_stays_one_at_both_ends() {
        assert_eq!(below(0), u32::MAX);
        assert_eq!(below(limits::POW_WORK), 1 << 19);
        assert_eq!(below(limits::POW_WORK_MOST), 1 << 14);
    }
}
