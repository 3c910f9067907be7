//! What each field is for, in words. That these are all fields, and no others, the reader says.

/// A mapping in a `spec`.
pub(crate) struct Mapping {
    /// Where it is, for people. Empty = the spec itself.
    pub(crate) path: &'static str,
    /// A spec in which `@` is where its fields stand.
    probe: &'static str,
    pub(crate) fields: &'static [Field],
}

impl Mapping {
    /// A spec with these fields in the mapping.
    pub(crate) fn inside(&self, fields: &str) -> String {
        self.probe.replace('@', fields)
    }
}

/// A field.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// What it takes; `word` = the words that the reader lists.
    pub(crate) value: &'static str,
    /// What holds without it.
    pub(crate) absent: &'static str,
    pub(crate) doc: &'static str,
}

const fn of(
    name: &'static str,
    value: &'static str,
    absent: &'static str,
    doc: &'static str,
) -> Field {
    Field {
        name,
        value,
        absent,
        doc,
    }
}

const fn at(path: &'static str, probe: &'static str, fields: &'static [Field]) -> Mapping {
    Mapping {
        path,
        probe,
        fields,
    }
}

const MUST: &str = "must be there";
const ALL: &str = "all";

const CHALLENGE: &[Field] = &[
    of(
        "minAssurance",
        "word",
        "`Settings`, else `uv`",
        "The weakest grade that is enough.",
    ),
    of(
        "maxAge",
        "duration",
        "`Settings`, else `1h`",
        "How old the proof may be.",
    ),
    of(
        "kinds",
        "list; `fido`, `totp`, `otp_email`, `captcha`, `pow`, `nojs`",
        "`Settings`, else `[fido]`",
        "Which challenges are offered, the preferred first. Each must be able to give `minAssurance`.",
    ),
    of(
        "fallback",
        "list of the same kinds",
        "`Settings`, else none",
        "What is offered besides where none of `kinds` can be done. Empty: who cannot is blocked.",
    ),
    of(
        "holdBody",
        "bytes, 0 to 1048576; 0 = off",
        "`Settings`, else 262144",
        "How large a form or upload may be that is kept while its sender gives proof.",
    ),
    of(
        "authenticators",
        "list; `client-device`, `security-key`, `hybrid`",
        "`Settings`, else `[client-device]`",
        "Which authenticators `fido` asks for, the preferred first: those in the device itself, keys that are plugged in or held near, phones that scan a code.",
    ),
    of(
        "proofOfPossession",
        "`none`, `dpop`",
        "`Settings`, else `none`",
        "`dpop`: the session must be bound to a key, and each request prove that its sender holds it (RFC 9449). For programs: browsers cannot.",
    ),
    of(
        "otherDevice",
        "bool",
        "`Settings`, else `true`",
        "May the proof be given on another device than the one that asked: for programs, and by QR code. Never where `minAssurance` is above `uv`.",
    ),
];

const STEP_UP: &[Field] = &[
    of(
        "upstreams",
        "list of names of Envoy's clusters; `*` for any run of characters",
        MUST,
        "Whose `countersign-step-up` is believed. Empty: nobody's.",
    ),
    of(
        "kinds",
        "list; `fido`, `totp`, `otp_email`, `captcha`, `pow`, `nojs`",
        "the challenge's",
        "Which challenges are offered, where the upstream does not say.",
    ),
    of(
        "fallback",
        "list of the same kinds",
        "the challenge's",
        "What is offered besides where none of `kinds` can be done.",
    ),
    of(
        "holdBody",
        "bytes, 0 to 1048576; 0 = off",
        "the challenge's",
        "How large a form or upload may be of which a copy is kept until the upstream has answered.",
    ),
];

/// Kinds in the order of the code, with what they are for.
pub(crate) const KINDS: &[(&str, &str, &[Mapping])] = &[
    (
        "MitigationPolicy",
        "Conditions and one action. All conditions must hold; what is left out always does.",
        &[
            at(
                "",
                "@",
                &[
                    of(
                        "hosts",
                        "list of hosts; `*.example.com` for what is below",
                        ALL,
                        "Without port, in any case.",
                    ),
                    of(
                        "endpoints",
                        "list of patterns; `*` for any run of characters, `?` for one",
                        ALL,
                        "On the normal form of the path.",
                    ),
                    of(
                        "methods",
                        "list",
                        ALL,
                        "In any case. `GET` stands for `HEAD` as well.",
                    ),
                    of("when", "CEL, a boolean", "`true`", "The condition."),
                    of("action", "word", MUST, "What happens."),
                    of(
                        "challenge",
                        "mapping",
                        "as `Settings` say",
                        "What is demanded. Only with `action: challenge`.",
                    ),
                    of(
                        "redirect",
                        "mapping",
                        "none",
                        "Where to. Only with `action: redirect`, and then it must be there.",
                    ),
                    of(
                        "stepUp",
                        "mapping",
                        "as `Settings` say",
                        "Which upstreams may ask for more proof by their answer. Of the policies that match and state it, the first counts. Not with `block` and `redirect`.",
                    ),
                    of(
                        "mode",
                        "word",
                        "`enforce`",
                        "`monitor`: decide and count, and do nothing.",
                    ),
                    of(
                        "priority",
                        "0 to 1000000",
                        "1000",
                        "Lower is asked first; equal ones by name.",
                    ),
                ],
            ),
            at("challenge", "action: challenge, challenge: {@}", CHALLENGE),
            at("stepUp", "action: monitor, stepUp: {@}", STEP_UP),
            at(
                "redirect",
                "action: redirect, redirect: {@}",
                &[
                    of(
                        "location",
                        "path of this site, or an address with `https` or `http`",
                        MUST,
                        "Nothing of the request is put into it.",
                    ),
                    of(
                        "status",
                        "302, 307 or 308",
                        "302",
                        "307 and 308 keep method and body.",
                    ),
                ],
            ),
        ],
    ),
    (
        "Signal",
        "A condition that adds to the score and gives a reason.",
        &[at(
            "",
            "@",
            &[
                of(
                    "when",
                    "CEL, a boolean",
                    MUST,
                    "It cannot read `score`, `reasons` and `verdict`, which signals make.",
                ),
                of(
                    "weight",
                    "-100 to 100",
                    MUST,
                    "Added to the score while it holds.",
                ),
                of(
                    "reason",
                    "constant in upper case",
                    MUST,
                    "`RULE_MATCH` is for device rules.",
                ),
                of(
                    "verdict",
                    "word",
                    "the reason's default, else `CHALLENGE`",
                    "What the reason leads to, unless a `ReasonOverride` says otherwise.",
                ),
            ],
        )],
    ),
    (
        "DeviceRule",
        "Values of exactly one identifier, and their verdict. Where several rules apply, the first identifier in this table decides; of ranges the smallest; of equals the strictest.",
        &[at(
            "",
            "@",
            &[
                of(
                    "visitor_id",
                    "text or list",
                    "",
                    "A visitor, or the device of a session.",
                ),
                of("browser_id", "text or list", "", "A browser."),
                of(
                    "visitor_fingerprint",
                    "text or list",
                    "",
                    "As a trusted hop tells it.",
                ),
                of(
                    "browser_fingerprint",
                    "text or list",
                    "",
                    "As a trusted hop tells it.",
                ),
                of(
                    "hardware_fingerprint",
                    "text or list",
                    "",
                    "As a trusted hop tells it.",
                ),
                of(
                    "network_fingerprint",
                    "text or list",
                    "",
                    "As a trusted hop tells it.",
                ),
                of(
                    "cidr_block",
                    "range or list; IPv4 from /16, IPv6 from /32",
                    "",
                    "The client's address.",
                ),
                of(
                    "asn",
                    "number or list",
                    "",
                    "The autonomous system that a trusted hop names.",
                ),
                of(
                    "country_code",
                    "two letters or list",
                    "",
                    "The country that a trusted hop names. It cannot be allowed.",
                ),
                of(
                    "verdict",
                    "word",
                    MUST,
                    "`NONE` keeps the rule and does nothing.",
                ),
                of(
                    "expires",
                    "RFC 3339 time",
                    "never",
                    "It does nothing from then on.",
                ),
                of("description", "text", "none", "For people."),
            ],
        )],
    ),
    (
        "ReasonOverride",
        "What a reason leads to, against its default and against what a signal states.",
        &[at(
            "",
            "@",
            &[
                of(
                    "reason",
                    "constant in upper case",
                    MUST,
                    "One override for a reason.",
                ),
                of("verdict", "word", MUST, "What it shall lead to."),
            ],
        )],
    ),
    (
        "List",
        "A named set, for conditions: `source.address in lists.offices`, `geo.asn in lists[\"bad-asns\"]`. It has exactly one of these. Values stand in the document, or one a line in a file beside it: `cidrs: {file: offices.txt}`.",
        &[at(
            "",
            "@",
            &[
                of(
                    "strings",
                    "list, or `{file: …}`",
                    "",
                    "Compared as they are.",
                ),
                of("numbers", "list, or `{file: …}`", "", "Whole numbers."),
                of(
                    "cidrs",
                    "list, or `{file: …}`",
                    "",
                    "Addresses and ranges of both kinds.",
                ),
            ],
        )],
    ),
    (
        "Settings",
        "What concerns every request. There is one, and its name is `default`.",
        &[
            at(
                "",
                "@",
                &[
                    of(
                        "trustedHops",
                        "list of ranges",
                        "none",
                        "The peers that are believed when they name the client, its score, country and device.",
                    ),
                    of(
                        "score",
                        "mapping",
                        "no header",
                        "Where a trusted hop puts its score.",
                    ),
                    of(
                        "geo",
                        "mapping",
                        "no headers",
                        "Where a trusted hop puts country and network.",
                    ),
                    of(
                        "identifiers",
                        "mapping",
                        "no headers",
                        "Where a trusted hop puts identifiers of the device.",
                    ),
                    of("verdicts", "mapping", "observed", "What verdicts do."),
                    of(
                        "challenge",
                        "mapping",
                        "`uv`",
                        "What a challenge demands where its policy does not say.",
                    ),
                    of(
                        "stepUp",
                        "mapping",
                        "nobody",
                        "Which upstreams may ask for more proof by their answer, where no policy says.",
                    ),
                    of(
                        "exemptPaths",
                        "list of patterns",
                        "none",
                        "Paths that no rule is asked about, beside ours and `/.well-known/acme-challenge/`.",
                    ),
                    of(
                        "caseSensitivePaths",
                        "`true` or `false`",
                        "`false`",
                        "Does the case of letters in paths matter?",
                    ),
                    of(
                        "plaintext",
                        "word",
                        "`redirect`",
                        "What a challenge of a navigation over plain http does, away from `localhost`: to https first, or 403.",
                    ),
                    of(
                        "httpsPort",
                        "1 to 65535",
                        "443",
                        "The port of that https address.",
                    ),
                    of(
                        "session",
                        "mapping",
                        "an hour",
                        "How long a passed challenge is remembered.",
                    ),
                    of(
                        "ticketLifetime",
                        "duration up to 1h",
                        "10m",
                        "How long a challenge may be begun after it was issued.",
                    ),
                    of(
                        "allowSampling",
                        "0 to 1000000",
                        "1",
                        "One plain allow of so many becomes an event; 0 = none. Everything else always does.",
                    ),
                    of(
                        "page",
                        "mapping",
                        "none",
                        "Whose the challenge page is, and how it looks.",
                    ),
                ],
            ),
            at(
                "page",
                "page: {@}",
                &[
                    of("name", "1 to 60 characters", "none", "The site's name."),
                    of(
                        "logo",
                        "`data:image/png;base64,…`, `jpeg`, `webp` or `svg+xml`, up to 32 KiB",
                        "none",
                        "The site's picture.",
                    ),
                    of(
                        "accent",
                        "`\"#rrggbb\"`",
                        "`\"#0b5cad\"`",
                        "Buttons and links; with a contrast of 4.5 to white at least.",
                    ),
                    of(
                        "background",
                        "`\"#rrggbb\"`",
                        "`\"#eef1f5\"`",
                        "Around the page; with a contrast of 4.5 to `#51606f` at least.",
                    ),
                    of(
                        "dark",
                        "mapping",
                        "ours",
                        "The same two for who prefers dark pages; with a contrast of 4.5 to `#182129`, of `background` to `#a3b0bd`.",
                    ),
                    of(
                        "privacy",
                        "URL or path",
                        "none",
                        "Where the site says what becomes of data.",
                    ),
                    of("help", "URL or path", "none", "Where the site helps."),
                ],
            ),
            at(
                "score",
                "score: {@}",
                &[of(
                    "header",
                    "name of a header",
                    "none",
                    "A number, 0 a person to 100 a bot; of several the highest.",
                )],
            ),
            at(
                "geo",
                "geo: {@}",
                &[
                    of("countryHeader", "name of a header", "none", "Two letters."),
                    of(
                        "asnHeader",
                        "name of a header",
                        "none",
                        "A number, with or without `AS`.",
                    ),
                ],
            ),
            at(
                "identifiers",
                "identifiers: {@}",
                &[
                    of(
                        "visitor_id",
                        "name of a header",
                        "the session's device",
                        "A visitor.",
                    ),
                    of("browser_id", "name of a header", "none", "A browser."),
                    of(
                        "visitor_fingerprint",
                        "name of a header",
                        "none",
                        "A fingerprint.",
                    ),
                    of(
                        "browser_fingerprint",
                        "name of a header",
                        "none",
                        "A fingerprint.",
                    ),
                    of(
                        "hardware_fingerprint",
                        "name of a header",
                        "none",
                        "A fingerprint.",
                    ),
                    of(
                        "network_fingerprint",
                        "name of a header",
                        "none",
                        "A fingerprint.",
                    ),
                ],
            ),
            at(
                "verdicts",
                "verdicts: {@}",
                &[
                    of(
                        "mode",
                        "word",
                        "`observe`",
                        "`enforce`: where no policy decides, the verdict does.",
                    ),
                    of(
                        "challenge",
                        "word",
                        "`allow`",
                        "What an enforced `CHALLENGE` does.",
                    ),
                ],
            ),
            at("stepUp", "stepUp: {@}", STEP_UP),
            at("challenge", "challenge: {@}", CHALLENGE),
            at(
                "session",
                "session: {@}",
                &[
                    of(
                        "lifetime",
                        "duration up to 30 days",
                        "1h",
                        "Of new sessions.",
                    ),
                    of(
                        "leeway",
                        "duration up to 5m",
                        "30s",
                        "How far clocks may be apart.",
                    ),
                    of(
                        "boundLifetime",
                        "duration, 10s to 1h; 0s = off",
                        "5m",
                        "Where the browser can bind a session to a key of its device: how long each cookie lasts until the key renews it. Below two minutes browsers refuse to sign so often.",
                    ),
                ],
            ),
        ],
    ),
    (
        "RolloutStrategy",
        "In which stages a change reaches the nodes. The one named `default` holds for every change that names no other; without one a change goes to every node at once.",
        &[
            at(
                "",
                "@",
                &[
                    of(
                        "stages",
                        "list of mappings",
                        MUST,
                        "The last one is `{percent: 100}`.",
                    ),
                    of(
                        "gates",
                        "mapping",
                        "as below",
                        "What must hold meanwhile; a gate that fails takes the change back.",
                    ),
                    of(
                        "approval",
                        "word",
                        "`none`",
                        "`required`: somebody else than the author lets it begin.",
                    ),
                ],
            ),
            at(
                "stages[]",
                "stages: [{percent: 100, @}]",
                &[
                    of(
                        "percent",
                        "1 to 100",
                        "",
                        "A stable share of the nodes, which only grows. Either this or `nodes`.",
                    ),
                    of(
                        "nodes",
                        "CEL over `node` and `locality`",
                        "",
                        "Which nodes: `locality.zone == \"canary\"`.",
                    ),
                    of(
                        "for",
                        "duration up to 30 days",
                        "`0s`",
                        "How long the stage lasts once its nodes are LIVE.",
                    ),
                    of(
                        "mode",
                        "word",
                        "`enforce`",
                        "`monitor`: new and changed policies only count. Such stages come first.",
                    ),
                ],
            ),
            at(
                "gates",
                "stages: [{percent: 100}], gates: {@}",
                &[
                    of(
                        "blockPoints",
                        "0 to 100",
                        "5",
                        "Percentage points of blocked requests above the nodes without the change.",
                    ),
                    of(
                        "challengePoints",
                        "0 to 100",
                        "10",
                        "The same of challenged ones.",
                    ),
                    of(
                        "monitorPoints",
                        "0 to 100",
                        "10",
                        "Requests that new policies of a stage in monitor mode match.",
                    ),
                    of(
                        "errorPoints",
                        "0 to 100",
                        "1",
                        "Conditions that fail, for a hundred requests.",
                    ),
                    of(
                        "minRequests",
                        "number",
                        "100",
                        "So many are needed on both sides before shares and times are compared.",
                    ),
                    of(
                        "guardDenials",
                        "number",
                        "0",
                        "Requests that the guard of one node refused.",
                    ),
                    of(
                        "latencyMicros",
                        "number",
                        "100",
                        "The filter's median time above that of the others.",
                    ),
                    of(
                        "liveWithin",
                        "duration up to 1h",
                        "60s",
                        "A node runs what it is sent within this.",
                    ),
                ],
            ),
        ],
    ),
    (
        "Gateway",
        "Some nodes, and which of the set they run. Lists, overrides and `Settings` hold for every gateway. A node that no gateway selects runs everything.",
        &[at(
            "",
            "@",
            &[
                of(
                    "nodes",
                    "CEL over `node` and `locality`",
                    "who asks for it by name",
                    "Which nodes are it by themselves.",
                ),
                of(
                    "policies",
                    "list of names; `*`, `?`",
                    ALL,
                    "Which policies it runs.",
                ),
                of("signals", "list of names; `*`, `?`", ALL, "Which signals."),
                of(
                    "deviceRules",
                    "list of names; `*`, `?`",
                    ALL,
                    "Which device rules.",
                ),
            ],
        )],
    ),
    (
        "PolicyTest",
        "Requests and what is expected of them. `countersign test` runs them; they are never in force.",
        &[
            at(
                "",
                "@",
                &[of(
                    "tests",
                    "list of mappings",
                    MUST,
                    "Each stands for itself.",
                )],
            ),
            at(
                "tests[]",
                "tests: [{@}]",
                &[
                    of("name", "text", MUST, "What the test says, as a sentence."),
                    of("request", "mapping", MUST, "The request."),
                    of(
                        "session",
                        "mapping",
                        "none",
                        "The session that it presents.",
                    ),
                    of("now", "RFC 3339 time", "noon on 2026-01-01", "When it is."),
                    of(
                        "upstream",
                        "mapping",
                        "nothing of ours",
                        "What the upstream answers: that it wants more proof.",
                    ),
                    of(
                        "expect",
                        "mapping",
                        MUST,
                        "What is not said is not compared.",
                    ),
                ],
            ),
            at(
                "tests[].request",
                "tests: [{name: a, expect: {status: 200}, request: {@}}]",
                &[
                    of("method", "method", "`GET`", ""),
                    of("url", "address", "", "In place of path, host and scheme."),
                    of("path", "path with query", "", "Either this or `url`."),
                    of("host", "host", "`shop.example.com`", ""),
                    of("scheme", "word", "`https`", ""),
                    of("headers", "mapping", "none", "Names in any case."),
                    of("from", "address", "`127.0.0.1`", "The peer."),
                    of("ja4", "text", "none", "The TLS fingerprint."),
                    of("tlsVersion", "text", "by scheme", "`TLSv1.3` and the like."),
                    of(
                        "sni",
                        "text",
                        "by scheme",
                        "The server name of the TLS handshake.",
                    ),
                    of(
                        "mtls",
                        "`true` or `false`",
                        "`false`",
                        "Did the client show a certificate?",
                    ),
                ],
            ),
            at(
                "tests[].session",
                "tests: [{name: a, request: {path: /}, expect: {status: 200}, session: {@}}]",
                &[
                    of("assurance", "word", MUST, "What it proves."),
                    of(
                        "age",
                        "duration",
                        "`0s`",
                        "How long ago the proof was given.",
                    ),
                    of(
                        "also",
                        "word",
                        "none",
                        "A newer, lesser proof beside it, just given.",
                    ),
                    of("device", "text", "one of its own", "Whose it is."),
                    of(
                        "bound",
                        "boolean",
                        "`false`",
                        "A key of the device renews it.",
                    ),
                ],
            ),
            at(
                "tests[].upstream",
                "tests: [{name: a, request: {path: /}, expect: {status: 200}, upstream: {@}}]",
                &[
                    of(
                        "name",
                        "text",
                        MUST,
                        "The cluster of Envoy that the request is sent to.",
                    ),
                    of(
                        "stepUp",
                        "text",
                        MUST,
                        "What its `countersign-step-up` says, such as `uv;max-age=300`.",
                    ),
                ],
            ),
            at(
                "tests[].expect",
                "tests: [{name: a, request: {path: /}, upstream: {name: a, stepUp: uv}, expect: {@}}]",
                &[
                    of(
                        "action",
                        "word",
                        "",
                        "What happens; a monitor policy and a satisfied challenge are no action.",
                    ),
                    of("policy", "name, or `none`", "", "Which policy decided."),
                    of("status", "number", "", "Of the answer."),
                    of("score", "0 to 100", "", ""),
                    of("verdict", "word", "", ""),
                    of("reasons", "list", "", "All of them, in any order."),
                    of(
                        "monitored",
                        "list of names",
                        "",
                        "Policies that matched and only counted.",
                    ),
                    of(
                        "satisfied",
                        "list of names",
                        "",
                        "Challenges that the session satisfied.",
                    ),
                    of(
                        "location",
                        "address",
                        "",
                        "Of a challenge without its ticket.",
                    ),
                    of("minAssurance", "word", "", "What a challenge demands."),
                    of(
                        "stepUp",
                        "word",
                        "",
                        "What becomes of the upstream's demand. `nobody_trusted`: nobody may ask where this request goes, so nothing is looked at.",
                    ),
                ],
            ),
        ],
    ),
];
