//! One real Apache Kafka per test process, and where it comes from:
//! `SLUICEGATE_TEST_BOOTSTRAP`, else a container, else the jars of Maven Central. Which one is printed.
//! Not here: how a container or a JVM is started.

use super::{container, jars};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::net::TcpListener;
use std::process::Child;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub(crate) const VERSION: &str = "4.1.1";

pub(crate) struct Broker {
    pub(crate) bootstrap: String,
    /// A second listener whose clients are sent to `front`; none on a broker from outside.
    pub(crate) proxied: Option<Proxied>,
    /// Ends the broker when this process ends, however it ends: its standard input closes. Only held.
    pub(crate) _keeper: Option<Child>,
}

/// Clients that begin at `front` stay there; what they send has to be carried to `behind`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proxied {
    pub(crate) front: u16,
    pub(crate) behind: u16,
}

/// Ports for one broker, free a moment ago.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) plain: u16,
    pub(crate) controller: u16,
    pub(crate) proxied: Proxied,
}

impl Ports {
    fn free() -> Self {
        let taken: Vec<TcpListener> = (0..4).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let port = |at: usize| taken[at].local_addr().unwrap().port();
        Self { plain: port(0), controller: port(1), proxied: Proxied { front: port(2), behind: port(3) } }
    }
}

/// The broker of this process; the first caller waits for its start, and where that fails all others fail at once.
pub(crate) fn broker() -> &'static Broker {
    static BROKER: OnceLock<Result<Broker, String>> = OnceLock::new();
    BROKER.get_or_init(find).as_ref().expect("a broker")
}

fn find() -> Result<Broker, String> {
    if let Ok(bootstrap) = std::env::var("SLUICEGATE_TEST_BOOTSTRAP") {
        eprintln!("broker: {bootstrap}, from SLUICEGATE_TEST_BOOTSTRAP");
        return answering(Broker { bootstrap, proxied: None, _keeper: None });
    }
    let ports = Ports::free();
    match container::start(ports).and_then(answering) {
        Ok(broker) => {
            eprintln!("broker: {}, container of apache/kafka:{VERSION}", broker.bootstrap);
            Ok(broker)
        }
        Err(why) => {
            let broker = jars::start(ports);
            eprintln!("broker: {}, jars of Apache Kafka {VERSION} (no container: {why})", broker.bootstrap);
            answering(broker)
        }
    }
}

/// The broker once it answers.
fn answering(broker: Broker) -> Result<Broker, String> {
    let bootstrap = &broker.bootstrap;
    let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while let Err(error) = client.fetch_metadata(None, Duration::from_secs(1)) {
        if until <= Instant::now() {
            return Err(format!("the broker at {bootstrap} does not answer: {error}"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(broker)
}

/// Settings of a single node that tests need, beside listeners and folders.
pub(crate) const SETTINGS: [(&str, &str); 14] = [
    ("process.roles", "broker,controller"),
    ("node.id", "1"),
    ("controller.listener.names", "CONTROLLER"),
    ("inter.broker.listener.name", "PLAINTEXT"),
    ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT"),
    ("offsets.topic.replication.factor", "1"),
    ("offsets.topic.num.partitions", "3"),
    ("transaction.state.log.replication.factor", "1"),
    ("transaction.state.log.min.isr", "1"),
    ("transaction.state.log.num.partitions", "3"),
    ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "1000"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("auto.create.topics.enable", "false"),
    ("log.cleaner.backoff.ms", "1000"),
];

/// Settings that name ports; `host` is where the broker binds.
pub(crate) fn listeners(ports: Ports, host: &str) -> Vec<(&'static str, String)> {
    let Ports { plain, controller, proxied } = ports;
    let Proxied { front, behind } = proxied;
    vec![
        ("listeners", format!("PLAINTEXT://{host}:{plain},PROXIED://{host}:{behind},CONTROLLER://{host}:{controller}")),
        ("advertised.listeners", format!("PLAINTEXT://127.0.0.1:{plain},PROXIED://127.0.0.1:{front}")),
        ("controller.quorum.voters", format!("1@127.0.0.1:{controller}")),
    ]
}
