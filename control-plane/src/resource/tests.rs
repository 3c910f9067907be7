//! What concerns whole files; what concerns fields is in the corpus beside the crate.

use super::*;

const POLICY: &str = "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {name: NAME}\nspec: {action: block}\n";

fn parse(content: impl Into<Vec<u8>>) -> Result<Vec<Document>, Vec<Diagnostic>> {
    parse_files(&[SourceFile {
        name: "a.yaml".to_owned(),
        content: content.into(),
    }])
}

fn first_error(content: impl Into<Vec<u8>>) -> String {
    parse(content).unwrap_err().remove(0).rendered
}

#[test]
fn documents_of_a_file_know_their_names_and_lines() {
    let file = format!(
        "# two\n{}---\n{}",
        POLICY.replace("NAME", "a"),
        POLICY.replace("NAME", "b")
    );
    let documents = parse(file).unwrap();
    let places: Vec<(&str, u32)> = documents
        .iter()
        .map(|document| (document.name.as_str(), document.line))
        .collect();
    assert_eq!(places, [("a", 1), ("b", 7)]);
    assert!(documents[1].source.starts_with("apiVersion"));
}

#[test]
fn files_without_a_resource_are_refused() {
    for content in ["", "\n\n", "# nothing\n", "---\n---\n", "\u{feff}"] {
        assert!(
            first_error(content).contains("there is no resource in this file"),
            "{content:?}"
        );
    }
    assert!(first_error("~\n").len() > 1);
}

#[test]
fn a_file_of_the_largest_size_is_read_and_one_byte_more_is_not() {
    let policy = POLICY.replace("NAME", "a");
    let padding = limits::MAX_FILE_BYTES - policy.len() - 1;
    let largest = format!("{policy}#{}", "x".repeat(padding));
    assert_eq!(parse(largest.clone()).unwrap().len(), 1);
    assert!(first_error(format!("{largest}x")).contains("too many for one file"));
}

#[test]
fn a_file_that_is_too_large_is_refused_before_it_is_parsed() {
    // What is in it does not matter, UTF-8 or not: nobody looks.
    let error = first_error(vec![0xff; limits::MAX_FILE_BYTES + 1]);
    assert!(
        error.contains("8388609 bytes are too many for one file"),
        "{error}"
    );
}

#[test]
fn all_files_together_are_bounded() {
    let before = limits::MAX_TOTAL_BYTES / limits::MAX_FILE_BYTES - 1;
    let files = |last: usize| {
        let sizes = std::iter::repeat_n(limits::MAX_FILE_BYTES, before).chain([last]);
        let files = sizes.enumerate().map(|(name, size)| SourceFile {
            name: format!("{name}.yaml"),
            content: vec![b'#'; size],
        });
        let files: Vec<SourceFile> = files.collect();
        parse_files(&files).unwrap_err().remove(0).rendered
    };
    let last = limits::MAX_TOTAL_BYTES - before * limits::MAX_FILE_BYTES;
    assert!(files(last).contains("there is no resource"));
    let error = files(last + 1);
    assert!(
        error.contains("100663297 bytes are too many for all files together"),
        "{error}"
    );
    assert!(error.contains("at most 100663296"), "{error}");
}

#[test]
fn a_file_that_is_not_utf_8_is_refused_at_its_byte() {
    let mut content = POLICY.replace("NAME", "a").into_bytes();
    content.extend(b"# caf\xe9\n");
    let error = first_error(content);
    assert!(
        error.contains("this is not UTF-8") && error.contains("a.yaml:5:6"),
        "{error}"
    );
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    let started = std::time::Instant::now();
    let error = first_error(bomb);
    assert!(error.contains("too large or too deep"), "{error}");
    assert!(started.elapsed().as_secs() < 10);
}

#[test]
fn nesting_of_yaml_is_bounded() {
    let nested = |levels: usize| format!("a: {}{}\n", "[".repeat(levels), "]".repeat(levels));
    let deep = |error: String| error.contains("too large or too deep");
    assert!(!deep(first_error(nested(limits::MAX_YAML_DEPTH - 1))));
    assert!(deep(first_error(nested(limits::MAX_YAML_DEPTH))));
    assert!(deep(first_error(
        "- ".repeat(limits::MAX_YAML_DEPTH + 1) + "a\n"
    )));
    assert!(parse(nested(100_000)).is_err());
}

#[test]
fn nodes_and_aliases_of_a_document_are_bounded() {
    let large = |error: String| error.contains("too large or too deep");
    // The mapping, the key and the list are nodes too.
    let nodes = |count: usize| format!("a: [{}]", "1,".repeat(count - 3));
    assert!(!large(first_error(nodes(limits::MAX_YAML_NODES))));
    assert!(large(first_error(nodes(limits::MAX_YAML_NODES + 1))));
    let aliases = |count: usize| format!("a: [&a x{}]", ", *a".repeat(count));
    assert!(!large(first_error(aliases(limits::MAX_YAML_ALIASES))));
    assert!(large(first_error(aliases(limits::MAX_YAML_ALIASES + 1))));
    // A list of a thousand makes a thousand and two events.
    let replayed =
        |count: usize| format!("a: &a [{}]\nb: [{}]", "1,".repeat(998), "*a,".repeat(count));
    assert!(!large(first_error(replayed(
        limits::MAX_YAML_REPLAYED / 1000
    ))));
    assert!(large(first_error(replayed(
        limits::MAX_YAML_REPLAYED / 1000 + 1
    ))));
}

#[test]
fn fields_of_a_mapping_are_bounded() {
    let errors = |count: usize| {
        let fields: Vec<String> = (0..count).map(|number| format!("f{number}: 1")).collect();
        parse(spec("Settings", &format!("{{{}}}", fields.join(", "))))
            .unwrap_err()
            .len()
    };
    assert_eq!(errors(limits::MAX_FIELDS), limits::MAX_FIELDS);
    assert_eq!(errors(limits::MAX_FIELDS + 1), 1);
}

#[test]
fn aliases_and_merges_are_read() {
    let file = "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {name: &n a}\nspec:\n  hosts: [&h example.com, *h]\n  action: block\n";
    assert_eq!(parse(file).unwrap()[0].name, "a");
}

#[test]
fn documents_past_the_limit_are_refused() {
    let file = |count: usize| {
        (0..count)
            .map(|n| format!("{{kind: x{n}}}\n"))
            .collect::<Vec<_>>()
            .join("---\n")
    };
    let errors = parse(file(limits::MAX_DOCUMENTS_PER_FILE + 1)).unwrap_err();
    assert!(
        errors[0].message.contains("documents are too many"),
        "{}",
        errors[0].message
    );
    let errors = parse(file(limits::MAX_DOCUMENTS_PER_FILE)).unwrap_err();
    assert!(!errors[0].message.contains("documents are too many"));
}

#[test]
fn files_past_the_limit_are_refused() {
    let files = |count: usize| -> Vec<SourceFile> {
        (0..count)
            .map(|number| SourceFile {
                name: format!("{number}.yaml"),
                content: POLICY.replace("NAME", &format!("n{number}")).into_bytes(),
            })
            .collect()
    };
    assert_eq!(
        parse_files(&files(limits::MAX_FILES)).unwrap().len(),
        limits::MAX_FILES
    );
    let errors = parse_files(&files(limits::MAX_FILES + 1)).unwrap_err();
    assert!(errors[0].message.contains("more than the limit"));
}

#[test]
fn an_unknown_version_is_refused_where_it_stands() {
    let error = first_error(POLICY.replace("NAME", "a").replace("dev/v1", "dev/v2"));
    assert!(
        error.contains("unknown `apiVersion` `countersign.dev/v2`"),
        "{error}"
    );
    assert!(error.contains("a.yaml:1:13"), "{error}");
}

/// A document of one kind with a spec.
fn spec(kind: &str, spec: &str) -> String {
    format!(
        "apiVersion: countersign.dev/v1\nkind: {kind}\nmetadata: {{name: default}}\nspec: {spec}\n"
    )
}

#[test]
fn each_bound_of_a_field_holds_at_the_limit_and_one_past_it() {
    let texts = |text: &str, count: usize| vec![text; count].join(",");
    let policy = |field: &str| spec("MitigationPolicy", &format!("{{action: block, {field}}}"));
    let challenge = |field: &str| {
        spec(
            "MitigationPolicy",
            &format!("{{action: challenge, challenge: {{{field}}}}}"),
        )
    };
    let settings = |field: &str| spec("Settings", &format!("{{{field}}}"));
    let signal = |weight: i64, reason: &str| {
        spec(
            "Signal",
            &format!("{{when: score > 1, weight: {weight}, reason: {reason}}}"),
        )
    };
    let hosts = |count| policy(&format!("hosts: [{}]", texts("a.example", count)));
    let hosts_of = |length: usize| {
        policy(&format!(
            "hosts: [{}]",
            "a.".repeat(200).get(..length - 1).unwrap().to_owned() + "b"
        ))
    };
    let endpoint = |length: usize| policy(&format!("endpoints: [/{}]", "a".repeat(length - 1)));
    let method = |length: usize| policy(&format!("methods: [{}]", "A".repeat(length)));
    let expression = |length: usize| policy(&format!("when: '{}'", "a".repeat(length)));
    let test = |name: usize, path: usize, header: usize| {
        let (name, path, header) = ("n".repeat(name), "p".repeat(path - 1), "h".repeat(header));
        let test = format!(
            "{{name: {name}, request: {{path: /{path}, headers: {{a: {header}}}}}, expect: {{action: allow}}}}"
        );
        spec("PolicyTest", &format!("{{tests: [{test}]}}"))
    };
    let tests = |count: usize| {
        let test =
            |number| format!("{{name: n{number}, request: {{path: /}}, expect: {{score: 0}}}}");
        let tests: Vec<String> = (0..count).map(test).collect();
        spec("PolicyTest", &format!("{{tests: [{}]}}", tests.join(",")))
    };
    let cases = [
        (tests(limits::MAX_TESTS), tests(limits::MAX_TESTS + 1)),
        (
            test(limits::MAX_TEST_NAME, 1, 1),
            test(limits::MAX_TEST_NAME + 1, 1, 1),
        ),
        (
            test(1, limits::MAX_TEST_VALUE_BYTES, 1),
            test(1, limits::MAX_TEST_VALUE_BYTES + 1, 1),
        ),
        (
            test(1, 1, limits::MAX_TEST_VALUE_BYTES),
            test(1, 1, limits::MAX_TEST_VALUE_BYTES + 1),
        ),
        (hosts(limits::MAX_PATTERNS), hosts(limits::MAX_PATTERNS + 1)),
        (
            endpoint(limits::MAX_ENDPOINT_BYTES),
            endpoint(limits::MAX_ENDPOINT_BYTES + 1),
        ),
        (
            method(limits::MAX_METHOD_BYTES),
            method(limits::MAX_METHOD_BYTES + 1),
        ),
        (
            expression(limits::MAX_EXPRESSION_BYTES),
            expression(limits::MAX_EXPRESSION_BYTES + 1),
        ),
        (
            policy(&format!("priority: {}", limits::MAX_PRIORITY)),
            policy(&format!("priority: {}", limits::MAX_PRIORITY + 1)),
        ),
        (policy("priority: 0"), policy("priority: -1")),
        (
            signal(limits::MAX_WEIGHT, "R"),
            signal(limits::MAX_WEIGHT + 1, "R"),
        ),
        (
            signal(-limits::MAX_WEIGHT, "R"),
            signal(-limits::MAX_WEIGHT - 1, "R"),
        ),
        (
            signal(1, &"R".repeat(limits::MAX_REASON)),
            signal(1, &"R".repeat(limits::MAX_REASON + 1)),
        ),
        (challenge("maxAge: 720h"), challenge("maxAge: 720h1s")),
        (
            settings("session: {lifetime: 720h}"),
            settings("session: {lifetime: 720h1s}"),
        ),
        (
            settings("session: {lifetime: 1s}"),
            settings("session: {lifetime: 0s}"),
        ),
        (
            settings("session: {leeway: 5m}"),
            settings("session: {leeway: 5m1s}"),
        ),
        (
            settings("session: {boundLifetime: 1h}"),
            settings("session: {boundLifetime: 1h1s}"),
        ),
        (
            settings("session: {boundLifetime: 10s}"),
            settings("session: {boundLifetime: 9s}"),
        ),
        (
            settings("ticketLifetime: 1h"),
            settings("ticketLifetime: 1h1s"),
        ),
        (
            settings("allowSampling: 1000000"),
            settings("allowSampling: 1000001"),
        ),
        (
            settings(&format!(
                "score: {{header: {}}}",
                "h".repeat(limits::MAX_HEADER_BYTES)
            )),
            settings(&format!(
                "score: {{header: {}}}",
                "h".repeat(limits::MAX_HEADER_BYTES + 1)
            )),
        ),
        (
            hosts_of(limits::MAX_HOST_BYTES),
            hosts_of(limits::MAX_HOST_BYTES + 1),
        ),
        (settings("httpsPort: 65535"), settings("httpsPort: 65536")),
        (
            settings(&format!(
                "exemptPaths: [{}]",
                texts("/a", limits::MAX_EXEMPT_PATHS)
            )),
            settings(&format!(
                "exemptPaths: [{}]",
                texts("/a", limits::MAX_EXEMPT_PATHS + 1)
            )),
        ),
        (
            settings(&format!(
                "trustedHops: [{}]",
                texts("10.0.0.1", limits::MAX_TRUSTED_HOPS)
            )),
            settings(&format!(
                "trustedHops: [{}]",
                texts("10.0.0.1", limits::MAX_TRUSTED_HOPS + 1)
            )),
        ),
        (
            spec(
                "List",
                &format!(
                    "{{strings: [{}]}}",
                    "s".repeat(limits::MAX_LIST_STRING_BYTES)
                ),
            ),
            spec(
                "List",
                &format!(
                    "{{strings: [{}]}}",
                    "s".repeat(limits::MAX_LIST_STRING_BYTES + 1)
                ),
            ),
        ),
    ];
    for (at, past) in cases {
        let shown: String = at.chars().skip(60).take(120).collect();
        assert!(parse(at).is_ok(), "{shown}");
        assert!(parse(past).is_err(), "{shown}");
    }
}
