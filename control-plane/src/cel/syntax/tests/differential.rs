//! The same text through this parser and through that of the `cel` crate, which was made from the
//! specification's grammar by a generator. What that one is known to read otherwise (`!!`, `--`, names
//! in backticks) is left out.

use cel::common::ast::{EntryExpr, Expr as Theirs, IdedExpr, LiteralValue, operators};

use super::{Dice, parse, with_stack, written};

fn theirs(expr: &IdedExpr) -> String {
    let all = |nodes: &[IdedExpr]| nodes.iter().map(theirs).collect::<Vec<_>>().join(" ");
    match &expr.expr {
        Theirs::Literal(literal) => match literal {
            LiteralValue::Null => "null".to_owned(),
            LiteralValue::Boolean(value) => value.inner().to_string(),
            LiteralValue::Int(value) => value.inner().to_string(),
            LiteralValue::UInt(value) => format!("{}u", value.inner()),
            LiteralValue::Double(value) => format!("{:?}", value.inner()),
            LiteralValue::String(value) => format!("{:?}", value.inner()),
            LiteralValue::Bytes(value) => format!("b{:?}", value.inner()),
        },
        Theirs::Ident(name) => name.clone(),
        Theirs::Select(select) => format!("(. {} {})", theirs(&select.operand), select.field),
        Theirs::List(list) => {
            let elements = list.elements.iter().enumerate().map(|(index, element)| {
                let optional = list.optional_indices.contains(&index);
                format!("{}{}", if optional { "?" } else { "" }, theirs(element))
            });
            format!("[{}]", elements.collect::<Vec<_>>().join(" "))
        }
        Theirs::Map(map) => {
            let entries = map.entries.iter().map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    let mark = if entry.optional { "?" } else { "" };
                    format!("{mark}{}:{}", theirs(&entry.key), theirs(&entry.value))
                }
                EntryExpr::StructField(_) => "?".to_owned(),
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(" "))
        }
        Theirs::Struct(made) => {
            let fields = made.entries.iter().map(|entry| match &entry.expr {
                EntryExpr::StructField(field) => {
                    let mark = if field.optional { "?" } else { "" };
                    format!("{mark}{}:{}", field.field, theirs(&field.value))
                }
                EntryExpr::MapEntry(_) => "?".to_owned(),
            });
            format!(
                "{}{{{}}}",
                made.type_name,
                fields.collect::<Vec<_>>().join(" ")
            )
        }
        Theirs::Call(call) => {
            let args = all(&call.args);
            let symbol = match call.func_name.as_str() {
                operators::LOGICAL_AND | operators::LOGICAL_OR => {
                    let mut parts = Vec::new();
                    flatten(expr, &call.func_name, &mut parts);
                    let symbol = call.func_name.trim_matches('_');
                    return format!("({symbol} {})", parts.join(" "));
                }
                operators::CONDITIONAL => "?",
                operators::INDEX => "[]",
                operators::OPT_INDEX => "[?]",
                operators::IN => "in",
                operators::NEGATE => "-",
                operators::LOGICAL_NOT => "!",
                operators::OPT_SELECT => {
                    let operand = call.args.first().map(theirs).unwrap_or_default();
                    let field = call.args.get(1).map(theirs).unwrap_or_default();
                    return format!("(.? {operand} {})", field.trim_matches('"'));
                }
                name if name.len() > 2 && name.starts_with('_') && name.ends_with('_') => {
                    name.trim_matches('_')
                }
                name => {
                    let target = call.target.as_deref().map(theirs);
                    let target = target.map(|target| format!("{target}."));
                    return format!("{}{name}({args})", target.unwrap_or_default());
                }
            };
            format!("({symbol} {args})")
        }
        Theirs::Comprehension(_) | Theirs::Unspecified => "?".to_owned(),
    }
}

fn flatten(expr: &IdedExpr, operator: &str, parts: &mut Vec<String>) {
    match &expr.expr {
        Theirs::Call(call) if call.func_name == operator => {
            for arg in &call.args {
                flatten(arg, operator, parts);
            }
        }
        _ => parts.push(theirs(expr)),
    }
}

/// A text that the grammar has, of bounded depth.
fn text(dice: &mut Dice, depth: usize) -> String {
    const NAMES: [&str; 6] = ["a", "b", "_c", "x1", "size", "inside"];
    const LITERALS: [&str; 20] = [
        "1",
        "-2",
        "0x1F",
        "3u",
        "1.5",
        "-.5",
        "2e3",
        "'s'",
        "\"d\\n\"",
        "r'\\d'",
        "'''t'x'''",
        "b'\\xff'",
        "'\\u00e9\\x41\\101'",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        "9223372036854775807",
        "-9223372036854775808",
    ];
    const OPERATORS: [&str; 14] = [
        "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", " in ", "&&", "||",
    ];
    let name = NAMES[dice.below(NAMES.len())];
    if depth == 0 {
        return match dice.below(3) {
            0 => name.to_owned(),
            1 => format!(".{name}"),
            _ => LITERALS[dice.below(LITERALS.len())].to_owned(),
        };
    }
    let space = if dice.below(3) == 0 { " " } else { "" };
    let part = |dice: &mut Dice| text(dice, depth - 1);
    match dice.below(16) {
        0..=5 => {
            let operator = OPERATORS[dice.below(OPERATORS.len())];
            let (left, right) = (part(dice), part(dice));
            // A sign behind a minus would be a pair.
            let gap = if operator == "-" && right.starts_with('-') {
                " + "
            } else {
                operator
            };
            format!("{left}{space}{gap}{space}{right}")
        }
        6 => format!("({space}{})", part(dice)),
        7 => format!("!({})", part(dice)),
        8 => format!("-({})", part(dice)),
        9 => format!("({}).{name}", part(dice)),
        10 => format!("({})[{}]", part(dice), part(dice)),
        11 => format!("{name}({},{space}{})", part(dice), part(dice)),
        12 => format!("({}).{name}({})", part(dice), part(dice)),
        13 => format!("({}) ? {} : {}", part(dice), part(dice), part(dice)),
        14 => match dice.below(3) {
            0 => format!("[{}, ?{},]", part(dice), part(dice)),
            1 => format!("({}).?{name}", part(dice)),
            _ => format!("({})[?{}]", part(dice), part(dice)),
        },
        _ => match dice.below(3) {
            0 => format!("{{{}: {},}}", part(dice), part(dice)),
            1 => format!("{{?{}: {}}}", part(dice), part(dice)),
            _ => format!("{name}.T{{f: {}, ?g: {}}}", part(dice), part(dice)),
        },
    }
}

#[test]
fn valid_texts_become_what_a_generated_parser_makes_of_them() {
    with_stack(|| {
        let mut dice = Dice(2_026);
        let mut valid = 0;
        for _ in 0..600 {
            let depth = 1 + dice.below(4);
            let text = text(&mut dice, depth);
            let parser = cel::Env::default()
                .parser()
                .max_recursion_depth(1_000)
                .enable_optional_syntax(true);
            match (parser.parse_with_source_info(&text), parse(&text)) {
                (Ok(expected), Ok(found)) => {
                    assert_eq!(written(&found, true), theirs(&expected.0), "{text}");
                    valid += 1;
                }
                // A conditional between `?` and `:` needs brackets.
                (Err(_), Err(_)) => {}
                (expected, found) => {
                    panic!("{text}: {found:?}, expected {:?}", expected.map(|_| ()))
                }
            }
        }
        assert!(valid > 500, "{valid}");
    });
}
