//! Functions: by name, with the types that they take and give and what they become.

mod extensions;
mod standard;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use countersign_engine::cel::Op;

use super::types::Type;

/// What a call of a function becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Becomes {
    /// A node with the receiver, if any, and the arguments in order.
    Op(Op),
    /// Its argument: `dyn(x)`.
    Argument,
    /// A function that is declared and that nothing here can call: an error when evaluated.
    Nothing,
}

/// One way to call a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overload {
    /// Called on a receiver, which is the first parameter.
    pub member: bool,
    /// The types of the receiver, if any, and of the arguments. Their type parameters are numbered
    /// from zero.
    pub parameters: Vec<Type>,
    /// What it gives.
    pub result: Type,
    /// What a call becomes.
    pub becomes: Becomes,
}

impl Overload {
    /// Reads `string.(int) -> string`, or `(string) -> int`.
    fn read(signature: &str, becomes: Becomes) -> Option<Self> {
        let (parameters, result) = signature.split_once(" -> ")?;
        let (receiver, arguments) = match parameters.split_once(".(") {
            Some((receiver, arguments)) => (Some(receiver), arguments),
            None => (None, parameters.strip_prefix('(')?),
        };
        let mut types = Vec::new();
        if let Some(receiver) = receiver {
            types.push(receiver.parse().ok()?);
        }
        // A type is a name and perhaps brackets; a comma between brackets separates nothing here.
        let (mut depth, mut start) = (0_usize, 0);
        let arguments = arguments.strip_suffix(')')?;
        for (at, byte) in arguments.bytes().enumerate() {
            match byte {
                b'(' => depth += 1,
                b')' => depth = depth.checked_sub(1)?,
                b',' if depth == 0 => {
                    types.push(arguments.get(start..at)?.parse().ok()?);
                    start = at + 1;
                }
                _ => {}
            }
        }
        if !arguments.is_empty() {
            types.push(arguments.get(start..)?.parse().ok()?);
        }
        Some(Self {
            member: receiver.is_some(),
            parameters: types,
            result: result.parse().ok()?,
            becomes,
        })
    }

    /// How many type parameters it has.
    pub(super) fn type_parameters(&self) -> u32 {
        self.parameters
            .iter()
            .chain([&self.result])
            .map(Type::parameter_count)
            .max()
            .unwrap_or(0)
    }
}

/// The overloads of the language and its extensions by the name of the function; those of operators by
/// their symbol.
pub(super) fn find(name: &str) -> Option<&'static [Overload]> {
    ALL.get(name).map(Vec::as_slice)
}

/// The names of all functions, without operators.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ALL.keys()
        .copied()
        .filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()) && *name != "in")
}

/// The names of all functions with the signatures of their overloads.
pub(crate) fn signatures() -> impl Iterator<Item = (&'static str, Vec<String>)> {
    let functions = names().map(|name| {
        let overloads = find(name).into_iter().flatten();
        (name, overloads.map(Overload::to_string).collect())
    });
    functions.chain(super::macros::signatures())
}

impl fmt::Display for Overload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (receiver, arguments) = match self.parameters.split_first() {
            Some((receiver, arguments)) if self.member => (Some(receiver), arguments),
            _ => (None, self.parameters.as_slice()),
        };
        if let Some(receiver) = receiver {
            write!(formatter, "{receiver}.")?;
        }
        formatter.write_str("(")?;
        for (index, argument) in arguments.iter().enumerate() {
            let before = if index == 0 { "" } else { ", " };
            write!(formatter, "{before}{argument}")?;
        }
        write!(formatter, ") -> {}", self.result)
    }
}

static ALL: LazyLock<HashMap<&'static str, Vec<Overload>>> = LazyLock::new(|| {
    let mut all: HashMap<&'static str, Vec<Overload>> = HashMap::new();
    for (name, becomes, signatures) in rows() {
        let read = signatures
            .iter()
            .filter_map(|signature| Overload::read(signature, becomes));
        all.entry(name).or_default().extend(read);
    }
    all
});

/// A name, what a call becomes, and the signatures.
type Row = (&'static str, Becomes, &'static [&'static str]);

fn rows() -> impl Iterator<Item = Row> {
    [("dyn", Becomes::Argument, ["(A) -> dyn"].as_slice())]
        .into_iter()
        .chain(
            standard::FUNCTIONS
                .iter()
                .chain(extensions::FUNCTIONS)
                .map(|(name, op, signatures)| (*name, Becomes::Op(*op), *signatures)),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signature_is_one() {
        for (name, becomes, signatures) in rows() {
            for signature in signatures {
                let overload = Overload::read(signature, becomes)
                    .unwrap_or_else(|| panic!("{name}: {signature}"));
                let count = u32::try_from(overload.parameters.len()).unwrap();
                if let Becomes::Op(op) = becomes {
                    let arity = op.arity();
                    assert!(
                        (arity.least..=arity.most).contains(&count),
                        "{name}: {signature}"
                    );
                    assert_eq!(op.binds(), 0, "{name}");
                }
            }
        }
    }

    #[test]
    fn no_two_ways_to_call_a_function_take_the_same() {
        for (name, overloads) in ALL.iter() {
            for (index, overload) in overloads.iter().enumerate() {
                for other in &overloads[index + 1..] {
                    assert!(
                        overload.member != other.member || overload.parameters != other.parameters,
                        "{name}"
                    );
                }
            }
        }
    }

    #[test]
    fn operators_are_no_functions() {
        assert!(names().all(|name| name.is_ascii() && !name.contains(['+', '='])));
        assert!(names().any(|name| name == "math.greatest"));
        assert!(find("+").is_some());
    }
}
