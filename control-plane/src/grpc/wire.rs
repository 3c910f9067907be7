//! The streams that every node has, as bytes. Thousands of nodes are sent the same resource: every
//! stream's message refers to the same bytes of it, where an encoder would copy them for each. And
//! thousands of streams are idle: none keeps a buffer between two messages.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body as _, Frame};
use prost::Message;
use prost::bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use tokio::sync::mpsc;
use tonic::body::Body;
use tonic::codegen::http::{self, HeaderMap, HeaderValue, header};
use tonic::{Code, Status};

/// Of gRPC: whether it is compressed, and its length.
const FRAME_BYTES: usize = 5;

/// A response, with the bytes of the resource at its end. Fields of a message may stand in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    head: Bytes,
    resource: Bytes,
}

impl Response {
    /// Without a resource.
    pub(super) fn without_resource(response: &impl Message) -> Self {
        Self::ending(response, &[], Bytes::new())
    }

    /// `response` has everything but the resource, which is the value of the innermost of the fields
    /// `within`. Each of them, the outermost first, is a message that begins with what it says besides.
    pub(super) fn ending(
        response: &impl Message,
        within: &[(u32, &dyn Encoded)],
        resource: Bytes,
    ) -> Self {
        // From the inside, since an outer length counts everything in it.
        let mut lengths = Vec::with_capacity(within.len());
        let mut length = resource.len();
        for (tag, besides) in within.iter().rev() {
            length = length.saturating_add(besides.len());
            lengths.push(length);
            let prefix = key_len(*tag).saturating_add(encoded_len_varint(length as u64));
            length = length.saturating_add(prefix);
        }
        let length = length.saturating_add(response.encoded_len());
        let mut head = BytesMut::with_capacity(FRAME_BYTES + (length - resource.len()));
        head.put_u8(0);
        // A resource is bounded far below four gigabytes.
        head.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
        head.put_slice(&response.encode_to_vec());
        for ((tag, besides), length) in within.iter().zip(lengths.iter().rev()) {
            encode_key(*tag, WireType::LengthDelimited, &mut head);
            encode_varint(*length as u64, &mut head);
            besides.put(&mut head);
        }
        Self {
            head: head.freeze(),
            resource,
        }
    }

    #[cfg(test)]
    pub(super) fn decoded<M: Message + Default>(&self) -> M {
        let mut all = self.head.to_vec();
        all.extend(&self.resource);
        let (frame, message) = all.split_at(FRAME_BYTES);
        let length = u32::try_from(message.len()).unwrap();
        assert_eq!(frame, [&[0][..], &length.to_be_bytes()].concat());
        M::decode(message).unwrap()
    }
}

/// Something that can be written.
pub(super) trait Encoded {
    fn len(&self) -> usize;
    fn put(&self, to: &mut BytesMut);
}

impl<M: Message> Encoded for M {
    fn len(&self) -> usize {
        self.encoded_len()
    }

    fn put(&self, to: &mut BytesMut) {
        to.put_slice(&self.encode_to_vec());
    }
}

/// What a node sends, message by message.
pub(super) struct Requests<T> {
    body: Body,
    /// Bytes of a message.
    most: usize,
    unread: BytesMut,
    of: PhantomData<fn() -> T>,
}

impl<T: Message + Default> Requests<T> {
    /// Messages of at most so many bytes.
    pub(super) fn new(body: Body, most: usize) -> Self {
        Self {
            body,
            most,
            unread: BytesMut::new(),
            of: PhantomData,
        }
    }

    /// The next message; none = the node has nothing more to say. Nothing is lost when the wait is given up.
    pub(super) async fn next(&mut self) -> Option<Result<T, Status>> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T, Status>>> {
        loop {
            if let Some(message) = self.take().transpose() {
                return Poll::Ready(Some(message));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                None if self.unread.is_empty() => return Poll::Ready(None),
                None => {
                    let status = Status::internal("the stream ended within a message");
                    return Poll::Ready(Some(Err(status)));
                }
                Some(Err(status)) => return Poll::Ready(Some(Err(status))),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.unread.put_slice(&data);
                    }
                }
            }
        }
    }

    fn take(&mut self) -> Result<Option<T>, Status> {
        let Some((&[compressed, a, b, c, d], rest)) = self.unread.split_first_chunk() else {
            return Ok(None);
        };
        if compressed != 0 {
            return Err(Status::unimplemented("compressed messages are not read"));
        }
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        let most = self.most;
        if length > most {
            return Err(Status::out_of_range(format!(
                "a message of {length} bytes; at most {most} are read"
            )));
        }
        let Some(message) = rest.get(..length) else {
            return Ok(None);
        };
        let message = T::decode(message).map_err(|error| Status::internal(error.to_string()))?;
        self.unread.advance(FRAME_BYTES.saturating_add(length));
        if self.unread.is_empty() {
            // A node's first request has some fifty kilobytes, what follows some hundred bytes.
            self.unread = BytesMut::new();
        }
        Ok(Some(message))
    }
}

/// Where a stream's responses go; room for one: what is published while a node is slow stays one
/// revision, the newest.
pub(super) type Responses = mpsc::Sender<Result<Response, Status>>;

/// The body of the answer to a stream, and what is put into it.
pub(super) fn responses() -> (Responses, http::Response<Body>) {
    let (sender, waiting) = mpsc::channel(1);
    let body = Body::new(Answers {
        waiting,
        resource: Bytes::new(),
        ended: false,
    });
    let mut answer = http::Response::new(body);
    let grpc = HeaderValue::from_static("application/grpc");
    answer.headers_mut().insert(header::CONTENT_TYPE, grpc);
    (sender, answer)
}

struct Answers {
    waiting: mpsc::Receiver<Result<Response, Status>>,
    /// Of the response that is being sent.
    resource: Bytes,
    ended: bool,
}

impl http_body::Body for Answers {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if !self.resource.is_empty() {
            let resource = std::mem::take(&mut self.resource);
            return Poll::Ready(Some(Ok(Frame::data(resource))));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let status = match ready!(self.waiting.poll_recv(context)) {
            Some(Ok(response)) => {
                self.resource = response.resource;
                return Poll::Ready(Some(Ok(Frame::data(response.head))));
            }
            Some(Err(status)) => status,
            None => Status::new(Code::Ok, ""),
        };
        self.ended = true;
        let mut trailers = HeaderMap::new();
        let added = status.add_header(&mut trailers);
        Poll::Ready(Some(added.map(|()| Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.resource.is_empty()
    }
}

#[cfg(test)]
mod tests;
