//! `POST /v1/jobs`: accepted, refused, turned away.
//! Not here: its end in the middle of a request.

use super::{Served, serve, serve_with, told};
use crate::ops::tests::{Mood, job, jobs};
use crate::ops::{AppendFault, JOBS_MAX};
use crate::web::Limits;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

fn places(body: &Value) -> Vec<(u64, u64)> {
    let place = |it: &Value| (it["shard"].as_u64().unwrap(), it["offset"].as_u64().unwrap());
    body["appended"].as_array().unwrap().iter().map(place).collect()
}

#[tokio::test]
async fn each_job_is_told_where_it_lies_and_lies_there_as_it_was_sent() {
    let served = serve().await;
    let (status, _, body) = told(served.post(jobs(100)).header("content-type", "application/x-ndjson")).await;
    assert_eq!(status, 202);
    let lines: Vec<String> = jobs(100).lines().map(str::to_owned).collect();
    for (place, line) in places(&body).into_iter().zip(&lines) {
        assert_eq!(served.log.at(place).value, line.as_bytes());
    }
    assert_eq!((places(&body).len(), served.log.batches()), (100, vec![100]));
}

#[tokio::test]
async fn one_job_needs_no_content_type() {
    let served = serve().await;
    let spread = job("acme", "1").replace(',', ",\n");
    let (status, _, body) = told(served.post(spread.clone())).await;
    assert_eq!((status, places(&body).len()), (202, 1));
    assert_eq!(served.log.at(places(&body)[0]).value, spread.as_bytes());
}

#[tokio::test]
async fn one_bad_line_keeps_all_out_and_every_bad_line_is_named() {
    let served = serve().await;
    let body = format!("{}nonsense\n{}{{}}\n", jobs(2), jobs(1));
    let (status, later, told) = told(served.post(body)).await;
    assert_eq!((status, later, &told["faults_total"]), (400, None, &2.into()));
    assert_eq!((&told["faults"][0]["line"], &told["faults"][1]["line"]), (&3.into(), &5.into()));
    for fault in told["faults"].as_array().unwrap() {
        assert!(!fault["what"].as_str().unwrap().is_empty() && !fault["hint"].as_str().unwrap().is_empty());
    }
    assert_eq!(served.log.count(), 0);
}

#[tokio::test]
async fn an_empty_body_is_a_fault() {
    let served = serve().await;
    assert_eq!(told(served.post("")).await.0, 400);
    assert_eq!(told(served.post("\n\n")).await.0, 400);
}

#[tokio::test]
async fn eight_mebibytes_are_taken_and_a_byte_more_is_not() {
    let served = serve().await;
    let most = Limits::default().body_bytes;
    let full = jobs(1_000) + &" ".repeat(most - jobs(1_000).len());
    assert_eq!(told(served.post(full.clone())).await.0, 202);
    let (status, _, body) = told(served.post(full + " ")).await;
    assert_eq!(status, 413);
    assert!(body["error"].as_str().unwrap().contains("8388608 bytes"));
    assert_eq!(told(served.post(jobs(JOBS_MAX + 1))).await.0, 413);
    assert_eq!(served.log.count(), 1_000);
}

#[tokio::test]
async fn a_body_that_hides_its_length_is_bounded_too() {
    let served = serve_with(None, Limits { body_bytes: 1_000, ..Limits::default() }).await;
    let head = "POST /v1/jobs HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("{:x}\r\n{}\r\n", 400, "x".repeat(400));
    let mut stream = served.say(&format!("{head}{}0\r\n\r\n", chunk.repeat(3))).await;
    assert!(super::rest(&mut stream).await.starts_with("HTTP/1.1 413"));
    let one = job("a", "1");
    let mut stream = served.say(&format!("{head}{:x}\r\n{one}\r\n0\r\n\r\n", one.len())).await;
    assert!(super::rest(&mut stream).await.starts_with("HTTP/1.1 202"));
}

#[tokio::test]
async fn what_exceeds_the_bytes_in_work_is_turned_away_and_let_in_later() {
    let served = serve_with(None, Limits { bodies_bytes: 100_000, body_bytes: 50_000, ..Limits::default() }).await;
    served.log.set(Mood::Held);
    let large = jobs(240);
    assert!((34_000..50_000).contains(&large.len()));
    let held = [tokio::spawn(served.post(large.clone()).send()), tokio::spawn(served.post(large.clone()).send())];
    served.log.arrivals(2).await;
    let (status, later, body) = told(served.post(large.clone())).await;
    assert_eq!((status, later.as_deref()), (429, Some("1")));
    assert!(body["hint"].as_str().unwrap().contains("nothing was appended"));
    let small = tokio::spawn(served.post(job("a", "1")).send());
    served.log.arrivals(1).await;
    assert_eq!(served.get("/healthz").send().await.unwrap().status(), 200);
    served.log.release(3);
    for answer in held.into_iter().chain([small]) {
        assert_eq!(answer.await.unwrap().unwrap().status(), 202);
    }
    served.log.set(Mood::Good);
    assert_eq!(told(served.post(large)).await.0, 202);
}

async fn fails(served: &Served, fault: AppendFault) -> (u16, Option<String>, Value) {
    served.log.set(Mood::Fails(fault));
    told(served.post(job("a", "1"))).await
}

#[tokio::test]
async fn a_fault_of_the_log_is_an_answer_that_says_whether_to_come_again() {
    let served = serve().await;
    let (status, later, _) = fails(&served, AppendFault::Saturated).await;
    assert_eq!((status, later.as_deref()), (429, Some("1")));
    let (status, later, body) = fails(&served, AppendFault::Unavailable { what: "no broker answers".to_owned() }).await;
    assert_eq!((status, later.as_deref(), &body["error"]), (503, Some("5"), &"no broker answers".into()));
    assert!(body["hint"].as_str().unwrap().contains("applied once"));
    let (status, later, body) = fails(&served, AppendFault::Refused { what: "not allowed".to_owned() }).await;
    assert_eq!((status, later, &body["error"]), (500, None, &"not allowed".into()));
}

#[tokio::test]
async fn a_log_that_does_not_answer_in_time_is_unavailable() {
    let served = serve_with(None, Limits { log_deadline: Duration::from_millis(30), ..Limits::default() }).await;
    served.log.set(Mood::Held);
    let (status, later, body) = told(served.post(job("a", "1"))).await;
    assert_eq!((status, later.as_deref()), (503, Some("5")));
    assert!(body["error"].as_str().unwrap().contains("30ms"));
}

#[tokio::test]
async fn many_at_once_get_places_of_their_own() {
    let served = serve().await;
    let posts: Vec<_> = (0..50).map(|_| tokio::spawn(told(served.post(jobs(20))))).collect();
    let mut seen = BTreeSet::new();
    for post in posts {
        let (status, _, body) = post.await.unwrap();
        assert_eq!(status, 202);
        seen.extend(places(&body));
    }
    assert_eq!((seen.len(), served.log.count()), (1_000, 1_000));
}
