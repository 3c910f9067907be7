//! An event as it travels: `countersign.event.v1.DecisionEvent`, encoded field by field.
//!
//! It is written straight from what it tells of: the generated message would hold a copy of each text
//! first, which took longer than the decision. The formatting machinery of the standard library is kept
//! out of what every request pays for: in a worker that does much else, code that is seldom run is
//! slow because it is not in any cache.

use std::fmt::{Display, Write};
use std::net::Ipv4Addr;

use countersign_proto::event::v1::DecisionEvent;
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};

use crate::headers;

/// Room for an event of a browser's request, so that it is written without growing.
const USUAL_BYTES: usize = 512;
/// Of a text whose length is written after it: what one byte of length can say.
const MAX_SHORT_BYTES: usize = 0x7f;

/// What the filter state of a permitted request starts with; the guard demands it.
pub const PERMITTED: u8 = b'1';
/// What the filter state of a denied request starts with.
pub const DENIED: u8 = b'0';

/// An encoded event behind the mark that says which way the decision went: the two travel in one
/// filter state, since each costs a host call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The mark, then the message.
    state: Vec<u8>,
}

impl Event {
    pub(super) fn new(permitted: bool) -> Self {
        let mut state = Vec::with_capacity(USUAL_BYTES);
        state.push(if permitted { PERMITTED } else { DENIED });
        Self { state }
    }

    /// What the filter state holds: [`PERMITTED`] or [`DENIED`], then the encoded message.
    #[must_use]
    pub fn state(&self) -> &[u8] {
        &self.state
    }

    /// The encoded message.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.state.get(1..).unwrap_or_default()
    }

    /// The message.
    #[must_use]
    pub fn decode(&self) -> DecisionEvent {
        // What was written here is one; there is nobody to tell otherwise.
        DecisionEvent::decode(self.as_bytes()).unwrap_or_default()
    }

    /// The status of the reply, known last. Fields may come in any order.
    pub(crate) fn set_status(&mut self, status: u16) {
        self.number(23, status.into());
    }

    /// Adds a note, known late.
    pub(crate) fn note(&mut self, note: &str) {
        self.item(20, note);
    }

    fn key(&mut self, tag: u32, wire: WireType) {
        match u8::try_from(tag << 3 | wire as u32) {
            Ok(key) if key <= 0x7f => self.state.push(key),
            _ => encode_key(tag, wire, &mut self.state),
        }
    }

    fn varint(&mut self, number: u64) {
        match u8::try_from(number) {
            Ok(number) if number <= 0x7f => self.state.push(number),
            _ => encode_varint(number, &mut self.state),
        }
    }

    /// A number or an enumeration; zero is not written.
    pub(super) fn number(&mut self, tag: u32, number: u64) {
        if number != 0 {
            self.key(tag, WireType::Varint);
            self.varint(number);
        }
    }

    /// A text; an empty one is not written.
    pub(super) fn text(&mut self, tag: u32, text: &str) {
        if !text.is_empty() {
            self.item(tag, text);
        }
    }

    /// Bytes of the request as text, at most `limit` bytes of it, cut between characters.
    pub(super) fn bytes(&mut self, tag: u32, bytes: &[u8], limit: usize) {
        let text = headers::text(bytes);
        self.text(tag, cut(&text, limit));
    }

    /// One of several texts.
    pub(super) fn item(&mut self, tag: u32, text: &str) {
        self.key(tag, WireType::LengthDelimited);
        self.varint(text.len() as u64);
        self.state.extend_from_slice(text.as_bytes());
    }

    /// An address as it is usually written.
    pub(super) fn address(&mut self, tag: u32, address: std::net::IpAddr) {
        match address {
            std::net::IpAddr::V4(address) => {
                let (text, length) = dotted(address);
                let text = text.get(..length).unwrap_or_default();
                self.text(tag, std::str::from_utf8(text).unwrap_or_default());
            }
            std::net::IpAddr::V6(address) => self.shown(tag, &address),
        }
    }

    /// Something short that is written as it is shown. What is longer than 127 bytes is left out.
    fn shown(&mut self, tag: u32, shown: &dyn Display) {
        let start = self.state.len();
        self.key(tag, WireType::LengthDelimited);
        let length_at = self.state.len();
        self.state.push(0);
        let written = write!(Tail(&mut self.state), "{shown}");
        let length = self.state.len() - length_at - 1;
        let fits = u8::try_from(length)
            .ok()
            .filter(|_| length <= MAX_SHORT_BYTES);
        match (self.state.get_mut(length_at), fits) {
            (Some(place), Some(length)) if written.is_ok() => *place = length,
            _ => self.state.truncate(start),
        }
    }

    /// A message inside.
    pub(super) fn message(&mut self, tag: u32, message: &impl Message) {
        prost::encoding::message::encode(tag, message, &mut self.state);
    }
}

/// At most `limit` bytes of a text, cut between characters.
pub(super) fn cut(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit))
        .unwrap_or_default()
}

/// An address in dotted decimals, and how many of the bytes it takes.
fn dotted(address: Ipv4Addr) -> ([u8; 15], usize) {
    let mut text = [0; 15];
    let mut places = text.iter_mut();
    let mut length = 0;
    let mut put = |byte: u8| {
        if let Some(place) = places.next() {
            *place = byte;
            length += 1;
        }
    };
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            put(b'.');
        }
        if octet >= 100 {
            put(b'0' + octet / 100);
        }
        if octet >= 10 {
            put(b'0' + octet / 10 % 10);
        }
        put(b'0' + octet % 10);
    }
    (text, length)
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
        let mut event = Event::new(true);
        event.text(1, "id");
        event.number(2, u64::MAX);
        event.text(3, "");
        event.number(9, 0);
        event.item(20, "one");
        event.item(20, "");
        event.address(15, std::net::Ipv6Addr::LOCALHOST.into());
        event.bytes(16, b"a\xffbc", 5);
        event.set_status(403);
        let expected = DecisionEvent {
            event_id: "id".to_owned(),
            time_ms: u64::MAX,
            notes: vec!["one".to_owned(), String::new()],
            client_address: "::1".to_owned(),
            user_agent: "a\u{fffd}b".to_owned(),
            status: 403,
            ..DecisionEvent::default()
        };
        assert_eq!(event.decode(), expected);
    }

    #[test]
    fn the_state_says_first_which_way_the_decision_went() {
        for (permitted, mark) in [(true, b'1'), (false, b'0')] {
            let mut event = Event::new(permitted);
            event.text(1, "id");
            assert_eq!(event.state()[0], mark);
            assert_eq!(&event.state()[1..], event.as_bytes());
        }
    }

    #[test]
    fn an_address_is_written_as_it_is_usually_shown() {
        for text in ["0.0.0.0", "255.255.255.255", "10.20.30.4", "1.100.99.9"] {
            let address: Ipv4Addr = text.parse().unwrap();
            let (bytes, length) = dotted(address);
            assert_eq!(&bytes[..length], text.as_bytes());
        }
        for octet in 0..=255 {
            let address = Ipv4Addr::new(octet, 0, 7, octet);
            let (bytes, length) = dotted(address);
            assert_eq!(&bytes[..length], address.to_string().as_bytes());
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "abc");
        assert_eq!(cut("a\u{20ac}b", 3), "a");
        assert_eq!(cut("a\u{20ac}b", 4), "a\u{20ac}");
        assert_eq!(cut("", 3), "");
    }

    #[test]
    fn a_shown_text_is_written_to_its_limit_and_left_out_past_it() {
        for (length, there) in [(0, true), (127, true), (128, false)] {
            let mut event = Event::new(true);
            event.shown(3, &"x".repeat(length));
            event.number(2, 7);
            let decoded = event.decode();
            assert_eq!(decoded.revision.len(), if there { length } else { 0 });
            assert_eq!(decoded.time_ms, 7);
        }
    }
}
