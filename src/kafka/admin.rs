//! Questions and orders to the cluster that no consumer or producer can bring.
//! Not here: which ones (`purge`, `plan`).

use crate::kafka::context::Quiet;
use crate::kafka::errors::KafkaFault;
use crate::kafka::settings::{KafkaSettings, Role};
use rdkafka::admin::AdminClient;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

pub(super) type Admin = AdminClient<Quiet>;

pub(super) fn admin(settings: &KafkaSettings) -> Result<Admin, KafkaFault> {
    let mut client = settings.client(Role::Admin);
    // rdkafka never empties this client's news, so there must be none; each answer carries its own error.
    client.set_log_level(RDKafkaLogLevel::Emerg);
    AdminClient::from_config_and_context(&client, Quiet).map_err(|error| KafkaFault::of(&error))
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for one answer on a thread that may block; the admin client answers from a thread of its own.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
