//! Evaluation, by walking the arena. What one operation does with values is in the module of its
//! family; here is what all share: names, what is remembered, and how deep and how long it goes.

mod aggregate;
mod arithmetic;
mod compare;
mod convert;
mod decide;
mod encode;
mod format;
mod function;
mod lists;
mod locals;
mod macros;
mod math;
mod memo;
mod meter;
mod names;
mod network;
mod number_text;
mod optional;
mod outcome;
mod quantify;
mod strings;
mod time;
mod time_text;

use super::{EvalError, Node, NodeId, Op, Program, Source, Value};
use crate::limits::MAX_EXPRESSION_DEPTH;

use locals::Locals;
use memo::{Entry, Memo, Place};
pub(in crate::cel) use meter::{Meter, TooCostly};
use outcome::Outcome;

/// Evaluates expressions of one program over one source: over one request. It remembers what it has
/// read and what expressions share, so it is made anew for the next request.
pub struct Evaluator<'p, 'a, S> {
    program: &'p Program<'a>,
    source: S,
    memo: Memo<'a>,
    locals: Locals<'a>,
    meter: Meter,
    depth: u32,
    /// Why the last node failed.
    error: Option<EvalError>,
}

impl<'p, 'a, S: Source<'a>> Evaluator<'p, 'a, S> {
    /// Over a source.
    #[must_use]
    pub fn new(program: &'p Program<'a>, source: S) -> Self {
        Self {
            program,
            source,
            memo: Memo::new(),
            locals: Locals::default(),
            meter: Meter::new(),
            depth: 0,
            error: None,
        }
    }

    /// The value of an expression.
    ///
    /// # Errors
    /// Whatever the expression fails with; [`EvalError::TooCostly`] past
    /// [`super::limits::MAX_EVALUATION_STEPS`] or [`super::limits::MAX_EVALUATION_BYTES`].
    pub fn evaluate(&mut self, root: NodeId) -> Result<Value<'a>, EvalError> {
        self.begin();
        let value = self.value(root).and_then(|value| self.plain(value));
        value.map_err(|failed| self.error_of(failed))
    }

    /// Does a condition hold?
    ///
    /// # Errors
    /// As [`Self::evaluate`], and [`EvalError::NotBool`] for another value than `true` or `false`.
    pub fn holds(&mut self, root: NodeId) -> Result<bool, EvalError> {
        self.begin();
        match self.truth(root) {
            Ok(Some(truth)) => Ok(truth),
            Ok(None) => Err(EvalError::NotBool),
            Err(failed) => Err(self.error_of(failed)),
        }
    }

    /// Steps that the last evaluation took, of [`super::limits::MAX_EVALUATION_STEPS`].
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.meter.since(&Meter::new()).steps
    }

    /// Bytes that the last evaluation made, of [`super::limits::MAX_EVALUATION_BYTES`].
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.meter.since(&Meter::new()).bytes
    }

    /// What the expressions are evaluated over.
    pub const fn source(&self) -> &S {
        &self.source
    }

    fn begin(&mut self) {
        self.meter = Meter::new();
        self.locals.clear();
        self.depth = 0;
        self.error = None;
    }

    /// A node's value.
    fn value(&mut self, id: NodeId) -> Outcome<Value<'a>> {
        let node = self.enter(id)?;
        if self.is_kept(node) {
            return self.look_kept(id, node, |value, _| Ok(value.clone()));
        }
        self.compute(node)
    }

    /// A node's value where it is `true` or `false`, and `None` where it is another.
    fn truth(&mut self, id: NodeId) -> Outcome<Option<bool>> {
        let node = self.enter(id)?;
        if self.is_kept(node) {
            return self.look_kept(id, node, |value, _| Ok(as_bool(value)));
        }
        if decide::decides(node.op) {
            return self.deeper(|this| this.decide(node)).map(Some);
        }
        self.compute(node).map(|value| as_bool(&value))
    }

    #[inline(always)]
    fn enter(&mut self, id: NodeId) -> Outcome<Node> {
        self.meter.step()?;
        self.program
            .node(id)
            .ok_or_else(|| self.fail(EvalError::NoSuchNode(id.0)))
    }

    /// Is the value worth remembering? What expressions share is; what the source gives is asked for
    /// once, a header only where it is likely to be read again, because most are read once.
    #[inline(always)]
    fn is_kept(&self, node: Node) -> bool {
        match node.op {
            Op::Attribute | Op::Variable => true,
            Op::Header | Op::HasHeader => node.shared || !self.locals.is_empty(),
            _ => node.shared,
        }
    }

    /// What a function says of the value of a node that is remembered.
    #[inline]
    fn look_kept<T>(
        &mut self,
        id: NodeId,
        node: Node,
        look: impl FnOnce(&Value<'a>, &mut Meter) -> Result<T, EvalError>,
    ) -> Outcome<T> {
        let place = self.keep(id, node)?;
        let result = match self.memo.get(place).map(|entry| &entry.result) {
            Some(Ok(value)) => look(value, &mut self.meter),
            Some(Err(error)) => Err(error.clone()),
            None => Err(EvalError::NoSuchNode(id.0)),
        };
        self.outcome(result)
    }

    /// Evaluates a node unless it is remembered; gives its place.
    fn keep(&mut self, id: NodeId, node: Node) -> Outcome<Place> {
        if let Some(place) = self.memo.find(id) {
            if let Some(entry) = self.memo.get(place) {
                self.meter.charge(entry.cost)?;
            }
            return Ok(place);
        }
        let before = self.meter;
        let result = match self.compute(node) {
            Ok(value) => Ok(value),
            // What an evaluation had left, or how deep it was, says nothing about the next.
            Err(failed) if self.failed_for_good() => return Err(failed),
            Err(failed) => Err(self.error_of(failed)),
        };
        let cost = self.meter.since(&before);
        Ok(self.memo.insert(id, Entry { result, cost }))
    }

    #[inline]
    fn deeper<T>(&mut self, evaluate: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        // Only a chain of names that need one another goes deeper than the program's nodes do.
        if self.depth >= MAX_EXPRESSION_DEPTH {
            return Err(self.fail(EvalError::TooDeep));
        }
        self.depth += 1;
        let result = evaluate(self);
        self.depth -= 1;
        result
    }

    fn compute(&mut self, node: Node) -> Outcome<Value<'a>> {
        match node.op {
            Op::Null => Ok(Value::Null),
            Op::Bool => Ok(Value::Bool(node.a != 0)),
            Op::Int => Ok(Value::Int(node.wide().cast_signed())),
            Op::Uint => Ok(Value::Uint(node.wide())),
            Op::Double => Ok(Value::Double(f64::from_bits(node.wide()))),
            Op::String => Ok(Value::text(self.text(node))),
            Op::Bytes
            | Op::Timestamp
            | Op::Duration
            | Op::Type
            | Op::Set
            | Op::UnknownName
            | Op::UnknownFunction
            | Op::OptionalNone => {
                let constant = self.constant(node);
                self.outcome(constant)
            }
            Op::Attribute => {
                let value = self.source.attribute(node.a);
                self.outcome(value)
            }
            Op::Variable => {
                let value = self.source.variable(node.a);
                self.outcome(value)
            }
            Op::Header => self.header(node).map(Value::String),
            Op::Local => self.local(node.a),
            op if decide::decides(op) => self.deeper(|this| this.decide(node)).map(Value::Bool),
            _ => self.deeper(|this| this.call(node)),
        }
    }

    /// An operation on values, by its family.
    fn call(&mut self, node: Node) -> Outcome<Value<'a>> {
        match node.op {
            Op::Conditional => self.conditional(node),
            Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Rem => self.binary(node),
            Op::Index
            | Op::OptionalIndex
            | Op::Select
            | Op::OptionalSelect
            | Op::List
            | Op::Map
            | Op::OptionalElement => self.aggregate(node),
            Op::MapList
            | Op::Filter
            | Op::TransformList
            | Op::TransformMap
            | Op::TransformMapEntry
            | Op::Bind
            | Op::SortBy
            | Op::OptionalMap
            | Op::OptionalFlatMap => self.transform(node),
            Op::OptionalOr | Op::OptionalOrValue => self.alternative(node),
            Op::MathGreatest | Op::MathLeast => self.extreme(node),
            Op::GetFullYear
            | Op::GetMonth
            | Op::GetDate
            | Op::GetDayOfMonth
            | Op::GetDayOfWeek
            | Op::GetDayOfYear
            | Op::GetHours
            | Op::GetMinutes
            | Op::GetSeconds
            | Op::GetMilliseconds => self.time_part(node),
            Op::Size => self.size(node),
            _ => self.strict(node),
        }
    }

    /// A function of at most four values that needs nothing else.
    fn strict(&mut self, node: Node) -> Outcome<Value<'a>> {
        let mut values = [const { Value::Null }; 4];
        let count = Program::count(&node);
        for (index, value) in values.iter_mut().enumerate().take(count) {
            *value = self.argument(node, index)?;
        }
        let values = values.get(..count).unwrap_or_default();
        let result = function::call(node.op, values, &mut self.meter);
        self.outcome(result)
    }

    /// The argument at `index`, as a value that needs no source to be looked at.
    fn argument(&mut self, node: Node, index: usize) -> Outcome<Value<'a>> {
        let id = self.argument_id(node, index);
        let value = self.value(id)?;
        self.plain(value)
    }

    /// An argument that the loader has seen. Without it there is a number that no node has, and its
    /// evaluation fails.
    #[inline]
    fn argument_id(&self, node: Node, index: usize) -> NodeId {
        let argument = self.program.argument(&node, index);
        argument.unwrap_or(NodeId(u32::MAX))
    }
}

const fn as_bool(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
