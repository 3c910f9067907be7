use super::*;
use crate::cel::SetBuilder;
use crate::form::{FormError, FormWriter, Section, Sections};
use crate::limits::MAX_EXPRESSION_DEPTH;

fn written(build: impl FnOnce(&mut ProgramBuilder)) -> Vec<u8> {
    let mut builder = ProgramBuilder::default();
    build(&mut builder);
    let mut form = FormWriter::default();
    builder.write(&mut form);
    form.finish().unwrap()
}

fn loads(body: &[u8]) -> Result<(), FormError> {
    Program::load(&Sections::read(body)?).map(|_| ())
}

#[test]
fn equal_nodes_stand_once_and_are_marked_as_shared() {
    let body = written(|program| {
        let one = program.int(1);
        let negative = program.call(Op::Negate, &[one]);
        let less = program.call(Op::Lt, &[one, negative]);
        let again = program.call(Op::Negate, &[one]);
        let greater = program.call(Op::Gt, &[one, again]);
        program.call(Op::And, &[less, greater]);
    });
    let sections = Sections::read(&body).unwrap();
    let program = Program::load(&sections).unwrap();
    assert_eq!(program.len(), 5);
    let shared: Vec<bool> = (0..5)
        .map(|node| program.node(NodeId(node)).unwrap().shared)
        .collect();
    assert_eq!(shared, [false, true, false, false, false]);
}

#[test]
fn what_reads_a_name_from_outside_is_not_kept() {
    let body = written(|program| {
        let list = program.call(Op::List, &[]);
        let name = program.leaf(Op::Local, [0, 0, 0]);
        let inner = program.call(Op::Not, &[name]);
        let all = program.binder(Op::All, &[list, inner], 0);
        program.call(Op::And, &[all, all, inner, inner]);
    });
    let sections = Sections::read(&body).unwrap();
    let program = Program::load(&sections).unwrap();
    let shared = |op| {
        (0..program.len())
            .filter_map(|node| program.node(NodeId(u32::try_from(node).unwrap())))
            .find(|node| node.op == op)
            .unwrap()
            .shared
    };
    assert!(!shared(Op::Not));
    assert!(shared(Op::All));
}

#[test]
fn arguments_past_three_stand_apart() {
    let body = written(|program| {
        let items: Vec<NodeId> = (0..9).map(|item| program.int(item)).collect();
        program.call(Op::List, &items);
    });
    let sections = Sections::read(&body).unwrap();
    let program = Program::load(&sections).unwrap();
    let list = program.node(NodeId(9)).unwrap();
    assert_eq!(Program::count(&list), 9);
    assert_eq!(
        program.arguments(&list).map(|id| id.0).collect::<Vec<_>>(),
        (0..9).collect::<Vec<_>>()
    );
    assert_eq!(program.argument(&list, 9), None);
}

#[test]
fn nesting_is_accepted_to_the_limit_and_refused_one_past_it() {
    let nested = |levels: u32| {
        written(|program| {
            let mut node = program.bool(true);
            for _ in 1..levels {
                node = program.call(Op::Not, &[node]);
            }
        })
    };
    assert_eq!(loads(&nested(MAX_EXPRESSION_DEPTH)), Ok(()));
    assert_eq!(
        loads(&nested(MAX_EXPRESSION_DEPTH + 1)),
        Err(FormError::TooDeep(MAX_EXPRESSION_DEPTH as usize))
    );
}

#[test]
fn an_altered_node_is_refused_or_means_something_valid() {
    let body = written(|program| {
        let list = SetBuilder::strings("l", vec!["a".to_owned(), "b".to_owned()]);
        let set = program.set(list);
        let set = program.leaf(Op::Set, [set, 0, 0]);
        let text = program.string("ä");
        let found = program.call(Op::In, &[text, set]);
        let has = program.named(Op::HasHeader, "cookie");
        program.call(Op::Or, &[found, has, found, has]);
        program.zone(Zone {
            name: "Etc/UTC".to_owned(),
            transitions: vec![(i64::MIN, 0)],
        });
    });
    assert_eq!(loads(&body), Ok(()));
    for byte in 0..body.len() {
        for bit in 0..8 {
            let mut altered = body.clone();
            altered[byte] ^= 1 << bit;
            let _checked = loads(&altered);
        }
    }
}

#[test]
fn a_reference_forward_or_to_itself_is_refused() {
    let body = written(|program| {
        let yes = program.bool(true);
        program.call(Op::Not, &[yes]);
    });
    let at = Sections::read(&body).unwrap().get(Section::Nodes).as_ptr() as usize
        - body.as_ptr() as usize;
    for target in [1_u32, 2, u32::MAX] {
        let mut altered = body.clone();
        altered[at + 20..at + 24].copy_from_slice(&target.to_le_bytes());
        assert_eq!(
            loads(&altered),
            Err(FormError::Entry(Section::Nodes, 1)),
            "{target}"
        );
    }
}

#[test]
fn a_time_zone_knows_its_offset_at_any_time() {
    let body = written(|program| {
        program.zone(Zone {
            name: "Europe/Berlin".to_owned(),
            transitions: vec![(i64::MIN, 3600), (1000, 7200), (2000, 3600)],
        });
    });
    let sections = Sections::read(&body).unwrap();
    let program = Program::load(&sections).unwrap();
    for (at, offset) in [
        (i64::MIN, 3600),
        (999, 3600),
        (1000, 7200),
        (2000, 3600),
        (i64::MAX, 3600),
    ] {
        assert_eq!(
            program.zone_offset("Europe/Berlin", at),
            Some(offset),
            "{at}"
        );
    }
    assert_eq!(program.zone_offset("Europe/Paris", 0), None);
}
