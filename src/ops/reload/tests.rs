//! Changes of the folder, sound and not, against a process that runs: what comes into force, and what is told.
//! Not here: two looks (`tenants`), what the core does.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics on purpose")]

use super::*;
use crate::config::NoEnv;
use crate::model::TenantId;
use secrecy::SecretString;
use std::fs;
use std::time::Instant;
use tempfile::TempDir;

const START: Millis = Millis(1_000);

struct Scene {
    dir: TempDir,
    reload: Reload,
    directory: Directory,
    accesses: Accesses,
}

fn tenant(id: &str, more: &str) -> String {
    format!(
        "[[tenant]]\nid = \"{id}\"\n[[tenant.connection]]\nid = \"crm\"\ncrm = \"hubspot\"\naccess_token = {{ file = \"{id}.token\" }}\n{more}\n"
    )
}

fn id(tenant: &str) -> ConnectionId {
    ConnectionId { tenant: TenantId::from(tenant), name: Arc::from("crm") }
}

impl Scene {
    /// A process that was started with these tenants, one file and one token each.
    fn new(tenants: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let main = SourceText { name: dir.path().join("main.toml").display().to_string(), text: String::new() };
        let empty = Directory::new(TenantSettings::new(), START);
        let accesses = Accesses::default();
        let folder = dir.path().join("tenants.d");
        fs::create_dir(&folder).unwrap();
        let reload = Reload::new((main, folder), Box::new(NoEnv), empty.clone(), accesses.clone());
        let mut scene = Self { dir, reload, directory: empty, accesses };
        for name in tenants {
            scene.token(name, name);
            scene.write(name, &tenant(name, ""));
        }
        assert_eq!(scene.taken().counts.added, tenants.len());
        scene
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join("tenants.d").join(format!("{name}.toml")), text).unwrap();
    }

    fn token(&self, tenant: &str, secret: &str) {
        fs::write(self.dir.path().join("tenants.d").join(format!("{tenant}.token")), secret).unwrap();
    }

    /// Two looks.
    fn look(&mut self, now: u64) -> Reloaded {
        match self.reload.look(Millis(now)) {
            Reloaded::Same => self.reload.look(Millis(now)),
            other => other,
        }
    }

    fn taken(&mut self) -> Taken {
        match self.look(2_000) {
            Reloaded::Taken(taken) => taken,
            other => panic!("{other:?}"),
        }
    }

    fn refused(&mut self) -> Vec<String> {
        match self.look(3_000) {
            Reloaded::Refused(refused) => refused.faults,
            other => panic!("{other:?}"),
        }
    }

    fn known(&self) -> Vec<String> {
        self.directory.tenants().keys().map(ToString::to_string).collect()
    }
}

#[test]
fn added_changed_and_removed_tenants_come_into_force_together() {
    let mut scene = Scene::new(&["acme", "beta", "ceta"]);
    let before = scene.directory.tenants();
    scene.token("delta", "delta");
    scene.write("delta", &tenant("delta", ""));
    scene.write("beta", &tenant("beta", "limits = [{ calls = 7, per = \"10s\" }]"));
    fs::remove_file(scene.dir.path().join("tenants.d/ceta.toml")).unwrap();
    let taken = scene.taken();
    assert_eq!(taken.counts, Counts { tenants: 3, added: 1, removed: 1, changed: 1 });
    assert!(taken.access_changed.is_empty());
    assert_eq!(scene.known(), ["acme", "beta", "delta"]);
    assert!(Arc::ptr_eq(&taken.tenants, &scene.directory.tenants()));
    let of = |all: &Tenants, tenant: &str| Arc::clone(all.get(&TenantId::from(tenant)).unwrap().first().unwrap());
    assert!(Arc::ptr_eq(&of(&before, "acme"), &of(&taken.tenants, "acme")), "what stays is the same one");
    assert_eq!(of(&taken.tenants, "beta").windows.first().unwrap().cap, 7);
    assert!(scene.accesses.find(&id("delta")).is_some());
    assert!(scene.accesses.find(&id("ceta")).is_some(), "until the core has heard of it");
    assert!(matches!(scene.look(4_000), Reloaded::Same));
    assert!(scene.accesses.find(&id("ceta")).is_none() && scene.accesses.find(&id("acme")).is_some());
}

#[test]
fn a_bad_change_is_refused_once_with_every_fault_and_everything_stays() {
    let mut scene = Scene::new(&["acme"]);
    scene.write("beta", "[[tenant]]\nid = \"beta\"\nnmae = 1\n[[tenant]]\nid = \"acme\"");
    scene.write("acme", &tenant("acme", "batch_max = 0"));
    let faults = scene.refused();
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults.iter().any(|it| it.contains("beta.toml:3:1: tenant[beta].nmae: unknown key; ")), "{faults:?}");
    assert!(matches!(scene.look(4_000), Reloaded::Same), "one change is told once");
    let status = scene.directory.status();
    assert_eq!((status.tenants, status.loaded_at.as_str()), (1, "1970-01-01T00:00:02.000Z"));
    let refused = status.refused.unwrap();
    assert_eq!((refused.at.as_str(), refused.faults_total), ("1970-01-01T00:00:03.000Z", 3));
    assert_eq!(refused.faults, faults);
    scene.write("acme", &tenant("acme", "batch_max = 1"));
    assert_eq!(scene.refused().len(), 2, "another change, another word");
    scene.write("beta", "[[tenant]]\nid = \"beta\"");
    assert_eq!(scene.taken().counts, Counts { tenants: 2, added: 0, removed: 0, changed: 1 });
    assert_eq!(scene.directory.status().refused, None);
}

#[test]
fn a_change_that_is_taken_back_is_no_change() {
    let mut scene = Scene::new(&["acme"]);
    scene.write("acme", "no toml");
    assert_eq!(scene.refused().len(), 1);
    scene.write("acme", &tenant("acme", ""));
    let taken = scene.taken();
    assert_eq!(taken.counts, Counts { tenants: 1, ..Counts::default() });
    assert_eq!(scene.directory.status().refused, None);
}

#[test]
fn new_credentials_or_another_address_are_told_by_name() {
    let mut scene = Scene::new(&["acme", "beta", "ceta"]);
    scene.token("acme", "another");
    scene.write("beta", &tenant("beta", "base_url = \"https://eu.example\""));
    let mut taken = scene.taken();
    taken.access_changed.sort();
    assert_eq!(taken.access_changed, [id("acme"), id("beta")]);
    assert_eq!(taken.counts.changed, 1, "a rotated token is no change of the settings");
    let access = scene.accesses.find(&id("acme")).unwrap();
    assert_eq!(access.access_token.expose_secret(), SecretString::from("another").expose_secret());
    assert_eq!(scene.accesses.find(&id("beta")).unwrap().base_url, "https://eu.example");
}

#[test]
fn asked_to_read_anew_it_finds_a_rotated_token_that_no_file_of_tenants_tells_of() {
    let mut scene = Scene::new(&["acme"]);
    scene.token("acme", "rotated");
    assert!(matches!(scene.look(4_000), Reloaded::Same));
    scene.reload.read_anew();
    let taken = scene.taken();
    assert_eq!((taken.access_changed, taken.counts.changed), (vec![id("acme")], 0));
    assert_eq!(scene.accesses.find(&id("acme")).unwrap().access_token.expose_secret(), "rotated");
}

#[test]
fn a_tenant_whose_token_comes_later_is_taken_when_it_is_there() {
    let mut scene = Scene::new(&["acme"]);
    scene.write("beta", &tenant("beta", ""));
    let faults = scene.refused();
    let fault = faults.first().unwrap();
    assert!(
        fault.starts_with("access_token of beta/crm: file ") && fault.contains("does not exist; create it"),
        "{fault}"
    );
    assert!(matches!(scene.look(4_000), Reloaded::Same));
    assert_eq!(scene.known(), ["acme"]);
    scene.token("beta", "late");
    assert_eq!(scene.taken().counts.added, 1);
    assert_eq!((scene.known().len(), scene.directory.status().refused), (2, None));
}

#[test]
fn a_running_process_gets_no_new_variable_and_is_told_so() {
    let mut scene = Scene::new(&["acme"]);
    let text = tenant("beta", "").replace("{ file = \"beta.token\" }", "{ env = \"SLUICEGATE_NEVER_SET\" }");
    scene.write("beta", &text);
    assert!(scene.refused().first().unwrap().contains("restart it, or put the secret into a file"));
}

#[test]
fn a_token_that_is_away_for_a_moment_is_no_fault_of_another_change() {
    let mut scene = Scene::new(&["acme"]);
    fs::remove_file(scene.dir.path().join("tenants.d/acme.token")).unwrap();
    scene.token("beta", "beta");
    scene.write("beta", &tenant("beta", ""));
    assert_eq!(scene.taken().counts.added, 1);
    assert_eq!(scene.accesses.find(&id("acme")).unwrap().access_token.expose_secret(), "acme");
}

#[test]
fn ten_thousand_tenants_are_taken_within_seconds() {
    let mut scene = Scene::new(&["acme"]);
    scene.token("all", "secret");
    let one = |number: u32| {
        let text = tenant(&format!("t{number}"), &format!("base_url = \"https://crm-{number}.example\""));
        text.replace(&format!("t{number}.token"), "all.token")
    };
    scene.write("many", &(0..10_000).map(one).collect::<String>());
    let started = Instant::now();
    assert_eq!(scene.taken().counts.added, 10_000);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    scene.write("many", &(1..10_000).map(one).collect::<String>());
    assert_eq!(scene.taken().counts, Counts { tenants: 10_000, added: 0, removed: 1, changed: 0 });
}
