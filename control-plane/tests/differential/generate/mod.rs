//! Expressions: mostly of the right types, and now and then not, so that what fails is compared too.

mod build;
mod collections;
mod numbers;
mod others;
mod texts;
mod truths;

use countersign_control_plane::cel::{Members, Type};
use countersign_engine::Attribute;

use super::dice::Dice;
use super::front::cel::syntax::ast::{BinaryOperator, Expr, Literal, UnaryOperator};
use super::request;
use build::{call, conditional, index, literal, method, name};

/// Names that macros bind. One of them is also an attribute, which it hides.
const BOUND: [&str; 5] = ["x", "y", "i", "k", "score"];

/// An expression, and whether it was meant to have the right types.
#[derive(Clone, Debug)]
pub(crate) struct Generated {
    pub(crate) expr: Expr,
    pub(crate) right: bool,
}

/// Makes an expression.
pub(crate) fn expression(dice: &mut Dice<'_>) -> Generated {
    let right = !dice.one_in(8);
    let mut generator = Generator {
        dice,
        scope: Vec::new(),
        right,
    };
    // Conditions are what the engine is for.
    let ty = if generator.dice.one_in(3) {
        generator.any_type(2)
    } else {
        Type::Bool
    };
    let depth = 2 + generator.dice.below(4);
    let expr = generator.composed(&ty, depth);
    Generated { expr, right }
}

struct Generator<'g, 'd> {
    dice: &'g mut Dice<'d>,
    /// What macros bound, from the outermost.
    scope: Vec<(&'static str, Type)>,
    right: bool,
}

impl Generator<'_, '_> {
    /// An expression of that type. `depth` bounds the levels below.
    fn expr(&mut self, ty: &Type, depth: usize) -> Expr {
        if !self.right && self.dice.one_in(12) {
            let other = self.any_type(1);
            return self.expr_of(&other, depth.min(1));
        }
        // A type that is not known before fits everywhere, also where the value does not.
        if self.dice.one_in(40) {
            let other = if self.dice.one_in(3) {
                self.any_type(1)
            } else {
                ty.clone()
            };
            let inner = self.expr_of(&other, depth.saturating_sub(1));
            return call("dyn", vec![inner]);
        }
        self.expr_of(ty, depth)
    }

    fn expr_of(&mut self, ty: &Type, depth: usize) -> Expr {
        if depth == 0 {
            return self.leaf(ty);
        }
        match self.dice.below(14) {
            0..=2 => self.leaf(ty),
            3 => self.anywhere(ty, depth - 1),
            _ => self.composed(ty, depth - 1),
        }
    }

    fn composed(&mut self, ty: &Type, depth: usize) -> Expr {
        match ty {
            Type::Bool => self.truth(depth),
            Type::Int => self.int(depth),
            Type::Uint => self.uint(depth),
            Type::Double => self.double(depth),
            Type::String => self.text(depth),
            Type::Bytes => self.bytes(depth),
            Type::Timestamp => self.timestamp(depth),
            Type::Duration => self.duration(depth),
            Type::Ip => self.ip(depth),
            Type::Cidr => self.cidr(depth),
            Type::Type(_) => self.type_value(depth),
            Type::List(element) => self.list(element, depth),
            Type::Map(entry) => self.map(&entry.0, &entry.1, depth),
            Type::Optional(inner) => self.optional(inner, depth),
            Type::Dyn => {
                let ty = self.any_type(1);
                let inner = self.expr(&ty, depth);
                call("dyn", vec![inner])
            }
            _ => self.leaf(ty),
        }
    }

    /// What can be of every type.
    fn anywhere(&mut self, ty: &Type, depth: usize) -> Expr {
        match self.dice.below(8) {
            0 | 1 => {
                let condition = self.expr(&Type::Bool, depth);
                let (yes, no) = (self.expr(ty, depth), self.expr(ty, depth));
                conditional(condition, yes, no)
            }
            2 => {
                let list = self.expr(&Type::list(ty.clone()), depth);
                let at = self.position();
                index(list, at, false)
            }
            3 => {
                let map = self.expr(&Type::map(Type::String, ty.clone()), depth);
                let field = self.dice.pick(&["a", "b", "c", "x-tenant"]);
                build::select(map, field, false)
            }
            4 => {
                let key = self.key_type();
                let map = self.expr(&Type::map(key.clone(), ty.clone()), depth);
                let key = self.expr(&key, depth.min(1));
                index(map, key, false)
            }
            5 => {
                let maybe = self.expr(&Type::optional(ty.clone()), depth);
                let other = self.expr(ty, depth);
                method(maybe, "orValue", vec![other])
            }
            6 => {
                let maybe = self.expr(&Type::optional(ty.clone()), depth);
                method(maybe, "value", vec![])
            }
            _ if self.dice.one_in(3) => {
                let first = self.any_type(1);
                let values = vec![(self.expr(&first, depth), false)];
                let body = self.inside(&[("@index:0", first)], |inner| inner.expr(ty, depth));
                call("cel.block", vec![build::list(values), body])
            }
            _ => {
                let bound = self.any_type(1);
                let value = self.expr(&bound, depth);
                let name = self.dice.pick(&BOUND);
                let body = self.inside(&[(name, bound)], |inner| inner.expr(ty, depth));
                call("cel.bind", vec![build::name(name), value, body])
            }
        }
    }

    /// Something made with more names bound.
    fn inside<T>(
        &mut self,
        names: &[(&'static str, Type)],
        make: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let outside = self.scope.len();
        self.scope.extend(names.iter().cloned());
        let made = make(self);
        self.scope.truncate(outside);
        made
    }

    /// A name or a literal.
    fn leaf(&mut self, ty: &Type) -> Expr {
        if self.dice.one_in(3) {
            return self.constant(ty);
        }
        let locals = self.locals(ty);
        if !locals.is_empty() && !self.dice.one_in(4) {
            return match self.dice.pick(&locals) {
                "@index:0" => call("cel.index", vec![build::int(0)]),
                bound => name(bound),
            };
        }
        let declared = self.declared(ty);
        if declared.is_empty() {
            return self.constant(ty);
        }
        name(self.dice.pick(&declared))
    }

    /// Bound names of that type that no inner one hides.
    fn locals(&self, ty: &Type) -> Vec<&'static str> {
        let innermost = |wanted: &str| self.scope.iter().rfind(|(name, _)| *name == wanted);
        self.scope
            .iter()
            .filter(|(name, of)| of == ty && innermost(name).is_some_and(|(_, found)| found == ty))
            .map(|(name, _)| *name)
            .collect()
    }

    /// Attributes and variables of that type that no bound name hides.
    fn declared(&self, ty: &Type) -> Vec<&'static str> {
        let hidden = |path: &str| {
            let first = path.split('.').next();
            self.scope.iter().any(|(name, _)| Some(*name) == first)
        };
        let attributes = Attribute::ALL
            .iter()
            .filter(|attribute| request::attribute_type(**attribute) == *ty)
            .map(|attribute| attribute.name());
        let variables = request::VARIABLES
            .iter()
            .filter(|(_, of)| of.parse().ok().as_ref() == Some(ty))
            .map(|(name, _)| *name);
        attributes
            .chain(variables)
            .filter(|name| !hidden(name))
            .collect()
    }

    fn constant(&mut self, ty: &Type) -> Expr {
        match ty {
            Type::Bool => literal(Literal::Bool(self.dice.one_in(2))),
            Type::Int => build::int(self.dice.one_of(&request::INTS)),
            Type::Uint => literal(Literal::Uint(self.dice.one_of(&request::UINTS))),
            Type::Double => literal(Literal::Double(self.dice.one_of(&request::DOUBLES))),
            Type::String => build::text(self.dice.pick(&request::TEXTS)),
            Type::Bytes => {
                let bytes = match self.dice.below(4) {
                    0 => vec![0, 0xff, b'"'],
                    _ => self.dice.pick(&request::TEXTS).as_bytes().to_vec(),
                };
                literal(Literal::Bytes(bytes))
            }
            Type::Timestamp => {
                let text = self.dice.pick(&[
                    "2009-02-13T23:31:30Z",
                    "2024-02-29T12:34:56.789+05:30",
                    "0001-01-01T00:00:00Z",
                    "9999-12-31T23:59:59.999999999Z",
                ]);
                call("timestamp", vec![build::text(text)])
            }
            Type::Duration => {
                let text =
                    self.dice
                        .pick(&["0s", "1h30m", "-1.5s", "86400s", "3ms", "315576000000s"]);
                call("duration", vec![build::text(text)])
            }
            Type::Ip => {
                let text = self
                    .dice
                    .pick(&["10.1.2.3", "::1", "2001:db8::1", "0.0.0.0"]);
                call("ip", vec![build::text(text)])
            }
            Type::Cidr => {
                let text = self
                    .dice
                    .pick(&["10.0.0.0/8", "10.1.2.3/31", "2001:db8::/32", "::/0"]);
                call("cidr", vec![build::text(text)])
            }
            Type::Type(_) => name(self.dice.pick(&[
                "int",
                "string",
                "list",
                "map",
                "bool",
                "null_type",
                "type",
                "google.protobuf.Timestamp",
            ])),
            Type::List(element) => {
                let count = self.dice.below(4);
                let elements = (0..count).map(|_| (self.constant(element), false));
                build::list(elements.collect())
            }
            Type::Map(entry) => self.constant_map(&entry.0, &entry.1),
            Type::Optional(inner) => match self.dice.below(3) {
                0 => call("optional.none", vec![]),
                1 => {
                    let inner = self.constant(inner);
                    call("optional.of", vec![inner])
                }
                _ => {
                    let inner = self.constant(inner);
                    call("optional.ofNonZeroValue", vec![inner])
                }
            },
            Type::Dyn => {
                let ty = self.any_type(0);
                let inner = self.constant(&ty);
                call("dyn", vec![inner])
            }
            _ => literal(Literal::Null),
        }
    }

    fn constant_map(&mut self, key: &Type, value: &Type) -> Expr {
        let keys: Vec<Expr> = match key {
            Type::String => ["a", "b", "x-tenant"].map(build::text).into(),
            Type::Int => [7, 0, 1].map(build::int).into(),
            Type::Uint => [7, 0, 1].map(|key| literal(Literal::Uint(key))).into(),
            Type::Bool => [true, false].map(|key| literal(Literal::Bool(key))).into(),
            _ => vec![call("dyn", vec![build::text("a")])],
        };
        let count = self.dice.below(keys.len() + 1);
        let entries = keys.into_iter().take(count);
        build::map(
            entries
                .map(|key| (key, self.constant(value), false))
                .collect(),
        )
    }

    /// A type with at most so many levels inside.
    fn any_type(&mut self, levels: usize) -> Type {
        const SCALARS: [Type; 11] = [
            Type::Bool,
            Type::Int,
            Type::Uint,
            Type::Double,
            Type::String,
            Type::Bytes,
            Type::Timestamp,
            Type::Duration,
            Type::Ip,
            Type::Cidr,
            Type::Null,
        ];
        match self.dice.below(if levels > 0 { 18 } else { 11 }) {
            scalar @ 0..=10 => SCALARS[scalar].clone(),
            11 | 12 => Type::list(self.any_type(levels - 1)),
            13 | 14 => Type::map(self.key_type(), self.any_type(levels - 1)),
            15 | 16 => Type::optional(self.any_type(levels - 1)),
            _ => Type::Dyn,
        }
    }

    fn key_type(&mut self) -> Type {
        match self.dice.below(6) {
            0 => Type::Int,
            1 => Type::Uint,
            2 => Type::Bool,
            _ => Type::String,
        }
    }

    /// One of those types.
    fn among(&mut self, types: &[Type]) -> Type {
        self.dice.one_of(types)
    }

    /// Where something may stand in a list or a text.
    fn position(&mut self) -> Expr {
        match self.dice.below(4) {
            0 => self.expr(&Type::Int, 1),
            small => build::int(i64::try_from(small).unwrap_or(0) - 1),
        }
    }

    /// The argument of a conversion, which says what it is converted to more often than by chance.
    fn convertible(&mut self, from: &[Type], fitting: &[&str], depth: usize) -> Vec<Expr> {
        let ty = self.among(from);
        if ty == Type::String && !self.dice.one_in(4) {
            return vec![build::text(self.dice.pick(fitting))];
        }
        self.args(&[ty], depth)
    }

    /// The arguments of a function, by their types.
    fn args(&mut self, types: &[Type], depth: usize) -> Vec<Expr> {
        types.iter().map(|ty| self.expr(ty, depth)).collect()
    }

    fn binary(
        &mut self,
        operator: BinaryOperator,
        left: &Type,
        right: &Type,
        depth: usize,
    ) -> Expr {
        let (left, right) = (self.expr(left, depth), self.expr(right, depth));
        build::binary(operator, left, right)
    }

    fn negated(&mut self, operator: UnaryOperator, ty: &Type, depth: usize) -> Expr {
        build::unary(operator, self.expr(ty, depth))
    }

    /// A `List` resource, which only `in` looks into.
    fn set(&mut self) -> (Type, Expr) {
        let members = self
            .dice
            .one_of(&[Members::Strings, Members::Numbers, Members::Cidrs]);
        match members {
            Members::Strings => (Type::String, name("lists.names")),
            Members::Numbers => (
                Type::Int,
                index(name("lists"), build::text("numbers"), false),
            ),
            Members::Cidrs => (
                Type::String,
                index(name("lists"), build::text("our-nets"), false),
            ),
        }
    }
}
