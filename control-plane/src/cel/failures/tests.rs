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
        "connection.mtls && session.age > duration('1h')",
        "!connection.mtls || session.age > duration('1h')",
        "connection.mtls ? session.age > duration('1h') : false",
        "isIP(request.host) && request.host in lists.offices",
        "isIP(request.host) && ip(request.host).isLoopback()",
        "isCIDR(request.host) && cidr(request.host).prefixLength() > 8",
        "maybe.hasValue() && maybe.value() == 'a'",
        "cidr('10.0.0.0/8').containsIP(source.address)",
        "score + 1 > 2 && -score < score * score - 100",
        "reasons.size() + score > 3 && score / 10 + 1 > score % 7 - 1",
        "now.getFullYear() * 100 + now.getMonth() > 202600",
        "(connection.mtls ? 1 : 2) + score > 3",
        "{'a': 1, 'b': 2}[?request.path].orValue(3) + score > 4",
        "math.abs(score - 50) > 5 && math.greatest(score, 7) + 1 > 2",
        "math.bitShiftLeft(score, 2) > 8 && [[score]].flatten(1) == [1]",
        "'%s 100%% %s'.format([request.path, score]) == 'a'",
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
            "request.size + 1 > 2",
            "request.size + 1",
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
            "'%d'.format([request.path]) == 'a'",
            "'%d'.format([request.path])",
            "the template may not fit the values",
        ),
        (
            "'%s %s'.format([request.path]) == 'a'",
            "'%s %s'.format([request.path])",
            "the template may not fit the values",
        ),
        (
            "math.bitShiftLeft(1, score) > 8",
            "math.bitShiftLeft(1, score)",
            "the shift may be negative",
        ),
        (
            "math.abs(request.size) > 1",
            "math.abs(request.size)",
            "the result may be beyond 64 bits",
        ),
        (
            "{'a': 1}[?request.path].orValue(request.size) + 1 > 4",
            "{'a': 1}[?request.path].orValue(request.size) + 1",
            "the result may be beyond 64 bits",
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
        assert_eq!(found(text), expected, "{text}");
    }
}

#[test]
fn a_guard_is_written_with_the_authors_words() {
    for (text, guard) in [
        (
            "request.headers['x-a'] == '1'",
            r#"`"x-a" in request.headers && …` or `request.headers[?"x-a"].orValue("")`"#,
        ),
        (
            "request.headers.host == '1'",
            r#"`"host" in request.headers && …` or `request.headers[?"host"].orValue("")`"#,
        ),
        (
            "request.headers.`x.a` == '1'",
            r#"`"x.a" in request.headers && …` or `request.headers[?"x.a"].orValue("")`"#,
        ),
        (
            "labels.a > 1",
            r#"`"a" in labels && …` or `labels[?"a"].orValue(0)`"#,
        ),
        (
            "labels[request.path] > 1",
            "`request.path in labels && …` or `labels[?request.path].orValue(…)`",
        ),
        ("reasons[0] == 'a'", "`reasons[?…].orValue(…)`"),
        ("session.age > duration('1h')", "`connection.mtls && …`"),
        ("request.host in lists.offices", "`isIP(request.host) && …`"),
        (
            "cidr(request.path).prefixLength() > 8",
            "`isCIDR(request.path) && …`",
        ),
        (
            "maybe.value() == 'a'",
            "`maybe.hasValue() && …` or `maybe.orValue(…)`",
        ),
        ("request.size + 1 > 2", ""),
    ] {
        let failures = compiled(text).unwrap().failures;
        let guards: Vec<&str> = failures
            .iter()
            .map(|failure| failure.guard.as_str())
            .collect();
        assert_eq!(guards, [guard], "{text}");
        // What is advised is CEL, but for what the author has to fill in.
        for part in guard
            .split('`')
            .filter(|part| part.contains("orValue") && !part.contains('…'))
        {
            assert!(compiled(part).is_ok(), "{part}");
        }
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
