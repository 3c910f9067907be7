//! Evaluation, by walking the arena. What one operation does with values is in the module of its
//! family; here is what all share: names, what is remembered, and how deep and how long it goes.

mod aggregate;
mod arithmetic;
mod compare;
mod convert;
mod decide;
mod encode;
mod format;
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
mod quantify;
mod strings;
mod time;
mod time_text;

#[cfg(doc)]
use super::limits::{MAX_EVALUATION_BYTES, MAX_EVALUATION_STEPS};
use super::{EvalError, Node, NodeId, Op, Program, Source, Value};
use crate::limits::MAX_EXPRESSION_DEPTH;

use locals::Locals;
use memo::{Entry, Memo};
pub(in crate::cel) use meter::Meter;

/// Evaluates expressions of one program over one source: over one request. It remembers what it has
/// read and what expressions share, so it is made anew for the next request.
pub struct Evaluator<'p, 'a, S> {
    program: &'p Program<'a>,
    source: S,
    memo: Memo<'a>,
    locals: Locals<'a>,
    meter: Meter,
    depth: u32,
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
        }
    }

    /// The value of an expression.
    ///
    /// # Errors
    /// Whatever the expression fails with; [`EvalError::TooCostly`] past
    /// [`MAX_EVALUATION_STEPS`] or [`MAX_EVALUATION_BYTES`].
    pub fn evaluate(&mut self, root: NodeId) -> Result<Value<'a>, EvalError> {
        self.begin();
        let value = self.value(root)?;
        self.plain(value)
    }

    /// Does a condition hold?
    ///
    /// # Errors
    /// As [`Self::evaluate`], and [`EvalError::NotBool`] for another value than `true` or `false`.
    pub fn holds(&mut self, root: NodeId) -> Result<bool, EvalError> {
        self.begin();
        self.truth(root)?.ok_or(EvalError::NotBool)
    }

    /// Steps that the last evaluation took, of [`MAX_EVALUATION_STEPS`].
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.meter.since(&Meter::new()).steps
    }

    /// Bytes that the last evaluation made, of [`MAX_EVALUATION_BYTES`].
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
    }

    /// A node's value.
    fn value(&mut self, id: NodeId) -> Result<Value<'a>, EvalError> {
        let node = self.enter(id)?;
        if self.is_kept(&node) {
            return self.kept_value(id, &node);
        }
        self.compute(&node)
    }

    /// A node's value where it is `true` or `false`, and `None` where it is another.
    fn truth(&mut self, id: NodeId) -> Result<Option<bool>, EvalError> {
        let node = self.enter(id)?;
        if decide::decides(node.op) && !self.is_kept(&node) {
            return self.deeper(|this| this.decide(&node)).map(Some);
        }
        let value = if self.is_kept(&node) {
            self.kept_value(id, &node)?
        } else {
            self.compute(&node)?
        };
        Ok(match value {
            Value::Bool(value) => Some(value),
            _ => None,
        })
    }

    #[inline]
    fn enter(&mut self, id: NodeId) -> Result<Node, EvalError> {
        self.meter.step()?;
        self.program.node(id).ok_or(EvalError::NoSuchNode(id.0))
    }

    /// Is the value worth remembering? What expressions share is; what the source gives is asked for
    /// once, a header only where it is likely to be read again, because most are read once.
    #[inline]
    fn is_kept(&self, node: &Node) -> bool {
        match node.op {
            Op::Attribute | Op::Variable => true,
            Op::Header | Op::HasHeader => node.shared || !self.locals.is_empty(),
            _ => node.shared,
        }
    }

    fn kept_value(&mut self, id: NodeId, node: &Node) -> Result<Value<'a>, EvalError> {
        let place = self.keep(id, node)?;
        let entry = self.memo.get(place).ok_or(EvalError::NoSuchNode(id.0))?;
        entry.result.clone()
    }

    /// Evaluates a node unless it is remembered; gives its place.
    fn keep(&mut self, id: NodeId, node: &Node) -> Result<memo::Place, EvalError> {
        if let Some(place) = self.memo.find(id) {
            if let Some(entry) = self.memo.get(place) {
                self.meter.charge(entry.cost)?;
            }
            return Ok(place);
        }
        let before = self.meter;
        let result = self.compute(node);
        // What an evaluation had left, or how deep it was, says nothing about the next.
        if let Err(error) = &result
            && error.is_fatal()
        {
            return Err(error.clone());
        }
        let cost = self.meter.since(&before);
        Ok(self.memo.insert(id, Entry { result, cost }))
    }

    fn deeper<T>(
        &mut self,
        evaluate: impl FnOnce(&mut Self) -> Result<T, EvalError>,
    ) -> Result<T, EvalError> {
        // Only a chain of names that need one another goes deeper than the program's nodes do.
        if self.depth >= MAX_EXPRESSION_DEPTH {
            return Err(EvalError::TooDeep);
        }
        self.depth += 1;
        let result = evaluate(self);
        self.depth -= 1;
        result
    }

    fn compute(&mut self, node: &Node) -> Result<Value<'a>, EvalError> {
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
            | Op::OptionalNone => self.constant(node),
            Op::Attribute => self.source.attribute(node.a),
            Op::Variable => self.source.variable(node.a),
            Op::Header => self.header(self.text(node)).map(Value::String),
            Op::Local => self.local(node.a),
            op if decide::decides(op) => self.deeper(|this| this.decide(node)).map(Value::Bool),
            _ => self.deeper(|this| this.call(node)),
        }
    }

    /// An operation on values, by its family.
    fn call(&mut self, node: &Node) -> Result<Value<'a>, EvalError> {
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
    fn strict(&mut self, node: &Node) -> Result<Value<'a>, EvalError> {
        let mut values = [const { Value::Null }; 4];
        let count = Program::count(node);
        for (index, value) in values.iter_mut().enumerate().take(count) {
            *value = self.argument(node, index)?;
        }
        let values = values.get(..count).unwrap_or_default();
        let (op, meter) = (node.op, &mut self.meter);
        match op {
            Op::Negate => arithmetic::negate(values),
            Op::LowerAscii
            | Op::UpperAscii
            | Op::Replace
            | Op::Split
            | Op::Join
            | Op::IndexOf
            | Op::LastIndexOf
            | Op::Substring
            | Op::Trim
            | Op::CharAt
            | Op::Quote => strings::call(op, values, meter),
            Op::Format => format::call(values, meter),
            Op::ToInt
            | Op::ToUint
            | Op::ToDouble
            | Op::ToString
            | Op::ToBytes
            | Op::ToBool
            | Op::ToTimestamp
            | Op::ToDuration
            | Op::TypeOf => convert::call(op, values, meter),
            Op::Reverse
            | Op::Distinct
            | Op::Flatten
            | Op::Range
            | Op::Slice
            | Op::Sort
            | Op::First
            | Op::Last
            | Op::SetsContains
            | Op::SetsEquivalent
            | Op::SetsIntersects => lists::call(op, values, meter),
            Op::Base64Encode | Op::Base64Decode => encode::call(op, values, meter),
            Op::OptionalOf
            | Op::OptionalOfNonZero
            | Op::HasValue
            | Op::OptionalValue
            | Op::UnwrapOptionals => optional::call(op, values, meter),
            Op::ToIp
            | Op::ToCidr
            | Op::IsIp
            | Op::IsCidr
            | Op::IpIsCanonical
            | Op::IpFamily
            | Op::IpIsUnspecified
            | Op::IpIsLoopback
            | Op::IpIsGlobalUnicast
            | Op::IpIsLinkLocalMulticast
            | Op::IpIsLinkLocalUnicast
            | Op::CidrContainsIp
            | Op::CidrContainsCidr
            | Op::CidrPrefixLength
            | Op::CidrMasked
            | Op::CidrIp => network::call(op, values),
            // What is left is the family `math`: each other operation has its arm here or before.
            _ => math::call(op, values),
        }
    }

    /// The argument at `index`, as a value that needs no source to be looked at.
    fn argument(&mut self, node: &Node, index: usize) -> Result<Value<'a>, EvalError> {
        let id = self.argument_id(node, index)?;
        let value = self.value(id)?;
        self.plain(value)
    }

    #[inline]
    fn argument_id(&self, node: &Node, index: usize) -> Result<NodeId, EvalError> {
        self.program
            .argument(node, index)
            .ok_or(EvalError::NoSuchOverload(node.op))
    }
}

#[cfg(test)]
mod tests;
