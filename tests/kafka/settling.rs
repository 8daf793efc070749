//! Commits whose end was never answered: what really became of them is found out.
//! Not here: how the engine uses what is found.

use crate::support::broker::broker;
use crate::support::{Instance, Proxy, Swallow, World, commit_of, message, outgoing};
use sluicegate::model::{Offset, Received, Shard, Topic};
use sluicegate::ports::{Fate, Log, LogEvent};

fn settle(one: &mut Instance, from: Offset) -> Vec<Received> {
    one.log.settle(Shard(0), from);
    one.expect("end of the changelog", |event| match event {
        LogEvent::Tail { shard: Shard(0), messages } => Some(messages.clone()),
        _ => None,
    })
}

#[test]
fn an_unanswered_commit_is_looked_up_and_was_done_or_undone() {
    let Some(proxied) = broker().proxied else {
        eprintln!("NOT RUN: a broker from outside has no listener that leads through a proxy");
        return;
    };
    let proxy = Proxy::start(proxied);
    let mut world = World::new("unknown", 1);
    world.settings.bootstrap_servers = format!("127.0.0.1:{}", proxied.front);
    let mut one = Instance::start(&world.settings);
    one.assigned(1);
    let state = |number: u64, value: &str| {
        commit_of(number, vec![(0, number, vec![outgoing(Topic::State, 0, message(value))])])
    };
    let Fate::Committed { ends } = one.commit(&state(1, "first")) else { panic!("not committed") };
    let from = ends[&(Shard(0), Topic::State)];

    // The broker ends the transaction, but the answer is lost.
    proxy.swallow(Swallow::AnswerToEndTxn);
    let fate = one.commit(&state(2, "done"));
    assert!(matches!(fate, Fate::Unknown(_)), "{fate:?}");
    proxy.swallow(Swallow::Nothing);
    let tail = settle(&mut one, from);
    assert_eq!(tail.iter().map(|it| &it.message).collect::<Vec<_>>(), [&message("done")]);
    assert_eq!(world.group_offset(0), Some(Offset(2)));

    // The broker never hears of the end: whoever takes the name over undoes it.
    proxy.swallow(Swallow::EndTxn);
    let fate = one.commit(&state(3, "undone"));
    assert!(matches!(fate, Fate::Unknown(_)), "{fate:?}");
    proxy.swallow(Swallow::Nothing);
    let tail = settle(&mut one, from);
    assert_eq!(tail.iter().map(|it| &it.message).collect::<Vec<_>>(), [&message("done")]);
    assert_eq!(world.group_offset(0), Some(Offset(2)));

    // And life goes on.
    let fate = one.commit(&state(4, "after"));
    assert!(matches!(fate, Fate::Committed { .. }), "{fate:?}");
    assert_eq!(world.group_offset(0), Some(Offset(4)));
}
