//! What is read of each format, and every way not to be readable.

use super::*;
use crate::simulate::record::{Defaults, Format};

/// Everything that was read, a line each, and the bytes that the largest buffer took.
#[derive(Default)]
struct Seen(Vec<String>);

fn defaults() -> Defaults {
    Defaults {
        now: countersign_engine::Timestamp::from_seconds(0),
        peer: "127.0.0.1".to_owned(),
        session: None,
    }
}

impl Sink for Seen {
    fn request(&mut self, record: &mut Record, place: Place) {
        if let Err(lacking) = record.finish(&defaults()) {
            self.unreadable(place, &lacking);
            return;
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut said = format!(
            "{place}: {} {}://{}{} from {} at {}",
            text(&record.method),
            text(&record.scheme),
            text(&record.authority),
            text(&record.path),
            text(&record.peer),
            record.now(&defaults()).as_seconds(),
        );
        for (name, value) in record.headers.as_slice() {
            said.push_str(&format!("; {name}: {}", text(value)));
        }
        for (what, value) in [
            ("sni", &record.server_name),
            ("tls", &record.tls_version),
            ("ja4", &record.ja4),
        ] {
            if !value.is_empty() {
                said.push_str(&format!("; {what} = {}", text(value)));
            }
        }
        if record.mtls {
            said.push_str("; mtls");
        }
        if record.weight != 1 {
            said.push_str(&format!("; weight {}", record.weight));
        }
        if record.told.score > 0 {
            said.push_str(&format!("; score {}", record.told.score));
        }
        for (name, value) in &record.told.inputs {
            said.push_str(&format!("; {name} = {}", text(value)));
        }
        if let Some((assurance, age)) = record.proof {
            said.push_str(&format!("; {} {age} s ago", assurance.word()));
        }
        said.push_str(match record.format {
            Format::AccessLog => "",
            Format::Event => " (event)",
            Format::Har => " (har)",
        });
        self.0.push(said);
    }

    fn unreadable(&mut self, place: Place, reason: &dyn Display) {
        self.0.push(format!("{place}: ! {reason}"));
    }
}

fn seen(input: impl AsRef<[u8]>) -> Vec<String> {
    let mut seen = Seen::default();
    // In pieces, as pipes give it.
    let input = io::BufReader::with_capacity(7, input.as_ref());
    read(input, &mut Record::default(), &mut seen).unwrap();
    seen.0
}

const SMALL: &str = r#"{"method":"GET","path":"/a","authority":"b.example"}"#;
const SMALL_SEEN: &str = "GET https://b.example/a from 127.0.0.1 at 0";

#[test]
fn envoy_gateways_and_istios_default_keys_are_read() {
    let gateway = r#"{"start_time":"1970-01-01T00:00:07.5Z","method":"GET","x-envoy-origin-path":"/a?b","protocol":"HTTP/1.1","response_code":200,":authority":"b.example","user-agent":"c","x-forwarded-for":"192.0.2.1","x-request-id":"r","downstream_remote_address":"192.0.2.2:80","requested_server_name":null}"#;
    assert_eq!(
        seen(gateway),
        [
            "line 1: GET https://b.example/a?b from 192.0.2.2:80 at 7; user-agent: c; x-forwarded-for: 192.0.2.1; x-request-id: r"
        ]
    );
    let istio = r#"{"authority":"b.example","start_time":"1970-01-01T00:00:07Z","method":"POST","path":"/a","user_agent":"c","x_forwarded_for":"192.0.2.1,192.0.2.9","downstream_remote_address":"-","requested_server_name":"outbound_.80","request_id":"r","upstream_cluster":"x","bytes_sent":3}"#;
    assert_eq!(
        seen(istio),
        [
            "line 1: POST https://b.example/a from 192.0.2.9 at 7; user-agent: c; x-forwarded-for: 192.0.2.1,192.0.2.9; x-request-id: r; sni = outbound_.80"
        ]
    );
}

#[test]
fn the_documented_format_is_read_whole() {
    let line = r#"{"start_time":7,"method":"GET","scheme":"http","authority":"b.example","host":"node-3","path":"/a","downstream_remote_address":"192.0.2.2:80","requested_server_name":"b.example","downstream_tls_version":"TLSv1.3","downstream_peer_fingerprint":"ab12","ja4":"t13d","request_headers":{"User-Agent":"c\u00e9\n","x-none":null,"x-dash":"-","x-number":1.5,"x-two":["a","b"],"host":"no","accept":"*/*"}}"#;
    assert_eq!(
        seen(line),
        [
            "line 1: GET http://b.example/a from 192.0.2.2:80 at 7; user-agent: c\u{e9}\n; x-number: 1.5; accept: */*; sni = b.example; tls = TLSv1.3; ja4 = t13d; mtls"
        ]
    );
}

#[test]
fn lines_between_are_told_by_number_and_reason() {
    let too_many: String = (0..=crate::simulate::limits::MAX_HEADERS)
        .map(|number| format!(r#""x-{number}":"1","#))
        .collect();
    let log = format!(
        "\n{SMALL}\r\n  \nnonsense\n[1]\n{SMALL} x\n{}\n{}\n{}\n{}\n{}\n{}",
        r#"{"path":"/a","authority":"b"}"#,
        r#"{"method":"GET","path":"/a"}"#,
        r#"{"method":"GET","authority":"b","path":null}"#,
        r#"{"method":"GET","path":"/a","authority":"b","start_time":"21/Nov/2026"}"#,
        SMALL.replace('}', &format!(r#","headers":{{{too_many}"y":"1"}}}}"#)),
        SMALL
    );
    assert_eq!(
        seen(log),
        [
            format!("line 2: {SMALL_SEEN}"),
            "line 4: ! it is no JSON: expected ident".to_owned(),
            "line 5: ! it is no JSON object".to_owned(),
            "line 6: ! it is no JSON: trailing characters".to_owned(),
            "line 7: ! it has no method; Envoy itself refused such a request, or the log does not tell".to_owned(),
            "line 8: ! it has no authority (the host that was asked for)".to_owned(),
            "line 9: ! it has no path".to_owned(),
            "line 10: ! `21/Nov/2026` is not a time; write it as RFC 3339 or as seconds since 1970".to_owned(),
            "line 11: ! it has more than 256 headers".to_owned(),
            format!("line 12: {SMALL_SEEN}"),
        ]
    );
}

#[test]
fn a_line_at_the_limit_is_read_and_a_longer_one_is_passed_over() {
    let padded = |length: usize| {
        let shell = SMALL.replace('}', r#","pad":""}"#);
        let pad = "x".repeat(length - shell.len());
        shell.replace(r#""pad":"""#, &format!(r#""pad":"{pad}""#))
    };
    let log = format!(
        "{SMALL}\n{}\n{}\n{SMALL}",
        padded(MAX_LINE_BYTES),
        padded(MAX_LINE_BYTES + 1)
    );
    assert_eq!(
        seen(log),
        [
            format!("line 1: {SMALL_SEEN}"),
            format!("line 2: {SMALL_SEEN}"),
            format!("line 3: ! it is longer than {MAX_LINE_BYTES} bytes"),
            format!("line 4: {SMALL_SEEN}"),
        ]
    );
}

#[test]
fn documents_are_seen_from_their_first_line() {
    let event =
        r#"{"event_id":"e","host":"b.example","method":"GET","scheme":"https","path":"/a"}"#;
    let event_seen = format!("{SMALL_SEEN} (event)");
    let pretty = event.replace(',', ",\n ");
    for (document, seen_of_it) in [
        (format!("\u{feff}{{\"events\": [{event}, {event}]}}"), 2),
        (
            format!(
                "{{ \"events\":[{event}],\"next_cursor\":\"c\"}}\n{{\"events\":\n[{event}]}}\n"
            ),
            2,
        ),
        (format!("[{event},\n{event}]"), 2),
        (pretty.clone(), 1),
        (format!("\n\n{pretty}\n{event}{pretty}"), 3),
        ("{\"events\": []}".to_owned(), 0),
    ] {
        let expected: Vec<String> = (1..=seen_of_it)
            .map(|number| format!("entry {number}: {event_seen}"))
            .collect();
        assert_eq!(seen(&document), expected, "{document}");
    }
    // An event to a line is a line.
    assert_eq!(seen(event), [format!("line 1: {event_seen}")]);
}

#[test]
fn a_document_that_breaks_off_gives_what_came_before() {
    let document = format!("{{\"events\": [{SMALL},\n{SMALL},\n{{\"method\": ");
    assert_eq!(
        seen(document),
        [
            format!("entry 1: {SMALL_SEEN}"),
            format!("entry 2: {SMALL_SEEN}"),
            "line 3: ! it is no JSON: EOF while parsing a value; what follows was not read"
                .to_owned(),
        ]
    );
}

#[test]
fn an_event_tells_what_its_condition_read() {
    let event = r#"{"event_id":"e","time":"1970-01-01T00:00:09Z","host":"b.example:8443","method":"GET","scheme":"http","path":"/a","client_address":"192.0.2.7","user_agent":"u","ja4":"t","upstream_score":41,"weight":100,"session":{"valid":true,"assurance":"uv","age_s":60,"device":"d","problem":""},"inputs":[{"name":"request.headers[\"x-a\"]","value":"1"},{"name":"request.headers[\"user-agent\"]","value":"u"},{"name":"request.headers[\"authorization\"]","value":"(present)"},{"name":"request.headers[\"x-b\"]","value":"(absent)"},{"name":"request.query","value":"q=1"},{"name":"connection.mtls","value":"true"},{"name":"connection.tls_version","value":"TLSv1.3"},{"name":"geo.country","value":"NO"},{"name":"device.visitor_id","value":"(attribute not available)"},{"name":"score","value":"41"}]}"#;
    assert_eq!(
        seen(event),
        [
            "line 1: GET http://b.example:8443/a?q=1 from 192.0.2.7 at 9; user-agent: u; x-a: 1; authorization: (present); tls = TLSv1.3; ja4 = t; mtls; weight 100; score 41; geo.country = NO; uv 60 s ago (event)"
        ]
    );
    // A session that was refused is none, and so is a key of that name that means something else.
    for session in [
        r#"{"valid":false,"assurance":"none"}"#,
        "null",
        "\"s-1\"",
        "[1]",
    ] {
        let line = SMALL.replace('}', &format!(r#","session":{session}}}"#));
        assert_eq!(seen(&line), [format!("line 1: {SMALL_SEEN}")], "{session}");
    }
}

#[test]
fn a_har_files_urls_are_taken_apart() {
    let har = |url: &str, rest: &str| {
        seen(format!(
            r#"{{"log":{{"entries":[{{"request":{{"method":"GET","url":"{url}"{rest}}},"response":{{"x":[1,{{}}]}}}}]}}}}"#
        ))
    };
    for (url, expected) in [
        ("https://b.example/a", "https://b.example/a"),
        ("http://b.example:81?q#f", "http://b.example:81/?q"),
        (
            "https://user:secret@b.example/a#/b?c",
            "https://b.example/a",
        ),
        ("wss://b.example/live", "https://b.example/live"),
        ("https://[::1]:8443/", "https://[::1]:8443/"),
    ] {
        assert_eq!(
            har(url, ""),
            [format!("entry 1: GET {expected} from 127.0.0.1 at 0 (har)")]
        );
    }
    for (url, reason) in [
        ("", "it has no path"),
        (
            "blob:https://b.example/1",
            "`blob:https://b.example/1` is not an address that is asked for over http or https",
        ),
        (
            "about:blank",
            "`about:blank` is not an address that is asked for over http or https",
        ),
        (
            "https:///a",
            "it has no authority (the host that was asked for)",
        ),
    ] {
        assert_eq!(har(url, ""), [format!("entry 1: ! {reason}")]);
    }
    assert_eq!(
        har(
            "https://b.example/",
            r#","cookies":[{"name":"a","value":"1"},{"name":"b","value":"2","path":"/"}],"headers":[{"name":":path","value":"/"},{"value":"2","name":"X-A"}]"#
        ),
        ["entry 1: GET https://b.example/ from 127.0.0.1 at 0; x-a: 2; cookie: a=1; b=2 (har)"]
    );
    // Where the header is there as well, it is the one that was sent.
    assert_eq!(
        har(
            "https://b.example/",
            r#","cookies":[{"name":"a","value":"1"}],"headers":[{"name":"Cookie","value":"a=1; c=3"}]"#
        ),
        ["entry 1: GET https://b.example/ from 127.0.0.1 at 0; cookie: a=1; c=3 (har)"]
    );
}

#[test]
fn no_bytes_make_it_panic() {
    let samples = [
        SMALL.as_bytes(),
        b"{\"events\":[{}]}",
        b"{\"log\":{\"entries\":[{\"request\":{\"url\":\"https://a/\",\"headers\":[{}]}}]}}",
        b"{\"headers\":{\"\xff\":1}}",
    ];
    for sample in samples {
        for at in 0..sample.len() {
            let mut cut = sample.to_vec();
            cut.truncate(at);
            seen(&cut);
            for byte in [0, b'"', b'{', b'[', b'\\', b'\n', 0xff] {
                let mut changed = sample.to_vec();
                changed[at] = byte;
                seen(&changed);
            }
        }
    }
    seen("[".repeat(100_000));
    seen("{\"a\":".repeat(100_000));
}

#[test]
fn what_the_input_fails_with_is_told() {
    struct Broken;
    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    for start in ["", "{\"events\": ["] {
        let input = io::BufReader::new(start.as_bytes().chain(Broken));
        let failed = read(input, &mut Record::default(), &mut Seen::default()).unwrap_err();
        assert_eq!(failed.to_string(), "gone");
    }
}
