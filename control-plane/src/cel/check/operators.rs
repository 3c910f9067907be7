//! Operators other than comparisons.

use countersign_engine::cel::Op;

use super::calls::alternatives;
use super::{Checker, node};
use crate::cel::problem::{Problem, Span};
use crate::cel::syntax::{BinaryOperator, Expr, UnaryOperator};
use crate::cel::typed::{Typed, TypedKind};
use crate::cel::types::Type;

impl Checker<'_> {
    pub(super) fn unary(&mut self, operator: UnaryOperator, operand: &Expr, span: Span) -> Typed {
        let value = self.expr(operand);
        let op = match operator {
            UnaryOperator::Not => Op::Not,
            UnaryOperator::Negate => Op::Negate,
        };
        let args = vec![value];
        match self.overload(operator.symbol(), false, &args) {
            Ok(found) => node(op, args, found.ty, span),
            Err(()) => {
                let wants = match operator {
                    UnaryOperator::Not => "a bool",
                    UnaryOperator::Negate => "an int or a double",
                };
                let is = self.types_of(&args).join("");
                let message = format!("`{}` takes {wants}, and this is {is}", operator.symbol());
                let at = args.first().map_or(span, |arg| arg.span);
                self.misfit(TypedKind::Call(op, args), Problem::check(at, message), span)
            }
        }
    }

    /// Nested chains of one operator are one node: what absorbs errors absorbs them all the same.
    pub(super) fn logic(&mut self, and: bool, operands: &[Expr], span: Span) -> Typed {
        let (op, symbol) = if and { (Op::And, "&&") } else { (Op::Or, "||") };
        let mut args = Vec::with_capacity(operands.len());
        for operand in operands {
            let value = self.expr(operand);
            self.wants(
                &value,
                &Type::Bool,
                &format!("`{symbol}` joins bools: it takes"),
            );
            match value.kind {
                TypedKind::Call(inner, mut inner_args) if inner == op => {
                    args.append(&mut inner_args);
                }
                kind => args.push(Typed { kind, ..value }),
            }
        }
        node(op, args, Type::Bool, span)
    }

    pub(super) fn conditional(&mut self, operands: &[Expr; 3], span: Span) -> Typed {
        let args: Vec<Typed> = operands.iter().map(|operand| self.expr(operand)).collect();
        if let Ok(found) = self.overload("? :", false, &args) {
            return node(Op::Conditional, args, found.ty, span);
        }
        let types = self.types_of(&args);
        let problem = match (args.as_slice(), types.as_slice()) {
            ([condition, ..], [is, ..])
                if !self.types.assign(&condition.ty.clone(), &Type::Bool) =>
            {
                let message = format!("what stands before `?` is a bool, and this is {is}");
                Problem::check(condition.span, message)
            }
            (_, [_, yes, no]) => Problem::check(
                span,
                format!("both sides of `:` have one type, and these are {yes} and {no}"),
            )
            .help("`dyn(…)` around one of them leaves the type to the run time"),
            _ => Problem::check(span, "`? :` does not fit"),
        };
        self.misfit(TypedKind::Call(Op::Conditional, args), problem, span)
    }

    pub(super) fn binary(
        &mut self,
        operator: BinaryOperator,
        operator_span: Span,
        operands: &[Expr; 2],
        span: Span,
    ) -> Typed {
        let [left, right] = operands;
        let mut args = vec![self.expr(left), self.expr(right)];
        let op = match operator {
            BinaryOperator::In => return self.membership(args, span),
            BinaryOperator::Equal => Op::Eq,
            BinaryOperator::NotEqual => Op::Ne,
            BinaryOperator::Less => Op::Lt,
            BinaryOperator::LessOrEqual => Op::Le,
            BinaryOperator::Greater => Op::Gt,
            BinaryOperator::GreaterOrEqual => Op::Ge,
            BinaryOperator::Add => Op::Add,
            BinaryOperator::Subtract => Op::Sub,
            BinaryOperator::Multiply => Op::Mul,
            BinaryOperator::Divide => Op::Div,
            BinaryOperator::Remainder => Op::Rem,
        };
        if let Some(compared) = self.worded(op, &mut args, span) {
            return compared;
        }
        let symbol = operator.symbol();
        match self.overload(symbol, false, &args) {
            Ok(found) => node(op, args, found.ty, span),
            Err(()) => {
                let problem = match op {
                    Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => {
                        self.no_comparison(op, &args, span)
                    }
                    _ => self.no_arithmetic(symbol, &args, operator_span, span),
                };
                self.misfit(TypedKind::Call(op, args), problem, span)
            }
        }
    }

    pub(super) fn types_of(&self, args: &[Typed]) -> Vec<String> {
        args.iter()
            .map(|arg| self.told(&arg.ty).article())
            .collect()
    }

    fn no_arithmetic(
        &self,
        symbol: &str,
        args: &[Typed],
        operator_span: Span,
        span: Span,
    ) -> Problem {
        let types: Vec<Type> = args.iter().map(|arg| self.told(&arg.ty)).collect();
        let problem = Problem::check(
            span,
            format!(
                "`{symbol}` does not go with {}",
                self.types_of(args).join(" and ")
            ),
        );
        match types.as_slice() {
            [one, other] if one.is_number() && other.is_number() && one != other => {
                problem.help(format!("convert one of them: `{one}(…)` or `{other}(…)`"))
            }
            [one, other] if symbol == "+" && (*one == Type::String || *other == Type::String) => {
                problem.help("`string(…)` makes text of a number, a bool, a time or a duration")
            }
            [_, _] if symbol == "-" && operator_span.start > 0 && self.is_dashed(operator_span) => {
                problem.help("a name with a dash is written in brackets: `[\"some-name\"]`")
            }
            [one, _] => {
                let mut takes: Vec<String> = self
                    .env
                    .overloads(symbol)
                    .into_iter()
                    .filter(|overload| overload.parameters.len() == 2)
                    .filter(|overload| overload.parameters.first() == Some(one))
                    .filter_map(|overload| overload.parameters.get(1))
                    .map(Type::article)
                    .collect();
                takes.dedup();
                if takes.is_empty() {
                    problem
                } else {
                    problem.help(format!(
                        "with {} it takes {}",
                        one.article(),
                        alternatives(&takes)
                    ))
                }
            }
            _ => problem,
        }
    }

    /// Does a `-` stand between two names without a space, as in `user-agent`?
    fn is_dashed(&self, operator: Span) -> bool {
        let letter = |at: Option<usize>| {
            at.and_then(|at| self.text.as_bytes().get(at))
                .is_some_and(u8::is_ascii_alphabetic)
        };
        letter(operator.start.checked_sub(1)) && letter(Some(operator.end))
    }
}
