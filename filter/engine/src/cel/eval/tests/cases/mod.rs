//! Expressions and what they evaluate to, by family.

mod aggregates;
mod arithmetic;
mod conversions;
mod format;
mod lists;
mod logic;
mod macros;
mod math;
mod names;
mod network;
mod optionals;
mod strings;
mod times;

use super::expression::E;

pub(super) type Row = (E, &'static str);

pub(super) fn cases() -> Vec<Row> {
    [
        aggregates::rows(),
        arithmetic::rows(),
        conversions::rows(),
        format::rows(),
        lists::rows(),
        logic::rows(),
        macros::rows(),
        math::rows(),
        names::rows(),
        network::rows(),
        optionals::rows(),
        strings::rows(),
        times::rows(),
    ]
    .concat()
}
