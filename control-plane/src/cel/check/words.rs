//! Values that are written as one of a few words: a grade, a verdict. A text beside one of them is such
//! a word, or a slip of the pen.

use countersign_engine::cel::Op;

use super::{Checker, node};
use crate::cel::problem::{Problem, Span};
use crate::cel::typed::{Constant, Typed, TypedKind};
use crate::cel::types::{Type, Words};
use crate::diagnostic::{did_you_mean, one_of, quoted};

impl Checker<'_> {
    /// A comparison of which one side is written in words. `None` if none is.
    pub(super) fn worded(&mut self, op: Op, args: &mut [Typed], span: Span) -> Option<Typed> {
        let [left, right] = args else {
            return None;
        };
        let words = match (&left.ty, &right.ty) {
            (Type::Word(words), _) | (_, Type::Word(words)) => *words,
            _ => return None,
        };
        self.read_word(left, words);
        self.read_word(right, words);
        if left.ty.has_error() || right.ty.has_error() {
            return Some(node(op, args.to_vec(), Type::Error, span));
        }
        if left.ty != right.ty {
            return None;
        }
        if !words.ordered && !matches!(op, Op::Eq | Op::Ne) {
            let message = format!("{} has no order", Type::Word(words).article());
            let strictest: Vec<String> = words
                .known
                .iter()
                .skip(1)
                .map(|(word, _)| format!("\"{word}\""))
                .collect();
            let help = format!("use `==`, or `… in [{}]`", strictest.join(", "));
            return Some(self.wrong(Problem::check(span, message).help(help)));
        }
        Some(node(op, args.to_vec(), Type::Bool, span))
    }

    /// `x in ["one", "other"]` of a value that is written in words.
    pub(super) fn listed_words(&mut self, args: &mut [Typed]) {
        let [needle, list] = args else {
            return;
        };
        if let Type::Word(words) = &needle.ty
            && let TypedKind::Call(Op::List, elements) = &mut list.kind
        {
            for element in elements {
                self.read_word(element, words);
            }
            list.ty = Type::list(Type::Word(words));
        }
    }

    /// Makes of a text the word that it is.
    fn read_word(&mut self, value: &mut Typed, words: &'static Words) {
        let Some(text) = value.constant_string() else {
            return;
        };
        let known = || words.known.iter().map(|(word, _)| *word);
        match words.known.iter().find(|(word, _)| *word == text) {
            Some((_, number)) => {
                if words.ordered {
                    value.kind = TypedKind::Constant(Constant::Int(*number));
                }
                value.ty = Type::Word(words);
            }
            None => {
                let message = format!("{} is no {}", quoted(text), words.name);
                let problem = Problem::check(value.span, message)
                    .suggest(did_you_mean(text, known()))
                    .help(format!("it is {}", one_of(known())));
                *value = self.wrong(problem);
            }
        }
    }
}
