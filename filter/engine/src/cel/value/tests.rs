use super::*;
use crate::cel::limits::MAX_VALUE_DEPTH;

#[test]
fn a_value_stays_small() {
    assert!(size_of::<Value<'_>>() <= 32, "{}", size_of::<Value<'_>>());
}

#[test]
fn every_day_has_a_date_and_every_date_its_day() {
    // From 1 January of the year 1, a Monday, day by day through four centuries and the next ones' edges.
    let first = -719_162_i64;
    let (mut year, mut month, mut day, mut of_year) = (1, 1, 1, 0);
    for days in first..first + 200_000 {
        let civil = Civil::at(days * 86_400 + 3_661);
        assert_eq!(
            (civil.year, civil.month, civil.day, civil.day_of_year),
            (year, month, day, of_year)
        );
        assert_eq!(civil.day_of_week, (days - first + 1).rem_euclid(7));
        assert_eq!((civil.hour, civil.minute, civil.second), (1, 1, 1));
        let back = Civil::seconds(year, month, day, [1, 1, 1]);
        assert_eq!(back, Some(days * 86_400 + 3_661));
        if Civil::seconds(year, month, day + 1, [0; 3]).is_some() {
            (day, of_year) = (day + 1, of_year + 1);
        } else if month < 12 {
            (month, day, of_year) = (month + 1, 1, of_year + 1);
        } else {
            (year, month, day, of_year) = (year + 1, 1, 1, 0);
        }
    }
    assert_eq!(year, 548);
    for (year, leap) in [
        (2000, true),
        (1900, false),
        (2024, true),
        (2100, false),
        (0, true),
    ] {
        assert_eq!(
            Civil::seconds(year, 2, 29, [0; 3]).is_some(),
            leap,
            "{year}"
        );
    }
}

#[test]
fn times_and_spans_end_where_protobuf_ends_them() {
    assert!(Timestamp::new(-62_135_596_800, 0).is_some());
    assert!(Timestamp::new(-62_135_596_801, 999_999_999).is_none());
    assert!(Timestamp::new(253_402_300_799, 999_999_999).is_some());
    assert!(Timestamp::new(253_402_300_800, 0).is_none());
    assert!(Timestamp::new(0, 1_000_000_000).is_none());
    assert!(Duration::new(315_576_000_000, 999_999_999).is_some());
    assert!(Duration::new(315_576_000_001, 0).is_none());
    assert!(Duration::new(-315_576_000_001, 0).is_none());
    assert!(Duration::new(1, -1).is_none());
    assert!(Duration::new(-1, 1).is_none());
    assert!(Duration::new(0, 1_000_000_000).is_none());
    assert_eq!(
        Timestamp::from_total_nanos(-1),
        Timestamp::new(-1, 999_999_999)
    );
    assert_eq!(
        Duration::from_total_nanos(-1_000_000_001),
        Duration::new(-1, -1)
    );
    assert_eq!(Timestamp::from_total_nanos(i128::MAX), None);
    assert_eq!(Duration::from_total_nanos(i128::MIN), None);
}

#[test]
fn a_key_is_found_by_every_number_that_equals_it() {
    let map = Value::map(vec![
        (Value::Int(1), Value::Null),
        (Value::Uint(u64::MAX), Value::Null),
        (Value::text("1"), Value::Null),
        (Value::Bool(true), Value::Null),
    ]);
    let Ok(Value::Map(map)) = map else {
        panic!("a map");
    };
    for (key, found) in [
        (Value::Int(1), true),
        (Value::Uint(1), true),
        (Value::Double(1.0), true),
        (Value::Double(1.5), false),
        (Value::Double(f64::NAN), false),
        (Value::Double(f64::INFINITY), false),
        (Value::Double(1e300), false),
        (Value::Double(18_446_744_073_709_551_616.0), false),
        (Value::Int(-1), false),
        (Value::Uint(u64::MAX), true),
        (Value::text("1"), true),
        (Value::text("true"), false),
        (Value::Bool(true), true),
        (Value::Null, false),
    ] {
        assert_eq!(map.get(&key).is_some(), found, "{key:?}");
    }
}

#[test]
fn lists_maps_and_optionals_nest_to_the_limit_and_not_past_it() {
    let wrap: [fn(Value<'static>) -> Result<Value<'static>, EvalError>; 3] = [
        |value| Value::list(vec![value]),
        |value| Value::map(vec![(Value::Int(1), value)]),
        |value| Optional::of(value).map(Value::Optional),
    ];
    for wrap in wrap {
        let mut value = Value::Null;
        for _ in 0..MAX_VALUE_DEPTH {
            value = wrap(value).unwrap();
        }
        assert!(value.equals(&value.clone()));
        assert_eq!(wrap(value).unwrap_err(), EvalError::TooDeep);
    }
}

#[test]
fn a_range_of_addresses_needs_a_prefix_that_its_address_has() {
    let (v4, v6) = (IpAddr::from([10, 1, 2, 3]), IpAddr::from([0_u16; 8]));
    assert!(Cidr::new(v4, 32).is_some() && Cidr::new(v4, 33).is_none());
    assert!(Cidr::new(v6, 128).is_some() && Cidr::new(v6, 129).is_none());
    let range = Cidr::new(v4, 8).unwrap();
    assert_eq!(range.to_string(), "10.1.2.3/8");
    assert!(range.contains(IpAddr::from([10, 255, 0, 0])));
    assert!(!range.contains(v6));
}

#[test]
fn parts_of_a_borrowed_text_are_borrowed() {
    let borrowed = Text::Borrowed("Größe");
    assert!(matches!(borrowed.part(2..4), Text::Borrowed("ö")));
    assert!(matches!(borrowed.part(3..4), Text::Borrowed("")));
    let made = Text::from(String::from("Größe"));
    assert_eq!(&*made.part(0..made.len()), "Größe");
    assert_eq!(&*made.part(2..4), "ö");
    assert!(matches!(
        borrowed.into_bytes().to_text(),
        Some(Text::Borrowed("Größe"))
    ));
}
