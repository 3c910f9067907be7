//! Operators and functions of the language definition.

use countersign_engine::cel::Op;

const EQUALITY: &[&str] = &["(A, A) -> bool"];

/// Numbers of different types have an order; that they are not equal by type is the definition's.
const ORDER: &[&str] = &[
    "(bool, bool) -> bool",
    "(int, int) -> bool",
    "(int, uint) -> bool",
    "(int, double) -> bool",
    "(uint, uint) -> bool",
    "(uint, int) -> bool",
    "(uint, double) -> bool",
    "(double, double) -> bool",
    "(double, int) -> bool",
    "(double, uint) -> bool",
    "(string, string) -> bool",
    "(bytes, bytes) -> bool",
    "(timestamp, timestamp) -> bool",
    "(duration, duration) -> bool",
];

const DATE: &[&str] = &["timestamp.() -> int", "timestamp.(string) -> int"];

const TIME: &[&str] = &[
    "timestamp.() -> int",
    "timestamp.(string) -> int",
    "duration.() -> int",
];

const TEXT_TEST: &[&str] = &["string.(string) -> bool"];

pub(super) const FUNCTIONS: &[(&str, Op, &[&str])] = &[
    ("!", Op::Not, &["(bool) -> bool"]),
    ("-", Op::Negate, &["(int) -> int", "(double) -> double"]),
    ("==", Op::Eq, EQUALITY),
    ("!=", Op::Ne, EQUALITY),
    ("<", Op::Lt, ORDER),
    ("<=", Op::Le, ORDER),
    (">", Op::Gt, ORDER),
    (">=", Op::Ge, ORDER),
    (
        "+",
        Op::Add,
        &[
            "(int, int) -> int",
            "(uint, uint) -> uint",
            "(double, double) -> double",
            "(string, string) -> string",
            "(bytes, bytes) -> bytes",
            "(list(A), list(A)) -> list(A)",
            "(duration, duration) -> duration",
            "(timestamp, duration) -> timestamp",
            "(duration, timestamp) -> timestamp",
        ],
    ),
    (
        "-",
        Op::Sub,
        &[
            "(int, int) -> int",
            "(uint, uint) -> uint",
            "(double, double) -> double",
            "(duration, duration) -> duration",
            "(timestamp, duration) -> timestamp",
            "(timestamp, timestamp) -> duration",
        ],
    ),
    ("*", Op::Mul, ARITHMETIC),
    ("/", Op::Div, ARITHMETIC),
    ("%", Op::Rem, &["(int, int) -> int", "(uint, uint) -> uint"]),
    (
        "in",
        Op::In,
        &["(A, list(A)) -> bool", "(A, map(A, B)) -> bool"],
    ),
    (
        "[]",
        Op::Index,
        &[
            "(list(A), int) -> A",
            "(map(A, B), A) -> B",
            "(optional_type(list(A)), int) -> optional_type(A)",
            "(optional_type(map(A, B)), A) -> optional_type(B)",
        ],
    ),
    (
        "[?]",
        Op::OptionalIndex,
        &[
            "(list(A), int) -> optional_type(A)",
            "(map(A, B), A) -> optional_type(B)",
            "(optional_type(list(A)), int) -> optional_type(A)",
            "(optional_type(map(A, B)), A) -> optional_type(B)",
        ],
    ),
    ("? :", Op::Conditional, &["(bool, A, A) -> A"]),
    (
        "size",
        Op::Size,
        &[
            "(string) -> int",
            "(bytes) -> int",
            "(list(A)) -> int",
            "(map(A, B)) -> int",
            "string.() -> int",
            "bytes.() -> int",
            "list(A).() -> int",
            "map(A, B).() -> int",
        ],
    ),
    ("contains", Op::Contains, TEXT_TEST),
    ("startsWith", Op::StartsWith, TEXT_TEST),
    ("endsWith", Op::EndsWith, TEXT_TEST),
    (
        "matches",
        Op::MatchesDynamic,
        &["string.(string) -> bool", "(string, string) -> bool"],
    ),
    (
        "int",
        Op::ToInt,
        &[
            "(int) -> int",
            "(uint) -> int",
            "(double) -> int",
            "(string) -> int",
            "(timestamp) -> int",
        ],
    ),
    (
        "uint",
        Op::ToUint,
        &[
            "(uint) -> uint",
            "(int) -> uint",
            "(double) -> uint",
            "(string) -> uint",
        ],
    ),
    (
        "double",
        Op::ToDouble,
        &[
            "(double) -> double",
            "(int) -> double",
            "(uint) -> double",
            "(string) -> double",
        ],
    ),
    (
        "string",
        Op::ToString,
        &[
            "(string) -> string",
            "(bool) -> string",
            "(int) -> string",
            "(uint) -> string",
            "(double) -> string",
            "(bytes) -> string",
            "(timestamp) -> string",
            "(duration) -> string",
            "(ip) -> string",
            "(cidr) -> string",
        ],
    ),
    (
        "bytes",
        Op::ToBytes,
        &["(bytes) -> bytes", "(string) -> bytes"],
    ),
    ("bool", Op::ToBool, &["(bool) -> bool", "(string) -> bool"]),
    (
        "timestamp",
        Op::ToTimestamp,
        &[
            "(timestamp) -> timestamp",
            "(string) -> timestamp",
            "(int) -> timestamp",
        ],
    ),
    (
        "duration",
        Op::ToDuration,
        &["(duration) -> duration", "(string) -> duration"],
    ),
    ("type", Op::TypeOf, &["(A) -> type(A)"]),
    ("getFullYear", Op::GetFullYear, DATE),
    ("getMonth", Op::GetMonth, DATE),
    ("getDate", Op::GetDate, DATE),
    ("getDayOfMonth", Op::GetDayOfMonth, DATE),
    ("getDayOfWeek", Op::GetDayOfWeek, DATE),
    ("getDayOfYear", Op::GetDayOfYear, DATE),
    ("getHours", Op::GetHours, TIME),
    ("getMinutes", Op::GetMinutes, TIME),
    ("getSeconds", Op::GetSeconds, TIME),
    ("getMilliseconds", Op::GetMilliseconds, TIME),
];

const ARITHMETIC: &[&str] = &[
    "(int, int) -> int",
    "(uint, uint) -> uint",
    "(double, double) -> double",
];
