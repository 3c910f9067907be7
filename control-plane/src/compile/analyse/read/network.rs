//! Addresses and ranges of them.

use std::net::IpAddr;

use countersign_engine::cel::Op;

use super::{Reader, negated_if};
use crate::cel::{Lowering, Typed, TypedKind};
use crate::compile::analyse::condition::{ConditionKind, Test};
use crate::compile::analyse::part;
use crate::compile::analyse::ranges::{Ranges, address, all_v4, network};
use crate::compile::analyse::subject::{Key, Kind, Subject};
use crate::compile::analyse::world::Members;

impl<'a> Reader<'_, 'a> {
    /// `address in lists.NAME`
    pub(super) fn in_networks(
        &mut self,
        needle: &'a Typed,
        list: &'a Typed,
    ) -> Option<ConditionKind<'a>> {
        let TypedKind::Variable {
            lowering: Lowering::Set(number),
            ..
        } = &list.kind
        else {
            return None;
        };
        let Members::Cidrs(networks) = self.known_list(*number)? else {
            return None;
        };
        let subject = self.address(needle, "")?;
        let test = self.list(*number, || {
            Ranges::of(
                networks
                    .iter()
                    .map(|&(first, prefix)| network(first, prefix))
                    .collect(),
            )
        });
        Some(ConditionKind::Test(subject, test))
    }

    /// `cidr("192.0.2.0/24").containsIP(address)`
    pub(super) fn in_network(
        &mut self,
        range: &'a Typed,
        needle: &'a Typed,
    ) -> Option<ConditionKind<'a>> {
        let TypedKind::Call(Op::ToCidr, args) = &range.kind else {
            return None;
        };
        let text = args.first()?.constant_string()?;
        let (first, prefix) = text.split_once('/')?;
        let first: IpAddr = first.parse().ok()?;
        let prefix: u8 = prefix.parse().ok()?;
        let inside = Ranges::of(vec![network(first, prefix)]);
        // Here an IPv6 range holds no IPv4 address, not even where those are mapped to.
        let inside = if first.is_ipv6() {
            inside.and(&all_v4().complement())
        } else {
            inside
        };
        let subject = self.address(needle, "ip")?;
        Some(ConditionKind::Test(subject, Test::numbers(inside)))
    }

    /// `ip(address) == ip("192.0.2.1")`
    pub(super) fn network_address(
        &mut self,
        op: Op,
        left: &'a Typed,
        right: &'a Typed,
    ) -> Option<ConditionKind<'a>> {
        let known = |part: &Typed| match &part.kind {
            TypedKind::Call(Op::ToIp, args) => {
                let parsed: IpAddr = args.first()?.constant_string()?.parse().ok()?;
                (parsed.to_canonical() == parsed).then_some(parsed)
            }
            _ => None,
        };
        let asked = |part: &'a Typed| match &part.kind {
            TypedKind::Call(Op::ToIp, _) => Some(part),
            _ => None,
        };
        let (asked, known) = match (known(left), known(right)) {
            (None, Some(known)) => (asked(left)?, known),
            (Some(known), None) => (asked(right)?, known),
            _ => return None,
        };
        if !matches!(op, Op::Eq | Op::Ne) {
            return None;
        }
        let subject = self.address(asked, "ip")?;
        let test = Test::numbers(Ranges::points([address(known)]));
        Some(negated_if(op == Op::Ne, subject, test))
    }

    /// A text that is read as an address, or an address made of one. The client's address is one; any
    /// other text may be none, and what may be none is a thing for each `way` to read it.
    fn address(&mut self, needle: &'a Typed, way: &str) -> Option<Subject> {
        let text = match &needle.kind {
            TypedKind::Call(Op::ToIp, args) => args.first()?,
            _ => needle,
        };
        let way = if matches!(needle.kind, TypedKind::Call(Op::ToIp, _)) {
            "ip"
        } else {
            way
        };
        let (subject, kind) = self.thing(text)?;
        match kind {
            Kind::Address => Some(subject),
            Kind::Text(_) => {
                let name = part::name(text)?;
                let needs = vec![subject];
                let key = Key::AddressOf(format!("{way}:{name}"));
                Some(self.subjects.number(key, || needs))
            }
            _ => None,
        }
    }
}
