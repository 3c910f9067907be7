//! Requests, and the environment that expressions over them are compiled in: every attribute of a
//! policy's environment, headers, lists of each kind, and variables of the types that no attribute has.

use std::net::IpAddr;

use countersign_control_plane::cel::{Compiler, Env, Lowering, Members, Type, Variable};
use countersign_engine::Attribute;
use countersign_engine::cel::{self, EvalError, SetBuilder, Source, Text};

use super::bridge;
use super::dice::Dice;
use super::naive::World;
use super::naive::value::{Outcome, Stop, Value};

/// The names of the headers that requests have and expressions ask for.
pub(crate) const HEADERS: [&str; 6] = ["x-tenant", "user-agent", "accept", "host", "a", "b"];

/// Texts that mean something to some function.
pub(crate) const TEXTS: [&str; 40] = [
    "",
    "a",
    "b",
    "ab",
    "abc",
    "banana",
    "é",
    "λx",
    "😀",
    "a😀é,b",
    "a,b,c",
    "GET",
    "POST",
    "/a/b",
    "/api/v2/x",
    "10.0.0.1",
    "10.1.2.3",
    "192.168.0.255",
    "::1",
    "2001:db8::1",
    "2001:DB8::1",
    "10.0.0.0/8",
    "10.1.2.3/33",
    "2001:db8::/32",
    "no address",
    "12",
    "-7",
    "3.5",
    "1e3",
    "true",
    "2024-02-29T12:34:56.789Z",
    "2024-02-30T00:00:00Z",
    "1999-12-31T23:59:59+02:00",
    "1h30m",
    "-1.5s",
    "\u{a0} x\t",
    "Tenant-1",
    "tenant-1",
    "aGk=",
    "HeadlessChrome",
];

pub(crate) const INTS: [i64; 12] = [
    0,
    1,
    -1,
    2,
    3,
    7,
    64,
    100,
    -12,
    9_007_199_254_740_993,
    i64::MAX,
    i64::MIN,
];

pub(crate) const UINTS: [u64; 7] = [0, 1, 2, 3, 100, 9_223_372_036_854_775_808, u64::MAX];

pub(crate) const DOUBLES: [f64; 13] = [
    0.0,
    -0.0,
    1.0,
    2.0,
    -1.5,
    0.5,
    3.7,
    1e21,
    1e-7,
    9_223_372_036_854_775_807.0,
    -1e300,
    2.5,
    100.0,
];

const SECOND: i128 = 1_000_000_000;

/// Nanoseconds since the epoch.
pub(crate) const TIMES: [i128; 7] = [
    0,
    1_795_262_400 * SECOND,
    1_709_210_096 * SECOND + 789_000_000,
    -1,
    -62_135_596_800 * SECOND,
    253_402_300_799 * SECOND + 999_999_999,
    951_782_400 * SECOND,
];

/// Nanoseconds.
pub(crate) const SPANS: [i128; 7] = [
    0,
    SECOND,
    -1_500_000_000,
    3_600 * SECOND,
    86_400 * SECOND + 1,
    90_061_001_000_000,
    315_576_000_000 * SECOND,
];

pub(crate) const NAMES: [&str; 9] = [
    "a", "b", "banana", "GET", "tenant-1", "é", "x", "y", "10.0.0.1",
];
pub(crate) const NUMBERS: [i64; 9] = [0, 1, 3, 7, -12, 64_500, 100, i64::MAX, i64::MIN];
const NETS: [(&str, u8); 3] = [("10.0.0.0", 8), ("192.168.0.0", 16), ("2001:db8::", 32)];

/// The type that an attribute has.
pub(crate) fn attribute_type(attribute: Attribute) -> Type {
    match attribute {
        Attribute::RequestHeaders => Type::map(Type::String, Type::String),
        Attribute::RequestSize
        | Attribute::SourcePort
        | Attribute::Score
        | Attribute::SessionAssurance
        | Attribute::GeoAsn => Type::Int,
        Attribute::ConnectionMtls | Attribute::SessionValid | Attribute::SessionBound => Type::Bool,
        Attribute::Reasons => Type::list(Type::String),
        Attribute::SessionAge => Type::Duration,
        Attribute::Now => Type::Timestamp,
        _ => Type::String,
    }
}

/// Variables beside the attributes: name and type.
pub(crate) const VARIABLES: [(&str, &str); 19] = [
    ("v.int", "int"),
    ("v.uint", "uint"),
    ("v.double", "double"),
    ("v.bytes", "bytes"),
    ("v.nothing", "null"),
    ("v.time", "timestamp"),
    ("v.span", "duration"),
    ("v.ip", "ip"),
    ("v.cidr", "cidr"),
    ("v.ints", "list(int)"),
    ("v.doubles", "list(double)"),
    ("v.lists", "list(list(int))"),
    ("v.counts", "map(string, int)"),
    ("v.names", "map(int, string)"),
    ("v.maybe", "optional_type(int)"),
    ("v.text", "optional_type(string)"),
    ("v.any", "dyn"),
    ("v.anything", "list(dyn)"),
    // Declared, and never given a value.
    ("v.unset", "int"),
];

/// The environment. The sets have the numbers that [`compiler`] gives them.
pub(crate) fn environment() -> Env {
    let mut env = Env::default();
    for &attribute in Attribute::ALL {
        let number = attribute.number();
        let lowering = match attribute {
            Attribute::RequestHeaders => Lowering::Headers(number),
            _ => Lowering::Attribute(number),
        };
        declare(
            &mut env,
            attribute.name(),
            attribute_type(attribute),
            lowering,
        );
    }
    for (number, (name, ty)) in (0..).zip(VARIABLES) {
        let ty = ty.parse().expect("a type");
        declare(&mut env, name, ty, Lowering::Variable(number));
    }
    for (number, (name, members)) in (0..).zip([
        ("lists.names", Members::Strings),
        ("lists.numbers", Members::Numbers),
        ("lists.our-nets", Members::Cidrs),
    ]) {
        declare(&mut env, name, Type::Set(members), Lowering::Set(number));
    }
    env
}

fn declare(env: &mut Env, name: &str, ty: Type, lowering: Lowering) {
    env.declare(
        name,
        Variable {
            ty,
            lowering,
            absent: None,
        },
    );
}

/// A compiler whose program has the sets of [`environment`].
pub(crate) fn compiler() -> Compiler {
    let mut compiler = Compiler::default();
    let names = NAMES.iter().map(|&name| name.to_owned()).collect();
    let nets = NETS.iter().map(|&(net, length)| (address(net), length));
    let sets = [
        SetBuilder::strings("names", names),
        SetBuilder::numbers("numbers", NUMBERS.to_vec()),
        SetBuilder::cidrs("our-nets", nets),
    ];
    for (expected, set) in (0..).zip(sets) {
        assert_eq!(
            compiler.program.set(set),
            expected,
            "sets are numbered in order"
        );
    }
    compiler
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// A request: what every name stands for.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// By the attribute's number; none where it is not known.
    attributes: Vec<Option<Value>>,
    headers: Vec<(Value, Value)>,
    variables: Vec<Option<Value>>,
}

impl Facts {
    pub(crate) fn generate(dice: &mut Dice<'_>) -> Self {
        let mut headers = Vec::new();
        for name in HEADERS {
            if !dice.one_in(5) {
                headers.push((Value::text(name), Value::text(dice.pick(&TEXTS))));
            }
        }
        let count = Attribute::ALL
            .iter()
            .map(|attribute| attribute.number() + 1)
            .max();
        let mut attributes = vec![None; count.unwrap_or(0) as usize];
        for &attribute in Attribute::ALL {
            attributes[attribute.number() as usize] = attribute_value(attribute, dice);
        }
        let variables = VARIABLES
            .iter()
            .map(|(name, _)| variable_value(name, dice))
            .collect();
        Self {
            attributes,
            headers,
            variables,
        }
    }
}

fn attribute_value(attribute: Attribute, dice: &mut Dice<'_>) -> Option<Value> {
    let optional = !matches!(
        attribute,
        Attribute::RequestMethod | Attribute::RequestPath | Attribute::RequestUrlPath
    );
    if optional && dice.one_in(12) {
        return None;
    }
    Some(match attribute_type(attribute) {
        Type::Int => Value::Int(dice.one_of(&INTS)),
        Type::Bool => Value::Bool(dice.one_in(2)),
        Type::Duration => Value::Duration(dice.one_of(&SPANS)),
        Type::Timestamp => Value::Timestamp(dice.one_of(&TIMES)),
        Type::List(_) => Value::List(list(dice, |dice| Value::text(dice.pick(&TEXTS)))),
        _ if attribute == Attribute::RequestHeaders => return None,
        _ => Value::text(dice.pick(&TEXTS)),
    })
}

fn list(dice: &mut Dice<'_>, mut one: impl FnMut(&mut Dice<'_>) -> Value) -> Vec<Value> {
    (0..dice.below(5)).map(|_| one(dice)).collect()
}

fn variable_value(name: &str, dice: &mut Dice<'_>) -> Option<Value> {
    let int = |dice: &mut Dice<'_>| Value::Int(dice.one_of(&INTS));
    let double = |dice: &mut Dice<'_>| {
        Value::Double(match dice.below(8) {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => f64::NEG_INFINITY,
            _ => dice.one_of(&DOUBLES),
        })
    };
    Some(match name {
        "v.int" => int(dice),
        "v.uint" => Value::Uint(dice.one_of(&UINTS)),
        "v.double" => double(dice),
        "v.bytes" => Value::Bytes(match dice.below(3) {
            0 => vec![0, 255, 128],
            _ => dice.pick(&TEXTS).as_bytes().to_vec(),
        }),
        "v.nothing" => Value::Null,
        "v.time" => Value::Timestamp(dice.one_of(&TIMES)),
        "v.span" => Value::Duration(dice.one_of(&SPANS)),
        "v.ip" => Value::Ip(address(dice.pick(&[
            "10.1.2.3",
            "::1",
            "fe80::7",
            "255.255.255.255",
        ]))),
        "v.cidr" => Value::Cidr(
            address(dice.pick(&["10.1.2.3", "2001:db8::5"])),
            dice.one_of(&[0, 8, 31, 32]),
        ),
        "v.ints" => Value::List(list(dice, int)),
        "v.doubles" => Value::List(list(dice, double)),
        "v.lists" => Value::List(list(dice, |dice| Value::List(list(dice, int)))),
        "v.counts" => Value::Map(
            ["a", "b", "x-tenant"]
                .into_iter()
                .take(dice.below(4))
                .map(|key| (Value::text(key), int(dice)))
                .collect(),
        ),
        "v.names" => Value::Map(
            [7, 0, i64::MAX]
                .into_iter()
                .take(dice.below(4))
                .map(|key| (Value::Int(key), Value::text(dice.pick(&TEXTS))))
                .collect(),
        ),
        "v.maybe" if dice.one_in(2) => Value::some(int(dice)),
        "v.text" if dice.one_in(2) => Value::some(Value::text(dice.pick(&TEXTS))),
        "v.maybe" | "v.text" => Value::Optional(None),
        "v.any" => any(dice),
        "v.anything" => Value::List(list(dice, any)),
        _ => return None,
    })
}

/// A value of whatever type.
fn any(dice: &mut Dice<'_>) -> Value {
    match dice.below(9) {
        0 => Value::Null,
        1 => Value::Bool(dice.one_in(2)),
        2 => Value::Int(dice.one_of(&INTS)),
        3 => Value::Uint(dice.one_of(&UINTS)),
        4 => Value::Double(dice.one_of(&DOUBLES)),
        5 => Value::text(dice.pick(&TEXTS)),
        6 => Value::List(vec![Value::Int(1), Value::text("a")]),
        7 => Value::Map(vec![
            (Value::text("a"), Value::Int(1)),
            (Value::Int(1), Value::Null),
        ]),
        _ => Value::Duration(SECOND),
    }
}

impl World for Facts {
    fn variable(&self, name: &str) -> Option<Outcome> {
        let given = |value: &Option<Value>| value.clone().ok_or(Stop::MISSING);
        if name == "request.headers" {
            return Some(Ok(Value::Map(self.headers.clone())));
        }
        if let Some(attribute) = Attribute::from_name(name) {
            return Some(given(self.attributes.get(attribute.number() as usize)?));
        }
        match name {
            "lists.names" => {
                let names = NAMES.iter().map(|name| Value::text(name));
                return Some(Ok(Value::List(names.collect())));
            }
            "lists.numbers" => {
                let numbers = NUMBERS.iter().map(|&number| Value::Int(number));
                return Some(Ok(Value::List(numbers.collect())));
            }
            "lists.our-nets" => {
                let nets = NETS.iter().map(|&(net, length)| (address(net), length));
                return Some(Ok(Value::Nets(nets.collect())));
            }
            _ => {}
        }
        let place = VARIABLES.iter().position(|(known, _)| *known == name)?;
        Some(given(self.variables.get(place)?))
    }
}

/// A request as the engine reads it.
pub(crate) struct Read<'f>(pub(crate) &'f Facts);

impl<'f> Source<'f> for Read<'f> {
    fn attribute(&self, number: u32) -> Result<cel::Value<'f>, EvalError> {
        if number == Attribute::RequestHeaders.number() {
            return Ok(cel::Value::Headers);
        }
        let known = self
            .0
            .attributes
            .get(number as usize)
            .and_then(Option::as_ref);
        known.map(bridge::to_engine).ok_or(EvalError::NotAvailable)
    }

    fn header(&self, name: &str) -> Option<Text<'f>> {
        self.0
            .headers
            .iter()
            .find_map(|(key, value)| match (key, value) {
                (Value::String(key), Value::String(value)) if key == name => {
                    Some(value.as_str().into())
                }
                _ => None,
            })
    }

    fn header_count(&self) -> usize {
        self.0.headers.len()
    }

    fn header_name(&self, index: usize) -> Option<Text<'f>> {
        match &self.0.headers.get(index)?.0 {
            Value::String(name) => Some(name.as_str().into()),
            _ => None,
        }
    }

    fn variable(&self, number: u32) -> Result<cel::Value<'f>, EvalError> {
        let given = self
            .0
            .variables
            .get(number as usize)
            .and_then(Option::as_ref);
        given
            .map(bridge::to_engine)
            .ok_or(EvalError::NoSuchVariable(number))
    }
}

impl Facts {
    /// What the names in an expression stand for.
    pub(crate) fn shown(&self, expr: &super::front::cel::syntax::ast::Expr) -> String {
        let text = super::render::text(expr);
        let mut names: Vec<&str> = Attribute::ALL.iter().map(|known| known.name()).collect();
        names.extend(VARIABLES.map(|(name, _)| name));
        let shown = names
            .into_iter()
            .filter(|name| text.contains(name))
            .map(|name| format!("{name} = {:?}", self.variable(name)));
        shown.collect::<Vec<_>>().join("\n  ")
    }
}
