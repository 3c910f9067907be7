//! Bytes that no writer wrote.

use super::*;
use crate::form::FormError;

/// An index with every kind of table, and something of each to find.
fn everything() -> (Vec<Vec<Cover>>, Vec<SetBuilder>) {
    let sets = vec![
        SetBuilder::strings("a", vec!["ab".to_owned()]),
        SetBuilder::cidrs("b", [(address("10.0.0.0"), 8)]),
    ];
    let mut policies = Vec::new();
    for text in ["ab", "abc", "b", "ba", "/a/b"] {
        for of in [Test::Equals, Test::Prefix, Test::Suffix, Test::Contains] {
            policies.push(vec![vec![key(Subject::Path, of(text.to_owned()))]]);
            policies.push(vec![vec![key(NODE, of(text.to_owned()))]]);
        }
    }
    policies.extend(each([0, 5, 9].map(Test::Number)));
    policies.extend(each(
        [(0, 5), (3, 9), (4, 4_000)].map(|(least, greatest)| Test::NumberRange { least, greatest }),
    ));
    for network in ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"] {
        policies.push(vec![vec![cidr(NODE, network)]]);
        policies.push(vec![vec![cidr(NODE, network)]]);
    }
    policies.extend(each([Test::Is(true), Test::InSet(0), Test::InSet(1)]));
    policies.push(Vec::new());
    (policies, sets)
}

/// Loads an altered index, and looks everything up where it loads.
fn try_out(program: &Program<'_>, index: &[u8], policies: u32) -> Result<usize, FormError> {
    let mut form = FormWriter::default();
    form.section(Section::Index).extend_from_slice(index);
    let body = form.finish().unwrap();
    let index = Index::load(&Sections::read(&body).unwrap(), program, policies)?;
    let mut candidates = Candidates::default();
    let values = [
        text("/a/bab"),
        text("abcba"),
        text("10.1.2.3"),
        Held::Number(4),
        Held::Bool(true),
        Held::Other,
    ];
    let mut found = 0;
    for value in values {
        let mut request = given([(NODE, value.clone()), (Subject::Path, value)]);
        index.candidates(program, &mut request, &mut candidates);
        let listed: Vec<u32> = candidates.iter().collect();
        assert!(listed.iter().all(|&policy| policy < policies));
        found += listed.len();
    }
    Ok(found)
}

#[test]
fn no_altered_byte_makes_a_lookup_fail() {
    let (policies, sets) = everything();
    let built = build(&policies, &sets);
    let program = built.program();
    let whole = built.sections().get(Section::Index).to_vec();
    let found = try_out(&program, &whole, built.policies).unwrap();
    assert!(found > policies.len());
    let (mut refused, mut taken) = (0, 0);
    for byte in 0..whole.len() {
        for change in [0x01, 0x02, 0x10, 0x80, 0xff] {
            let mut altered = whole.clone();
            altered[byte] ^= change;
            match try_out(&program, &altered, built.policies) {
                Ok(_) => taken += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > taken, "{refused} refused, {taken} taken");
}

#[test]
fn no_altered_word_makes_a_lookup_fail() {
    let (policies, sets) = everything();
    let built = build(&policies, &sets);
    let program = built.program();
    let whole = built.sections().get(Section::Index).to_vec();
    for word in (0..whole.len() - 3).step_by(4) {
        for value in [
            0,
            1,
            2,
            0x7fff_ffff,
            0x8000_0000,
            0xffff_fffe,
            0xffff_ffff_u32,
        ] {
            let mut altered = whole.clone();
            altered[word..word + 4].copy_from_slice(&value.to_le_bytes());
            let _checked = try_out(&program, &altered, built.policies);
        }
    }
}

#[test]
fn a_truncated_or_extended_index_is_refused() {
    let (policies, sets) = everything();
    let built = build(&policies, &sets);
    let program = built.program();
    let whole = built.sections().get(Section::Index).to_vec();
    for length in 0..whole.len() {
        assert!(
            try_out(&program, &whole[..length], built.policies).is_err(),
            "{length} bytes"
        );
    }
    let longer = [whole.as_slice(), &[0; 4]].concat();
    assert!(try_out(&program, &longer, built.policies).is_err());
}

#[test]
fn an_index_of_other_policies_is_refused() {
    let (policies, sets) = everything();
    let built = build(&policies, &sets);
    let program = built.program();
    for count in [0, built.policies - 1, built.policies + 1, u32::MAX] {
        assert!(Index::load(&built.sections(), &program, count).is_err());
    }
}

#[test]
fn a_node_or_a_set_that_is_not_there_is_refused() {
    let missing = Subject::Node(NodeId(NODES));
    for key in [equals(missing, "a"), key(NODE, Test::InSet(0))] {
        let built = build(&[vec![vec![key]]], &[]);
        let program = built.program();
        assert!(Index::load(&built.sections(), &program, 1).is_err());
    }
}
