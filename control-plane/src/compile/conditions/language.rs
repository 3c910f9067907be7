//! The language of conditions for who writes them: names, types, and what they mean.

use countersign_engine::Attribute;

use super::environment;
use crate::cel::functions::signatures;
use crate::compile::lists::Lists;
use crate::resource::{Document, Resource};

/// What a condition may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// As it is written: `request.host`, `lists.offices`.
    pub name: String,
    /// As a finding would name it: `string`, `map(string, string)`.
    pub ty: String,
    /// What it is, in a sentence.
    pub doc: String,
    /// Why it may not be there, if it may not.
    pub absent: Option<&'static str>,
}

/// A function of conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// As it is called.
    pub name: &'static str,
    /// `string.(string) -> bool` on a receiver, `(string) -> int` without.
    pub overloads: Vec<String>,
}

/// All that a condition can be written with, among these documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language {
    /// Attributes of a request, and lists, by name.
    pub names: Vec<Name>,
    /// By name; operators are not among them.
    pub functions: Vec<Function>,
}

/// The language, with the lists of these documents and what their settings have trusted hops tell.
#[must_use]
pub fn language(documents: &[Document]) -> Language {
    let settings = documents
        .iter()
        .find_map(|document| match &document.resource {
            Resource::Settings(settings) => Some(settings),
            _ => None,
        });
    let lists = Lists::of(documents);
    let env = environment::of(&lists, settings);
    let mut names: Vec<_> = env
        .names()
        .filter_map(|name| {
            let variable = env.variable(name)?;
            Some(Name {
                name: name.to_owned(),
                ty: variable.ty.to_string(),
                doc: Attribute::from_name(name)
                    .map_or("a `List` of this set", doc)
                    .to_owned(),
                absent: variable.absent,
            })
        })
        .collect();
    names.sort_by(|one, other| one.name.cmp(&other.name));
    let mut functions: Vec<_> = signatures()
        .map(|(name, overloads)| Function { name, overloads })
        .collect();
    functions.sort_by_key(|function| function.name);
    Language { names, functions }
}

/// What an attribute is, to an author.
const fn doc(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::RequestMethod => "the method, in upper case",
        Attribute::RequestPath => "the target as it was sent, with its query",
        Attribute::RequestUrlPath => {
            "the path in the form that policies are matched with: decoded once, without dot segments"
        }
        Attribute::RequestHost => "the host, in lower case, with its port if there is one",
        Attribute::RequestScheme => "`http` or `https`, as the client spoke it",
        Attribute::RequestQuery => "the query without its `?`",
        Attribute::RequestHeaders => "the headers, by their names in lower case",
        Attribute::RequestSize => "`content-length` in bytes, or 0",
        Attribute::SourceAddress => "the client's address; behind trusted hops the one they name",
        Attribute::SourcePort => "the client's port, where nothing stands between",
        Attribute::ConnectionRequestedServerName => {
            "the server name of the TLS handshake, or empty"
        }
        Attribute::ConnectionTlsVersion => "`TLSv1.3` and the like; empty without TLS",
        Attribute::ConnectionMtls => "did the client show a certificate?",
        Attribute::Score => "0 to 100, high = bot: what signals add up to and a trusted hop said",
        Attribute::Reasons => "the reasons that signals and device rules gave",
        Attribute::Verdict => "`ALLOW`, `CHALLENGE` or `BLOCK`: the strictest of the reasons'",
        Attribute::SessionAssurance => {
            "what the session proves: none < effort < human < possession < uv < uv_bound < uv_attested"
        }
        Attribute::SessionAge => "how long ago the proof was given",
        Attribute::SessionValid => "is there a session that holds?",
        Attribute::SessionBound => {
            "is the session renewed by a key of its device, so that a copied cookie ends within minutes?"
        }
        Attribute::DeviceId => "the device of the session",
        Attribute::TlsJa4 => "the JA4 fingerprint of the TLS handshake",
        Attribute::GeoCountry => "the country, two letters, that a trusted hop names",
        Attribute::GeoAsn => "the number of the autonomous system that a trusted hop names",
        Attribute::Now => "the time of the request",
        Attribute::DeviceVisitorId => {
            "the visitor's identifier that a trusted hop names, else the session's device"
        }
        Attribute::DeviceBrowserId => "the browser's identifier that a trusted hop names",
        Attribute::DeviceVisitorFingerprint => "the visitor's fingerprint that a trusted hop names",
        Attribute::DeviceBrowserFingerprint => "the browser's fingerprint that a trusted hop names",
        Attribute::DeviceHardwareFingerprint => {
            "the hardware's fingerprint that a trusted hop names"
        }
        Attribute::DeviceNetworkFingerprint => "the network's fingerprint that a trusted hop names",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::parse_document;

    #[test]
    fn every_attribute_is_told_with_its_type_and_every_list_by_its_name() {
        let text = "apiVersion: countersign.dev/v1\nkind: List\nmetadata: {name: offices}\nspec: {cidrs: [10.0.0.0/8]}\n";
        let list = parse_document(text, "a.yaml", 1).unwrap();
        let language = language(&[list]);
        let find = |name: &str| {
            language
                .names
                .iter()
                .find(|known| known.name == name)
                .unwrap()
        };
        assert_eq!(language.names.len(), Attribute::ALL.len() + 1);
        assert_eq!(find("request.headers").ty, "map(string, string)");
        assert_eq!(find("lists.offices").ty, "`List` of CIDRs");
        assert_eq!(find("session.age").absent, Some("there may be no session"));
        assert!(find("score").absent.is_none());
    }

    #[test]
    fn functions_are_told_as_they_are_called_and_operators_are_not() {
        let language = language(&[]);
        let find = |name: &str| {
            let known = language.functions.iter().find(|known| known.name == name);
            known.map(|function| function.overloads.clone())
        };
        assert_eq!(find("startsWith").unwrap(), ["string.(string) -> bool"]);
        assert_eq!(find("ip").unwrap(), ["(string) -> ip", "cidr.() -> ip"]);
        assert_eq!(find("+"), None);
        let macros = find("exists").unwrap();
        assert_eq!(macros, ["list.exists(x, bool) -> bool"]);
    }
}
