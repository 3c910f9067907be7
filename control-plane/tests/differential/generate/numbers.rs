//! `int`, `uint`, `double`

use countersign_control_plane::cel::Type;

use super::super::front::cel::syntax::ast::{BinaryOperator, Expr, UnaryOperator};
use super::Generator;
use super::build::{call, method, text};

const OPERATORS: [BinaryOperator; 5] = [
    BinaryOperator::Add,
    BinaryOperator::Subtract,
    BinaryOperator::Multiply,
    BinaryOperator::Divide,
    BinaryOperator::Remainder,
];

/// Zones and offsets, one of each kind.
const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    "Australia/Sydney",
    "+05:30",
    "-08:00",
    "02:00",
];

impl Generator<'_, '_> {
    pub(super) fn int(&mut self, depth: usize) -> Expr {
        match self.dice.below(16) {
            0..=4 => {
                let operator = self.dice.one_of(&OPERATORS);
                self.binary(operator, &Type::Int, &Type::Int, depth)
            }
            5 => self.negated(UnaryOperator::Negate, &Type::Int, depth),
            6 => {
                let sized = match self.dice.below(5) {
                    0 => Type::Bytes,
                    1 => Type::list(self.any_type(1)),
                    2 => Type::map(self.key_type(), self.any_type(0)),
                    _ => Type::String,
                };
                let sized = self.expr(&sized, depth);
                if self.dice.one_in(2) {
                    call("size", vec![sized])
                } else {
                    method(sized, "size", vec![])
                }
            }
            7 | 8 => {
                let from = [
                    Type::Int,
                    Type::Uint,
                    Type::Double,
                    Type::String,
                    Type::Timestamp,
                ];
                let args = self.convertible(&from, &["12", "-7", "9223372036854775807"], depth);
                call("int", args)
            }
            9 => {
                let function = self.dice.pick(&["indexOf", "lastIndexOf"]);
                let target = self.expr(&Type::String, depth);
                let args = self.optionally(&[Type::String], &[Type::Int], depth);
                method(target, function, args)
            }
            10 | 11 => self.of_time(depth),
            12 => method(self.expr(&Type::Ip, depth), "family", vec![]),
            13 => method(self.expr(&Type::Cidr, depth), "prefixLength", vec![]),
            _ => self.math(&Type::Int, depth),
        }
    }

    /// Arguments, the last of which may be left out.
    pub(super) fn optionally(&mut self, always: &[Type], last: &[Type], depth: usize) -> Vec<Expr> {
        let mut args = self.args(always, depth);
        if self.dice.one_in(2) {
            for ty in last {
                args.push(match ty {
                    Type::Int => self.position(),
                    ty => self.expr(ty, depth.min(1)),
                });
            }
        }
        args
    }

    fn of_time(&mut self, depth: usize) -> Expr {
        const CLOCK: [&str; 4] = ["getHours", "getMinutes", "getSeconds", "getMilliseconds"];
        const DATE: [&str; 6] = [
            "getFullYear",
            "getMonth",
            "getDate",
            "getDayOfMonth",
            "getDayOfWeek",
            "getDayOfYear",
        ];
        if self.dice.one_in(4) {
            let span = self.expr(&Type::Duration, depth);
            return method(span, self.dice.pick(&CLOCK), vec![]);
        }
        let function = if self.dice.one_in(3) {
            self.dice.pick(&CLOCK)
        } else {
            self.dice.pick(&DATE)
        };
        let at = self.expr(&Type::Timestamp, depth);
        let zone = if self.dice.one_in(2) {
            vec![text(self.dice.pick(&ZONES))]
        } else {
            vec![]
        };
        method(at, function, zone)
    }

    fn math(&mut self, ty: &Type, depth: usize) -> Expr {
        match self.dice.below(6) {
            0 => {
                let function = self
                    .dice
                    .pick(&["math.bitAnd", "math.bitOr", "math.bitXor"]);
                let args = self.args(&[ty.clone(), ty.clone()], depth);
                call(function, args)
            }
            1 => {
                let function = self.dice.pick(&["math.bitShiftLeft", "math.bitShiftRight"]);
                let args = self.args(&[ty.clone(), Type::Int], depth);
                call(function, args)
            }
            2 => {
                let args = self.args(std::slice::from_ref(ty), depth);
                call("math.bitNot", args)
            }
            3 => {
                let function = self.dice.pick(&["math.abs", "math.sign"]);
                let args = self.args(std::slice::from_ref(ty), depth);
                call(function, args)
            }
            _ => self.extreme(ty, depth),
        }
    }

    fn extreme(&mut self, ty: &Type, depth: usize) -> Expr {
        let function = self.dice.pick(&["math.greatest", "math.least"]);
        let args = if self.dice.one_in(3) {
            self.args(&[Type::list(ty.clone())], depth)
        } else {
            let count = 1 + self.dice.below(3);
            self.args(&vec![ty.clone(); count], depth)
        };
        call(function, args)
    }

    pub(super) fn uint(&mut self, depth: usize) -> Expr {
        match self.dice.below(8) {
            0..=3 => {
                let operator = self.dice.one_of(&OPERATORS);
                self.binary(operator, &Type::Uint, &Type::Uint, depth)
            }
            4 | 5 => {
                let from = [Type::Int, Type::Uint, Type::Double, Type::String];
                let args = self.convertible(&from, &["12", "0", "18446744073709551615"], depth);
                call("uint", args)
            }
            _ => self.math(&Type::Uint, depth),
        }
    }

    pub(super) fn double(&mut self, depth: usize) -> Expr {
        match self.dice.below(10) {
            0..=3 => {
                let operator = self.dice.one_of(&OPERATORS[..4]);
                self.binary(operator, &Type::Double, &Type::Double, depth)
            }
            4 => self.negated(UnaryOperator::Negate, &Type::Double, depth),
            5 | 6 => {
                let from = [Type::Int, Type::Uint, Type::Double, Type::String];
                let args = self.convertible(&from, &["3.5", "-1e3", "NaN", "12"], depth);
                call("double", args)
            }
            7 => {
                let ty = self.among(&[Type::Int, Type::Uint, Type::Double]);
                let args = self.args(&[ty], depth);
                call("math.sqrt", args)
            }
            8 => self.extreme(&Type::Double, depth),
            _ => {
                let function = self.dice.pick(&[
                    "math.ceil",
                    "math.floor",
                    "math.round",
                    "math.trunc",
                    "math.abs",
                    "math.sign",
                ]);
                let args = self.args(&[Type::Double], depth);
                call(function, args)
            }
        }
    }
}
