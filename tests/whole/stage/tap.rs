//! The way from one instance to the CRM, with every request that took it.
//! Not here: what the requests say.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// When, in Unix microseconds, and with whose access token.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) at_us: u64,
    pub(crate) token: String,
}

#[derive(Clone)]
pub(crate) struct Tap {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Tap {
    /// In front of the server at `url`.
    pub(crate) fn before(url: &str) -> Self {
        let target = url.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tap = Self { url: format!("http://{}", listener.local_addr().unwrap()), requests: Arc::default() };
        let requests = Arc::clone(&tap.requests);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&target));
                let Ok(server) = server else { return };
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let (up, down) = ((client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client));
                let requests = Arc::clone(&requests);
                thread::spawn(move || carry(up.0, up.1, |piece| note(piece, &requests)));
                thread::spawn(move || carry(down.0, down.1, |_| {}));
            }
        });
        tap
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// Nobody sends a second request before the answer to the first, so that each begins a piece.
fn note(piece: &[u8], requests: &Mutex<Vec<Request>>) {
    if piece.starts_with(b"POST ") {
        requests.lock().unwrap().push(Request { at_us: super::now_us(), token: token(piece) });
    }
}

fn token(request: &[u8]) -> String {
    let head = String::from_utf8_lossy(request);
    let token = head.split("uthorization: Bearer ").nth(1).and_then(|it| it.split_whitespace().next());
    token.expect("a request with an access token").to_owned()
}

fn carry(mut from: TcpStream, mut to: TcpStream, note: impl Fn(&[u8])) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(count) = from.read(&mut piece) {
        if count == 0 {
            break;
        }
        note(&piece[..count]);
        if to.write_all(&piece[..count]).is_err() {
            break;
        }
    }
    from.shutdown(Shutdown::Both).unwrap_or_default();
    to.shutdown(Shutdown::Both).unwrap_or_default();
}
