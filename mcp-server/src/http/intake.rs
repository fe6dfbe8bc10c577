//! Reading the body of a request: bounded in bytes, in time, and over all requests together.

use std::error::Error as StdError;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::StatusCode;
use http::header::RETRY_AFTER;
use http_body::Body;
use http_body_util::BodyExt;

use super::refusal::Refusal;

/// Whatever the body of a request can fail with.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Reads the bodies of requests.
#[derive(Debug)]
pub(crate) struct Intake {
    /// Longest time for one body.
    time: Duration,
    /// Most bytes of bodies that are not complete, together.
    most: usize,
    held: AtomicUsize,
}

impl Intake {
    pub(crate) fn new(time: Duration, most: usize) -> Self {
        Self { time, most, held: AtomicUsize::new(0) }
    }

    /// Reads a body.
    ///
    /// # Errors
    /// 413 when it is longer than `limit`, 408 when it takes too long, 503 when too many bytes of
    /// incomplete bodies are held already, 400 when it ends too early.
    pub(crate) async fn read<B>(&self, body: B, limit: usize) -> Result<Bytes, Refusal>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        if body.size_hint().lower() > limit as u64 {
            return Err(too_large(limit));
        }
        let read = tokio::time::timeout(self.time, self.collect(body, limit));
        read.await.unwrap_or_else(|_| {
            Err(Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                "the body came too slowly: send it at once",
            ))
        })
    }

    async fn collect<B>(&self, body: B, limit: usize) -> Result<Bytes, Refusal>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        let mut body = pin!(body);
        let mut whole = Bytes::new();
        let mut parts = BytesMut::new();
        let mut held = Held { intake: self, bytes: 0 };
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| broken(&error.into()))?;
            // Trailers say nothing here.
            let Ok(mut data) = frame.into_data() else { continue };
            let length = data.remaining();
            if length > limit - whole.len() - parts.len() {
                return Err(too_large(limit));
            }
            if whole.is_empty() && parts.is_empty() {
                // Most bodies come in one piece, which is not copied.
                whole = data.copy_to_bytes(length);
                if body.is_end_stream() {
                    return Ok(whole);
                }
                held.add(length)?;
                continue;
            }
            held.add(length)?;
            if parts.is_empty() {
                parts.extend_from_slice(&whole);
                whole = Bytes::new();
            }
            while data.has_remaining() {
                let chunk = data.chunk();
                parts.extend_from_slice(chunk);
                let length = chunk.len();
                data.advance(length);
            }
        }
        Ok(if parts.is_empty() { whole } else { parts.freeze() })
    }
}

/// The bytes of one incomplete body.
struct Held<'a> {
    intake: &'a Intake,
    bytes: usize,
}

impl Held<'_> {
    fn add(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.bytes += bytes;
        let held = self.intake.held.fetch_add(bytes, Ordering::Relaxed);
        if held + bytes <= self.intake.most {
            return Ok(());
        }
        let message = "the server reads too many bodies at a time: try again";
        Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message).with(RETRY_AFTER, "1"))
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.intake.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

fn too_large(limit: usize) -> Refusal {
    let message = format!("the body is longer than {limit} bytes: send a smaller message");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message)
}

fn broken(error: &BoxError) -> Refusal {
    tracing::debug!(target: "mcp::server", %error, "the body of a request ended too early");
    Refusal::bad_request("the body could not be read: send it whole")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::{Empty, Full, StreamBody};

    use super::*;

    fn intake() -> Intake {
        Intake::new(Duration::from_secs(30), 100)
    }

    fn parts(parts: &[&'static str]) -> impl Body<Data = Bytes, Error = Infallible> {
        let frames = parts.iter().map(|part| Ok(Frame::data(Bytes::from_static(part.as_bytes()))));
        StreamBody::new(stream::iter(frames.collect::<Vec<_>>()))
    }

    fn status(read: Result<Bytes, Refusal>) -> Result<Bytes, StatusCode> {
        read.map_err(|refusal| refusal.status())
    }

    #[tokio::test]
    async fn body_is_put_together_within_its_limit() {
        let intake = intake();
        assert_eq!(intake.read(Empty::<Bytes>::new(), 0).await.unwrap(), "");
        assert_eq!(intake.read(Full::new(Bytes::from("12345")), 5).await.unwrap(), "12345");
        assert_eq!(intake.read(parts(&["", "12", "", "345"]), 5).await.unwrap(), "12345");
        let large = Err(StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(status(intake.read(Full::new(Bytes::from("123456")), 5).await), large);
        assert_eq!(status(intake.read(parts(&["12", "3456"]), 5).await), large);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_body_is_given_up() {
        let frames =
            stream::once(std::future::ready(Ok::<_, Infallible>(Frame::data(Bytes::from("1")))));
        let body = StreamBody::new(futures_util::StreamExt::chain(frames, stream::pending()));
        let intake = intake();
        assert_eq!(status(intake.read(body, 5).await), Err(StatusCode::REQUEST_TIMEOUT));
        assert_eq!(intake.held.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn bodies_together_are_bounded() {
        let intake = intake();
        intake.held.store(98, Ordering::Relaxed);
        let read = status(intake.read(parts(&["12", "3"]), 5).await);
        assert_eq!(read, Err(StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(intake.held.load(Ordering::Relaxed), 98);
        assert_eq!(intake.read(Full::new(Bytes::from("12345")), 5).await.unwrap(), "12345");
    }

    #[tokio::test]
    async fn body_that_breaks_off_is_a_bad_request() {
        let frames = [Ok(Frame::data(Bytes::from("1"))), Err("gone")];
        let body = StreamBody::new(stream::iter(frames));
        assert_eq!(status(intake().read(body, 5).await), Err(StatusCode::BAD_REQUEST));
    }
}
