use std::collections::VecDeque;

use envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryRequest;

use super::*;
use crate::limits;

/// A body of these pieces.
struct Pieces(VecDeque<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

fn requests(bytes: &[u8], piece: usize) -> Requests<DeltaDiscoveryRequest> {
    let pieces = bytes.chunks(piece).map(Bytes::copy_from_slice).collect();
    Requests::new(
        Body::new(Pieces(pieces)),
        limits::MAX_DISCOVERY_MESSAGE_BYTES,
    )
}

fn request(nonce: &str) -> DeltaDiscoveryRequest {
    DeltaDiscoveryRequest {
        response_nonce: nonce.to_owned(),
        ..DeltaDiscoveryRequest::default()
    }
}

fn framed(message: &DeltaDiscoveryRequest) -> Vec<u8> {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0][..], &length, &message].concat()
}

#[tokio::test]
async fn messages_are_read_however_they_are_cut() {
    let all = [
        framed(&request("1")),
        framed(&request("")),
        framed(&request("3")),
    ];
    let all = all.concat();
    for piece in 1..=all.len() {
        let mut requests = requests(&all, piece);
        for nonce in ["1", "", "3"] {
            assert_eq!(
                requests.next().await.unwrap().unwrap(),
                request(nonce),
                "{piece}"
            );
        }
        assert!(requests.next().await.is_none());
    }
}

#[tokio::test]
async fn nothing_is_kept_between_two_messages() {
    let mut requests = requests(&framed(&request(&"x".repeat(50_000))), 16_384);
    assert!(requests.next().await.unwrap().is_ok());
    assert_eq!(requests.unread.capacity(), 0);
}

#[tokio::test]
async fn what_is_cut_off_compressed_too_long_or_nonsense_ends_the_stream_with_the_reason() {
    let whole = framed(&request("1"));
    let cut = requests(&whole[..whole.len() - 1], 64).next().await;
    assert_eq!(cut.unwrap().unwrap_err().code(), Code::Internal);

    let mut compressed = whole.clone();
    compressed[0] = 1;
    let compressed = requests(&compressed, 64).next().await;
    assert_eq!(compressed.unwrap().unwrap_err().code(), Code::Unimplemented);

    let nonsense = requests(&[0, 0, 0, 0, 1, 0xff], 64).next().await;
    assert_eq!(nonsense.unwrap().unwrap_err().code(), Code::Internal);
}

#[tokio::test]
async fn a_message_of_the_largest_size_is_read_and_one_past_it_is_not() {
    let most = limits::MAX_DISCOVERY_MESSAGE_BYTES;
    let besides = request(&"x".repeat(most)).encoded_len() - most;
    let largest = request(&"x".repeat(most - besides));
    assert_eq!(largest.encoded_len(), most);
    let read = requests(&framed(&largest), 16_384).next().await;
    assert_eq!(read.unwrap().unwrap(), largest);

    let larger = request(&"x".repeat(most - besides + 1));
    let read = requests(&framed(&larger), 16_384).next().await;
    assert_eq!(read.unwrap().unwrap_err().code(), Code::OutOfRange);
}

#[tokio::test]
async fn a_stream_sends_head_and_resource_and_ends_with_its_status() {
    let (sender, answer) = responses();
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/grpc");
    let mut body = answer.into_body();
    let response = Response {
        head: Bytes::from_static(b"head"),
        resource: Bytes::from_static(b"resource"),
    };
    sender.send(Ok(response)).await.unwrap();
    let mut next =
        async || std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
    let mut data = Vec::new();
    for _ in 0..2 {
        data.push(next().await.unwrap().unwrap().into_data().unwrap());
    }
    assert_eq!(data, ["head", "resource"]);
    sender
        .send(Err(Status::cancelled("the node is gone")))
        .await
        .unwrap();
    let trailers = next().await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(trailers["grpc-status"], "1");
    assert!(next().await.is_none());
}
