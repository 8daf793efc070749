//! The contract of connectors: each speaks to its pretend CRM over real HTTP, and all answer alike.
//! Not here: any CRM's own codes (its connector's tables), what follows from an answer (`machine`).
//!
//! A further CRM adds a stage and one line at the end of this file.
#![cfg(feature = "program")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test panics on purpose"
)]

mod pipedrives_own;
mod stage;

use sluicegate::model::{Answer, Finding, Operation, Reason, Reply, WindowWord};
use sluicegate::simulated::Pretend;
use sluicegate::simulated::hubspot::{Fault, FaultRule, Policy, Script, ScriptedAnswer};
use stage::{Stage, shown};
use std::sync::Arc;
use std::time::Duration;

const DAY: WindowWord = WindowWord { per: Duration::from_hours(24), searches: false };

fn a_record_is_created_and_then_updated<P: Pretend>(stage: &Stage<P>) {
    let contacts = stage.contacts(3);
    assert_eq!(shown(&stage.upsert(&contacts).answer), ["created"; 3]);
    assert_eq!(shown(&stage.upsert(&contacts).answer), ["applied"; 3]);
    let record = stage.record("c1").unwrap();
    assert_eq!((record.created, record.updated), (1, 1));
    let other = shown(&stage.upsert(&[("c9".to_owned(), stage.traits.good.to_owned()), contacts[0].clone()]).answer);
    assert_eq!(other, ["created", "applied"], "replies are in the order of inputs");
}

fn an_archive_may_be_repeated_and_makes_room_for_a_new_record<P: Pretend>(stage: &Stage<P>) {
    let contacts = stage.contacts(3);
    stage.upsert(&contacts[..2]);
    for _ in 0..2 {
        assert_eq!(shown(&stage.call(Operation::Archive, &contacts).answer), ["applied"; 3]);
        assert!(stage.record("c0").unwrap().archived && stage.record("c1").unwrap().archived);
    }
    assert!(stage.record("c2").is_none());
    assert_eq!(stage.totals().archived, 2);
    assert_eq!(shown(&stage.upsert(&contacts[..1]).answer), ["created"]);
}

fn a_short_limit_fails_the_call_and_says_so<P: Pretend>(stage: &Stage<P>) {
    stage.strike(Fault::Limited { policy: stage.traits.short });
    for count in [1, 2] {
        let ended = stage.upsert(&stage.contacts(count));
        assert_eq!(shown(&ended.answer), ["failed rate_limited"]);
        let limited = ended.usage.limited.expect("the limit is told");
        assert_ne!(limited.window, Some(DAY));
    }
    assert_eq!(stage.totals().effects, 0);
}

fn a_used_up_day_is_the_accounts_and_not_the_inputs<P: Pretend>(stage: &Stage<P>) {
    stage.strike(Fault::Limited { policy: Policy::Daily });
    let ended = stage.upsert(&stage.contacts(2));
    assert_eq!(shown(&ended.answer), ["account rate_limited"; 2]);
    assert_eq!(ended.usage.limited.unwrap().window, Some(DAY));
}

fn what_is_left_of_the_day_is_told_as_the_crm_tells_it<P: Pretend>(stage: &Stage<P>) {
    stage.somebody_calls(stage.traits.told_after);
    let [one, two] = [1, 2].map(|_| stage.upsert(&stage.contacts(1)));
    let [left, less] = [&one, &two].map(|ended| {
        let day = ended.usage.windows.iter().find(|it| it.window == DAY).expect("the day is told");
        let remaining = day.remaining.unwrap();
        assert!(day.limit.is_none_or(|limit| remaining < limit));
        remaining
    });
    assert_eq!(left - less, stage.traits.day_units);
    assert_eq!(two.usage.spent.unwrap().calls, 1);
}

fn a_limit_that_others_used_up_is_a_limit_and_no_fault_of_an_input<P: Pretend>(stage: &Stage<P>) {
    stage.somebody_calls(1_000_000);
    for operation in [Operation::Upsert, Operation::Archive] {
        let ended = stage.call(operation, &stage.contacts(2));
        let limited = |it: &String| it == "account rate_limited" || it == "failed rate_limited";
        assert!(shown(&ended.answer).iter().all(limited), "{ended:?}");
        assert!(ended.usage.limited.is_some());
    }
    assert_eq!(stage.totals().effects, 0);
}

fn a_record_that_somebody_deleted_is_made_anew_and_its_archive_is_none_the_worse<P: Pretend>(stage: &Stage<P>) {
    let contacts = stage.contacts(3);
    stage.upsert(&contacts);
    stage.somebody_deletes("c1");
    assert_eq!(shown(&stage.upsert(&contacts).answer), ["applied", "created", "applied"]);
    stage.somebody_deletes("c2");
    assert_eq!(shown(&stage.call(Operation::Archive, &contacts).answer), ["applied"; 3]);
    assert!((0..3).all(|it| stage.record(&format!("c{it}")).unwrap().archived));
}

fn credentials_that_are_revoked_are_the_accounts<P: Pretend>(stage: &Stage<P>) {
    stage.strike(Fault::Expired);
    assert_eq!(shown(&stage.upsert(&stage.contacts(2)).answer), ["account unauthorized"; 2]);
    stage.calm();
    assert_eq!(shown(&stage.upsert(&stage.contacts(1)).answer), ["created"]);
    stage.revoke();
    for operation in [Operation::Upsert, Operation::Archive] {
        assert_eq!(shown(&stage.call(operation, &stage.contacts(2)).answer), ["account unauthorized"; 2]);
    }
}

fn an_invalid_record_alone_is_refused_for_good<P: Pretend>(stage: &Stage<P>) {
    let bad = ("c0".to_owned(), stage.traits.bad.to_owned());
    assert_eq!(shown(&stage.upsert(&[bad]).answer), ["permanent bad_request"]);
    assert_eq!(stage.totals().effects, 0);
}

fn one_bad_row_in_a_full_batch_spares_the_others<P: Pretend>(stage: &Stage<P>) {
    let mut contacts = stage.contacts(stage.batch_max().max(3));
    let place = contacts.len() / 3;
    contacts[place].1 = String::from(stage.traits.bad);
    let replies = shown(&stage.upsert(&contacts).answer);
    assert_eq!(replies.len(), contacts.len());
    for (input, reply) in replies.iter().enumerate() {
        assert_eq!(reply, if input == place { "permanent bad_request" } else { "created" }, "input {input}");
    }
    let effects = u64::try_from(contacts.len() - 1).unwrap();
    let calls = u64::try_from(contacts.len().div_ceil(stage.batch_max())).unwrap();
    assert_eq!((stage.totals().effects, stage.totals().calls), (effects, calls));
}

fn a_batch_that_is_refused_whole_blames_nobody_until_one_is_alone<P: Pretend>(stage: &Stage<P>) {
    let mut contacts = stage.contacts(3);
    contacts[1].1 = String::from(stage.traits.poison);
    let together = shown(&stage.upsert(&contacts).answer);
    if stage.batch_max() == 1 {
        assert_eq!(together, ["created", "permanent bad_request", "created"], "each was alone");
        return;
    }
    assert_eq!(together, ["refused bad_request"]);
    assert_eq!(shown(&stage.upsert(&contacts[1..2]).answer), ["permanent bad_request"]);
    assert_eq!(stage.totals().effects, 0);
    assert_eq!(shown(&stage.upsert(&contacts[2..]).answer), ["created"]);
}

fn a_timeout_before_applying_is_no_loss<P: Pretend>(stage: &Stage<P>) {
    stage.strike(Fault::Hang { ms: 60_000 });
    assert_eq!(shown(&stage.upsert(&stage.contacts(2)).answer), ["failed timeout"]);
    stage.calm();
    assert_eq!(shown(&stage.upsert(&stage.contacts(2)).answer), ["created"; 2]);
    assert_eq!(stage.totals().effects, 2);
}

fn a_timeout_after_applying_may_be_repeated<P: Pretend>(stage: &Stage<P>) {
    stage.strike_after(Fault::Hang { ms: 60_000 });
    assert_eq!(shown(&stage.upsert(&stage.contacts(2)).answer), ["failed timeout"]);
    stage.calm();
    assert_eq!(shown(&stage.upsert(&stage.contacts(2)).answer), ["applied"; 2]);
    let record = stage.record("c0").unwrap();
    assert_eq!((record.created, record.effects), (1, 2));
}

fn a_lost_answer_is_a_failure_and_no_more<P: Pretend>(stage: &Stage<P>) {
    stage.strike(Fault::Drop);
    assert_eq!(shown(&stage.upsert(&stage.contacts(1)).answer), ["failed network"]);
    stage.strike_after(Fault::Drop);
    assert_eq!(shown(&stage.upsert(&stage.contacts(1)).answer), ["failed network"]);
    stage.strike(Fault::CutBody { bytes: 150 });
    assert_eq!(shown(&stage.upsert(&stage.contacts(1)).answer), ["failed network"]);
    stage.calm();
    assert_eq!(shown(&stage.upsert(&stage.contacts(1)).answer), ["applied"]);
    assert_eq!(stage.record("c0").unwrap().created, 1);
}

fn what_is_no_answer_of_the_crm_leaves_the_outcome_unknown<P: Pretend>(stage: &Stage<P>) {
    let faults = [
        Fault::Garbage,
        Fault::Html { status: 200 },
        Fault::Oversize { bytes: 2 << 20 },
        Fault::Bomb { bytes: 256 << 20 },
        Fault::Silent,
        Fault::Redirect { location: "http://127.0.0.1:9/".to_owned() },
    ];
    for fault in faults {
        stage.strike(fault.clone());
        for count in [1, 3] {
            let answer = stage.upsert(&stage.contacts(count)).answer;
            let unknown = |it: &String| it == "failed malformed_response" || it == "transient malformed_response";
            assert!(shown(&answer).iter().all(unknown), "{fault:?}: {answer:?}");
        }
    }
}

fn the_content_type_decides_nothing<P: Pretend>(stage: &Stage<P>) {
    stage.strike(Fault::ContentType { value: "text/html".to_owned() });
    assert_eq!(shown(&stage.upsert(&stage.contacts(2)).answer), ["created"; 2]);
}

fn a_crm_that_is_down_is_a_failure<P: Pretend>(stage: &Stage<P>) {
    let faults = [
        (Fault::Status { status: 503, retry_after_s: Some(7) }, Reason::Unavailable, Some(7)),
        (Fault::Status { status: 500, retry_after_s: None }, Reason::ServerError, None),
        (Fault::Html { status: 502 }, Reason::ServerError, None),
        (Fault::Html { status: 503 }, Reason::Unavailable, None),
    ];
    for (fault, reason, seconds) in faults {
        stage.strike(fault);
        for operation in [Operation::Upsert, Operation::Archive] {
            let answer = stage.call(operation, &stage.contacts(2)).answer;
            let Answer::Failed(fault) = answer else { panic!("{answer:?}") };
            assert_eq!((fault.reason, fault.retry_after), (reason, seconds.map(Duration::from_secs)));
        }
    }
    assert_eq!(stage.totals().effects, 0);
}

fn success_with_an_error_inside_is_that_inputs_error<P: Pretend>(stage: &Stage<P>) {
    let answer = ScriptedAnswer::Input {
        status: 409,
        category: stage.traits.conflict.to_owned(),
        message: "somebody else has it".to_owned(),
    };
    stage.script(Script { external_id: "c1".to_owned(), object: None, first: 1, answer });
    let ended = stage.upsert(&stage.contacts(3));
    assert_eq!(shown(&ended.answer), ["created", "permanent conflict", "created"]);
    assert_eq!(stage.totals().effects, 2);
}

fn a_creation_that_is_repeated_makes_a_second_record_where_no_key_is_unique<P: Pretend>(stage: &Stage<P>) {
    let contact = &stage.contacts(1)[0];
    stage.strike_after(Fault::Drop);
    assert_eq!(shown(&stage.find(Operation::Upsert, contact, Finding::New).answer), ["failed network"]);
    stage.calm();
    let repeated = shown(&stage.find(Operation::Upsert, contact, Finding::New).answer);
    assert_eq!(repeated, [if stage.is_unique() { "applied" } else { "created" }]);
    let (totals, records) = (stage.totals(), if stage.is_unique() { 1 } else { 2 });
    assert_eq!((stage.record("c0").unwrap().created, totals.doubles, totals.unconfirmed), (records, records - 1, 1));
}

fn a_record_that_is_found_is_changed_and_not_doubled<P: Pretend>(stage: &Stage<P>) {
    let contact = &stage.contacts(1)[0];
    stage.strike_after(Fault::Drop);
    stage.find(Operation::Upsert, contact, Finding::New);
    stage.calm();
    let searched = stage.find(Operation::Upsert, contact, Finding::Search).answer;
    assert_eq!(shown(&searched), ["applied"]);
    let Answer::Each(replies) = searched else { panic!("{searched:?}") };
    let Reply::Applied { record_id, .. } = &replies[0] else { panic!("{replies:?}") };
    let by_id = Finding::ById(Arc::from(record_id.as_str()));
    assert_eq!(shown(&stage.find(Operation::Upsert, contact, by_id).answer), ["applied"]);
    assert_eq!((stage.record("c0").unwrap().created, stage.totals().doubles), (1, 0));
}

fn a_search_that_finds_nothing_creates_or_has_nothing_to_archive<P: Pretend>(stage: &Stage<P>) {
    let contacts = stage.contacts(2);
    assert_eq!(shown(&stage.find(Operation::Archive, &contacts[1], Finding::Search).answer), ["applied"]);
    assert_eq!(shown(&stage.find(Operation::Upsert, &contacts[0], Finding::Search).answer), ["created"]);
    assert_eq!(shown(&stage.find(Operation::Archive, &contacts[0], Finding::Search).answer), ["applied"]);
    assert_eq!((stage.totals().created, stage.totals().archived), (1, 1));
}

fn of_several_records_with_one_external_id_none_is_chosen<P: Pretend>(stage: &Stage<P>) {
    let contact = &stage.contacts(1)[0];
    for _ in 0..2 {
        stage.find(Operation::Upsert, contact, Finding::New);
    }
    for operation in [Operation::Upsert, Operation::Archive] {
        let several = if stage.is_unique() { "applied" } else { "permanent ambiguous_record" };
        assert_eq!(shown(&stage.find(operation, contact, Finding::Search).answer), [several]);
    }
    assert!(stage.is_unique() || stage.totals().effects == 2, "none was touched");
}

fn what_is_gone_by_its_id_is_said_to_be_and_its_archive_is_done<P: Pretend>(stage: &Stage<P>) {
    let contact = &stage.contacts(1)[0];
    let made = stage.find(Operation::Upsert, contact, Finding::New).answer;
    let Answer::Each(replies) = made else { panic!("{made:?}") };
    let Reply::Applied { record_id, .. } = &replies[0] else { panic!("{replies:?}") };
    stage.somebody_deletes("c0");
    let by_id = Finding::ById(Arc::from(record_id.as_str()));
    assert_eq!(shown(&stage.find(Operation::Archive, contact, by_id.clone()).answer), ["applied"]);
    let missed = if stage.is_unique() { "created" } else { "gone not_found" };
    assert_eq!(shown(&stage.find(Operation::Upsert, contact, by_id).answer), [missed]);
}

fn a_fault_tells_neither_the_access_token_nor_a_person<P: Pretend>(stage: &Stage<P>) {
    let mut seen = vec![stage.upsert(&[("c0".to_owned(), stage.traits.bad.to_owned())])];
    for fault in [Fault::Expired, Fault::Garbage, Fault::Drop, Fault::Status { status: 403, retry_after_s: None }] {
        stage.running.accounts.set_faults(None, vec![FaultRule::always(fault)]);
        seen.push(stage.upsert(&stage.contacts(1)));
    }
    for ended in seen {
        let text = format!("{ended:?}");
        assert!(!text.contains(stage::TOKEN) && !text.contains("not-an-address"), "{text}");
    }
}

macro_rules! held_to_by {
    ($($crm:ident),* ; $promises:tt) => {$(
        mod $crm {
            held_to_by!(@ $crm $promises);
        }
    )*};
    (@ $crm:ident ($($promise:ident)*)) => {$(
        #[test]
        fn $promise() {
            super::$promise(&super::stage::$crm());
        }
    )*};
}

held_to_by! {
    hubspot, salesforce, zoho, pipedrive;
    (
        a_record_is_created_and_then_updated
        an_archive_may_be_repeated_and_makes_room_for_a_new_record
        a_record_that_somebody_deleted_is_made_anew_and_its_archive_is_none_the_worse
        a_short_limit_fails_the_call_and_says_so
        a_used_up_day_is_the_accounts_and_not_the_inputs
        what_is_left_of_the_day_is_told_as_the_crm_tells_it
        a_limit_that_others_used_up_is_a_limit_and_no_fault_of_an_input
        credentials_that_are_revoked_are_the_accounts
        an_invalid_record_alone_is_refused_for_good
        one_bad_row_in_a_full_batch_spares_the_others
        a_batch_that_is_refused_whole_blames_nobody_until_one_is_alone
        a_timeout_before_applying_is_no_loss
        a_timeout_after_applying_may_be_repeated
        a_lost_answer_is_a_failure_and_no_more
        what_is_no_answer_of_the_crm_leaves_the_outcome_unknown
        the_content_type_decides_nothing
        a_crm_that_is_down_is_a_failure
        success_with_an_error_inside_is_that_inputs_error
        a_creation_that_is_repeated_makes_a_second_record_where_no_key_is_unique
        a_record_that_is_found_is_changed_and_not_doubled
        a_search_that_finds_nothing_creates_or_has_nothing_to_archive
        of_several_records_with_one_external_id_none_is_chosen
        what_is_gone_by_its_id_is_said_to_be_and_its_archive_is_done
        a_fault_tells_neither_the_access_token_nor_a_person
    )
}
