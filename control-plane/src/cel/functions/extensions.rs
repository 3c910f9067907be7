//! Functions of the extensions, as the reference implementation defines them.

use countersign_engine::cel::Op;

const ROUNDING: &[&str] = &["(double) -> double"];
const CLASS: &[&str] = &["(double) -> bool"];
const NUMERIC: &[&str] = &["(int) -> int", "(uint) -> uint", "(double) -> double"];
const BITS: &[&str] = &["(int, int) -> int", "(uint, uint) -> uint"];
const SHIFT: &[&str] = &["(int, int) -> int", "(uint, int) -> uint"];
const POSITION: &[&str] = &["string.(string) -> int", "string.(string, int) -> int"];
const SETS: &[&str] = &["(list(A), list(A)) -> bool"];
const ADDRESS_TEST: &[&str] = &["ip.() -> bool"];
const NEITHER_TYPED: &[&str] = &["(A) -> A"];

pub(super) const FUNCTIONS: &[(&str, Op, &[&str])] = &[
    // Strings.
    ("charAt", Op::CharAt, &["string.(int) -> string"]),
    ("format", Op::Format, &["string.(list(dyn)) -> string"]),
    ("indexOf", Op::IndexOf, POSITION),
    ("lastIndexOf", Op::LastIndexOf, POSITION),
    (
        "join",
        Op::Join,
        &[
            "list(string).() -> string",
            "list(string).(string) -> string",
        ],
    ),
    ("lowerAscii", Op::LowerAscii, &["string.() -> string"]),
    ("upperAscii", Op::UpperAscii, &["string.() -> string"]),
    (
        "replace",
        Op::Replace,
        &[
            "string.(string, string) -> string",
            "string.(string, string, int) -> string",
        ],
    ),
    (
        "reverse",
        Op::Reverse,
        &["string.() -> string", "list(A).() -> list(A)"],
    ),
    (
        "split",
        Op::Split,
        &[
            "string.(string) -> list(string)",
            "string.(string, int) -> list(string)",
        ],
    ),
    (
        "substring",
        Op::Substring,
        &["string.(int) -> string", "string.(int, int) -> string"],
    ),
    ("trim", Op::Trim, &["string.() -> string"]),
    ("strings.quote", Op::Quote, &["(string) -> string"]),
    // Math. `math.greatest` and `math.least` take any number of numbers: the checker knows.
    ("math.greatest", Op::MathGreatest, NEITHER_TYPED),
    ("math.least", Op::MathLeast, NEITHER_TYPED),
    ("math.ceil", Op::MathCeil, ROUNDING),
    ("math.floor", Op::MathFloor, ROUNDING),
    ("math.round", Op::MathRound, ROUNDING),
    ("math.trunc", Op::MathTrunc, ROUNDING),
    ("math.abs", Op::MathAbs, NUMERIC),
    ("math.sign", Op::MathSign, NUMERIC),
    ("math.isInf", Op::MathIsInf, CLASS),
    ("math.isNaN", Op::MathIsNan, CLASS),
    ("math.isFinite", Op::MathIsFinite, CLASS),
    ("math.bitAnd", Op::MathBitAnd, BITS),
    ("math.bitOr", Op::MathBitOr, BITS),
    ("math.bitXor", Op::MathBitXor, BITS),
    (
        "math.bitNot",
        Op::MathBitNot,
        &["(int) -> int", "(uint) -> uint"],
    ),
    ("math.bitShiftLeft", Op::MathBitShiftLeft, SHIFT),
    ("math.bitShiftRight", Op::MathBitShiftRight, SHIFT),
    (
        "math.sqrt",
        Op::MathSqrt,
        &["(double) -> double", "(int) -> double", "(uint) -> double"],
    ),
    // Lists.
    ("distinct", Op::Distinct, &["list(A).() -> list(A)"]),
    (
        "flatten",
        Op::Flatten,
        &[
            "list(list(A)).() -> list(A)",
            "list(dyn).(int) -> list(dyn)",
        ],
    ),
    ("lists.range", Op::Range, &["(int) -> list(int)"]),
    ("slice", Op::Slice, &["list(A).(int, int) -> list(A)"]),
    ("sort", Op::Sort, &["list(A).() -> list(A)"]),
    ("first", Op::First, &["list(A).() -> optional_type(A)"]),
    ("last", Op::Last, &["list(A).() -> optional_type(A)"]),
    // Sets.
    ("sets.contains", Op::SetsContains, SETS),
    ("sets.equivalent", Op::SetsEquivalent, SETS),
    ("sets.intersects", Op::SetsIntersects, SETS),
    // Encoders.
    ("base64.encode", Op::Base64Encode, &["(bytes) -> string"]),
    ("base64.decode", Op::Base64Decode, &["(string) -> bytes"]),
    // Optionals.
    ("optional.of", Op::OptionalOf, &["(A) -> optional_type(A)"]),
    (
        "optional.ofNonZeroValue",
        Op::OptionalOfNonZero,
        &["(A) -> optional_type(A)"],
    ),
    (
        "optional.none",
        Op::OptionalNone,
        &["() -> optional_type(A)"],
    ),
    ("hasValue", Op::HasValue, &["optional_type(A).() -> bool"]),
    ("value", Op::OptionalValue, &["optional_type(A).() -> A"]),
    (
        "or",
        Op::OptionalOr,
        &["optional_type(A).(optional_type(A)) -> optional_type(A)"],
    ),
    (
        "orValue",
        Op::OptionalOrValue,
        &["optional_type(A).(A) -> A"],
    ),
    (
        "optional.unwrap",
        Op::UnwrapOptionals,
        &["(list(optional_type(A))) -> list(A)"],
    ),
    (
        "unwrapOpt",
        Op::UnwrapOptionals,
        &["list(optional_type(A)).() -> list(A)"],
    ),
    // Network.
    ("ip", Op::ToIp, &["(string) -> ip"]),
    ("cidr", Op::ToCidr, &["(string) -> cidr"]),
    ("isIP", Op::IsIp, &["(string) -> bool"]),
    ("isCIDR", Op::IsCidr, &["(string) -> bool"]),
    ("ip.isCanonical", Op::IpIsCanonical, &["(string) -> bool"]),
    ("family", Op::IpFamily, &["ip.() -> int"]),
    ("isUnspecified", Op::IpIsUnspecified, ADDRESS_TEST),
    ("isLoopback", Op::IpIsLoopback, ADDRESS_TEST),
    ("isGlobalUnicast", Op::IpIsGlobalUnicast, ADDRESS_TEST),
    (
        "isLinkLocalMulticast",
        Op::IpIsLinkLocalMulticast,
        ADDRESS_TEST,
    ),
    ("isLinkLocalUnicast", Op::IpIsLinkLocalUnicast, ADDRESS_TEST),
    (
        "containsIP",
        Op::CidrContainsIp,
        &["cidr.(string) -> bool", "cidr.(ip) -> bool"],
    ),
    (
        "containsCIDR",
        Op::CidrContainsCidr,
        &["cidr.(string) -> bool", "cidr.(cidr) -> bool"],
    ),
    ("prefixLength", Op::CidrPrefixLength, &["cidr.() -> int"]),
    ("masked", Op::CidrMasked, &["cidr.() -> cidr"]),
    ("ip", Op::CidrIp, &["cidr.() -> ip"]),
];
