//! Every way for a condition to be refused, with its message.

use super::compiled;

#[test]
fn what_is_no_condition_is_refused_by_name() {
    for (text, message) in [
        ("", "the expression ends here"),
        ("score >", "the expression ends here"),
        ("score > 1 score", "unexpected `score`"),
        ("score > 1 and connection.mtls", "unexpected `and`"),
        ("not connection.mtls", "unexpected `not`"),
        ("score = 1", "`=` compares nothing"),
        ("for", "`for` is a reserved word of CEL"),
        (
            "score > 99999999999999999999",
            "`99999999999999999999` is beyond 64 bits",
        ),
        ("score", "a condition must be true or false"),
        ("request.path", "a condition must be true or false"),
        ("requst.path == '/'", "unknown variable `requst.path`"),
        ("path == '/'", "unknown variable `path`"),
        ("request == 1", "`request` is a group of variables"),
        ("lists == 1", "`lists` is a group of lists"),
        ("request.path.length > 1", "a string has no field `length`"),
        (
            "source.address in lists.office",
            "there is no `List` `office`",
        ),
        ("geo.asn in lists.bad-asns", "`-` is not available"),
        ("score > 'a'", "an int cannot be compared with a string"),
        ("score > 1.5", "an int cannot be compared with a double"),
        ("score > 1u", "an int cannot be compared with a uint"),
        (
            "session.age > 3600",
            "a duration cannot be compared with an int",
        ),
        (
            "request.path == null",
            "a string cannot be compared with null",
        ),
        ("session.assurance >= 'UV'", "`UV` is no assurance"),
        (
            "session.assurance >= 4",
            "an assurance cannot be compared with an int",
        ),
        ("verdict == 'block'", "`block` is no verdict"),
        ("verdict >= 'CHALLENGE'", "a verdict has no order"),
        (
            "reasons == reasons",
            "comparing lists with `==` is not available",
        ),
        (
            "request.headers == request.headers",
            "comparing maps with `==` is not available",
        ),
        ("score in ['a']", "an int is not in a list with a string"),
        (
            "score in lists.offices",
            "an int cannot be in a `List` of CIDRs",
        ),
        (
            "score in source.address",
            "`in` looks into lists and `request.headers`, and this is a string",
        ),
        ("[1] == [1]", "a list stands only on the right of `in`"),
        (
            "score && connection.mtls",
            "`&&` takes bools, and this is an int",
        ),
        ("!score", "`!` takes bools, and this is an int"),
        (
            "-request.path == 1",
            "`-` takes an int or a double, and this is a string",
        ),
        ("score + 1 > 2", "`+` is not available"),
        ("score - 1 > 2", "`-` is not available"),
        ("score % 2 == 0", "`%` is not available"),
        ("connection.mtls ? true : false", "`? :` is not available"),
        ("size(request.path) > 1", "`size` is not available"),
        ("reasons.exists(r, r == 'A')", "`exists` is not available"),
        ("reasons.map(r, r)", "`map` is not available"),
        (
            "request.path.lowerAscii() == 'a'",
            "`lowerAscii` is not available",
        ),
        (
            "request.path.startswith('/')",
            "unknown function `startswith`",
        ),
        (
            "startsWith(request.path, '/')",
            "`startsWith` is called on a string and takes one",
        ),
        (
            "request.path.startsWith(1)",
            "a string is expected, and this is an int",
        ),
        (
            "score.startsWith('1')",
            "a string is expected, and this is an int",
        ),
        (
            "request.path.matches(request.host)",
            "a pattern is a string literal",
        ),
        (
            "request.path.matches('(')",
            "this is no pattern: unclosed group",
        ),
        (
            "has(session.age)",
            "`has(…)` takes a header, `request.headers.name`",
        ),
        (
            "has(request.headers.user-agent)",
            "`has(…)` takes a header, `request.headers.name`",
        ),
        (
            "request.path['a'] == 'b'",
            "`[…]` is available for `request.headers`, and this is a string",
        ),
        (
            "request.headers[1] == 'b'",
            "headers are found by a string, and this is an int",
        ),
        (
            "lists[request.path] == 1",
            "a list is named by a string, `lists[\"name\"]`",
        ),
        ("timestamp('yesterday') < now", "`yesterday` is not a time"),
        (
            "duration('1 hour') < session.age",
            "`1 hour` is not a duration",
        ),
        (
            "timestamp(request.path) < now",
            "`timestamp(…)` takes a string literal",
        ),
        ("{'a': 1} == {}", "`{…}` is not available"),
        ("a{b: 1}", "`{…}` is not available"),
        ("request.?path == 'a'", "`.?` is not available"),
        ("request.headers[?'a'] == 'b'", "`[?…]` is not available"),
        ("request.headers.`a` == 'b'", "`` ` `` is not available"),
        ("foo(1)", "unknown function `foo`"),
        ("score == 1 == 1", "a bool cannot be compared with an int"),
    ] {
        match compiled(text) {
            Ok(node) => panic!("{text} became {node}"),
            Err(found) => assert_eq!(found, message, "{text}"),
        }
    }
}
