//! The expression pipeline: source → compiled → evaluated is what the naive evaluator says.

use std::sync::LazyLock;

use countersign_engine::cel::Evaluator;

use crate::differential::dice::Dice;
use crate::differential::front::cel::syntax;
use crate::differential::generate;
use crate::differential::naive;
use crate::differential::naive::value::{Kinds, Stop};
use crate::differential::render;
use crate::differential::request::{self, Facts, Read};
use crate::differential::trial::{self, Compiled, Environments, Verdict};

/// Bytes of a text. The front end takes a megabyte; long ones only make the fuzzer slow.
const MAX_TEXT: usize = 4_096;

static ENVIRONMENTS: LazyLock<Environments> = LazyLock::new(Environments::new);

/// The first byte says whether the rest is a text or the choices of a generator.
pub fn expression(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    if first % 2 == 0 {
        let rest = &rest[..rest.len().min(MAX_TEXT)];
        text(&String::from_utf8_lossy(rest));
    } else {
        let mut dice = Dice::given(rest);
        let generated = generate::expression(&mut dice);
        let text = render::text(&generated.expr);
        if let Err(difference) = trial::reads_back(&generated.expr, &text) {
            panic!("{difference}");
        }
        let facts = Facts::generate(&mut dice);
        compare(&text, &[facts], false);
    }
}

fn text(text: &str) {
    if let Some(expr) = syntax::parse(text) {
        // What was read can be written, and is read as the same again.
        let written = render::text(&expr);
        if let Err(difference) = trial::reads_back(&expr, &written) {
            panic!("{text}: {difference}");
        }
    }
    let facts: Vec<Facts> = (1..4)
        .map(|seed| Facts::generate(&mut Dice::seeded(seed)))
        .collect();
    // A stranger's text may be wrong in several places, each of which may be told first.
    compare(text, &facts, true);
}

fn compare(text: &str, requests: &[Facts], any_error: bool) {
    let mut compiler = request::compiler();
    let (compiled, _) = ENVIRONMENTS.compile(text, &mut compiler);
    let Some(node) = compiled.node() else {
        return;
    };
    // So may what has wrong types in several places.
    let any_error = any_error || matches!(compiled, Compiled::Unchecked(_));
    let expr = syntax::parse(text).expect("what compiles parses");
    trial::with_program(&trial::body(compiler), |program| {
        for facts in requests {
            let found = Evaluator::new(program, Read(facts)).evaluate(node);
            let expected = match naive::evaluate(&expr, facts) {
                Err(Stop::Error(_)) if any_error => Err(Stop::Error(Kinds::ALL)),
                expected => expected,
            };
            if let Verdict::Differs(how) = trial::judge(&found, &expected) {
                panic!("{text}\n  {how}\n  {}", facts.shown(&expr));
            }
        }
    });
}
