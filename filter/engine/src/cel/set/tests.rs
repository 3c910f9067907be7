use super::*;
use crate::cel::{Program, ProgramBuilder};
use crate::form::FormWriter;

fn with<T>(set: SetBuilder, look: impl Fn(Set<'_>) -> T) -> T {
    let mut builder = ProgramBuilder::default();
    let number = builder.set(set);
    let mut form = FormWriter::default();
    builder.write(&mut form);
    let body = form.finish().unwrap();
    let sections = Sections::read(&body).unwrap();
    let program = Program::load(&sections).unwrap();
    look(program.sets().get(number).unwrap())
}

#[test]
fn strings_and_numbers_are_found_and_others_are_not() {
    let names = ["b", "a", "", "ä", "b"].map(str::to_owned).to_vec();
    with(SetBuilder::strings("names", names), |set| {
        assert_eq!((set.len(), set.name()), (4, "names"));
        for (text, member) in [
            ("a", true),
            ("", true),
            ("ä", true),
            ("c", false),
            ("aa", false),
        ] {
            assert_eq!(set.contains_string(text), member, "{text}");
        }
        assert!(!set.contains_number(0));
        assert_eq!(set.string(3), Some("ä"));
        assert_eq!(set.string(4), None);
    });
    with(
        SetBuilder::numbers("", vec![i64::MAX, -1, i64::MIN]),
        |set| {
            for (number, member) in [(i64::MIN, true), (-1, true), (0, false), (i64::MAX, true)] {
                assert_eq!(set.contains_number(number), member, "{number}");
            }
            assert!(!set.contains_string("-1"));
        },
    );
    with(SetBuilder::strings("", vec![]), |set| {
        assert!(set.is_empty() && !set.contains_string(""));
    });
}

fn cidrs(members: &[&str]) -> SetBuilder {
    let parsed = members.iter().map(|member| {
        let (address, prefix) = member.split_once('/').unwrap();
        (address.parse().unwrap(), prefix.parse().unwrap())
    });
    SetBuilder::cidrs("offices", parsed)
}

#[test]
fn edges_of_a_range_belong_to_it_and_neighbours_do_not() {
    with(
        cidrs(&["192.0.2.0/24", "2001:db8::/32", "10.1.2.3/32"]),
        |set| {
            for (address, inside) in [
                ("192.0.2.0", true),
                ("192.0.2.255", true),
                ("192.0.1.255", false),
                ("192.0.3.0", false),
                ("10.1.2.3", true),
                ("10.1.2.4", false),
                ("2001:db8::1", true),
                ("2001:db9::1", false),
                ("::ffff:192.0.2.7", true),
            ] {
                assert_eq!(
                    set.contains_address(address.parse().unwrap()),
                    inside,
                    "{address}"
                );
            }
        },
    );
}

#[test]
fn nested_and_adjoining_ranges_become_one() {
    with(
        cidrs(&["10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8", "255.0.0.0/8"]),
        |set| {
            assert_eq!(set.len(), 2);
            assert!(set.contains_address("11.255.255.255".parse().unwrap()));
            assert!(set.contains_address("255.255.255.255".parse().unwrap()));
        },
    );
    with(cidrs(&["::/0"]), |set| {
        assert!(set.contains_address("1.2.3.4".parse().unwrap()));
        assert!(set.contains_address("ffff::1".parse().unwrap()));
    });
    with(cidrs(&["0.0.0.0/0"]), |set| {
        assert!(!set.contains_address("2001:db8::1".parse().unwrap()));
    });
    with(cidrs(&["::ffff:10.0.0.0/104"]), |set| {
        assert!(set.contains_address("10.255.0.1".parse().unwrap()));
        assert!(!set.contains_address("11.0.0.0".parse().unwrap()));
    });
    with(cidrs(&[]), |set| {
        assert!(!set.contains_address("1.2.3.4".parse().unwrap()))
    });
}
