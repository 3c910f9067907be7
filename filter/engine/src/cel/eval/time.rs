//! Parts of timestamps and durations.

use super::Evaluator;
use super::outcome::Outcome;
use crate::cel::value::Civil;
use crate::cel::{Duration, EvalError, Excerpt, Node, Op, Program, Source, Timestamp, Value};

impl<'a, S: Source<'a>> Evaluator<'_, 'a, S> {
    /// `x.getHours()` and the others, with a time zone or in UTC.
    pub(super) fn time_part(&mut self, node: Node) -> Outcome<Value<'a>> {
        let value = self.argument(node, 0)?;
        let zone = match Program::count(&node) {
            1 => None,
            _ => match self.argument(node, 1)? {
                Value::String(zone) => Some(zone),
                _ => return Err(self.no_overload(node.op)),
            },
        };
        match (value, zone) {
            (Value::Timestamp(time), zone) => {
                let offset = match zone {
                    Some(zone) => self.zone_offset(&zone, time.seconds())?,
                    None => 0,
                };
                Ok(Value::Int(part_of_time(node.op, time, offset)))
            }
            (Value::Duration(span), None) => {
                let part = part_of_span(node.op, span).map(Value::Int);
                part.ok_or_else(|| self.no_overload(node.op))
            }
            _ => Err(self.no_overload(node.op)),
        }
    }

    /// Seconds that a zone is ahead of UTC. What the program carries comes first, then what needs no
    /// table, then the host's.
    fn zone_offset(&mut self, zone: &str, seconds: i64) -> Outcome<i32> {
        self.meter.look_at(zone.len())?;
        let offset = self
            .program
            .zone_offset(zone, seconds)
            .or_else(|| fixed_offset(zone))
            .or_else(|| self.source.zone_offset(zone, seconds));
        self.outcome(offset.ok_or_else(|| EvalError::UnknownZone(Excerpt::of(zone))))
    }
}

/// `UTC`, `+05:30`, `-02:00`, `02:00`.
fn fixed_offset(zone: &str) -> Option<i32> {
    if matches!(zone, "UTC" | "Z" | "") {
        return Some(0);
    }
    let (sign, digits) = match zone.as_bytes() {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    let &[h, hh, b':', m, mm] = digits else {
        return None;
    };
    let digit = |letter: u8| letter.is_ascii_digit().then(|| i32::from(letter - b'0'));
    let (hours, minutes) = (digit(h)? * 10 + digit(hh)?, digit(m)? * 10 + digit(mm)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn part_of_time(op: Op, time: Timestamp, offset: i32) -> i64 {
    let civil = Civil::at(time.seconds().saturating_add(offset.into()));
    match op {
        Op::GetFullYear => civil.year,
        Op::GetMonth => civil.month - 1,
        Op::GetDate => civil.day,
        Op::GetDayOfMonth => civil.day - 1,
        Op::GetDayOfWeek => civil.day_of_week,
        Op::GetDayOfYear => civil.day_of_year,
        Op::GetHours => civil.hour,
        Op::GetMinutes => civil.minute,
        Op::GetSeconds => civil.second,
        _ => i64::from(time.nanos() / 1_000_000),
    }
}

/// All the hours of a duration, but the milliseconds beside its seconds.
fn part_of_span(op: Op, span: Duration) -> Option<i64> {
    match op {
        Op::GetHours => Some(span.seconds() / 3600),
        Op::GetMinutes => Some(span.seconds() / 60),
        Op::GetSeconds => Some(span.seconds()),
        Op::GetMilliseconds => Some(i64::from(span.nanos() / 1_000_000)),
        _ => None,
    }
}
