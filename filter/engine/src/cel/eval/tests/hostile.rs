//! Programs that nobody wrote. Whatever loads evaluates, to a value or an error, without a panic.

use super::cases::cases;
use super::expression::{E, body};
use super::request::Request;
use crate::cel::{Evaluator, NodeId, Program};
use crate::form::{Section, Sections};

/// A fixed sequence: the same programs in every run.
struct Sequence(u64);

impl Sequence {
    /// From zero to `count`, without it.
    fn below(&mut self, count: usize) -> usize {
        // Xorshift with its usual constants.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(count.max(1)).unwrap()).unwrap()
    }
}

/// How many nodes were evaluated; none where the body does not load.
fn evaluate_all(body: &[u8]) -> usize {
    let Ok(sections) = Sections::read(body) else {
        return 0;
    };
    let Ok(program) = Program::load(&sections) else {
        return 0;
    };
    let mut evaluator = Evaluator::new(&program, Request::default());
    for number in 0..program.len() {
        let node = NodeId(u32::try_from(number).unwrap());
        let _value_or_error = evaluator.evaluate(node);
        let _truth_or_error = evaluator.holds(node);
    }
    program.len()
}

#[test]
fn an_altered_byte_of_any_program_is_refused_or_evaluates() {
    let mut sequence = Sequence(0x9e37_79b9_7f4a_7c15);
    let mut evaluated = 0;
    for (expression, _) in cases() {
        let (whole, _) = body([&expression]);
        for _ in 0..24 {
            let mut altered = whole.clone();
            for _ in 0..=sequence.below(3) {
                let at = sequence.below(altered.len());
                altered[at] = match sequence.below(4) {
                    0 => 0,
                    1 => 0xff,
                    2 => altered[at] ^ (1 << sequence.below(8)),
                    _ => u8::try_from(sequence.below(256)).unwrap(),
                };
            }
            evaluated += evaluate_all(&altered);
        }
    }
    assert!(evaluated > 10_000, "{evaluated} nodes");
}

/// Operations and arguments of the nodes of all cases put together at random: each loads when it may
/// have the arguments that it got, and most mean something that no author would write.
#[test]
fn nodes_put_together_at_random_evaluate() {
    let cases = cases();
    let (whole, _) = body(cases.iter().map(|(expression, _): &(E, _)| expression));
    let sections = Sections::read(&whole).unwrap();
    let nodes = sections.get(Section::Nodes);
    let start = nodes.as_ptr() as usize - whole.as_ptr() as usize;
    let count = nodes.len() / 16;
    let mut sequence = Sequence(0xd1b5_4a32_d192_ed03);
    let mut evaluated = 0;
    for _ in 0..60 {
        let mut altered = whole.clone();
        // Few enough that the whole still loads now and then; an argument may be any node before.
        for _ in 0..6 {
            let node = 1 + sequence.below(count - 1);
            let argument = u32::try_from(sequence.below(node)).unwrap();
            let at = start + node * 16 + 4 + 4 * sequence.below(3);
            altered[at..at + 4].copy_from_slice(&argument.to_le_bytes());
        }
        evaluated += evaluate_all(&altered);
    }
    assert!(evaluated > count, "{evaluated} nodes");
}

#[test]
fn a_program_whose_every_node_claims_to_be_shared_evaluates() {
    for (expression, _) in cases() {
        let (mut whole, _) = body([&expression]);
        let sections = Sections::read(&whole).unwrap();
        let nodes = sections.get(Section::Nodes);
        let start = nodes.as_ptr() as usize - whole.as_ptr() as usize;
        let flags = (0..nodes.len() / 16).map(|node| start + node * 16 + 3);
        for at in flags.collect::<Vec<_>>() {
            whole[at] = 1;
        }
        assert_ne!(evaluate_all(&whole), 0);
    }
}
