//! Many comparisons: programs of many expressions, each over many requests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Formatter};

use countersign_engine::cel::Evaluator;

use super::dice::Dice;
use super::front::cel::syntax::ast::Expr;
use super::generate::{self, Generated};
use super::request::{self, Facts, Read};
use super::trial::{self, Compiled, Environments, Verdict};
use super::{minimise, naive, render};

/// Expressions of one program, which share what they have in common.
const EXPRESSIONS: usize = 50;

/// Requests that the expressions of one program are evaluated over.
const REQUESTS: usize = 50;

/// Differences after which a run ends: the first ones say enough.
const SHOWN: usize = 25;

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) pairs: usize,
    pub(crate) values: usize,
    pub(crate) errors: usize,
    /// Left open by the specification and our decisions.
    pub(crate) open: usize,
    /// Past the engine's own bounds.
    pub(crate) bounds: usize,
    nodes: usize,
    expressions: usize,
    unchecked: usize,
    refused: usize,
    /// Of right types, and refused because a part without a type of its own was taken for another.
    misread: usize,
    /// By the smallest expression.
    pub(crate) differences: BTreeMap<String, String>,
}

impl Display for Tally {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        let nodes = self.nodes as f64 / self.expressions.max(1) as f64;
        write!(
            formatter,
            "{} pairs of an expression and a request: {} give the same value, {} an error, {} are left \
             open, {} pass a bound, {} differ\n\
             {} expressions of {nodes:.1} nodes, {} of them without the type check; {} refused, {} more for \
             what an empty list, map or optional was taken for",
            self.pairs,
            self.values,
            self.errors,
            self.open,
            self.bounds,
            self.differences.len(),
            self.expressions,
            self.unchecked,
            self.refused,
            self.misread,
        )
    }
}

/// Compares until there are so many pairs.
pub(crate) fn run(pairs: usize) -> Tally {
    let environments = Environments::new();
    let mut tally = Tally::default();
    let mut seed = 0;
    while tally.pairs < pairs && tally.differences.len() < SHOWN {
        seed += 1;
        batch(seed, &environments, &mut tally);
    }
    tally
}

fn batch(seed: u64, environments: &Environments, tally: &mut Tally) {
    let mut dice = Dice::seeded(seed);
    let mut compiler = request::compiler();
    let mut expressions = Vec::new();
    while expressions.len() < EXPRESSIONS {
        let generated = generate::expression(&mut dice);
        let text = render::text(&generated.expr);
        if let Err(difference) = trial::reads_back(&generated.expr, &text) {
            tally.differences.insert(text.clone(), difference);
        }
        let (compiled, problem) = environments.compile(&text, &mut compiler);
        note(&generated, &compiled, problem, &text, tally);
        if let Some(node) = compiled.node() {
            expressions.push((generated.expr, node));
        }
    }
    let requests: Vec<Facts> = (0..REQUESTS).map(|_| Facts::generate(&mut dice)).collect();
    let mut different = BTreeSet::new();
    trial::with_program(&trial::body(compiler), |program| {
        for facts in &requests {
            // One evaluator for all of them, as a request has.
            let mut evaluator = Evaluator::new(program, Read(facts));
            for (place, (expr, node)) in expressions.iter().enumerate() {
                let found = evaluator.evaluate(*node);
                let expected = naive::evaluate(expr, facts);
                tally.pairs += 1;
                match trial::judge(&found, &expected) {
                    Verdict::Same if found.is_ok() => tally.values += 1,
                    Verdict::Same => tally.errors += 1,
                    Verdict::Open => tally.open += 1,
                    Verdict::Bound => tally.bounds += 1,
                    Verdict::Differs(how) => {
                        if tally.differences.len() < SHOWN && different.insert(place) {
                            let told = tell(seed, expr, facts, &how, environments);
                            tally.differences.insert(told.0, told.1);
                        }
                    }
                }
            }
        }
    });
}

fn note(
    generated: &Generated,
    compiled: &Compiled,
    problem: Option<String>,
    text: &str,
    tally: &mut Tally,
) {
    tally.nodes += minimise::size(&generated.expr) / 3;
    tally.expressions += usize::from(compiled.node().is_some());
    tally.unchecked += usize::from(matches!(compiled, Compiled::Unchecked(_)));
    tally.refused += usize::from(*compiled == Compiled::Refused);
    if let (true, Some(problem)) = (generated.right, problem) {
        // What these are lists, maps or optionals of is found out by their first use, as in the
        // reference checker; the generator does not know which that is.
        let untyped = ["[]", "{}", "optional.none()"];
        if untyped.iter().any(|part| text.contains(part)) {
            tally.misread += 1;
        } else {
            let told = format!("refused although its types are right: {text}\n  {problem}");
            tally.differences.insert(text.to_owned(), told);
        }
    }
}

/// The difference with the smallest expression that has it.
fn tell(
    seed: u64,
    expr: &Expr,
    facts: &Facts,
    how: &str,
    environments: &Environments,
) -> (String, String) {
    let differs = |expr: &_| matches!(trial::alone(expr, facts, environments), Verdict::Differs(_));
    let (smallest, how) = if differs(expr) {
        let smallest = minimise::minimise(expr, differs);
        match trial::alone(&smallest, facts, environments) {
            Verdict::Differs(how) => (smallest, how),
            _ => (smallest, how.to_owned()),
        }
    } else {
        (
            expr.clone(),
            format!("(only beside the others of its program)\n  {how}"),
        )
    };
    let text = render::text(&smallest);
    let told = format!("seed {seed}: {text}\n  {how}\n  {}", facts.shown(&smallest));
    (text, told)
}
