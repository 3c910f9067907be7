//! Discovery as thin as a load generator needs it: the resource itself is not looked into, since
//! what the bench measures is the control plane and not five thousand decoders beside it.

/// `envoy.config.core.v3.Node`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Node {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) cluster: String,
}

/// `envoy.service.discovery.v3.DeltaDiscoveryRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Request {
    #[prost(message, optional, tag = "1")]
    pub(crate) node: Option<Node>,
    #[prost(string, tag = "2")]
    pub(crate) type_url: String,
    #[prost(string, repeated, tag = "3")]
    pub(crate) subscribe: Vec<String>,
    #[prost(string, tag = "6")]
    pub(crate) response_nonce: String,
}

/// `envoy.service.discovery.v3.DeltaDiscoveryResponse` with its one resource unread.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Response {
    #[prost(string, tag = "1")]
    pub(crate) version: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) resource: prost::bytes::Bytes,
    #[prost(string, tag = "5")]
    pub(crate) nonce: String,
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::envoy::service::discovery::v3 as envoy;
    use prost::Message as _;

    use super::*;

    #[test]
    fn the_thin_messages_are_those_of_envoy() {
        let request = Request {
            node: Some(Node {
                id: "n".into(),
                cluster: "c".into(),
            }),
            type_url: "t".into(),
            subscribe: vec!["countersign".into()],
            response_nonce: "1".into(),
        };
        let read =
            envoy::DeltaDiscoveryRequest::decode(request.encode_to_vec().as_slice()).unwrap();
        let node = read.node.unwrap();
        assert_eq!((node.id.as_str(), node.cluster.as_str()), ("n", "c"));
        assert_eq!(read.type_url, "t");
        assert_eq!(read.resource_names_subscribe, ["countersign"]);
        assert_eq!(read.response_nonce, "1");

        let resource = envoy::Resource {
            name: "countersign".into(),
            ..envoy::Resource::default()
        };
        let response = envoy::DeltaDiscoveryResponse {
            system_version_info: "v".into(),
            resources: vec![resource.clone()],
            nonce: "2".into(),
            ..envoy::DeltaDiscoveryResponse::default()
        };
        let thin = Response::decode(response.encode_to_vec().as_slice()).unwrap();
        assert_eq!((thin.version.as_str(), thin.nonce.as_str()), ("v", "2"));
        assert_eq!(thin.resource, resource.encode_to_vec());
    }
}
