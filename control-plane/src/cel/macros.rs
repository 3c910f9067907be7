//! Macros: calls that are no functions, because they bind names or look at how their argument is
//! written. A call of a macro's name and number of arguments is one; what does not fit then is wrong
//! whatever is declared.

use countersign_engine::cel::Op;

use super::problem::{Problem, Span};
use super::syntax::{Call, Expr, ExprKind, Literal};

/// A call that is a macro.
#[derive(Debug)]
pub(super) enum Macro<'a> {
    /// `has(operand.field)`
    Has {
        operand: &'a Expr,
        field: &'a str,
        field_span: Span,
    },
    /// Everything that binds names for its bodies and not for its range.
    Binder {
        op: Op,
        range: &'a Expr,
        names: Vec<Bound>,
        bodies: &'a [Expr],
    },
    /// `cel.block([a, b, …], body)`: each value sees those before it.
    Block {
        values: Vec<&'a Expr>,
        body: &'a Expr,
    },
    /// A name that cannot be written, such as `cel.index(0)`.
    Hidden(String),
}

/// A name that a macro binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) name: String,
    pub(super) span: Span,
}

/// The names of macros, for suggestions.
pub(super) const NAMES: [&str; 14] = [
    "has",
    "all",
    "exists",
    "exists_one",
    "existsOne",
    "map",
    "filter",
    "transformList",
    "transformMap",
    "transformMapEntry",
    "sortBy",
    "optMap",
    "optFlatMap",
    "cel.bind",
];

/// How each is written.
const USAGES: [(&str, &str); NAMES.len()] = [
    ("has", "has(x.name) -> bool"),
    ("all", "list.all(x, bool) -> bool"),
    ("exists", "list.exists(x, bool) -> bool"),
    ("exists_one", "list.exists_one(x, bool) -> bool"),
    ("existsOne", "list.existsOne(x, bool) -> bool"),
    ("map", "list.map(x, A) -> list(A)"),
    ("filter", "list.filter(x, bool) -> list"),
    ("transformList", "list.transformList(i, x, A) -> list(A)"),
    ("transformMap", "map.transformMap(k, v, A) -> map"),
    (
        "transformMapEntry",
        "map.transformMapEntry(k, v, map) -> map",
    ),
    ("sortBy", "list.sortBy(x, A) -> list"),
    ("optMap", "optional.optMap(x, A) -> optional_type(A)"),
    (
        "optFlatMap",
        "optional.optFlatMap(x, optional_type(A)) -> optional_type(A)",
    ),
    ("cel.bind", "cel.bind(x, A, B) -> B"),
];

/// Each macro with how it is written.
pub(super) fn signatures() -> impl Iterator<Item = (&'static str, Vec<String>)> {
    USAGES
        .into_iter()
        .map(|(name, usage)| (name, vec![usage.to_owned()]))
}

/// Reads a call as a macro, if it is one.
pub(super) fn recognise(call: &Call) -> Option<Result<Macro<'_>, Problem>> {
    if call.global {
        return None;
    }
    match (call.target.as_deref(), call.args.as_slice()) {
        (None, [arg]) if call.function == "has" => Some(has(arg)),
        (Some(target), args) if is_name(target, "cel") => of_bindings(call, args),
        (Some(range), args) => {
            let (op, names) = comprehension(&call.function, args.len())?;
            Some(binder(&call.function, op, range, names, args))
        }
        _ => None,
    }
}

/// The operation of a macro with so many arguments, and how many of them are names.
fn comprehension(function: &str, args: usize) -> Option<(Op, usize)> {
    Some(match (function, args) {
        ("all", 2) => (Op::All, 1),
        ("all", 3) => (Op::AllPairs, 2),
        ("exists", 2) => (Op::Exists, 1),
        ("exists", 3) => (Op::ExistsPairs, 2),
        ("exists_one" | "existsOne", 2) => (Op::ExistsOne, 1),
        ("existsOne", 3) => (Op::ExistsOnePair, 2),
        ("map", 2 | 3) => (Op::MapList, 1),
        ("filter", 2) => (Op::Filter, 1),
        ("transformList", 3 | 4) => (Op::TransformList, 2),
        ("transformMap", 3 | 4) => (Op::TransformMap, 2),
        ("transformMapEntry", 3 | 4) => (Op::TransformMapEntry, 2),
        ("sortBy", 2) => (Op::SortBy, 1),
        ("optMap", 2) => (Op::OptionalMap, 1),
        ("optFlatMap", 2) => (Op::OptionalFlatMap, 1),
        _ => return None,
    })
}

fn has(arg: &Expr) -> Result<Macro<'_>, Problem> {
    match &arg.kind {
        ExprKind::Select {
            operand,
            field,
            field_span,
            optional: false,
            ..
        } => Ok(Macro::Has {
            operand,
            field,
            field_span: *field_span,
        }),
        _ => Err(
            Problem::parse(arg.span, "`has(…)` takes a field, as in `has(x.name)`").help(
                "for a key that is no name write `\"some-key\" in x`, or `` has(x.`some-key`) ``",
            ),
        ),
    }
}

fn binder<'a>(
    function: &str,
    op: Op,
    range: &'a Expr,
    count: usize,
    args: &'a [Expr],
) -> Result<Macro<'a>, Problem> {
    let (names, bodies) = args.split_at_checked(count).unwrap_or((args, &[]));
    let names: Vec<Bound> = names
        .iter()
        .map(|name| bound(function, name))
        .collect::<Result<_, _>>()?;
    if let [one, other] = names.as_slice()
        && one.name == other.name
    {
        return Err(Problem::parse(
            other.span,
            format!("`{function}` binds `{}` twice", other.name),
        ));
    }
    Ok(Macro::Binder {
        op,
        range,
        names,
        bodies,
    })
}

fn bound(function: &str, name: &Expr) -> Result<Bound, Problem> {
    let bound = match &name.kind {
        ExprKind::Name {
            name: text,
            global: false,
        } => Some(text.clone()),
        ExprKind::Call(call) => match call.target.as_deref() {
            Some(target) if is_name(target, "cel") => hidden(call).transpose()?,
            _ => None,
        },
        _ => None,
    };
    match bound {
        Some(text) => Ok(Bound {
            name: text,
            span: name.span,
        }),
        None => Err(Problem::parse(
            name.span,
            format!("`{function}` binds a name, and this is none"),
        )
        .help(if function.starts_with("cel.") {
            format!("write `{function}(x, …)`")
        } else {
            format!("write `list.{function}(x, …)`")
        })),
    }
}

/// The macros of the namespace `cel`.
fn of_bindings<'a>(call: &'a Call, args: &'a [Expr]) -> Option<Result<Macro<'a>, Problem>> {
    match (call.function.as_str(), args) {
        ("bind", [name, value, body]) => Some(bound("cel.bind", name).map(|name| Macro::Binder {
            op: Op::Bind,
            range: value,
            names: vec![name],
            bodies: std::slice::from_ref(body),
        })),
        ("block", [values, body]) => Some(match &values.kind {
            ExprKind::List(values) if values.iter().all(|value| !value.optional) => {
                Ok(Macro::Block {
                    values: values.iter().map(|value| &value.value).collect(),
                    body,
                })
            }
            _ => Err(Problem::parse(
                values.span,
                "`cel.block` takes a list of values, as it is written",
            )),
        }),
        _ => hidden(call).map(|name| name.map(Macro::Hidden)),
    }
}

/// `cel.index(0)`, `cel.iterVar(0, 0)`: names that cannot be written, so that no other is hidden by
/// them.
fn hidden(call: &Call) -> Option<Result<String, Problem>> {
    let count = match call.function.as_str() {
        "index" => 1,
        "iterVar" | "accuVar" => 2,
        _ => return None,
    };
    if call.args.len() != count {
        return None;
    }
    let mut name = format!("@{}", call.function);
    for arg in &call.args {
        match &arg.kind {
            ExprKind::Literal(Literal::Int(number)) if *number >= 0 => {
                name.push_str(&format!(":{number}"));
            }
            _ => {
                return Some(Err(Problem::parse(
                    arg.span,
                    format!("`cel.{}` takes a number as it is written", call.function),
                )));
            }
        }
    }
    Some(Ok(name))
}

/// The hidden name of the value at `index` of a `cel.block`.
pub(super) fn block_value(index: usize) -> String {
    format!("@index:{index}")
}

fn is_name(expr: &Expr, name: &str) -> bool {
    matches!(&expr.kind, ExprKind::Name { name: found, global: false } if found == name)
}
