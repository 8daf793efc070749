//! What a CRM refuses for good: called once, dead at once.
//! Not here: which input of a batch is to blame (`retries`).

use crate::stage::{Job, Stage, attempts, history, script, statuses, text};
use serde_json::json;
use sluicegate::simulated::hubspot::{Fault, ScriptedAnswer};
use std::time::Duration;

const REFUSALS: [(u16, &str); 3] = [(400, "bad_request"), (403, "forbidden"), (404, "not_found")];

#[test]
fn what_the_crm_refuses_for_good_is_called_once_and_dead_at_once_and_the_next_job_goes_on() {
    let stage = Stage::new("refused", REFUSALS.len());
    let job = |at: usize, seq| Job { tenant: stage.tenants[at].clone(), record: format!("r-{at}"), seq };
    for (at, (status, _)) in REFUSALS.into_iter().enumerate() {
        let answer = ScriptedAnswer::Call { fault: Fault::Status { status, retry_after_s: None }, applied: false };
        stage.hubspot.scripts(&[script(&format!("r-{at}"), 1, answer)]);
    }
    let process = stage.run("one", None);
    // The second of a record waits for the end of the first, which is no success.
    for seq in [1, 2] {
        stage.send(&[job(0, seq), job(1, seq), job(2, seq)]);
    }
    let mut letters = stage.dead_letters();
    letters.await_exactly(REFUSALS.len(), Duration::from_secs(60));
    stage.outcomes().await_exactly(2 * REFUSALS.len(), Duration::from_secs(60));
    for (at, (status, reason)) in REFUSALS.into_iter().enumerate() {
        let refused = job(at, 1);
        assert_eq!(statuses(&attempts(&stage, &refused)), [status, 200], "{status}");
        let value = refused.value().into_bytes();
        let letter = letters.read.iter().find(|it| it.value.as_ref() == Some(&value));
        let letter = letter.unwrap_or_else(|| panic!("{status}: another job died: {:?}", letters.read));
        assert_eq!(letter.header("sluicegate-reason").as_deref(), Some(reason));
        assert_eq!(letter.header("sluicegate-exhausted"), None, "{status}");
        let history = history(letter);
        assert_eq!(history.len(), 1, "{history:?}");
        assert_eq!((text(&history[0], "result"), &history[0]["status"]), (reason, &json!(status)));
    }
    process.stop();
}
