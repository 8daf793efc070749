//! Stands between clients and the broker, and swallows EndTxn, or only its answer.
//! Not here: which listener leads through it (`broker`).

use super::broker::Proxied;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Kafka's number for the request that ends a transaction.
const END_TXN: i16 = 26;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Swallow {
    Nothing,
    /// The broker never hears of the end.
    EndTxn,
    /// The broker ends the transaction, and nobody hears of it.
    AnswerToEndTxn,
}

pub(crate) struct Proxy {
    swallow: Arc<Mutex<Swallow>>,
}

impl Proxy {
    /// Runs until the test process ends. One per process: the port is taken after that.
    pub(crate) fn start(at: Proxied) -> Self {
        let swallow = Arc::new(Mutex::new(Swallow::Nothing));
        let listener = TcpListener::bind(("127.0.0.1", at.front)).expect("the proxied port is free");
        let mode = Arc::clone(&swallow);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(broker) = TcpStream::connect(("127.0.0.1", at.behind)) else { continue };
                carry(client, broker, &mode);
            }
        });
        Self { swallow }
    }

    pub(crate) fn swallow(&self, what: Swallow) {
        *self.swallow.lock().unwrap() = what;
    }
}

/// Two threads per connection; `muted` holds the correlation ids whose answers are swallowed.
fn carry(client: TcpStream, broker: TcpStream, mode: &Arc<Mutex<Swallow>>) {
    client.set_nodelay(true).unwrap();
    broker.set_nodelay(true).unwrap();
    let muted = Arc::new(Mutex::new(BTreeSet::new()));
    let (up, down) = ((client.try_clone().unwrap(), broker.try_clone().unwrap()), (broker, client));
    let (mode, muted_up) = (Arc::clone(mode), Arc::clone(&muted));
    thread::spawn(move || {
        pump(up.0, up.1, |frame| {
            let key = i16::from_be_bytes(frame[0..2].try_into().unwrap());
            if key != END_TXN {
                return true;
            }
            match *mode.lock().unwrap() {
                Swallow::Nothing => true,
                Swallow::EndTxn => false,
                Swallow::AnswerToEndTxn => {
                    muted_up.lock().unwrap().insert(i32::from_be_bytes(frame[4..8].try_into().unwrap()));
                    true
                }
            }
        });
    });
    thread::spawn(move || {
        pump(down.0, down.1, |frame| {
            let correlation = i32::from_be_bytes(frame[0..4].try_into().unwrap());
            !muted.lock().unwrap().remove(&correlation)
        });
    });
}

/// Carries frames until either side hangs up.
fn pump(mut from: TcpStream, mut to: TcpStream, passes: impl Fn(&[u8]) -> bool) {
    let mut size = [0; 4];
    while from.read_exact(&mut size).is_ok() {
        let mut frame = vec![0; usize::try_from(u32::from_be_bytes(size)).unwrap()];
        if from.read_exact(&mut frame).is_err() {
            break;
        }
        if passes(&frame) && to.write_all(&[&size[..], &frame].concat()).is_err() {
            break;
        }
    }
    from.shutdown(Shutdown::Both).unwrap_or_default();
    to.shutdown(Shutdown::Both).unwrap_or_default();
}
