//! State-of-the-world: each request repeats what is subscribed; only the first one and a change are
//! news.

use std::collections::{BTreeMap, BTreeSet};

use envoy_types::pb::envoy::service::discovery::v3::{DiscoveryRequest, DiscoveryResponse};
use prost::bytes::Bytes;

use super::{About, Dialect, Said, is_ours};
use crate::grpc::wire::Response;
use crate::xds::{ClientRequest, Push, TYPE_URL, WILDCARD};

/// `DiscoveryResponse.resources`.
const RESOURCES: u32 = 2;

/// The dialect of one stream.
#[derive(Default)]
pub(in crate::grpc) struct StateOfTheWorld {
    /// What the last request named; none = there was none.
    names: Option<BTreeSet<String>>,
}

impl Dialect for StateOfTheWorld {
    type Request = DiscoveryRequest;

    const TELLS_ABSENCE: bool = false;

    fn read(&mut self, request: DiscoveryRequest) -> Said {
        if !is_ours(&request.type_url) {
            return Said {
                node: request.node,
                about: About::Other(request.type_url),
            };
        }
        let mut names: BTreeSet<String> = request.resource_names.into_iter().collect();
        // A stream that never named anything wants whatever there is.
        let wildcard = self
            .names
            .as_ref()
            .is_none_or(|before| before.len() == 1 && before.contains(WILDCARD));
        if names.is_empty() && wildcard {
            names.insert(WILDCARD.to_owned());
        }
        let before = self.names.take().unwrap_or_default();
        // One version for everything: of several names it does not tell which of them it is of.
        let first = request.response_nonce.is_empty() && !request.version_info.is_empty();
        let mut holds = BTreeMap::new();
        if let Some(name) = names.first().filter(|_| first && names.len() == 1) {
            holds.insert(name.clone(), request.version_info);
        }
        let about = About::Ours(ClientRequest {
            subscribes: names.difference(&before).cloned().collect(),
            unsubscribes: before.difference(&names).cloned().collect(),
            holds,
            nonce: request.response_nonce,
            refusal: request.error_detail.map(|error| error.message),
        });
        self.names = Some(names);
        Said {
            node: request.node,
            about,
        }
    }

    fn write(&self, push: &Push, resource: Option<Bytes>) -> Response {
        let version = push.version.as_ref().map(ToString::to_string);
        let response = DiscoveryResponse {
            version_info: version.unwrap_or_default(),
            type_url: TYPE_URL.to_owned(),
            nonce: push.nonce.clone(),
            ..DiscoveryResponse::default()
        };
        match resource {
            Some(resource) => Response::ending(&response, &[(RESOURCES, &())], resource),
            None => Response::without_resource(&response),
        }
    }
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::google::protobuf::Any;
    use prost::Message as _;

    use super::*;

    #[test]
    fn what_is_written_in_parts_is_what_the_message_says() {
        let any = Any {
            type_url: TYPE_URL.to_owned(),
            value: vec![7; 200],
        };
        let push = Push {
            resource: "countersign".into(),
            version: Some("3-0123456789ab.9".parse().unwrap()),
            nonce: "countersign-1".into(),
        };
        let encoded = Bytes::from(any.encode_to_vec());
        let written = StateOfTheWorld::default().write(&push, Some(encoded));
        let message = DiscoveryResponse {
            version_info: "3-0123456789ab.9".to_owned(),
            resources: vec![any],
            type_url: TYPE_URL.to_owned(),
            nonce: push.nonce,
            ..DiscoveryResponse::default()
        };
        assert_eq!(written.decoded::<DiscoveryResponse>(), message);
    }

    fn request(names: &[&str], version: &str, nonce: &str) -> DiscoveryRequest {
        DiscoveryRequest {
            resource_names: names.iter().map(|&name| name.to_owned()).collect(),
            version_info: version.to_owned(),
            response_nonce: nonce.to_owned(),
            ..DiscoveryRequest::default()
        }
    }

    fn read(dialect: &mut StateOfTheWorld, request: DiscoveryRequest) -> ClientRequest {
        match dialect.read(request).about {
            About::Ours(request) => request,
            About::Other(other) => panic!("{other}"),
        }
    }

    #[test]
    fn it_repeats_its_subscription_without_asking_again() {
        let mut dialect = StateOfTheWorld::default();
        let first = read(&mut dialect, request(&["a"], "1-a.1", ""));
        assert_eq!(first.subscribes, ["a"]);
        assert_eq!(first.holds.get("a").map(String::as_str), Some("1-a.1"));
        let ack = read(&mut dialect, request(&["a"], "1-a.1", "n"));
        assert!(ack.subscribes.is_empty() && ack.unsubscribes.is_empty());
        assert!(ack.holds.is_empty());
        let more = read(&mut dialect, request(&["a", "b"], "1-a.1", "n"));
        assert_eq!(more.subscribes, ["b"]);
        let less = read(&mut dialect, request(&["b"], "1-a.1", "n"));
        assert_eq!(less.unsubscribes, ["a"]);
        let none = read(&mut dialect, request(&[], "1-a.1", "n"));
        assert_eq!(none.unsubscribes, ["b"]);
    }

    #[test]
    fn of_several_resources_nobody_knows_which_one_the_version_is_of() {
        let mut dialect = StateOfTheWorld::default();
        let first = read(&mut dialect, request(&["a", "b"], "1-a.1", ""));
        assert_eq!(first.subscribes, ["a", "b"]);
        assert!(first.holds.is_empty());
    }

    #[test]
    fn a_stream_that_never_names_anything_wants_whatever_there_is() {
        let mut dialect = StateOfTheWorld::default();
        assert_eq!(
            read(&mut dialect, request(&[], "", "")).subscribes,
            [WILDCARD]
        );
        let ack = read(&mut dialect, request(&[], "1-a.1", "n"));
        assert!(ack.subscribes.is_empty() && ack.unsubscribes.is_empty());
    }

    #[test]
    fn another_type_is_told_apart() {
        let clusters = DiscoveryRequest {
            type_url: "type.googleapis.com/envoy.config.cluster.v3.Cluster".into(),
            ..request(&["a"], "", "")
        };
        let said = StateOfTheWorld::default().read(clusters);
        assert!(matches!(said.about, About::Other(_)));
    }
}
