//! What the source and the caller give.

use super::super::expression::*;
use super::super::request::{HEADERS, PATH, SIZE, UNKNOWN};
use super::Row;
use crate::cel::Op;

pub(super) fn rows() -> Vec<Row> {
    let attribute = |number| E::Numbered(Op::Attribute, number);
    vec![
        (attribute(PATH), "\"/checkout/Größe\""),
        (attribute(SIZE), "2000000"),
        (call(Op::Gt, [attribute(SIZE), int(1_000_000)]), "true"),
        (attribute(UNKNOWN), "attribute not available"),
        (
            call(Op::Or, [call(Op::Eq, [attribute(UNKNOWN), int(1)]), yes()]),
            "true",
        ),
        (
            attribute(HEADERS),
            "{\"x-tenant\": \"t1\", \"user-agent\": \"Mozilla/5.0 (Fenster)\", \"accept\": \"text/html,*/*\"}",
        ),
        (E::Named(Op::Header, "x-tenant"), "\"t1\""),
        (E::Named(Op::Header, "cookie"), "no such key: `cookie`"),
        (
            call(Op::Eq, [E::Named(Op::Header, "x-tenant"), text("t1")]),
            "true",
        ),
        (E::Named(Op::HasHeader, "x-tenant"), "true"),
        (call(Op::Not, [E::Named(Op::HasHeader, "cookie")]), "true"),
        (E::Numbered(Op::Variable, 0), "42"),
        (E::Numbered(Op::Variable, 1), r#"b"\xff\x00""#),
        (E::Numbered(Op::Variable, 9), "no such variable: 9"),
        (
            E::Named(Op::UnknownName, "x.y"),
            "undeclared reference to `x.y`",
        ),
        (
            call(Op::Or, [E::Named(Op::UnknownName, "x"), yes()]),
            "true",
        ),
        (
            E::Named(Op::UnknownFunction, "f_unknown"),
            "unbound function `f_unknown`",
        ),
        (
            call(Op::Or, [E::Named(Op::UnknownFunction, "f"), yes()]),
            "true",
        ),
        (local(0), "no such variable: 0"),
    ]
}
