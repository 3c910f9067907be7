use super::*;

fn built(builder: DeviceRulesBuilder<'_>) -> Vec<u8> {
    let mut form = FormWriter::default();
    builder.write(&mut form).unwrap();
    std::mem::take(form.section(Section::DeviceRules))
}

#[test]
fn a_stricter_rule_makes_a_milder_one_superfluous_unless_that_holds_longer() {
    let at = |seconds| Some(Timestamp::from_seconds(seconds));
    let mut builder = DeviceRulesBuilder::default();
    for (verdict, ends) in [
        (Verdict::Block, at(100)),
        (Verdict::Challenge, at(50)),
        (Verdict::Challenge, at(100)),
        (Verdict::Allow, at(200)),
        (Verdict::Allow, at(150)),
    ] {
        builder.add(Subject::VisitorId("a"), verdict, ends);
    }
    let kept: Vec<_> = effective(builder.texts)
        .into_iter()
        .map(|rule| (rule.verdict, rule.ends))
        .collect();
    assert_eq!(kept, [(Verdict::Allow, 200), (Verdict::Block, 100)]);
}

#[test]
fn the_form_is_a_function_of_the_rules_and_not_of_their_order() {
    let rules = [
        (Subject::VisitorId("a"), Verdict::Block),
        (Subject::BrowserId("a"), Verdict::Allow),
        (Subject::Asn(64_500), Verdict::Challenge),
        (Subject::CountryCode(*b"de"), Verdict::Block),
        (
            Subject::CidrBlock("192.0.2.0".parse().unwrap(), 24),
            Verdict::Allow,
        ),
    ];
    let mut forwards = DeviceRulesBuilder::default();
    let mut backwards = DeviceRulesBuilder::default();
    for (subject, verdict) in rules {
        forwards.add(subject, verdict, None);
    }
    for (subject, verdict) in rules.into_iter().rev() {
        backwards.add(subject, verdict, None);
        backwards.add(subject, verdict, None);
    }
    assert_eq!(built(forwards), built(backwards));
}

#[test]
fn the_key_of_the_hash_depends_on_every_rule() {
    let key = |rules: &[(&str, Verdict)]| {
        let mut builder = DeviceRulesBuilder::default();
        for (text, verdict) in rules {
            builder.add(Subject::VisitorId(text), *verdict, None);
        }
        built(builder).first_chunk::<16>().copied()
    };
    let one = key(&[("a", Verdict::Block)]);
    assert_eq!(one, key(&[("a", Verdict::Block)]));
    assert_ne!(one, key(&[("a", Verdict::Allow)]));
    assert_ne!(one, key(&[("a", Verdict::Block), ("b", Verdict::Block)]));
}

#[test]
fn texts_that_meet_in_one_hash_get_another_key() {
    let texts = ["a", "b", "c"];
    let rules = |verdict: fn(usize) -> Verdict| -> Vec<Rule<(Identifier, &str)>> {
        texts
            .iter()
            .enumerate()
            .map(|(index, text)| Rule {
                by: (Identifier::VisitorId, *text),
                verdict: verdict(index),
                ends: NEVER,
            })
            .collect()
    };
    let first_key = key_of(&rules(|_| Verdict::Allow), 0);
    let (hash_key, keys) = hashed(rules(|_| Verdict::Allow), |key, identifier, text| {
        if *key == first_key {
            7
        } else {
            text_key(key, identifier, text)
        }
    });
    assert_ne!(hash_key, first_key);
    assert_eq!(keys.len(), 3);
    // A hash that is none: the strictest counts for all of them.
    let (_, keys) = hashed(
        rules(|index| [Verdict::Allow, Verdict::Block, Verdict::Challenge][index]),
        |_, _, _| 7,
    );
    assert_eq!(keys.len(), 1);
    assert_eq!((keys[0].by, keys[0].verdict), (7, Verdict::Block));
}

#[test]
fn no_rule_leaves_no_section() {
    assert!(built(DeviceRulesBuilder::default()).is_empty());
}

#[test]
fn the_largest_set_is_written_and_one_rule_more_is_refused() {
    let mut builder = DeviceRulesBuilder::default();
    for number in 0..MAX_DEVICE_RULES {
        builder.add(Subject::Asn(low(number)), Verdict::Block, None);
    }
    let mut one_more = builder.clone();
    one_more.add(Subject::VisitorId("a"), Verdict::Allow, None);
    assert!(builder.write(&mut FormWriter::default()).is_ok());
    assert_eq!(
        one_more.write(&mut FormWriter::default()),
        Err(TooManyDeviceRules(MAX_DEVICE_RULES + 1))
    );
}
