//! Every operation with its number and the arguments that it takes.

use super::Arity;

macro_rules! ops {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $least:literal ..= $most:expr;)*) => {
        /// What a node does. The arguments are named in the order in which the node lists them; `a`,
        /// `b`, `c` are the node's three words where it has no arguments or fewer than three.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Op {
            $($(#[$doc])* $name = $number,)*
        }

        impl Op {
            /// The number that stands in the compiled form.
            #[must_use]
            pub const fn number(self) -> u16 {
                self as u16
            }

            /// The arguments that it takes.
            #[must_use]
            pub const fn arity(self) -> Arity {
                match self {
                    $(Self::$name => Arity { least: $least, most: $most },)*
                }
            }

            /// Every operation, for what must know each of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

/// As many as an expression may hold.
const MANY: u32 = u32::MAX;

ops! {
    // Constants: no arguments.
    /// `null`
    Null = 1, 0..=0;
    /// `a` is 0 or 1.
    Bool = 2, 0..=0;
    /// `a` and `b` are the low and the high half.
    Int = 3, 0..=0;
    /// `a` and `b` are the low and the high half.
    Uint = 4, 0..=0;
    /// `a` and `b` are the low and the high half of the IEEE 754 bits.
    Double = 5, 0..=0;
    /// `a` and `b` are offset and length in the string pool.
    String = 6, 0..=0;
    /// `a` and `b` are offset and length in the bytes pool.
    Bytes = 7, 0..=0;
    /// `a` and `b` are the halves of the seconds since the epoch, `c` the nanoseconds.
    Timestamp = 8, 0..=0;
    /// `a` and `b` are the halves of the seconds, `c` the nanoseconds as a signed number of the same sign.
    Duration = 9, 0..=0;
    /// A type as a value; `a` and `b` are its name in the string pool.
    Type = 10, 0..=0;
    /// A set of constants (a `List` resource, or a long list literal); `a` is its number.
    Set = 11, 0..=0;

    // Names: no arguments.
    /// An attribute of the request; `a` is its number.
    Attribute = 20, 0..=0;
    /// `request.headers[name]`; `a` and `b` are the name in the string pool.
    Header = 21, 0..=0;
    /// Is the header there? `a` and `b` are the name in the string pool.
    HasHeader = 22, 0..=0;
    /// What the innermost macros bound; `a` counts the bound names from the outermost.
    Local = 23, 0..=0;
    /// A variable that the caller declared; `a` is its number.
    Variable = 24, 0..=0;
    /// A name that nothing declares, where an expression was not checked; `a` and `b` are the name.
    /// An error when evaluated.
    UnknownName = 25, 0..=0;
    /// A call of a function that nothing declares; `a` and `b` are its name. An error when evaluated.
    UnknownFunction = 26, 0..=0;

    // Logic.
    /// `!x`
    Not = 30, 1..=1;
    /// `x && y && …`: absorbs errors (CEL, "Logical Operators").
    And = 31, 1..=MANY;
    /// `x || y || …`: absorbs errors.
    Or = 32, 1..=MANY;
    /// `condition ? x : y`
    Conditional = 33, 3..=3;

    // Comparison.
    /// `x == y`
    Eq = 40, 2..=2;
    /// `x != y`
    Ne = 41, 2..=2;
    /// `x < y`
    Lt = 42, 2..=2;
    /// `x <= y`
    Le = 43, 2..=2;
    /// `x > y`
    Gt = 44, 2..=2;
    /// `x >= y`
    Ge = 45, 2..=2;
    /// `x in y`: a list, a map, a set, the header map, `reasons`.
    In = 46, 2..=2;
    /// A string read as an address, and a set of CIDRs.
    InCidrs = 47, 2..=2;

    // Arithmetic.
    /// `x + y`
    Add = 50, 2..=2;
    /// `x - y`
    Sub = 51, 2..=2;
    /// `x * y`
    Mul = 52, 2..=2;
    /// `x / y`
    Div = 53, 2..=2;
    /// `x % y`
    Rem = 54, 2..=2;
    /// `-x`
    Negate = 55, 1..=1;

    // Aggregates.
    /// `x[key]`
    Index = 60, 2..=2;
    /// `x[?key]`
    OptionalIndex = 61, 2..=2;
    /// `x.field`: operand, and the field as a `String` node.
    Select = 62, 2..=2;
    /// `x.?field`: operand, and the field as a `String` node.
    OptionalSelect = 63, 2..=2;
    /// `has(x.field)`: operand, and the field as a `String` node.
    Has = 64, 2..=2;
    /// `[x, …]`
    List = 65, 0..=MANY;
    /// `{key: value, …}`: keys and values by turns.
    Map = 66, 0..=MANY;
    /// `?x` inside a list or as the value of a map's entry.
    OptionalElement = 67, 1..=1;

    // Macros. The bound names stand one level deeper than the macro; those of two names bind index
    // (or key) and element (or value).
    /// Range, body: `list.all(x, body)`
    All = 80, 2..=2;
    /// Range, body.
    Exists = 81, 2..=2;
    /// Range, body.
    ExistsOne = 82, 2..=2;
    /// Range, body; or range, predicate, body: `list.map(x, body)`.
    MapList = 83, 2..=3;
    /// Range, predicate: `list.filter(x, predicate)`.
    Filter = 84, 2..=2;
    /// Range, body, of two names.
    AllPairs = 85, 2..=2;
    /// Range, body, of two names.
    ExistsPairs = 86, 2..=2;
    /// Range, body, of two names.
    ExistsOnePair = 87, 2..=2;
    /// Range, body; or range, predicate, body; of two names: `transformList`.
    TransformList = 88, 2..=3;
    /// Range, body; or range, predicate, body; of two names: `transformMap`.
    TransformMap = 89, 2..=3;
    /// Range, body; or range, predicate, body; of two names, the body gives a map: `transformMapEntry`.
    TransformMapEntry = 90, 2..=3;
    /// Value, body: `cel.bind(x, value, body)`. The value's error, if any, is met where `x` is read.
    Bind = 91, 2..=2;
    /// List, body: `list.sortBy(x, body)`.
    SortBy = 92, 2..=2;
    /// Optional, body: `optional.optMap(x, body)`.
    OptionalMap = 93, 2..=2;
    /// Optional, body that gives an optional: `optional.optFlatMap(x, body)`.
    OptionalFlatMap = 94, 2..=2;

    // Strings, bytes, lists, maps.
    /// `size(x)`
    Size = 100, 1..=1;
    /// `x.contains(y)` of strings; networks have [`Op::CidrContainsIp`].
    Contains = 101, 2..=2;
    /// `x.startsWith(y)`
    StartsWith = 102, 2..=2;
    /// `x.endsWith(y)`
    EndsWith = 103, 2..=2;
    /// `x.matches(constant)`: one argument; `b` is the number of the automaton.
    Matches = 104, 1..=1;
    /// `x.matches(y)` of a pattern that is made at run time.
    MatchesDynamic = 105, 2..=2;
    /// `x.lowerAscii()`
    LowerAscii = 106, 1..=1;
    /// `x.upperAscii()`
    UpperAscii = 107, 1..=1;
    /// `x.replace(from, to)`, or with the greatest number of replacements.
    Replace = 108, 3..=4;
    /// `x.split(separator)`, or with the greatest number of parts.
    Split = 109, 2..=3;
    /// `list.join()`, or with a separator.
    Join = 110, 1..=2;
    /// `x.indexOf(y)`, or from an offset.
    IndexOf = 111, 2..=3;
    /// `x.lastIndexOf(y)`, or from an offset.
    LastIndexOf = 112, 2..=3;
    /// `x.substring(from)`, or to an end.
    Substring = 113, 2..=3;
    /// `x.trim()`
    Trim = 114, 1..=1;
    /// `x.charAt(index)`
    CharAt = 115, 2..=2;
    /// `template.format(list)`
    Format = 116, 2..=2;
    /// `x.reverse()` of a string or a list.
    Reverse = 117, 1..=1;
    /// `strings.quote(x)`
    Quote = 118, 1..=1;

    // Conversions.
    /// `int(x)`
    ToInt = 130, 1..=1;
    /// `uint(x)`
    ToUint = 131, 1..=1;
    /// `double(x)`
    ToDouble = 132, 1..=1;
    /// `string(x)`
    ToString = 133, 1..=1;
    /// `bytes(x)`
    ToBytes = 134, 1..=1;
    /// `bool(x)`
    ToBool = 135, 1..=1;
    /// `timestamp(x)`
    ToTimestamp = 136, 1..=1;
    /// `duration(x)`
    ToDuration = 137, 1..=1;
    /// `type(x)`
    TypeOf = 138, 1..=1;

    // Timestamps and durations; the second argument is a time zone.
    /// `x.getFullYear()`
    GetFullYear = 150, 1..=2;
    /// `x.getMonth()`, from zero.
    GetMonth = 151, 1..=2;
    /// `x.getDate()`: the day of the month from one.
    GetDate = 152, 1..=2;
    /// `x.getDayOfMonth()`, from zero.
    GetDayOfMonth = 153, 1..=2;
    /// `x.getDayOfWeek()`, Sunday is zero.
    GetDayOfWeek = 154, 1..=2;
    /// `x.getDayOfYear()`, from zero.
    GetDayOfYear = 155, 1..=2;
    /// `x.getHours()`, of durations too.
    GetHours = 156, 1..=2;
    /// `x.getMinutes()`, of durations too.
    GetMinutes = 157, 1..=2;
    /// `x.getSeconds()`, of durations too.
    GetSeconds = 158, 1..=2;
    /// `x.getMilliseconds()`, of durations too.
    GetMilliseconds = 159, 1..=2;

    // Extension: math.
    /// `math.greatest(x, …)`; of one argument: a list.
    MathGreatest = 170, 1..=MANY;
    /// `math.least(x, …)`; of one argument: a list.
    MathLeast = 171, 1..=MANY;
    /// `math.ceil(x)`
    MathCeil = 172, 1..=1;
    /// `math.floor(x)`
    MathFloor = 173, 1..=1;
    /// `math.round(x)`: away from zero.
    MathRound = 174, 1..=1;
    /// `math.trunc(x)`
    MathTrunc = 175, 1..=1;
    /// `math.abs(x)`
    MathAbs = 176, 1..=1;
    /// `math.sign(x)`
    MathSign = 177, 1..=1;
    /// `math.isInf(x)`
    MathIsInf = 178, 1..=1;
    /// `math.isNaN(x)`
    MathIsNan = 179, 1..=1;
    /// `math.isFinite(x)`
    MathIsFinite = 180, 1..=1;
    /// `math.bitAnd(x, y)`
    MathBitAnd = 181, 2..=2;
    /// `math.bitOr(x, y)`
    MathBitOr = 182, 2..=2;
    /// `math.bitXor(x, y)`
    MathBitXor = 183, 2..=2;
    /// `math.bitNot(x)`
    MathBitNot = 184, 1..=1;
    /// `math.bitShiftLeft(x, by)`
    MathBitShiftLeft = 185, 2..=2;
    /// `math.bitShiftRight(x, by)`
    MathBitShiftRight = 186, 2..=2;
    /// `math.sqrt(x)`
    MathSqrt = 187, 1..=1;

    // Extension: lists.
    /// `list.distinct()`
    Distinct = 200, 1..=1;
    /// `list.flatten()`, or to a depth.
    Flatten = 201, 1..=2;
    /// `lists.range(n)`
    Range = 202, 1..=1;
    /// `list.slice(from, to)`
    Slice = 203, 3..=3;
    /// `list.sort()`
    Sort = 204, 1..=1;
    /// `list.first()`: an optional.
    First = 205, 1..=1;
    /// `list.last()`: an optional.
    Last = 206, 1..=1;

    // Extension: sets.
    /// `sets.contains(x, y)`
    SetsContains = 215, 2..=2;
    /// `sets.equivalent(x, y)`
    SetsEquivalent = 216, 2..=2;
    /// `sets.intersects(x, y)`
    SetsIntersects = 217, 2..=2;

    // Extension: encoders.
    /// `base64.encode(bytes)`
    Base64Encode = 220, 1..=1;
    /// `base64.decode(text)`, padded or not.
    Base64Decode = 221, 1..=1;

    // Extension: optionals.
    /// `optional.of(x)`
    OptionalOf = 230, 1..=1;
    /// `optional.ofNonZeroValue(x)`
    OptionalOfNonZero = 231, 1..=1;
    /// `optional.none()`
    OptionalNone = 232, 0..=0;
    /// `x.hasValue()`
    HasValue = 233, 1..=1;
    /// `x.value()`
    OptionalValue = 234, 1..=1;
    /// `x.or(y)` of optionals: `y` is evaluated where `x` is empty.
    OptionalOr = 235, 2..=2;
    /// `x.orValue(y)`: `y` is evaluated where `x` is empty.
    OptionalOrValue = 236, 2..=2;
    /// `optional.unwrap(list)`, `list.unwrapOpt()`
    UnwrapOptionals = 237, 1..=1;

    // Extension: network (as Kubernetes and cel-go define it).
    /// `ip(text)`
    ToIp = 250, 1..=1;
    /// `cidr(text)`
    ToCidr = 251, 1..=1;
    /// `isIP(text)`
    IsIp = 252, 1..=1;
    /// `isCIDR(text)`
    IsCidr = 253, 1..=1;
    /// `ip.isCanonical(text)`
    IpIsCanonical = 254, 1..=1;
    /// `x.family()`: 4 or 6.
    IpFamily = 255, 1..=1;
    /// `x.isUnspecified()`
    IpIsUnspecified = 256, 1..=1;
    /// `x.isLoopback()`
    IpIsLoopback = 257, 1..=1;
    /// `x.isGlobalUnicast()`
    IpIsGlobalUnicast = 258, 1..=1;
    /// `x.isLinkLocalMulticast()`
    IpIsLinkLocalMulticast = 259, 1..=1;
    /// `x.isLinkLocalUnicast()`
    IpIsLinkLocalUnicast = 260, 1..=1;
    /// `cidr.containsIP(x)`: an address or its text.
    CidrContainsIp = 261, 2..=2;
    /// `cidr.containsCIDR(x)`: a CIDR or its text.
    CidrContainsCidr = 262, 2..=2;
    /// `cidr.prefixLength()`
    CidrPrefixLength = 263, 1..=1;
    /// `cidr.masked()`
    CidrMasked = 264, 1..=1;
    /// `cidr.ip()`
    CidrIp = 265, 1..=1;
}
