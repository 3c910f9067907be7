//! `string`, `bytes`

use countersign_control_plane::cel::Type;

use super::super::front::cel::syntax::ast::{BinaryOperator, Expr};
use super::super::request;
use super::Generator;
use super::build::{call, index, list, method, name, select, text};

/// A template and the types that it takes.
const TEMPLATES: [(&str, &[Type]); 12] = [
    ("%s", &[Type::Dyn]),
    ("%s and %s", &[Type::Dyn, Type::Dyn]),
    ("%d%%", &[Type::Int]),
    ("%d-%x", &[Type::Uint, Type::Uint]),
    ("%b %o %X", &[Type::Int, Type::Int, Type::Int]),
    ("%x", &[Type::String]),
    ("%X", &[Type::Bytes]),
    ("%b", &[Type::Bool]),
    ("%f %.1f", &[Type::Double, Type::Double]),
    ("%e %.3e", &[Type::Double, Type::Double]),
    ("%a", &[Type::Int]),
    ("%", &[]),
];

impl Generator<'_, '_> {
    pub(super) fn text(&mut self, depth: usize) -> Expr {
        match self.dice.below(20) {
            0 | 1 => self.binary(BinaryOperator::Add, &Type::String, &Type::String, depth),
            2..=4 => {
                let header = self.dice.pick(&request::HEADERS);
                let headers = name("request.headers");
                if self.dice.one_in(3) {
                    select(headers, header, false)
                } else {
                    index(headers, text(header), false)
                }
            }
            5 | 6 => {
                let ty = self.among(&[
                    Type::String,
                    Type::Bool,
                    Type::Int,
                    Type::Uint,
                    Type::Double,
                    Type::Bytes,
                    Type::Timestamp,
                    Type::Duration,
                    Type::Ip,
                    Type::Cidr,
                ]);
                let args = self.args(&[ty], depth);
                call("string", args)
            }
            7 | 8 => {
                let function = self
                    .dice
                    .pick(&["lowerAscii", "upperAscii", "trim", "reverse"]);
                method(self.expr(&Type::String, depth), function, vec![])
            }
            9 => {
                let target = self.expr(&Type::String, depth);
                let args = self.optionally(&[Type::String, Type::String], &[Type::Int], depth);
                method(target, "replace", args)
            }
            10 | 11 => {
                let target = self.expr(&Type::String, depth);
                let mut args = vec![self.position()];
                args.extend(self.optionally(&[], &[Type::Int], depth));
                method(target, "substring", args)
            }
            12 => {
                let target = self.expr(&Type::String, depth);
                let args = vec![self.position()];
                method(target, "charAt", args)
            }
            13 | 14 => {
                let target = self.expr(&Type::list(Type::String), depth);
                let args = self.optionally(&[], &[Type::String], depth);
                method(target, "join", args)
            }
            15 => {
                let args = self.args(&[Type::String], depth);
                call("strings.quote", args)
            }
            16 => {
                let args = self.args(&[Type::Bytes], depth);
                call("base64.encode", args)
            }
            _ => self.formatted(depth),
        }
    }

    fn formatted(&mut self, depth: usize) -> Expr {
        let (template, types) = self.dice.one_of(&TEMPLATES);
        let mut values: Vec<(Expr, bool)> = Vec::new();
        for ty in types {
            let value = self.expr(ty, depth);
            values.push((call("dyn", vec![value]), false));
        }
        // One too few, now and then.
        if self.dice.one_in(10) {
            values.pop();
        }
        method(text(template), "format", vec![list(values)])
    }

    pub(super) fn bytes(&mut self, depth: usize) -> Expr {
        match self.dice.below(4) {
            0 => self.binary(BinaryOperator::Add, &Type::Bytes, &Type::Bytes, depth),
            1 => {
                let args = self.convertible(&[Type::String], &["aGk=", "aGk", "/+8="], depth);
                call("base64.decode", args)
            }
            _ => {
                let ty = self.among(&[Type::Bytes, Type::String]);
                let args = self.args(&[ty], depth);
                call("bytes", args)
            }
        }
    }
}
