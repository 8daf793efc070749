//! Connections of clients: so many at once, and none that is silent for long.
//! Not here: HTTP.

use crate::web::Limits;
use axum::serve::Listener;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

pub(super) struct Connections {
    listener: TcpListener,
    room: Arc<Semaphore>,
    idle: Duration,
}

impl Connections {
    pub(super) fn new(listener: TcpListener, limits: &Limits) -> Self {
        Self { listener, room: Arc::new(Semaphore::new(limits.connections)), idle: limits.idle }
    }
}

impl Listener for Connections {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // Never closed, so there is always an answer; without a permit the connection would merely not be counted.
        let permit = Arc::clone(&self.room).acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (Connection { stream, idle: self.idle, silent: Box::pin(sleep(self.idle)), _room: permit }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

pub(super) struct Connection {
    stream: TcpStream,
    idle: Duration,
    /// Ends when nothing went either way for too long.
    silent: Pin<Box<Sleep>>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Connection {
    /// Something went through, or it is waited for, but not for ever.
    fn watched<T>(&mut self, context: &mut Context<'_>, went: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match went {
            Poll::Ready(result) => {
                let until = Instant::now() + self.idle;
                self.silent.as_mut().reset(until);
                Poll::Ready(result)
            }
            Poll::Pending => self.silent.as_mut().poll(context).map(|()| Err(io::Error::from(ErrorKind::TimedOut))),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let went = Pin::new(&mut self.stream).poll_read(context, into);
        self.watched(context, went)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let went = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watched(context, went)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
