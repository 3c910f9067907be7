//! What tests share: declarations as policies have them, and trees in one line.

use super::env::{Env, Facts, Lowering, ThereIf, Variable};
use super::problem::Problem;
use super::typed::{Constant, ConstantSet, Typed, TypedKind};
use super::types::{Members, Type, Words};
use super::{Compiled, Compiler};

static GRADE: Words = Words {
    name: "assurance",
    known: &[("none", 0), ("effort", 1), ("uv", 4)],
    ordered: true,
};

static VERDICT: Words = Words {
    name: "verdict",
    known: &[("ALLOW", 0), ("CHALLENGE", 1), ("BLOCK", 2)],
    ordered: false,
};

/// Some of a policy's variables, two lists, and a few of every other type.
pub(super) fn env() -> Env {
    let mut env = Env::default();
    let headers = Type::map(Type::String, Type::String);
    let all = [
        ("request.method", Type::String),
        ("request.path", Type::String),
        ("request.host", Type::String),
        ("request.size", Type::Int),
        ("source.address", Type::String),
        ("source.port", Type::Int),
        ("connection.mtls", Type::Bool),
        ("score", Type::Int),
        ("reasons", Type::list(Type::String)),
        ("now", Type::Timestamp),
        ("any", Type::Dyn),
        ("ratio", Type::Double),
        ("count", Type::Uint),
        ("raw", Type::Bytes),
        ("labels", Type::map(Type::String, Type::Int)),
        ("maybe", Type::optional(Type::String)),
        ("grade", Type::Word(&GRADE)),
        ("verdict", Type::Word(&VERDICT)),
    ];
    for (number, (name, ty)) in (1..).zip(all) {
        let facts = Facts {
            range: (name == "score").then_some((0, 100)),
            address: name == "source.address",
            there_if: None,
        };
        env.declare_known(
            name,
            Variable {
                ty,
                lowering: Lowering::Attribute(number),
                absent: None,
            },
            facts,
        );
    }
    env.declare_known(
        "session.age",
        Variable {
            ty: Type::Duration,
            lowering: Lowering::Attribute(30),
            absent: Some("there may be no session"),
        },
        Facts {
            there_if: Some(ThereIf {
                name: "connection.mtls",
                lowering: Lowering::Attribute(7),
            }),
            ..Facts::default()
        },
    );
    env.declare(
        "request.headers",
        Variable {
            ty: headers,
            lowering: Lowering::Headers(7),
            absent: None,
        },
    );
    for (number, (name, members)) in (0..).zip([
        ("lists.offices", Members::Cidrs),
        ("lists.tenants", Members::Strings),
        ("lists.bad-asns", Members::Numbers),
    ]) {
        env.declare(
            name,
            Variable {
                ty: Type::Set(members),
                lowering: Lowering::Set(number),
                absent: None,
            },
        );
    }
    env
}

/// Compiles a text against [`env`].
pub(super) fn compiled(text: &str) -> Result<Compiled, Vec<Problem>> {
    Compiler::default().compile(text, &env())
}

/// The tree in one line.
pub(super) fn shown(node: &Typed) -> String {
    match &node.kind {
        TypedKind::Constant(constant) => constant_shown(constant),
        TypedKind::Variable { lowering, .. } => match lowering {
            Lowering::Attribute(number) => format!("attribute{number}"),
            Lowering::Headers(_) => "headers".to_owned(),
            Lowering::Variable(number) => format!("variable{number}"),
            Lowering::Set(number) => format!("set{number}"),
        },
        TypedKind::Header(name) => format!("header:{name}"),
        TypedKind::HasHeader(name) => format!("has-header:{name}"),
        TypedKind::Local(number) => format!("local{number}"),
        TypedKind::UnknownName(name) => format!("?{name}"),
        TypedKind::UnknownFunction(name) => format!("?{name}()"),
        TypedKind::Matches(subject, pattern) => {
            format!("(Matches {} {:?})", shown(subject), pattern.source)
        }
        TypedKind::Set(ConstantSet::Strings(texts)) => format!("set{texts:?}"),
        TypedKind::Set(ConstantSet::Numbers(numbers)) => format!("set{numbers:?}"),
        TypedKind::Call(op, args) => {
            let args: Vec<String> = args.iter().map(shown).collect();
            format!("({op:?} {})", args.join(" ")).replace(" )", ")")
        }
    }
}

fn constant_shown(constant: &Constant) -> String {
    match constant {
        Constant::Null => "null".to_owned(),
        Constant::Bool(value) => value.to_string(),
        Constant::Int(value) => value.to_string(),
        Constant::Uint(value) => format!("{value}u"),
        Constant::Double(value) => format!("{value:?}"),
        Constant::String(value) => format!("{value:?}"),
        Constant::Bytes(value) => format!("b{value:?}"),
        Constant::Timestamp(seconds, nanos) => format!("@{seconds}.{nanos:09}"),
        Constant::Duration(seconds, nanos) => format!("{seconds}s+{nanos}"),
        Constant::Type(name) => format!("<{name}>"),
    }
}
