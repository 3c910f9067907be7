//! Lists, maps, optionals.

use countersign_control_plane::cel::Type;

use super::super::front::cel::syntax::ast::{BinaryOperator, Expr};
use super::super::request;
use super::build::{self, call, index, method, name, select, text};
use super::{BOUND, Generator};

impl Generator<'_, '_> {
    pub(super) fn list(&mut self, element: &Type, depth: usize) -> Expr {
        let own = Type::list(element.clone());
        match self.dice.below(22) {
            0..=3 => {
                let count = 1 + self.dice.below(4);
                let elements = (0..count).map(|_| self.element(element, depth)).collect();
                build::list(elements)
            }
            4 => self.binary(BinaryOperator::Add, &own, &own, depth),
            5 | 6 => {
                let name = self.dice.pick(&BOUND);
                let range = self.expr(&own, depth);
                let body = self.inside(&[(name, element.clone())], |inner| {
                    inner.expr(&Type::Bool, depth)
                });
                method(range, "filter", vec![build::name(name), body])
            }
            7..=9 => self.mapped(element, depth),
            10 => {
                let name = self.dice.pick(&BOUND);
                let key = self.among(&[Type::Int, Type::String, Type::Timestamp, Type::Bool]);
                let range = self.expr(&own, depth);
                let body = self.inside(&[(name, element.clone())], |inner| inner.expr(&key, depth));
                method(range, "sortBy", vec![build::name(name), body])
            }
            11 => method(self.expr(&own, depth), "sort", vec![]),
            12 => method(self.expr(&own, depth), "distinct", vec![]),
            13 => method(self.expr(&own, depth), "reverse", vec![]),
            14 => {
                let range = self.expr(&own, depth);
                let args = vec![self.position(), self.position()];
                method(range, "slice", args)
            }
            15 => {
                let nested = Type::list(own);
                method(self.expr(&nested, depth), "flatten", vec![])
            }
            16 => {
                let maybes = Type::list(Type::optional(element.clone()));
                let maybes = self.expr(&maybes, depth);
                if self.dice.one_in(2) {
                    call("optional.unwrap", vec![maybes])
                } else {
                    method(maybes, "unwrapOpt", vec![])
                }
            }
            _ => self.special_list(element, depth),
        }
    }

    /// Lists that only one type of element has.
    fn special_list(&mut self, element: &Type, depth: usize) -> Expr {
        match element {
            Type::String if self.dice.one_in(2) => {
                let target = self.expr(&Type::String, depth);
                let args = self.optionally(&[Type::String], &[Type::Int], depth);
                method(target, "split", args)
            }
            Type::Int => {
                let small = build::int(self.dice.one_of(&[-1, 0, 1, 2, 5]));
                call("lists.range", vec![small])
            }
            Type::Dyn => {
                let inner = self.expr(&Type::list(Type::Dyn), depth);
                let levels = build::int(self.dice.one_of(&[-1, 0, 1, 2]));
                method(inner, "flatten", vec![levels])
            }
            _ => self.leaf(&Type::list(element.clone())),
        }
    }

    fn element(&mut self, element: &Type, depth: usize) -> (Expr, bool) {
        if self.dice.one_in(8) {
            (self.expr(&Type::optional(element.clone()), depth), true)
        } else {
            (self.expr(element, depth), false)
        }
    }

    fn mapped(&mut self, element: &Type, depth: usize) -> Expr {
        let one = self.dice.pick(&BOUND);
        let two = self.dice.one_in(3);
        let (range, names, function) = if two {
            let (range, (key, value)) = self.two_named_range();
            let other = self.dice.pick(&["v", "w"]);
            (range, vec![(one, key), (other, value)], "transformList")
        } else {
            let (range, bound) = self.one_named_range();
            (range, vec![(one, bound)], "map")
        };
        let range = self.expr(&range, depth);
        let mut args: Vec<Expr> = names.iter().map(|(bound, _)| name(bound)).collect();
        let filtered = self.dice.one_in(3);
        self.inside(&names, |inner| {
            if filtered {
                args.push(inner.expr(&Type::Bool, depth));
            }
            args.push(inner.expr(element, depth));
        });
        method(range, function, args)
    }

    pub(super) fn map(&mut self, key: &Type, value: &Type, depth: usize) -> Expr {
        match self.dice.below(8) {
            0..=3 => {
                let count = 1 + self.dice.below(3);
                let entries = (0..count).map(|_| {
                    let key = self.expr(key, depth.min(1));
                    let (value, optional) = self.element(value, depth);
                    (key, value, optional)
                });
                build::map(entries.collect())
            }
            4 | 5 => {
                // The keys of a map, or the positions of a list.
                let range = match key {
                    Type::Int if self.dice.one_in(2) => Type::list(self.any_type(1)),
                    _ => Type::map(key.clone(), self.any_type(1)),
                };
                let of = match &range {
                    Type::List(element) => (**element).clone(),
                    Type::Map(entry) => entry.1.clone(),
                    _ => Type::Dyn,
                };
                let names = [("k", key.clone()), ("v", of)];
                let range = self.expr(&range, depth);
                let mut args = vec![name("k"), name("v")];
                let filtered = self.dice.one_in(3);
                self.inside(&names, |inner| {
                    if filtered {
                        args.push(inner.expr(&Type::Bool, depth));
                    }
                    args.push(inner.expr(value, depth));
                });
                method(range, "transformMap", args)
            }
            6 => {
                let (range, (first, second)) = self.two_named_range();
                let range = self.expr(&range, depth);
                let names = [("k", first), ("v", second)];
                let body = self.inside(&names, |inner| {
                    let key = inner.expr(key, depth.min(1));
                    let value = inner.expr(value, depth);
                    build::map(vec![(key, value, false)])
                });
                method(range, "transformMapEntry", vec![name("k"), name("v"), body])
            }
            _ => self.leaf(&Type::map(key.clone(), value.clone())),
        }
    }

    pub(super) fn optional(&mut self, inner: &Type, depth: usize) -> Expr {
        let own = Type::optional(inner.clone());
        match self.dice.below(14) {
            0 | 1 => {
                let args = self.args(std::slice::from_ref(inner), depth);
                call("optional.of", args)
            }
            2 => {
                let args = self.args(std::slice::from_ref(inner), depth);
                call("optional.ofNonZeroValue", args)
            }
            3 => {
                let maybe = self.expr(&own, depth);
                let args = self.args(&[own], depth);
                method(maybe, "or", args)
            }
            4 | 5 => {
                let bound = self.any_type(1);
                let maybe = self.expr(&Type::optional(bound.clone()), depth);
                let name = self.dice.pick(&BOUND);
                let (function, of) = if self.dice.one_in(2) {
                    ("optMap", inner.clone())
                } else {
                    ("optFlatMap", own)
                };
                let body = self.inside(&[(name, bound)], |inside| inside.expr(&of, depth));
                method(maybe, function, vec![build::name(name), body])
            }
            6 => {
                let function = self.dice.pick(&["first", "last"]);
                method(
                    self.expr(&Type::list(inner.clone()), depth),
                    function,
                    vec![],
                )
            }
            7 => {
                let list = self.expr(&Type::list(inner.clone()), depth);
                let at = self.position();
                index(list, at, true)
            }
            8 | 9 => {
                let map = Type::map(Type::String, inner.clone());
                let map = self.expr(&map, depth);
                if self.dice.one_in(2) {
                    let key = self.expr(&Type::String, depth.min(1));
                    index(map, key, true)
                } else {
                    select(map, self.dice.pick(&["a", "b", "x-tenant"]), true)
                }
            }
            // Behind an optional everything is optional.
            10 | 11 => {
                let map = Type::map(Type::String, inner.clone());
                let maybe = self.expr(&Type::optional(map), depth);
                let optional = self.dice.one_in(2);
                if self.dice.one_in(2) {
                    index(maybe, text(self.dice.pick(&["a", "b"])), optional)
                } else {
                    select(maybe, self.dice.pick(&["a", "b"]), optional)
                }
            }
            12 if *inner == Type::String => {
                let header = self.dice.pick(&request::HEADERS);
                index(name("request.headers"), text(header), true)
            }
            _ => self.leaf(&own),
        }
    }
}
