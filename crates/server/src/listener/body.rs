//! Bodies with clocks: of a request, which must keep coming, and of an answer, which must be taken.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::activity::OpenRequest;

/// Why a request body ends early.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError<E: std::error::Error + 'static> {
    /// The client paused too long, or took too long in all.
    #[error("the request body did not arrive in time")]
    TimedOut,
    /// The connection or its framing broke.
    #[error("the request body cannot be read")]
    Read(#[source] E),
}

/// A request body that fails when it does not keep coming.
///
/// Only waiting counts: a handler that reads late is not the client's fault.
pub(super) struct TimedBody<B> {
    inner: B,
    idle: Duration,
    /// End of the whole body's time.
    deadline: Instant,
    waiting_since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
    timed_out: Arc<AtomicBool>,
}

impl<B> TimedBody<B> {
    /// `timed_out` becomes true when the client was too slow.
    pub(super) fn new(inner: B, idle: Duration, total: Duration, timed_out: Arc<AtomicBool>) -> Self {
        Self { inner, idle, deadline: Instant::now() + total, waiting_since: None, alarm: None, timed_out }
    }

    /// Whether the time is up; if not, the task is woken when it is.
    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        let at = self.deadline.min(since + self.idle);
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if alarm.deadline() != at {
            alarm.as_mut().reset(at);
        }
        alarm.as_mut().poll(cx)
    }
}

impl<B> Body for TimedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error + 'static,
{
    type Data = Bytes;
    type Error = BodyError<B::Error>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            self.waiting_since = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Read)));
        }
        self.poll_overdue(cx).map(|()| {
            self.timed_out.store(true, Ordering::Relaxed);
            Some(Err(BodyError::TimedOut))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Largest piece of an answer that is handed over at once, in bytes. Handing over piece by piece
/// shows how far the client is, and bounds what an HTTP/2 stream buffers.
const PIECE: usize = 64 * 1024;

/// The body of an answer; notes when a piece waits for the client.
pub(super) struct NotedBody<B> {
    inner: B,
    /// What the inner body gave and was not handed over yet.
    rest: Bytes,
    request: OpenRequest,
}

impl<B> NotedBody<B> {
    pub(super) fn new(inner: B, request: OpenRequest) -> Self {
        request.handed_over();
        Self { inner, rest: Bytes::new(), request }
    }

    fn next_piece(&mut self) -> Frame<Bytes> {
        Frame::data(self.rest.split_to(self.rest.len().min(PIECE)))
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for NotedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if !self.rest.is_empty() {
            self.request.handed_over();
            return Poll::Ready(Some(Ok(self.next_piece())));
        }
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else {
            self.request.asked_for();
            return Poll::Pending;
        };
        self.request.handed_over();
        Poll::Ready(frame.map(|frame| match frame?.into_data() {
            Ok(data) => {
                self.rest = data;
                Ok(self.next_piece())
            }
            Err(other) => Ok(other),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(rest));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, slice};

    use http_body_util::BodyExt as _;
    use tokio::time::sleep;

    use super::*;

    const IDLE: Duration = Duration::from_secs(15);
    const TOTAL: Duration = Duration::from_mins(1);

    /// A byte after each pause, and then nothing more.
    struct Pausing {
        pauses: slice::Iter<'static, u64>,
        pause: Option<Pin<Box<Sleep>>>,
    }

    impl Body for Pausing {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.pause.is_none() {
                let Some(seconds) = self.pauses.next() else { return Poll::Pending };
                self.pause = Some(Box::pin(sleep(Duration::from_secs(*seconds))));
            }
            let over = self.pause.as_mut().is_none_or(|pause| pause.as_mut().poll(cx).is_ready());
            if !over {
                return Poll::Pending;
            }
            self.pause = None;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    /// How long such a body is read, and how many bytes.
    async fn read(pauses: &'static [u64]) -> (u64, usize) {
        let timed_out = Arc::new(AtomicBool::new(false));
        let body = Pausing { pauses: pauses.iter(), pause: None };
        let mut body = TimedBody::new(body, IDLE, TOTAL, Arc::clone(&timed_out));
        let (start, mut bytes) = (Instant::now(), 0);
        while body.frame().await.expect("it has no end").is_ok() {
            bytes += 1;
        }
        assert!(timed_out.load(Ordering::Relaxed));
        (start.elapsed().as_secs(), bytes)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_pauses_is_cut_off_before_its_whole_time() {
        assert_eq!(read(&[]).await, (15, 0));
        assert_eq!(read(&[10]).await, (25, 1));
        assert_eq!(read(&[14, 14, 16]).await, (43, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_cut_off_after_its_whole_time() {
        assert_eq!(read(&[14, 14, 14, 14, 14]).await, (60, 4));
    }
}
