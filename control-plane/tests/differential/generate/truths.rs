//! `bool`

use countersign_control_plane::cel::Type;

use super::super::front::cel::syntax::ast::{BinaryOperator, Expr, UnaryOperator};
use super::super::request;
use super::build::{binary, call, index, logic, method, name, select, text};
use super::{BOUND, Generator};

/// Patterns that RE2 and everybody else reads alike.
const PATTERNS: [&str; 22] = [
    "",
    "^a",
    "b$",
    "a+b",
    "^/api/v[0-9]+/",
    "(foo|ba[rn])",
    r"\d+",
    "(?i)head",
    "^$",
    "[^a]",
    "a.c",
    "é",
    r"\bban",
    "x*",
    r"^\w+$",
    "(an){2}",
    "(a|b)*c",
    r"\s",
    "^.$",
    r"^[\w.]+$",
    "b|^a$",
    "a{2,3}|n{1,}",
];

const ORDERED: [Type; 8] = [
    Type::Bool,
    Type::Int,
    Type::Uint,
    Type::Double,
    Type::String,
    Type::Bytes,
    Type::Timestamp,
    Type::Duration,
];

const NUMBERS: [Type; 3] = [Type::Int, Type::Uint, Type::Double];

impl Generator<'_, '_> {
    pub(super) fn truth(&mut self, depth: usize) -> Expr {
        match self.dice.below(26) {
            0..=3 => {
                let and = self.dice.one_in(2);
                let count = 2 + self.dice.below(3);
                let operands = (0..count).map(|_| self.expr(&Type::Bool, depth)).collect();
                logic(and, operands)
            }
            4 => self.negated(UnaryOperator::Not, &Type::Bool, depth),
            5..=7 => {
                let operator = self
                    .dice
                    .one_of(&[BinaryOperator::Equal, BinaryOperator::NotEqual]);
                let ty = self.any_type(2);
                self.binary(operator, &ty, &ty, depth)
            }
            8..=10 => {
                let operator = self.dice.one_of(&[
                    BinaryOperator::Less,
                    BinaryOperator::LessOrEqual,
                    BinaryOperator::Greater,
                    BinaryOperator::GreaterOrEqual,
                ]);
                if self.dice.one_in(4) {
                    let (left, right) = (self.among(&NUMBERS), self.among(&NUMBERS));
                    return self.binary(operator, &left, &right, depth);
                }
                let ty = self.among(&ORDERED);
                self.binary(operator, &ty, &ty, depth)
            }
            11 | 12 => self.membership(depth),
            13..=15 => {
                let function = self.dice.pick(&["contains", "startsWith", "endsWith"]);
                let target = self.expr(&Type::String, depth);
                let part = self.expr(&Type::String, depth.min(1));
                method(target, function, vec![part])
            }
            16 => {
                let pattern = text(self.dice.pick(&PATTERNS));
                let subject = self.expr(&Type::String, depth);
                if self.dice.one_in(4) {
                    call("matches", vec![subject, pattern])
                } else {
                    method(subject, "matches", vec![pattern])
                }
            }
            17 => self.presence(depth),
            18..=21 => self.quantified(depth),
            22 => {
                let ty = self.any_type(1);
                let maybe = self.expr(&Type::optional(ty), depth);
                method(maybe, "hasValue", vec![])
            }
            23 => self.of_addresses(depth),
            24 => {
                let function =
                    self.dice
                        .pick(&["math.isNaN", "math.isInf", "math.isFinite", "bool"]);
                let args = if function == "bool" {
                    self.convertible(&[Type::String, Type::Bool], &["true", "0", "False"], depth)
                } else {
                    self.args(&[Type::Double], depth)
                };
                call(function, args)
            }
            _ => {
                let function =
                    self.dice
                        .pick(&["sets.contains", "sets.equivalent", "sets.intersects"]);
                let ty = Type::list(self.any_type(1));
                let args = self.args(&[ty.clone(), ty], depth);
                call(function, args)
            }
        }
    }

    fn membership(&mut self, depth: usize) -> Expr {
        let (needle, haystack) = match self.dice.below(5) {
            0 | 1 => {
                let (needle, set) = self.set();
                return binary(BinaryOperator::In, self.expr(&needle, depth), set);
            }
            2 => {
                let key = self.key_type();
                (key.clone(), Type::map(key, self.any_type(0)))
            }
            _ => {
                let ty = self.any_type(1);
                (ty.clone(), Type::list(ty))
            }
        };
        self.binary(BinaryOperator::In, &needle, &haystack, depth)
    }

    fn presence(&mut self, depth: usize) -> Expr {
        let header = self.dice.pick(&request::HEADERS);
        let headers = name("request.headers");
        match self.dice.below(4) {
            0 => call("has", vec![select(headers, header, false)]),
            1 => binary(BinaryOperator::In, text(header), headers),
            2 => method(index(headers, text(header), true), "hasValue", vec![]),
            _ => {
                let ty = self.any_type(1);
                let map = self.expr(&Type::map(Type::String, ty), depth);
                let field = self.dice.pick(&["a", "b", "x-tenant"]);
                call("has", vec![select(map, field, false)])
            }
        }
    }

    fn quantified(&mut self, depth: usize) -> Expr {
        let one = self.dice.pick(&BOUND);
        let macros = ["all", "exists", "exists_one", "existsOne"];
        if self.dice.one_in(3) {
            let other = self.dice.pick(&["v", "w"]);
            let (range, pair) = self.two_named_range();
            let range = self.expr(&range, depth);
            let names = [(one, pair.0), (other, pair.1)];
            let body = self.inside(&names, |inner| inner.expr(&Type::Bool, depth));
            let function = self.dice.pick(&["all", "exists", "existsOne"]);
            return method(range, function, vec![name(one), name(other), body]);
        }
        let (range, bound) = self.one_named_range();
        let range = self.expr(&range, depth);
        let body = self.inside(&[(one, bound)], |inner| inner.expr(&Type::Bool, depth));
        let function = self.dice.pick(&macros);
        method(range, function, vec![name(one), body])
    }

    /// What a macro goes over with one name, and the type of what the name stands for.
    pub(super) fn one_named_range(&mut self) -> (Type, Type) {
        if self.dice.one_in(4) {
            let key = self.key_type();
            return (Type::map(key.clone(), self.any_type(0)), key);
        }
        let element = self.any_type(1);
        (Type::list(element.clone()), element)
    }

    /// What a macro goes over with two names, and the types of what they stand for.
    pub(super) fn two_named_range(&mut self) -> (Type, (Type, Type)) {
        if self.dice.one_in(2) {
            let (key, value) = (self.key_type(), self.any_type(1));
            return (Type::map(key.clone(), value.clone()), (key, value));
        }
        let element = self.any_type(1);
        (Type::list(element.clone()), (Type::Int, element))
    }

    fn of_addresses(&mut self, depth: usize) -> Expr {
        match self.dice.below(5) {
            0 => {
                let function = self.dice.pick(&["isIP", "isCIDR", "ip.isCanonical"]);
                let args = self.args(&[Type::String], depth);
                call(function, args)
            }
            1 => {
                let function = self.dice.pick(&[
                    "isUnspecified",
                    "isLoopback",
                    "isGlobalUnicast",
                    "isLinkLocalMulticast",
                    "isLinkLocalUnicast",
                ]);
                method(self.expr(&Type::Ip, depth), function, vec![])
            }
            other => {
                let net = self.expr(&Type::Cidr, depth);
                let (function, own) = if other == 2 {
                    ("containsCIDR", Type::Cidr)
                } else {
                    ("containsIP", Type::Ip)
                };
                let ty = self.among(&[own, Type::String]);
                let args = self.args(&[ty], depth);
                method(net, function, args)
            }
        }
    }
}
