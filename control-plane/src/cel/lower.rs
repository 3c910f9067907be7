//! The typed form into the compiled one. Says nothing: what was checked can be lowered.

use countersign_engine::cel::{NodeId, Op, ProgramBuilder, SetBuilder};

use super::env::Lowering;
use super::typed::{Constant, ConstantSet, Typed, TypedKind};

/// Adds an expression to a program.
pub(super) fn lower(node: &Typed, builder: &mut ProgramBuilder) -> NodeId {
    Lower {
        builder,
        outside: 0,
    }
    .node(node, 0)
}

/// Adds a part of an expression that stands inside of `outside` bound names and reads none of them.
pub(super) fn lower_closed(node: &Typed, outside: u32, builder: &mut ProgramBuilder) -> NodeId {
    Lower { builder, outside }.node(node, 0)
}

struct Lower<'b> {
    builder: &'b mut ProgramBuilder,
    outside: u32,
}

impl Lower<'_> {
    /// `bound` names are bound around the node.
    fn node(&mut self, node: &Typed, bound: u32) -> NodeId {
        match &node.kind {
            TypedKind::Constant(constant) => self.constant(constant),
            TypedKind::Variable { lowering, .. } => match *lowering {
                Lowering::Attribute(number) | Lowering::Headers(number) => {
                    self.builder.leaf(Op::Attribute, [number, 0, 0])
                }
                Lowering::Variable(number) => self.builder.leaf(Op::Variable, [number, 0, 0]),
                Lowering::Set(number) => self.builder.leaf(Op::Set, [number, 0, 0]),
            },
            TypedKind::Header(name) => self.builder.named(Op::Header, name),
            TypedKind::HasHeader(name) => self.builder.named(Op::HasHeader, name),
            TypedKind::Local(number) => {
                let number = number.saturating_sub(self.outside);
                self.builder.leaf(Op::Local, [number, 0, 0])
            }
            TypedKind::UnknownName(name) => self.builder.named(Op::UnknownName, name),
            TypedKind::UnknownFunction(name) => self.builder.named(Op::UnknownFunction, name),
            TypedKind::Call(op, args) => self.call(*op, args, bound),
            TypedKind::Matches(subject, pattern) => {
                let subject = self.node(subject, bound);
                self.builder.matches(subject, pattern.automaton)
            }
            TypedKind::Set(set) => {
                let set = match set {
                    ConstantSet::Strings(texts) => SetBuilder::strings("", texts.clone()),
                    ConstantSet::Numbers(numbers) => SetBuilder::numbers("", numbers.clone()),
                };
                let number = self.builder.set(set);
                self.builder.leaf(Op::Set, [number, 0, 0])
            }
        }
    }

    fn call(&mut self, op: Op, args: &[Typed], bound: u32) -> NodeId {
        let binds = op.binds();
        let ids: Vec<NodeId> = args
            .iter()
            .enumerate()
            .map(|(index, arg)| {
                let inside = if index == 0 { 0 } else { binds };
                self.node(arg, bound + inside)
            })
            .collect();
        if binds == 0 {
            self.builder.call(op, &ids)
        } else {
            self.builder.binder(op, &ids, bound)
        }
    }

    fn constant(&mut self, constant: &Constant) -> NodeId {
        match constant {
            Constant::Null => self.builder.null(),
            Constant::Bool(value) => self.builder.bool(*value),
            Constant::Int(value) => self.builder.int(*value),
            Constant::Uint(value) => self.builder.uint(*value),
            Constant::Double(value) => self.builder.double(*value),
            Constant::String(value) => self.builder.string(value),
            Constant::Bytes(value) => self.builder.bytes(value),
            Constant::Timestamp(seconds, nanos) => self.builder.timestamp(*seconds, *nanos),
            Constant::Duration(seconds, nanos) => self.builder.duration(*seconds, *nanos),
            Constant::Type(name) => self.builder.named(Op::Type, name),
        }
    }
}
