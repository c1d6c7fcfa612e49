//! An end to waiting for a reader: a connection whose other end takes nothing for a while is closed.
//!
//! hyper bounds how long headers may take to arrive and the router bounds a request; nobody bounds a client that
//! asks for a large answer and never reads it. This does, and only this.

use hyper::rt::{Read, ReadBufCursor, Write};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep};

/// A connection that gives up when a write stays stuck for `patience`.
pub struct Patient<T> {
    inner: T,
    patience: Duration,
    /// Running while a write waits.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<T> Patient<T> {
    /// Wraps `inner`.
    pub fn new(inner: T, patience: Duration) -> Self {
        Self { inner, patience, stuck: None }
    }

    fn watch<R>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if result.is_ready() {
            self.stuck = None;
            return result;
        }
        let patience = self.patience;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(patience)));
        if stuck.as_mut().poll_deadline(cx) {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client stopped reading")));
        }
        Poll::Pending
    }
}

/// `Future::poll` under a name that says what it answers here.
trait PollDeadline {
    fn poll_deadline(self, cx: &mut Context<'_>) -> bool;
}

impl PollDeadline for Pin<&mut Sleep> {
    fn poll_deadline(self, cx: &mut Context<'_>) -> bool {
        let over = self.deadline() <= Instant::now();
        over || Future::poll(self, cx).is_ready()
    }
}

impl<T: Read + Unpin> Read for Patient<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_read(cx, buf)
    }
}

impl<T: Write + Unpin> Write for Patient<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.inner).poll_write(cx, buf);
        this.watch(cx, result)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.inner).poll_flush(cx);
        this.watch(cx, result)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.inner).poll_shutdown(cx);
        this.watch(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.inner).poll_write_vectored(cx, bufs);
        this.watch(cx, result)
    }
}
