//! The connection to a client, so that an answer can be cut off or trickle as real networks do.
//! Not here: why (`faults`).

use std::{
    io::{self, ErrorKind, IoSlice},
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    time::{Sleep, sleep},
};

/// Accepts connections as [`Line`]s.
pub(super) struct Lines(pub(super) TcpListener);

impl Listener for Lines {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its send delay");
        }
        (Line { stream, grip: Grip::default(), pause: None }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A handler's hold on the connection that its request came in by.
#[derive(Clone, Default)]
pub(super) struct Grip(Arc<State>);

struct State {
    /// Bytes that may still be sent; then the connection breaks.
    sendable: AtomicU64,
    /// Bytes sent at once; 0 = as many as there are.
    piece: AtomicU64,
    pause_ms: AtomicU64,
}

impl Default for State {
    fn default() -> Self {
        Self { sendable: AtomicU64::new(u64::MAX), piece: AtomicU64::new(0), pause_ms: AtomicU64::new(0) }
    }
}

impl Grip {
    /// The connection breaks after `bytes` more bytes; with 0 the client sees it closed without an answer.
    pub(super) fn cut_after(&self, bytes: u64) {
        self.0.sendable.store(bytes, Relaxed);
    }

    /// From now on at most `piece` bytes are sent at once, with a pause after each.
    pub(super) fn trickle(&self, piece: u64, pause_ms: u64) {
        self.0.piece.store(piece.max(1), Relaxed);
        self.0.pause_ms.store(pause_ms, Relaxed);
    }

    /// Ends a trickle: called when the next request comes in.
    pub(super) fn release(&self) {
        self.0.piece.store(0, Relaxed);
    }
}

impl Connected<IncomingStream<'_, Lines>> for Grip {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        stream.io().grip.clone()
    }
}

/// A TCP connection under a [`Grip`].
pub(super) struct Line {
    stream: TcpStream,
    grip: Grip,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Line {
    /// How many of `wanted` bytes may go out now.
    fn allowance(&mut self, context: &mut Context<'_>, wanted: usize) -> Poll<io::Result<usize>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        let state = &self.grip.0;
        let (sendable, piece) = (state.sendable.load(Relaxed), state.piece.load(Relaxed));
        if sendable == 0 {
            return Poll::Ready(Err(io::Error::from(ErrorKind::ConnectionReset)));
        }
        let piece = if piece == 0 { u64::MAX } else { piece };
        Poll::Ready(Ok(usize::try_from(sendable.min(piece)).unwrap_or(usize::MAX).min(wanted)))
    }

    fn sent(&mut self, bytes: usize) {
        let state = &self.grip.0;
        let sendable = state.sendable.load(Relaxed);
        if sendable != u64::MAX {
            state.sendable.store(sendable.saturating_sub(bytes as u64), Relaxed);
        }
        if state.piece.load(Relaxed) > 0 {
            self.pause = Some(Box::pin(sleep(Duration::from_millis(state.pause_ms.load(Relaxed)))));
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let allowed = ready!(self.allowance(context, bytes.len()))?;
        let bytes = bytes.get(..allowed).unwrap_or(bytes);
        let sent = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.sent(sent);
        Poll::Ready(Ok(sent))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wanted = parts.iter().map(|part| part.len()).sum();
        if ready!(self.allowance(context, wanted))? == wanted {
            let sent = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, parts))?;
            self.sent(sent);
            return Poll::Ready(Ok(sent));
        }
        let first = parts.iter().find(|part| !part.is_empty()).map_or(&[][..], |part| part);
        self.poll_write(context, first)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
