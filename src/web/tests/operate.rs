//! Pauses, resumes and questions over HTTP.
//! Not here: what is done about them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics on purpose")]

use super::*;
use crate::ops::{Act, AppendFault, AskFault, Wish, explanation, give_to_instance};

#[tokio::test]
async fn a_pause_is_in_the_log_of_each_shard_before_it_is_answered() {
    let served = serve().await;
    let body = r#"{"scope":"all","reason":"wrong mapping","actor":"anna","until":"2h"}"#;
    let (status, _, given) = told(served.post_to("/api/v1/pause", body)).await;
    assert_eq!((status, &given["shards"]), (200, &serde_json::json!([0, 1, 2, 3])));
    assert!(given["until"].as_str().unwrap().ends_with('Z'));
    let commands = served.log.commands();
    assert_eq!(commands.len(), 4);
    let told: Value = serde_json::from_slice(&commands[0].value).unwrap();
    assert_eq!((&told["action"], &told["scope"], &told["actor"]), (&"pause".into(), &"all".into(), &"anna".into()));
    assert_eq!(commands[0].headers[0].name, "sluicegate-command");
}

#[tokio::test]
async fn a_resume_needs_no_reason() {
    let served = serve().await;
    let (status, _, given) = told(served.post_to("/api/v1/resume", r#"{"scope":"tenant/acme"}"#)).await;
    assert_eq!((status, &given["action"], &given["scope"]), (200, &"resume".into(), &"tenant acme".into()));
}

#[tokio::test]
async fn what_could_be_misunderstood_is_refused_and_nothing_is_told() {
    let served = serve().await;
    for body in
        ["", "all", "{}", r#"{"scope":"all"}"#, r#"{"scope":"x","reason":"y"}"#, r#"{"scope":"all","resaon":"y"}"#]
    {
        let (status, _, answer) = told(served.post_to("/api/v1/pause", body)).await;
        assert!(status == 400 && answer["hint"].as_str().unwrap().contains("scope"), "{body}: {answer}");
    }
    assert!(served.log.commands().is_empty());
}

#[tokio::test]
async fn a_log_that_is_away_is_said_with_what_to_do() {
    let served = serve().await;
    served.log.set(Mood::Fails(AppendFault::Unavailable { what: "kafka is away".to_owned() }));
    let (status, later, answer) = told(served.post_to("/api/v1/pause", r#"{"scope":"all","reason":"y"}"#)).await;
    assert_eq!((status, later.as_deref(), &answer["error"]), (503, Some("5"), &"kafka is away".into()));
}

#[tokio::test]
async fn a_question_names_its_tenant_and_a_loop_that_is_gone_is_said() {
    let served = serve().await;
    let (status, _, answer) = told(served.get("/api/v1/explain?about=acme%2Fhubspot")).await;
    assert_eq!(status, 200);
    assert_eq!(answer["waiting"][0]["connection"], "acme/hubspot");
    assert_eq!(answer["waiting"][0]["because"], "order");
    assert_eq!(told(served.get("/api/v1/explain")).await.0, 400);
    assert_eq!(told(served.get("/api/v1/explain?about=")).await.0, 400);
    assert_eq!(told(served.get("/api/v1/explain?about=other")).await.0, 503);
}

#[tokio::test]
async fn the_command_line_asks_as_the_listener_answers() {
    let served = serve_with(Some(TOKEN), Limits::default()).await;
    let (url, token) = (served.url(""), SecretString::from(TOKEN));
    let told = explanation(&url, "acme/a b", Some(&token)).await.unwrap();
    assert_eq!((told.about.as_str(), told.waiting[0].count), ("acme/a b", 3));
    let wish = Wish { scope: "crm/hubspot".to_owned(), reason: "why".to_owned(), ..Wish::default() };
    let given = give_to_instance(&url, (Act::Pause, &wish), Some(&token)).await.unwrap();
    assert_eq!(given.shards, [0, 1, 2, 3]);
    let fault = give_to_instance(&url, (Act::Pause, &wish), None).await.unwrap_err();
    assert!(matches!(fault, AskFault::Unauthorized { .. }));
}
