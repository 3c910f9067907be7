//! Bodies that clients send.

use std::fmt;
use std::marker::PhantomData;

use axum::Json;
use axum::extract::{FromRequest, Request};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};

use super::problem::Problem;

/// A JSON object (RFC 8259, section 4). An array of its values in their order, which serde takes for one as
/// well, is refused as every other fault is.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<S, T> FromRequest<S> for Body<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        match Json::<Object<T>>::from_request(request, state).await {
            Ok(Json(Object(read))) => Ok(Self(read)),
            Err(fault) => Err(Problem::new(fault.status(), fault.body_text())),
        }
    }
}

struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData))
    }
}

struct Members<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
    type Value = Object<T>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, members: M) -> Result<Self::Value, M::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::from_str;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        name: String,
    }

    fn read(text: &str) -> Result<Named, String> {
        let read = from_str::<Object<Named>>(text);
        read.map(|Object(named)| named)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_object_is_read_and_nothing_else_is() {
        let ann = Named { name: "ann".into() };
        assert_eq!(read(r#"{"name":"ann"}"#), Ok(ann));
        for (text, told) in [
            (r#"["ann"]"#, "invalid type: sequence, expected an object"),
            (r#""ann""#, "expected an object"),
            ("null", "invalid type: null, expected an object"),
            (r#"{"name":"a","name":"b"}"#, "duplicate field `name`"),
            (r#"{"name":"a","nome":"b"}"#, "unknown field `nome`"),
            ("{}", "missing field `name`"),
        ] {
            let fault = read(text).unwrap_err();
            assert!(fault.contains(told), "{text}: {fault}");
        }
    }
}
