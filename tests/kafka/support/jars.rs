//! Apache Kafka from the jars of Maven Central, fetched once into the user's cache.
//! Not here: whether this is the way (`broker`).

use super::broker::{Broker, Ports, SETTINGS, VERSION, listeners};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The broker runs as this shell's child; when our end of the pipe closes, whatever the reason, the shell goes on.
const KEEPER: &str = r#"log=$1; dir=$2; shift 2; "$@" >"$log" 2>&1 </dev/null & pid=$!; read -r _; kill -9 $pid; wait $pid 2>/dev/null; rm -rf "$dir""#;

pub(crate) fn start(ports: Ports) -> Broker {
    let libraries = libraries();
    let dir = tempfile::Builder::new().prefix("sluicegate-kafka-").tempdir().unwrap().keep();
    let properties = dir.join("server.properties");
    fs::write(&properties, properties_of(ports, &dir)).unwrap();
    let class_path = format!("{}/*", libraries.display());
    format(&class_path, &properties);
    let keeper = Command::new("sh")
        .args(["-c", KEEPER, "keeper"])
        .arg(dir.join("broker.log"))
        .arg(&dir)
        .args(["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", &class_path])
        .arg("kafka.Kafka")
        .arg(&properties)
        .stdin(Stdio::piped())
        .spawn()
        .expect("sh starts");
    Broker { bootstrap: format!("127.0.0.1:{}", ports.plain), proxied: Some(ports.proxied), _keeper: Some(keeper) }
}

fn properties_of(ports: Ports, dir: &Path) -> String {
    let mut lines: Vec<String> = SETTINGS.iter().map(|(name, value)| format!("{name}={value}")).collect();
    lines.extend(listeners(ports, "127.0.0.1").iter().map(|(name, value)| format!("{name}={value}")));
    lines.push(format!("log.dirs={}", dir.join("log").display()));
    lines.join("\n")
}

fn format(class_path: &str, properties: &Path) {
    let id = run(Command::new("java").args(["-cp", class_path, "kafka.tools.StorageTool", "random-uuid"]));
    run(Command::new("java")
        .args(["-cp", class_path, "kafka.tools.StorageTool", "format", "-t", id.trim(), "-c"])
        .arg(properties));
}

/// The folder with all jars; another process may be fetching them too, so they appear by one rename.
fn libraries() -> PathBuf {
    let home = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .expect("HOME is set");
    let cache = home.join("sluicegate").join(format!("kafka-{VERSION}"));
    let libraries = cache.join("libs");
    if libraries.is_dir() {
        return libraries;
    }
    fs::create_dir_all(&cache).unwrap();
    let work = tempfile::Builder::new().prefix("fetch-").tempdir_in(&cache).unwrap();
    fs::write(work.path().join("pom.xml"), project()).unwrap();
    eprintln!("fetching Apache Kafka {VERSION} from Maven Central (43 MB, once)");
    run(Command::new("mvn")
        .args(["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=libs"])
        .current_dir(work.path()));
    if let Err(error) = fs::rename(work.path().join("libs"), &libraries) {
        assert!(libraries.is_dir(), "the jars cannot be moved to {}: {error}", libraries.display());
    }
    libraries
}

fn project() -> String {
    let dependency = |group: &str, artifact: &str, version: &str| {
        format!(
            "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>"
        )
    };
    format!(
        "<project><modelVersion>4.0.0</modelVersion>\
         <groupId>sluicegate</groupId><artifactId>test-broker</artifactId><version>1</version>\
         <dependencies>{}{}</dependencies></project>",
        dependency("org.apache.kafka", "kafka_2.13", VERSION),
        dependency("org.slf4j", "slf4j-simple", "1.7.36"),
    )
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{command:?} cannot be run: {error}; a broker needs Java 17 and Maven, or Docker, or SLUICEGATE_TEST_BOOTSTRAP")
    });
    assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
