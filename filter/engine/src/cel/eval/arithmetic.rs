//! `+ - * / %` and negation. Nothing wraps around.

use super::Evaluator;
use super::names::view;
use super::outcome::Outcome;
use crate::cel::{Duration, EvalError, Meter, Node, Op, Source, Timestamp, Value};

impl<'a, S: Source<'a>> Evaluator<'_, 'a, S> {
    pub(super) fn binary(&mut self, node: Node) -> Outcome<Value<'a>> {
        let op = node.op;
        let right = self.argument_id(node, 1);
        if let Some(constant) = self.program.node(right)
            && constant.op == Op::Int
        {
            self.meter.step()?;
            let right = constant.wide().cast_signed();
            let left = self.argument_id(node, 0);
            return self.look(left, |left, meter| match left {
                Value::Int(left) => int(op, *left, right).map(Value::Int),
                left => calculated(op, left, &Value::Int(right), meter),
            });
        }
        let [left, right] = self.operands(node)?;
        let left = view(&self.memo, &self.locals, &left);
        let right = view(&self.memo, &self.locals, &right);
        let result = calculated(op, left, right, &mut self.meter);
        self.outcome(result)
    }
}

fn calculated<'a>(
    op: Op,
    left: &Value<'a>,
    right: &Value<'a>,
    meter: &mut Meter,
) -> Result<Value<'a>, EvalError> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => int(op, *a, *b).map(Value::Int),
        (Value::Uint(a), Value::Uint(b)) => uint(op, *a, *b).map(Value::Uint),
        (Value::Double(a), Value::Double(b)) => double(op, *a, *b).map(Value::Double),
        _ if op == Op::Add => add(left, right, meter),
        _ if op == Op::Sub => subtract(left, right),
        _ => Err(EvalError::NoSuchOverload(op)),
    }
}

pub(super) fn negate<'a>(values: &[Value<'a>]) -> Result<Value<'a>, EvalError> {
    match values {
        [Value::Int(a)] => a.checked_neg().map(Value::Int).ok_or(EvalError::Overflow),
        [Value::Double(a)] => Ok(Value::Double(-a)),
        _ => Err(EvalError::NoSuchOverload(Op::Negate)),
    }
}

fn int(op: Op, a: i64, b: i64) -> Result<i64, EvalError> {
    let result = match op {
        Op::Add => a.checked_add(b),
        Op::Sub => a.checked_sub(b),
        Op::Mul => a.checked_mul(b),
        Op::Div if b == 0 => return Err(EvalError::DivisionByZero),
        Op::Div => a.checked_div(b),
        Op::Rem if b == 0 => return Err(EvalError::ModulusByZero),
        Op::Rem => a.checked_rem(b),
        _ => return Err(EvalError::NoSuchOverload(op)),
    };
    result.ok_or(EvalError::Overflow)
}

fn uint(op: Op, a: u64, b: u64) -> Result<u64, EvalError> {
    let result = match op {
        Op::Add => a.checked_add(b),
        Op::Sub => a.checked_sub(b),
        Op::Mul => a.checked_mul(b),
        Op::Div => return a.checked_div(b).ok_or(EvalError::DivisionByZero),
        Op::Rem => return a.checked_rem(b).ok_or(EvalError::ModulusByZero),
        _ => return Err(EvalError::NoSuchOverload(op)),
    };
    result.ok_or(EvalError::Overflow)
}

fn double(op: Op, a: f64, b: f64) -> Result<f64, EvalError> {
    match op {
        Op::Add => Ok(a + b),
        Op::Sub => Ok(a - b),
        Op::Mul => Ok(a * b),
        Op::Div => Ok(a / b),
        _ => Err(EvalError::NoSuchOverload(op)),
    }
}

fn add<'a>(a: &Value<'a>, b: &Value<'a>, meter: &mut Meter) -> Result<Value<'a>, EvalError> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => {
            meter.make_bytes(a.len().saturating_add(b.len()))?;
            Ok(Value::String([&**a, &**b].concat().into()))
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            meter.make_bytes(a.len().saturating_add(b.len()))?;
            Ok(Value::Bytes([&**a, &**b].concat().into()))
        }
        (Value::List(a), Value::List(b)) => {
            let count = a.values().len().saturating_add(b.values().len());
            meter.steps(count)?;
            meter.make_values(count)?;
            Value::list([a.values(), b.values()].concat())
        }
        (Value::Timestamp(time), Value::Duration(span))
        | (Value::Duration(span), Value::Timestamp(time)) => {
            timestamp(Op::Add, time.total_nanos().checked_add(span.total_nanos()))
        }
        (Value::Duration(a), Value::Duration(b)) => {
            duration(Op::Add, a.total_nanos().checked_add(b.total_nanos()))
        }
        _ => Err(EvalError::NoSuchOverload(Op::Add)),
    }
}

fn subtract<'a>(a: &Value<'a>, b: &Value<'a>) -> Result<Value<'a>, EvalError> {
    match (a, b) {
        (Value::Timestamp(a), Value::Timestamp(b)) => {
            // The specification's suite has it that two times apart by more than 64 bits of
            // nanoseconds (292 years) have no difference, though a duration may be as long.
            let nanos = a.total_nanos().checked_sub(b.total_nanos());
            let nanos = nanos.filter(|&nanos| i64::try_from(nanos).is_ok());
            duration(Op::Sub, nanos)
        }
        (Value::Timestamp(time), Value::Duration(span)) => {
            timestamp(Op::Sub, time.total_nanos().checked_sub(span.total_nanos()))
        }
        (Value::Duration(a), Value::Duration(b)) => {
            duration(Op::Sub, a.total_nanos().checked_sub(b.total_nanos()))
        }
        _ => Err(EvalError::NoSuchOverload(Op::Sub)),
    }
}

fn timestamp<'a>(op: Op, nanos: Option<i128>) -> Result<Value<'a>, EvalError> {
    nanos
        .and_then(Timestamp::from_total_nanos)
        .map(Value::Timestamp)
        .ok_or(EvalError::OutOfRange(op))
}

fn duration<'a>(op: Op, nanos: Option<i128>) -> Result<Value<'a>, EvalError> {
    nanos
        .and_then(Duration::from_total_nanos)
        .map(Value::Duration)
        .ok_or(EvalError::OutOfRange(op))
}
