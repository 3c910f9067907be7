//! Evaluation, by walking the arena.

use std::borrow::Cow;

use countersign_proto::policy::v1::Attribute;

use super::{Call, EvalError, List, Members, Node, Op, Program, Value};
use crate::limits::MAX_EXPRESSION_DEPTH;
use crate::revision::{Settings, Verdict};
use crate::session::SessionSource;
use crate::{Request, parse_address};

/// What the signals made of the request.
#[derive(Clone, Debug)]
pub(crate) struct EvaluatedScore<'a> {
    pub(crate) score: u8,
    pub(crate) reasons: Vec<&'a str>,
    pub(crate) verdict: Verdict,
}

/// Everything a condition can read.
pub(crate) struct Context<'a> {
    pub(crate) program: &'a Program,
    pub(crate) settings: &'a Settings,
    pub(crate) request: &'a Request<'a>,
    pub(crate) session: &'a dyn SessionSource,
    pub(crate) score: &'a EvaluatedScore<'a>,
}

impl<'a> Context<'a> {
    /// Evaluates a condition. A value that is no `bool` cannot come out of a loaded revision that our
    /// compiler made; from another one it is an error like any other.
    pub(crate) fn holds(&self, node: usize) -> Result<bool, EvalError> {
        self.truth(node, 0)
    }

    /// The value of an attribute, for the event that explains the decision.
    pub(crate) fn attribute(&self, attribute: Attribute) -> Result<Value<'a>, EvalError> {
        let request = self.request;
        let connection = request.connection();
        let text = |bytes: &'a [u8]| Value::String(String::from_utf8_lossy(bytes));
        let owned = |text: String| Value::String(Cow::Owned(text));
        Ok(match attribute {
            Attribute::Unspecified => return Err(EvalError::NoSuchOverload),
            Attribute::RequestMethod => {
                owned(String::from_utf8_lossy(request.method()).to_ascii_uppercase())
            }
            Attribute::RequestPath => text(request.target()),
            Attribute::RequestUrlPath => text(request.path()),
            Attribute::RequestHost => match request.authority() {
                Some(authority) => owned(authority.to_string()),
                None => return Err(EvalError::NotAvailable),
            },
            Attribute::RequestScheme => Value::String(Cow::Borrowed(request.scheme().word())),
            Attribute::RequestQuery => text(request.query()),
            Attribute::RequestHeaders => Value::Headers,
            Attribute::RequestSize => Value::Int(
                request
                    .header("content-length")
                    .and_then(|value| std::str::from_utf8(value).ok()?.parse().ok())
                    .unwrap_or(0),
            ),
            Attribute::SourceAddress => {
                owned(request.client().ok_or(EvalError::NotAvailable)?.to_string())
            }
            Attribute::SourcePort => {
                Value::Int(request.client_port().ok_or(EvalError::NotAvailable)?.into())
            }
            Attribute::ConnectionRequestedServerName => {
                text(connection.server_name.unwrap_or_default())
            }
            Attribute::ConnectionTlsVersion => text(connection.tls_version.unwrap_or_default()),
            Attribute::ConnectionMtls => Value::Bool(connection.mtls),
            Attribute::Score => Value::Int(self.score.score.into()),
            Attribute::Reasons => Value::Items(
                self.score
                    .reasons
                    .iter()
                    .map(|&reason| Value::String(Cow::Borrowed(reason)))
                    .collect(),
            ),
            Attribute::Verdict => Value::String(Cow::Borrowed(self.score.verdict.word())),
            Attribute::SessionAssurance => Value::Int(self.session.session().assurance().grade()),
            Attribute::SessionAge => {
                let session = self
                    .session
                    .session()
                    .valid()
                    .ok_or(EvalError::NotAvailable)?;
                Value::Duration(session.age_s(request.now()).saturating_mul(1_000_000_000))
            }
            Attribute::SessionValid => Value::Bool(self.session.session().valid().is_some()),
            Attribute::DeviceId => {
                let session = self
                    .session
                    .session()
                    .valid()
                    .ok_or(EvalError::NotAvailable)?;
                Value::String(Cow::Borrowed(&session.device))
            }
            Attribute::TlsJa4 => text(connection.ja4.ok_or(EvalError::NotAvailable)?),
            Attribute::GeoCountry => Value::String(self.hop_header(&self.settings.country_header)?),
            Attribute::GeoAsn => {
                let text = self.hop_header(&self.settings.asn_header)?;
                let digits = text.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
                Value::Int(digits.parse().map_err(|_| EvalError::NotAvailable)?)
            }
            Attribute::Now => Value::Timestamp(request.now().as_nanos()),
        })
    }

    /// A header that only a trusted hop may set.
    fn hop_header(&self, name: &str) -> Result<Cow<'a, str>, EvalError> {
        if name.is_empty() || !self.request.from_trusted_hop() {
            return Err(EvalError::NotAvailable);
        }
        self.request
            .header(name)
            .map(String::from_utf8_lossy)
            .ok_or(EvalError::NotAvailable)
    }

    fn value(&self, index: usize, depth: u32) -> Result<Value<'a>, EvalError> {
        if depth > MAX_EXPRESSION_DEPTH {
            return Err(EvalError::TooDeep);
        }
        let node = self
            .program
            .nodes
            .get(index)
            .ok_or(EvalError::NoSuchOverload)?;
        match node {
            Node::Null => Ok(Value::Null),
            Node::Bool(value) => Ok(Value::Bool(*value)),
            Node::Int(value) => Ok(Value::Int(*value)),
            Node::Uint(value) => Ok(Value::Uint(*value)),
            Node::Double(value) => Ok(Value::Double(*value)),
            Node::String(value) => Ok(Value::String(Cow::Borrowed(value))),
            Node::Bytes(value) => Ok(Value::Bytes(value)),
            Node::Timestamp(value) => Ok(Value::Timestamp(*value)),
            Node::Duration(value) => Ok(Value::Duration(*value)),
            Node::Attribute(attribute) => self.attribute(*attribute),
            Node::List(list) => self
                .program
                .lists
                .get(*list)
                .map(Value::Named)
                .ok_or(EvalError::NoSuchOverload),
            Node::Call(call) => self.call(call, depth + 1),
        }
    }

    fn truth(&self, index: usize, depth: u32) -> Result<bool, EvalError> {
        match self.value(index, depth)? {
            Value::Bool(value) => Ok(value),
            _ => Err(EvalError::NoSuchOverload),
        }
    }

    fn text(&self, index: usize, depth: u32) -> Result<Cow<'a, str>, EvalError> {
        match self.value(index, depth)? {
            Value::String(text) => Ok(text),
            _ => Err(EvalError::NoSuchOverload),
        }
    }

    fn call(&self, call: &'a Call, depth: u32) -> Result<Value<'a>, EvalError> {
        let argument = |position: usize| {
            call.args
                .get(position)
                .copied()
                .ok_or(EvalError::NoSuchOverload)
        };
        let pair = || Ok::<_, EvalError>((argument(0)?, argument(1)?));
        let both = || {
            let (a, b) = pair()?;
            Ok::<_, EvalError>((self.value(a, depth)?, self.value(b, depth)?))
        };
        let texts = || {
            let (a, b) = pair()?;
            Ok::<_, EvalError>((self.text(a, depth)?, self.text(b, depth)?))
        };
        let order = || {
            let (a, b) = both()?;
            a.order(&b)
        };
        Ok(Value::Bool(match call.op {
            Op::Not => !self.truth(argument(0)?, depth)?,
            Op::And => return self.absorbing(&call.args, depth, false),
            Op::Or => return self.absorbing(&call.args, depth, true),
            Op::Eq => both().map(|(a, b)| a.equals(&b))?,
            Op::Ne => both().map(|(a, b)| !a.equals(&b))?,
            Op::Lt => order()?.is_some_and(std::cmp::Ordering::is_lt),
            Op::Le => order()?.is_some_and(std::cmp::Ordering::is_le),
            Op::Gt => order()?.is_some_and(std::cmp::Ordering::is_gt),
            Op::Ge => order()?.is_some_and(std::cmp::Ordering::is_ge),
            Op::In => {
                let (needle, haystack) = both()?;
                self.is_in(&needle, &haystack)?
            }
            Op::InCidrs => {
                let (text, list) = pair()?;
                let text = self.text(text, depth)?;
                let (address, _) = parse_address(&text).ok_or(EvalError::NotAnAddress)?;
                match self.value(list, depth)? {
                    Value::Named(List {
                        members: Members::Cidrs(cidrs),
                    }) => cidrs.contains(address),
                    _ => return Err(EvalError::NoSuchOverload),
                }
            }
            Op::StartsWith => texts().map(|(text, part)| text.starts_with(part.as_ref()))?,
            Op::EndsWith => texts().map(|(text, part)| text.ends_with(part.as_ref()))?,
            Op::Contains => texts().map(|(text, part)| text.contains(part.as_ref()))?,
            Op::Matches => self.matches(&self.text(argument(0)?, depth)?, call.automaton)?,
            Op::Index => {
                let (map, key) = pair()?;
                let key = self.header_key(map, key, depth)?;
                let value = self.request.header_text(&key).ok_or(EvalError::NoSuchKey)?;
                return Ok(Value::String(value));
            }
            Op::Has => {
                let (map, key) = pair()?;
                let key = self.header_key(map, key, depth)?;
                self.request.header(&key).is_some()
            }
            Op::List => {
                let items: Result<Vec<_>, _> = call
                    .args
                    .iter()
                    .map(|&item| self.value(item, depth))
                    .collect();
                return Ok(Value::Items(items?));
            }
            Op::Negate => {
                return match self.value(argument(0)?, depth)? {
                    Value::Int(int) => int.checked_neg().map(Value::Int).ok_or(EvalError::Overflow),
                    Value::Double(double) => Ok(Value::Double(-double)),
                    _ => Err(EvalError::NoSuchOverload),
                };
            }
        }))
    }

    /// `&&` and `||` (CEL section "Logical Operators"): a deciding operand decides, whatever its
    /// siblings failed with; without one, an error is an error.
    fn absorbing(
        &self,
        args: &[usize],
        depth: u32,
        deciding: bool,
    ) -> Result<Value<'a>, EvalError> {
        let mut failed = None;
        for &argument in args {
            match self.truth(argument, depth) {
                Ok(value) if value == deciding => return Ok(Value::Bool(deciding)),
                Ok(_) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(Value::Bool(!deciding)), Err)
    }

    fn header_key(&self, map: usize, key: usize, depth: u32) -> Result<Cow<'a, str>, EvalError> {
        match self.value(map, depth)? {
            Value::Headers => self.text(key, depth),
            _ => Err(EvalError::NoSuchOverload),
        }
    }

    fn is_in(&self, needle: &Value<'a>, haystack: &Value<'a>) -> Result<bool, EvalError> {
        match (haystack, needle) {
            (Value::Items(items), _) => Ok(items.iter().any(|item| item.equals(needle))),
            (Value::Headers, Value::String(name)) => Ok(self.request.header(name).is_some()),
            (Value::Named(list), _) => match (&list.members, needle) {
                (Members::Strings(strings), Value::String(text)) => Ok(strings
                    .binary_search_by(|known| known.as_str().cmp(text))
                    .is_ok()),
                (Members::Numbers(numbers), Value::Int(number)) => {
                    Ok(numbers.binary_search(number).is_ok())
                }
                (Members::Strings(_) | Members::Numbers(_), _) => Ok(false),
                (Members::Cidrs(_), _) => Err(EvalError::NoSuchOverload),
            },
            _ => Err(EvalError::NoSuchOverload),
        }
    }

    fn matches(&self, text: &str, automaton: usize) -> Result<bool, EvalError> {
        use regex_automata::dfa::Automaton as _;
        let dfa = self
            .program
            .automata
            .get(automaton)
            .ok_or(EvalError::NoSuchOverload)?;
        let input = regex_automata::Input::new(text).earliest(true);
        let found = dfa
            .try_search_fwd(&input)
            .map_err(|_| EvalError::PatternGaveUp)?;
        Ok(found.is_some())
    }
}
