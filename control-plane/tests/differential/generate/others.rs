//! Times, addresses, types.

use countersign_control_plane::cel::Type;

use super::super::front::cel::syntax::ast::{BinaryOperator, Expr};
use super::Generator;
use super::build::{call, method};

impl Generator<'_, '_> {
    pub(super) fn timestamp(&mut self, depth: usize) -> Expr {
        match self.dice.below(5) {
            0 => self.binary(
                BinaryOperator::Add,
                &Type::Timestamp,
                &Type::Duration,
                depth,
            ),
            1 => self.binary(
                BinaryOperator::Add,
                &Type::Duration,
                &Type::Timestamp,
                depth,
            ),
            2 => self.binary(
                BinaryOperator::Subtract,
                &Type::Timestamp,
                &Type::Duration,
                depth,
            ),
            _ => {
                let from = [Type::Timestamp, Type::String, Type::Int];
                let fitting = ["2024-02-29T12:34:56.789Z", "1999-12-31T23:59:59+02:00"];
                let args = self.convertible(&from, &fitting, depth);
                call("timestamp", args)
            }
        }
    }

    pub(super) fn duration(&mut self, depth: usize) -> Expr {
        match self.dice.below(5) {
            0 => self.binary(BinaryOperator::Add, &Type::Duration, &Type::Duration, depth),
            1 => self.binary(
                BinaryOperator::Subtract,
                &Type::Duration,
                &Type::Duration,
                depth,
            ),
            2 => self.binary(
                BinaryOperator::Subtract,
                &Type::Timestamp,
                &Type::Timestamp,
                depth,
            ),
            _ => {
                let from = [Type::Duration, Type::String];
                let args = self.convertible(&from, &["1h30m", "-1.5s", "300us", "0"], depth);
                call("duration", args)
            }
        }
    }

    pub(super) fn ip(&mut self, depth: usize) -> Expr {
        if self.dice.one_in(3) {
            return method(self.expr(&Type::Cidr, depth), "ip", vec![]);
        }
        let args = self.convertible(&[Type::String], &["10.1.2.3", "::1", "2001:DB8::1"], depth);
        call("ip", args)
    }

    pub(super) fn cidr(&mut self, depth: usize) -> Expr {
        if self.dice.one_in(3) {
            return method(self.expr(&Type::Cidr, depth), "masked", vec![]);
        }
        let args = self.convertible(&[Type::String], &["10.0.0.0/8", "2001:db8::/32"], depth);
        call("cidr", args)
    }

    pub(super) fn type_value(&mut self, depth: usize) -> Expr {
        let ty = self.any_type(1);
        let args = self.args(&[ty], depth);
        call("type", args)
    }
}
