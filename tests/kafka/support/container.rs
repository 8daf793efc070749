//! Apache Kafka as a container, where a Docker engine answers and has the image or gets it quickly.
//! Not here: whether this is the way (`broker`).

use super::broker::{Broker, Ports, SETTINGS, VERSION, listeners};
use std::process::{Command, Stdio};
use std::time::Duration;
use testcontainers::core::IntoContainerPort;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};

/// A test run does not wait longer than this for an image.
const PATIENCE: Duration = Duration::from_secs(20);

/// Removes the container when our end of the pipe closes, whatever the reason; over the API if there is no client.
const KEEPER: &str = r#"read -r _; docker rm -f -v "$1" >/dev/null 2>&1 || curl -s -X DELETE --unix-socket /var/run/docker.sock "http://localhost/containers/$1?force=1&v=1""#;

pub(crate) fn start(ports: Ports) -> Result<Broker, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let started = runtime.block_on(async { tokio::time::timeout(PATIENCE, image(ports).start()).await });
    let container: ContainerAsync<GenericImage> = match started {
        Ok(Ok(container)) => container,
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err(format!("no image within {} s", PATIENCE.as_secs())),
    };
    let keeper = Command::new("sh")
        .args(["-c", KEEPER, "keeper", container.id()])
        .stdin(Stdio::piped())
        .spawn()
        .expect("sh starts");
    // The keeper removes it; a drop at the end of a test process never comes.
    std::mem::forget(container);
    std::mem::forget(runtime);
    Ok(Broker { bootstrap: format!("127.0.0.1:{}", ports.plain), proxied: Some(ports.proxied), _keeper: Some(keeper) })
}

fn image(ports: Ports) -> testcontainers::ContainerRequest<GenericImage> {
    let image = GenericImage::new("apache/kafka", VERSION);
    let mut request = image
        .with_mapped_port(ports.plain, ports.plain.tcp())
        .with_mapped_port(ports.proxied.behind, ports.proxied.behind.tcp())
        .with_env_var("CLUSTER_ID", "c2x1aWNlZ2F0ZS10ZXN0cw");
    for (name, value) in SETTINGS {
        request = request.with_env_var(variable(name), value);
    }
    for (name, value) in listeners(ports, "0.0.0.0") {
        request = request.with_env_var(variable(name), value);
    }
    request
}

/// The image takes `process.roles` as `KAFKA_PROCESS_ROLES`.
fn variable(name: &str) -> String {
    format!("KAFKA_{}", name.replace('.', "_").to_uppercase())
}
