//! An event as it travels: `countersign.event.v1.DecisionEvent`, encoded field by field.
//!
//! It is written straight from what it tells of: the generated message would hold a copy of each text
//! first, which took longer than the decision.

use std::fmt::{Display, Write};

use countersign_proto::event::v1::DecisionEvent;
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};

/// Room for an event of a browser's request, so that it is written without growing.
const USUAL_BYTES: usize = 512;
/// Of a text whose length is written after it: what one byte of length can say.
const MAX_SHORT_BYTES: usize = 0x7f;

/// An encoded event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    bytes: Vec<u8>,
}

impl Event {
    pub(super) fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(USUAL_BYTES),
        }
    }

    /// The encoded message.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The message.
    #[must_use]
    pub fn decode(&self) -> DecisionEvent {
        // What was written here is one; there is nobody to tell otherwise.
        DecisionEvent::decode(self.bytes.as_slice()).unwrap_or_default()
    }

    /// The status of the reply, known last. Fields may come in any order.
    pub(crate) fn set_status(&mut self, status: u16) {
        self.number(23, status.into());
    }

    /// A number or an enumeration; zero is not written.
    pub(super) fn number(&mut self, tag: u32, number: u64) {
        if number != 0 {
            encode_key(tag, WireType::Varint, &mut self.bytes);
            encode_varint(number, &mut self.bytes);
        }
    }

    /// A text; an empty one is not written.
    pub(super) fn text(&mut self, tag: u32, text: &str) {
        if !text.is_empty() {
            self.item(tag, text);
        }
    }

    /// One of several texts.
    pub(super) fn item(&mut self, tag: u32, text: &str) {
        encode_key(tag, WireType::LengthDelimited, &mut self.bytes);
        encode_varint(text.len() as u64, &mut self.bytes);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Something short that is written as it is shown: an id, an address. What is longer than 127 bytes
    /// is left out.
    pub(super) fn shown(&mut self, tag: u32, shown: &dyn Display) {
        let start = self.bytes.len();
        encode_key(tag, WireType::LengthDelimited, &mut self.bytes);
        let length_at = self.bytes.len();
        self.bytes.push(0);
        let written = write!(Tail(&mut self.bytes), "{shown}");
        let length = self.bytes.len() - length_at - 1;
        let fits = u8::try_from(length)
            .ok()
            .filter(|_| length <= MAX_SHORT_BYTES);
        match (self.bytes.get_mut(length_at), fits) {
            (Some(place), Some(length)) if written.is_ok() => *place = length,
            _ => self.bytes.truncate(start),
        }
    }

    /// A message inside.
    pub(super) fn message(&mut self, tag: u32, message: &impl Message) {
        prost::encoding::message::encode(tag, message, &mut self.bytes);
    }
}

/// Text at the end of bytes.
struct Tail<'b>(&'b mut Vec<u8>);

impl Write for Tail<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_the_message() {
        let mut event = Event::new();
        event.text(1, "id");
        event.number(2, u64::MAX);
        event.text(3, "");
        event.number(9, 0);
        event.item(20, "one");
        event.item(20, "");
        event.shown(15, &std::net::Ipv6Addr::LOCALHOST);
        event.set_status(403);
        let expected = DecisionEvent {
            event_id: "id".to_owned(),
            time_ms: u64::MAX,
            notes: vec!["one".to_owned(), String::new()],
            client_address: "::1".to_owned(),
            status: 403,
            ..DecisionEvent::default()
        };
        assert_eq!(event.decode(), expected);
    }

    #[test]
    fn a_shown_text_is_written_to_its_limit_and_left_out_past_it() {
        for (length, there) in [(0, true), (127, true), (128, false)] {
            let mut event = Event::new();
            event.shown(3, &"x".repeat(length));
            event.number(2, 7);
            let decoded = event.decode();
            assert_eq!(decoded.revision.len(), if there { length } else { 0 });
            assert_eq!(decoded.time_ms, 7);
        }
    }
}
