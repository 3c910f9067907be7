//! What was probably meant where the text is no CEL.

use super::lexer::{Kind, Token, name_length};
use crate::cel::problem::{Problem, Span};
use crate::diagnostic::quoted;

/// Words that are kept for languages which embed CEL; behind a dot they are names like any other.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

pub(super) fn reserved(name: &str, span: Span) -> Problem {
    Problem::parse(span, format!("{} is a reserved word of CEL", quoted(name)))
}

/// What begins no token.
pub(super) fn no_token(rest: &str, at: usize) -> Problem {
    let first = rest.chars().next().unwrap_or(' ');
    let span = Span::new(at, at + first.len_utf8());
    let shown = quoted(&first.to_string());
    match first {
        '=' => Problem::parse(span, "`=` compares nothing").label("did you mean `==`?"),
        '&' => Problem::parse(span, "`&` joins nothing").label("did you mean `&&`?"),
        '|' => Problem::parse(span, "`|` joins nothing").label("did you mean `||`?"),
        '“' | '”' | '„' | '‘' | '’' | '«' | '»' => {
            Problem::parse(span, format!("{shown} is no quotation mark of CEL"))
                .label("did you mean `\"`?")
        }
        _ if first.is_whitespace() => Problem::parse(
            span,
            format!("the space U+{:04X} is none of CEL's", u32::from(first)),
        )
        .label("write a plain space"),
        '–' | '—' | '−' => {
            Problem::parse(span, format!("unexpected {shown}")).label("did you mean `-`?")
        }
        '#' => Problem::parse(span, "unexpected `#`").label("a comment begins with `//`"),
        ';' => Problem::parse(span, "unexpected `;`")
            .help("an expression is one line of thought: join conditions with `&&` or `||`"),
        _ => Problem::parse(span, format!("unexpected {shown}")),
    }
}

/// A token that does not fit. `before` is what stands left of it.
pub(super) fn unexpected(text: &str, token: Token, before: Option<Token>) -> Problem {
    let word = token.span.of(text);
    let previous = before.map(|before| before.span.of(text));
    if token.kind == Kind::End {
        return Problem::parse(token.span, "the expression ends here")
            .label("something is missing");
    }
    let problem = Problem::parse(token.span, format!("unexpected {}", quoted(word)));
    let ends_operand = before.is_some_and(|before| {
        matches!(
            before.kind,
            Kind::Name
                | Kind::Quoted
                | Kind::Number
                | Kind::Text
                | Kind::True
                | Kind::False
                | Kind::Null
                | Kind::CloseParen
                | Kind::CloseBracket
                | Kind::CloseBrace
        )
    });
    let adjoins = before.is_some_and(|before| before.span.end == token.span.start);
    match (token.kind, word) {
        (Kind::Name, "and" | "AND") if ends_operand => problem.label("did you mean `&&`?"),
        (Kind::Name, "or" | "OR") if ends_operand => problem.label("did you mean `||`?"),
        (Kind::Name, "is") if ends_operand => problem.label("did you mean `==`?"),
        (Kind::Name, "not") if ends_operand => problem
            .label("did you mean `!`?")
            .help("it stands before what it negates: `!(x in list)`"),
        _ if matches!(previous, Some("not" | "NOT")) => before.map_or(problem, |before| {
            Problem::parse(
                before.span,
                format!("unexpected {}", quoted(before.span.of(text))),
            )
            .label("did you mean `!`?")
        }),
        (Kind::Name, _) if adjoins && before.is_some_and(|before| before.kind == Kind::Number) => {
            let number = before.map_or(token.span, |before| before.span.to(token.span));
            Problem::parse(number, format!("{} is no number", quoted(number.of(text))))
                .help("a name does not begin with a digit")
        }
        (
            Kind::Name
            | Kind::Quoted
            | Kind::Text
            | Kind::Number
            | Kind::True
            | Kind::False
            | Kind::Null,
            _,
        ) if ends_operand => problem.label("an operator is missing before this"),
        (Kind::Quoted, _) => {
            problem.help("backticks quote a field behind a dot: `` request.headers.`user-agent` ``")
        }
        (Kind::OpenBrace, _) => problem.help("`{…}` is a map, or the fields of a named type"),
        _ => problem,
    }
}

/// A word that stands where a field's name is wanted.
pub(super) fn no_field(text: &str, token: Token) -> Problem {
    let word = token.span.of(text);
    if token.kind == Kind::End {
        return Problem::parse(token.span, "the expression ends here").label("a name is missing");
    }
    let problem = Problem::parse(
        token.span,
        format!("a name is expected, and this is {}", quoted(word)),
    );
    if name_length(word) == word.len() && !word.is_empty() {
        return problem.help(format!(
            "write it in backticks or in brackets: `[\"{word}\"]`"
        ));
    }
    match token.kind {
        Kind::Text => problem.help("write `x[\"…\"]`"),
        _ => problem,
    }
}
