//! A stream that notes when bytes move and when they do not, and puts words to bare refusals.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{activity::Activity, malformed::in_our_words};

/// `I`, with every read and write noted.
pub(super) struct Watched<I> {
    inner: I,
    activity: Arc<Activity>,
    /// What is still to be written in place of something.
    instead: Vec<u8>,
}

impl<I> Watched<I> {
    pub(super) fn new(inner: I, activity: Arc<Activity>) -> Self {
        Self { inner, activity, instead: Vec::new() }
    }

    fn note<T>(&self, result: Poll<io::Result<T>>, bytes: impl FnOnce(&T) -> usize) -> Poll<io::Result<T>> {
        match &result {
            Poll::Ready(Ok(done)) => self.activity.wrote(bytes(done)),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.activity.blocked(),
        }
        result
    }
}

impl<I: AsyncWrite + Unpin> Watched<I> {
    fn write_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.instead.is_empty() {
            let result = Pin::new(&mut self.inner).poll_write(cx, &self.instead);
            let written = ready!(self.note(result, |&written| written))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.instead.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.activity.read();
        }
        result
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.write_instead(cx))?;
        if let Some(instead) = in_our_words(bytes) {
            self.instead = instead;
            // What does not go now goes before anything else, and before the end.
            if let Poll::Ready(Err(e)) = self.write_instead(cx) {
                return Poll::Ready(Err(e));
            }
            return Poll::Ready(Ok(bytes.len()));
        }
        let result = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.note(result, |&written| written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = slices {
            return self.poll_write(cx, only);
        }
        ready!(self.write_instead(cx))?;
        let result = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.note(result, |&written| written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_instead(cx))?;
        let result = Pin::new(&mut self.inner).poll_flush(cx);
        self.note(result, |()| 0)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_instead(cx))?;
        let result = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.note(result, |()| 0)
    }
}
