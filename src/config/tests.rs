//! Files of settings and what becomes of them; the fixtures lie in tests/data/config.
//! Not here: single sections, which stand beside them.
//! Set `BLESS` in the environment to write the expected texts anew, then read the difference.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test panics on purpose"
)]

use super::*;
use crate::model::{Crm, TenantId, Window};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

struct Outside(BTreeMap<&'static str, &'static str>);

impl Env for Outside {
    fn var(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|it| (*it).to_owned())
    }

    fn host_name(&self) -> Option<String> {
        self.0.get("host").map(|it| (*it).to_owned())
    }

    fn kafka_properties(&self) -> Vec<(String, Given)> {
        let given = |text: &str| Given { origin: "-X".to_owned(), text: text.to_owned() };
        self.0.iter().filter_map(|(key, text)| Some((key.strip_prefix("-X ")?.to_owned(), given(text)))).collect()
    }
}

fn outside<const N: usize>(pairs: [(&'static str, &'static str); N]) -> Outside {
    Outside(BTreeMap::from(pairs))
}

fn source(name: &str, text: &str) -> SourceText {
    SourceText { name: name.to_owned(), text: text.to_owned() }
}

fn read(text: &str) -> Result<Settings, Faults> {
    parse(&[source("sluicegate.toml", text)], &NoEnv)
}

fn fixtures(folder: &str) -> Vec<PathBuf> {
    // Tests run in the folder of the package.
    let folder = Path::new("tests/data/config").join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.retain(|it| it.extension().is_some_and(|it| it == "toml"));
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

fn parse_fixture(path: &Path) -> Result<Settings, Faults> {
    let name = path.file_name().unwrap().to_str().unwrap();
    parse(&[source(name, &fs::read_to_string(path).unwrap())], &NoEnv)
}

#[test]
fn every_good_file_is_accepted() {
    for path in fixtures("good") {
        let result = parse_fixture(&path);
        assert!(result.is_ok(), "{}:\n{}", path.display(), result.unwrap_err());
    }
}

#[test]
fn every_bad_file_is_refused_with_exactly_the_faults_expected() {
    for path in fixtures("bad") {
        let shown = format!("{}\n", parse_fixture(&path).expect_err("a bad file"));
        let expected = path.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expected, &shown).unwrap();
        }
        assert_eq!(shown, fs::read_to_string(&expected).unwrap_or_default(), "{}", path.display());
    }
}

#[test]
fn no_fault_shows_a_secret() {
    for path in fixtures("bad") {
        let faults = parse_fixture(&path).unwrap_err();
        assert!(!faults.to_string().contains("hunter2") && !format!("{faults:?}").contains("hunter2"), "{faults}");
    }
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let settings = parse(&[], &outside([("host", "node 7.example")])).unwrap();
    let kafka = &settings.kafka;
    assert_eq!((settings.log.kind, settings.log.dir.to_str()), (LogKind::Kafka, Some("data/log")));
    assert_eq!(kafka.bootstrap_servers, "localhost:9092");
    assert_eq!((kafka.topic_prefix.as_str(), kafka.group_id.as_str()), ("sluicegate", "sluicegate"));
    assert_eq!(kafka.group_instance_id, "node-7.example");
    assert_eq!((kafka.partitions, kafka.replication_factor, kafka.properties.len()), (24, 3, 0));
    assert_eq!(settings.state.dir.to_str(), Some("data/state"));
    assert_eq!(settings.state.idempotency_ttl, Duration::from_secs(7 * 86_400));
    let retry = RetrySettings { base: Duration::from_secs(5), factor: 2.0, jitter: (0.8, 1.2), max_retries: 5 };
    assert_eq!(settings.retry, retry);
    assert_eq!(settings.hold.after, Some(10));
    let alerts = AlertSettings {
        dlq_depth: 100,
        retry_rate: 0.1,
        retry_window: Duration::from_secs(300),
        bucket_low: 0.2,
        bucket_low_for: Duration::from_secs(300),
        sync_lag: Duration::from_secs(120),
    };
    assert_eq!(settings.alerts, alerts);
    assert_eq!(settings.http.listen.to_string(), "127.0.0.1:9464");
    assert_eq!((settings.http.bearer_token, settings.http.advertise), (None, None));
    assert_eq!(settings.calls_max, 1_024);
    assert!(settings.tenants.is_empty() && settings.tenants_folder.is_none());
}

#[test]
fn what_the_reference_shows_behind_a_mark_is_accepted_and_tells_the_true_defaults() {
    let shown = read(&DEFAULTS.replace("#: ", "")).unwrap();
    let plain = read("[[tenant]]\nid = \"acme\"\n[[tenant.connection]]\nid = \"hubspot\"\ncrm = \"hubspot\"\naccess_token = { env = \"ACME_HUBSPOT_TOKEN\" }").unwrap();
    assert_eq!(shown.tenants, plain.tenants);
    assert_eq!((shown.kafka.topic_prefix, shown.kafka.group_id), (plain.kafka.topic_prefix, plain.kafka.group_id));
    assert_eq!(shown.alerts, plain.alerts);
    assert_eq!(shown.tenants_folder, Some(PathBuf::from("tenants.d")));
    assert!(shown.http.bearer_token.is_some() && shown.http.advertise.is_some());
    assert_eq!(shown.kafka.properties.len(), 2);
}

#[test]
fn every_setting_that_is_given_arrives() {
    let path = fixtures("good").into_iter().find(|it| it.ends_with("full.toml")).unwrap();
    let settings = parse_fixture(&path).unwrap();
    assert_eq!(settings.log.kind, LogKind::Embedded);
    assert_eq!((settings.kafka.group_id.as_str(), settings.kafka.partitions), ("crm-blue", 12));
    let property = |key: &str| settings.kafka.properties[key].clone();
    assert_eq!(property("sasl.mechanism"), PropertyValue::Literal("SCRAM-SHA-512".to_owned()));
    assert_eq!(property("socket.keepalive.enable"), PropertyValue::Literal("true".to_owned()));
    assert_eq!(property("fetch.wait.max.ms"), PropertyValue::Literal("100".to_owned()));
    assert_eq!(property("sasl.password"), PropertyValue::From(SecretSource::Env("KAFKA_PASSWORD".to_owned())));
    assert_eq!(settings.retry.base, Duration::from_millis(1_500));
    assert_eq!(settings.hold.after, None);
    assert_eq!(settings.http.bearer_token, Some(SecretSource::File(PathBuf::from("token"))));
    let acme = &settings.tenants[&TenantId::from("acme")];
    assert_eq!((acme[0].base_url.as_str(), acme[0].connection.batch_max), ("https://api.hubapi.com", 10));
    assert_eq!((acme[0].connection.crm, acme[0].external_id_property.as_str()), (Crm::HubSpot, "acme_id"));
    let given = &acme[0].connection.windows;
    assert_eq!(given[0], Window::rolling(190, Duration::from_secs(10)));
    let last = given[given.len() - 1];
    assert_eq!((last.cap, last.name.to_string().as_str()), (5, "1s-searches"), "searches keep their documented window");
    assert_eq!(acme[1].connection.windows[1], Window::rolling(250_000, Duration::from_secs(86_400)));
    let directory = settings.connections();
    let ids: Vec<_> = directory.values().flatten().map(|it| it.id.to_string()).collect();
    assert_eq!(
        ids,
        [
            "acme/hubspot",
            "acme/hubspot-eu",
            "umbrella/hubspot",
            "umbrella/salesforce",
            "umbrella/zoho",
            "umbrella/pipedrive"
        ]
    );
    let salesforce = &settings.tenants[&TenantId::from("umbrella")][1];
    assert_eq!((salesforce.connection.crm, salesforce.connection.batch_max), (Crm::Salesforce, 200));
    assert_eq!(salesforce.base_url, "https://umbrella.my.salesforce.com");
    let zoho = &settings.tenants[&TenantId::from("umbrella")][2];
    assert_eq!((zoho.connection.crm, zoho.connection.calls_max), (Crm::Zoho, Some(5)));
    let windows: Vec<_> = zoho.connection.windows.iter().map(|it| (it.cap, it.name.to_string())).collect();
    assert_eq!(windows, [(115_000, "1d-credits".to_owned()), (100, "1m".to_owned())]);
    let pipedrive = &settings.tenants[&TenantId::from("umbrella")][3];
    let windows: Vec<_> = pipedrive.connection.windows.iter().map(|it| (it.cap, it.name.to_string())).collect();
    let named = |cap, name: &str| (cap, name.to_owned());
    assert_eq!(windows, [named(100, "2s"), named(300_000, "1d-credits"), named(10, "2s-searches")]);
    assert!(directory[&TenantId::from("Müller & Söhne/7")].is_empty());
}

#[test]
fn the_calls_of_the_process_are_at_least_one_and_a_tenant_file_has_no_say_in_it() {
    assert_eq!(read("calls_max = 7").unwrap().calls_max, 7);
    for wrong in ["calls_max = 0", "calls_max = 20000", "calls_max = \"many\""] {
        let faults = read(wrong).unwrap_err().to_string();
        assert!(faults.contains("calls_max: ") && faults.contains("the default is 1024"), "{faults}");
    }
    let faults = parse(&[source("main.toml", ""), source("a.toml", "calls_max = 7")], &NoEnv).unwrap_err().to_string();
    assert!(faults.starts_with("a.toml:1:1: calls_max: unknown key"), "{faults}");
}

#[test]
fn a_variable_wins_over_the_file_and_a_fault_names_it() {
    let file = [source("sluicegate.toml", "[kafka]\npartitions = 3\ntopic_prefix = \"file\"")];
    let env = outside([
        ("SLUICEGATE_KAFKA_PARTITIONS", "6"),
        ("SLUICEGATE_RETRY_FACTOR", "1.5"),
        ("SLUICEGATE_STATE_IDEMPOTENCY_TTL", "1h"),
        ("SLUICEGATE_KAFKA_GROUP_INSTANCE_ID", "a"),
        ("SLUICEGATE_TENANTS", "/etc/tenants"),
        ("SLUICEGATE_CALLS_MAX", "64"),
    ]);
    let settings = parse(&file, &env).unwrap();
    assert_eq!(settings.calls_max, 64);
    assert_eq!((settings.kafka.partitions, settings.kafka.topic_prefix.as_str()), (6, "file"));
    assert_eq!(settings.kafka.group_id, "file");
    assert!((settings.retry.factor - 1.5).abs() < f64::EPSILON);
    assert_eq!(settings.state.idempotency_ttl, Duration::from_secs(3_600));
    assert_eq!(settings.tenants_folder, Some(PathBuf::from("/etc/tenants")));
    let faults = parse(&file, &outside([("SLUICEGATE_KAFKA_PARTITIONS", "many")])).unwrap_err();
    let texts: Vec<_> = faults.0.iter().map(|it| it.to_string()).collect();
    assert!(texts[0].starts_with("defaults: kafka.group_instance_id: has no default"));
    assert!(texts[1].starts_with("SLUICEGATE_KAFKA_PARTITIONS: kafka.partitions: is a string, not an integer; "));
    assert_eq!(texts.len(), 2);
}

#[test]
fn the_listener_opens_to_the_world_with_a_token_from_the_environment() {
    let env = outside([("SLUICEGATE_HTTP_LISTEN", "[::]:80"), ("SLUICEGATE_HTTP_BEARER_TOKEN", "x"), ("host", "h")]);
    let settings = parse(&[], &env).unwrap();
    assert_eq!(settings.http.bearer_token, Some(SecretSource::Env("SLUICEGATE_HTTP_BEARER_TOKEN".to_owned())));
    let faults = parse(&[], &outside([("SLUICEGATE_HTTP_LISTEN", "[::]:80"), ("host", "h")])).unwrap_err();
    assert!(faults.to_string().starts_with("SLUICEGATE_HTTP_LISTEN: http.listen: :: is beyond loopback"), "{faults}");
}

#[test]
fn a_property_of_the_command_line_wins_over_the_file_and_ours_stay_ours() {
    let file = [source("sluicegate.toml", "[kafka.properties]\n\"sasl.password\" = { env = \"P\" }")];
    let settings = parse(&file, &outside([("-X sasl.password", "hunter2"), ("host", "h")])).unwrap();
    assert_eq!(settings.kafka.properties["sasl.password"], PropertyValue::Literal("hunter2".to_owned()));
    assert!(!format!("{settings:?}").contains("hunter2"));
    let faults = parse(&file, &outside([("-X acks", "1"), ("host", "h")])).unwrap_err();
    assert!(faults.to_string().starts_with("-X: kafka.properties.\"acks\": is set by Sluicegate; "), "{faults}");
}

#[test]
fn tenants_may_lie_in_many_files_and_are_compared_across_them() {
    let tenant = |id: &str, token: &str| {
        format!(
            "[[tenant]]\nid = \"{id}\"\n[[tenant.connection]]\nid = \"h\"\ncrm = \"hubspot\"\naccess_token = {{ {token} }}\n"
        )
    };
    let main = source("/etc/sg/sluicegate.toml", "tenants = \"tenants.d\"");
    assert_eq!(tenants_folder(&main, &NoEnv), Some(PathBuf::from("/etc/sg/tenants.d")));
    let one = source("/etc/sg/tenants.d/a.toml", &tenant("a", "file = \"a.token\""));
    let two = source("/etc/sg/tenants.d/b.toml", &tenant("b", "env = \"B\""));
    let settings = parse(&[main.clone(), one.clone(), two], &NoEnv).unwrap();
    let secrets: Vec<_> = settings.all_connections().map(|it| it.access_token.to_string()).collect();
    assert_eq!(secrets, ["file /etc/sg/tenants.d/a.token", "environment variable B"]);

    let again = source("/etc/sg/tenants.d/c.toml", &format!("{}[kafka]\n", tenant("a", "file = \"./a.token\"")));
    let faults = parse(&[main, one, again], &NoEnv).unwrap_err().to_string();
    let lines: Vec<_> = faults.lines().collect();
    assert!(
        lines[0].contains("c.toml:2:1: tenant[a].id: is there twice, first at /etc/sg/tenants.d/a.toml:2:1"),
        "{faults}"
    );
    assert!(lines[1].contains("c.toml:3:1: tenant[a].connection[h]: has the same base URL and the same secret as a/h"));
    assert!(lines[2].contains("c.toml:7:2: kafka: unknown key"));
    assert_eq!(lines.len(), 3, "{faults}");
}

#[test]
fn ten_thousand_tenants_are_read() {
    let mut text = String::new();
    for number in 0..10_000 {
        text.push_str(&format!(
            "[[tenant]]\nid = \"tenant-{number}\"\n[[tenant.connection]]\nid = \"hubspot\"\ncrm = \"hubspot\"\naccess_token = {{ env = \"T{number}\" }}\nlimits = [{{ calls = 100, per = \"10s\" }}, {{ calls = 250000, per = \"1d\" }}]\n\n"
        ));
    }
    let files = [source("sluicegate.toml", &text)];
    #[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "a measurement, shown and not asserted")]
    let (start, settings) = (std::time::Instant::now(), parse(&files, &NoEnv).unwrap());
    eprintln!("10,000 tenants, {} KiB: {:?}", text.len() >> 10, start.elapsed());
    assert_eq!(settings.connections().len(), 10_000);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _result = read(&text);
    }

    #[test]
    fn no_mangled_file_makes_the_reader_panic(cut in 0..2_000_usize, length in 0..40_usize, put in "[\\[\\]{}=\"a1é.\n]{0,4}") {
        let full: Vec<char> = DEFAULTS.replace("#: ", "").chars().collect();
        let end = (cut + length).min(full.len());
        let mangled: String = full[..cut.min(end)].iter().copied().chain(put.chars()).chain(full[end..].iter().copied()).collect();
        if let Err(faults) = read(&mangled) {
            prop_assert!(!faults.0.is_empty());
        }
    }
}
