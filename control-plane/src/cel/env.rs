//! What an expression may name, as a value: policies, signals and `countersign expr` each have one.

use std::collections::HashMap;

use super::functions::{self, Overload};
use super::types::Type;

/// The declarations that an expression is compiled against.
#[derive(Clone, Debug)]
pub struct Env {
    variables: HashMap<String, Declared>,
    functions: HashMap<String, Vec<Overload>>,
    pub(super) container: String,
    pub(super) sets: Option<SetsGroup>,
    pub(super) check: bool,
    /// What has a bounded time for each request knows patterns and time zones beforehand.
    pub(super) computed_patterns: bool,
}

/// A variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// What it holds.
    pub ty: Type,
    /// What reading it becomes.
    pub lowering: Lowering,
    /// Why it may not be there, if it may not.
    pub absent: Option<&'static str>,
}

/// A variable and what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    pub(super) variable: Variable,
    pub(super) facts: Facts,
}

/// What is known of every value of a variable beside its type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// An int lies between these, both taken in.
    pub range: Option<(i64, i64)>,
    /// A text is an address.
    pub address: bool,
    /// It is there wherever another variable, a bool, is true.
    pub there_if: Option<ThereIf>,
}

/// What tells that a variable is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThereIf {
    /// The name of the variable that is true then.
    pub name: &'static str,
    /// What reading that one becomes.
    pub lowering: Lowering,
}

/// Sets of constants that are variables of one group: `lists.NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SetsGroup {
    /// The group: `lists`.
    pub(super) group: &'static str,
    /// What declares one: `List`.
    pub(super) kind: &'static str,
}

/// What reading a variable becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lowering {
    /// An attribute of the request, by its number.
    Attribute(u32),
    /// The attribute that is the map of headers, by its number: a constant name is looked up by itself.
    Headers(u32),
    /// A variable of the caller, by its number.
    Variable(u32),
    /// A set of constants, by its number.
    Set(u32),
}

impl Default for Env {
    fn default() -> Self {
        Self {
            variables: HashMap::new(),
            functions: HashMap::new(),
            container: String::new(),
            sets: None,
            check: true,
            computed_patterns: false,
        }
    }
}

impl Env {
    /// Looks names up in this namespace first, then in those around it.
    #[must_use]
    pub fn in_container(mut self, container: &str) -> Self {
        container.clone_into(&mut self.container);
        self
    }

    /// Leaves out the type check: a name, a function or a type that does not fit is an error when it is
    /// evaluated, and none if it is not.
    #[must_use]
    pub const fn unchecked(mut self) -> Self {
        self.check = false;
        self
    }

    /// Allows patterns and time zones that are made at run time.
    #[must_use]
    pub const fn with_computed_patterns(mut self) -> Self {
        self.computed_patterns = true;
        self
    }

    /// Declares a variable; its name may have dots.
    pub fn declare(&mut self, name: impl Into<String>, variable: Variable) {
        self.declare_known(name, variable, Facts::default());
    }

    /// Declares a variable of which something is known.
    pub fn declare_known(&mut self, name: impl Into<String>, variable: Variable, facts: Facts) {
        self.variables
            .insert(name.into(), Declared { variable, facts });
    }

    /// Says where sets of constants are declared, so that one that is not is missed by its name.
    #[must_use]
    pub const fn with_sets(mut self, group: &'static str, kind: &'static str) -> Self {
        self.sets = Some(SetsGroup { group, kind });
        self
    }

    /// Declares one more way to call a function.
    pub fn declare_function(&mut self, name: impl Into<String>, overload: Overload) {
        self.functions
            .entry(name.into())
            .or_default()
            .push(overload);
    }

    /// The variable of exactly that name.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.declared(name).map(|declared| &declared.variable)
    }

    pub(super) fn declared(&self, name: &str) -> Option<&Declared> {
        self.variables.get(name)
    }

    /// The names of all variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// Every way to call the function of exactly that name.
    pub(super) fn overloads(&self, name: &str) -> Vec<&Overload> {
        let declared = self.functions.get(name).into_iter().flatten();
        let known = functions::find(name).into_iter().flatten();
        declared.chain(known).collect()
    }

    /// The names of all functions.
    pub(super) fn function_names(&self) -> impl Iterator<Item = &str> {
        let known = functions::names().map(|name| -> &str { name });
        known.chain(self.functions.keys().map(String::as_str))
    }

    /// The names that `name` may stand for, in the order in which they are looked up.
    pub(super) fn candidates<'a>(
        &'a self,
        name: &'a str,
        global: bool,
    ) -> impl Iterator<Item = String> + 'a {
        let container = if global { "" } else { self.container.as_str() };
        let ends = container
            .rmatch_indices('.')
            .map(|(at, _)| at)
            .collect::<Vec<_>>();
        let whole = (!container.is_empty()).then_some(container.len());
        whole
            .into_iter()
            .chain(ends)
            .filter_map(move |end| Some(format!("{}.{name}", container.get(..end)?)))
            .chain([name.to_owned()])
    }
}

/// The names of types, which are values too, with what they are called at run time.
pub(super) fn type_named(name: &str) -> Option<Type> {
    Some(match name {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "null_type" => Type::Null,
        "list" => Type::list(Type::Dyn),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "type" => Type::Type(None),
        "optional_type" => Type::optional(Type::Dyn),
        "google.protobuf.Timestamp" => Type::Timestamp,
        "google.protobuf.Duration" => Type::Duration,
        "net.IP" => Type::Ip,
        "net.CIDR" => Type::Cidr,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_from_the_inside_out() {
        let env = Env::default().in_container("a.b");
        let all: Vec<_> = env.candidates("x.y", false).collect();
        assert_eq!(all, ["a.b.x.y", "a.x.y", "x.y"]);
        let global: Vec<_> = env.candidates("x", true).collect();
        assert_eq!(global, ["x"]);
        let env = Env::default();
        assert_eq!(env.candidates("x", false).collect::<Vec<_>>(), ["x"]);
    }
}
