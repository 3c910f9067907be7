//! Conditions of every shape that the index knows, and of those that it does not.

use super::super::dice::Dice;

/// Headers that conditions ask for and requests have.
pub(crate) const HEADERS: [&str; 4] = ["x-tenant", "user-agent", "x-kind", "accept"];

/// What the headers say, in part or as a whole.
pub(crate) const VALUES: [&str; 10] = [
    "t1",
    "t2",
    "tenant-1",
    "T1",
    "bot",
    "Headless",
    "HeadlessChrome/120",
    "",
    "é",
    "a,b",
];

const TEXTS: [&str; 7] = [
    "request.method",
    "request.host",
    "request.url_path",
    "request.path",
    "request.query",
    "geo.country",
    "device.id",
];

const NUMBERS: [&str; 4] = ["score", "request.size", "geo.asn", "source.port"];

/// A condition, at most so deep.
pub(crate) fn condition(dice: &mut Dice<'_>, depth: usize) -> String {
    if depth == 0 {
        return atom(dice);
    }
    match dice.below(10) {
        0..=3 => joined(dice, "&&", depth),
        4..=6 => joined(dice, "||", depth),
        7 => format!("!({})", condition(dice, depth - 1)),
        _ => atom(dice),
    }
}

fn joined(dice: &mut Dice<'_>, operator: &str, depth: usize) -> String {
    let count = 2 + dice.below(2);
    let parts: Vec<String> = (0..count)
        .map(|_| format!("({})", condition(dice, depth - 1)))
        .collect();
    parts.join(&format!(" {operator} "))
}

fn header(dice: &mut Dice<'_>) -> String {
    format!("request.headers[\"{}\"]", dice.pick(&HEADERS))
}

fn text(dice: &mut Dice<'_>) -> String {
    if dice.one_in(3) {
        dice.pick(&TEXTS).to_owned()
    } else {
        header(dice)
    }
}

/// What a text is compared with: what some request has.
fn value(dice: &mut Dice<'_>) -> &'static str {
    const OTHERS: [&str; 10] = [
        "GET",
        "shop.example.com",
        "/checkout/pay",
        "/api/v1/items",
        "/",
        "a=1",
        "DE",
        "device-1",
        "/checkout",
        "1",
    ];
    if dice.one_in(3) {
        dice.pick(&OTHERS)
    } else {
        dice.pick(&VALUES)
    }
}

fn atom(dice: &mut Dice<'_>) -> String {
    match dice.below(22) {
        0..=3 => format!("{} == \"{}\"", text(dice), value(dice)),
        4 => format!("\"{}\" == {}", value(dice), text(dice)),
        5 => format!("{} != \"{}\"", text(dice), value(dice)),
        6 => format!(
            "{} in [\"{}\", \"{}\"]",
            text(dice),
            value(dice),
            value(dice)
        ),
        7 | 8 => {
            let list = dice.pick(&["lists.few", "lists.many", "lists[\"some-hosts\"]"]);
            format!("{} in {list}", text(dice))
        }
        9 | 10 => {
            let function = dice.pick(&["startsWith", "endsWith", "contains"]);
            format!("{}.{function}(\"{}\")", text(dice), value(dice))
        }
        11 => {
            let pattern = dice.pick(&["^t[0-9]$", "Headless", "^/api/v[0-9]+/", "(bot|t1)$", "."]);
            format!("{}.matches(\"{pattern}\")", text(dice))
        }
        12 => format!("\"{}\" in request.headers", dice.pick(&HEADERS)),
        13 => format!("!(\"{}\" in request.headers)", dice.pick(&HEADERS)),
        14 => "has(request.headers.accept)".to_owned(),
        15 | 16 => {
            let operator = dice.pick(&["==", "!=", "<", "<=", ">", ">="]);
            let number = dice.pick(&["0", "1", "40", "70", "100", "64500", "-1", "5000"]);
            if dice.one_in(4) {
                format!("{number} {operator} {}", dice.pick(&NUMBERS))
            } else {
                format!("{} {operator} {number}", dice.pick(&NUMBERS))
            }
        }
        17 => {
            let members = dice.pick(&["lists.numbers", "[1, 40, 64500]"]);
            format!("{} in {members}", dice.pick(&NUMBERS))
        }
        18 => format!(
            "source.address in {}",
            dice.pick(&["lists.nets", "lists.everybody"])
        ),
        19 => format!(
            "source.address == \"{}\"",
            dice.pick(&super::traffic::CLIENTS)
        ),
        20 => dice
            .pick(&[
                "session.valid",
                "!session.valid",
                "session.bound",
                "session.age < duration(\"10m\")",
                "connection.mtls",
                "!connection.mtls",
                "now > timestamp(\"2020-01-01T00:00:00Z\")",
            ])
            .to_owned(),
        _ => dice
            .pick(&[
                "\"LOW_TRUST\" in reasons",
                "\"BOT\" in reasons",
                "\"RULE_MATCH\" in reasons",
                "true",
                "false",
            ])
            .to_owned(),
    }
}
