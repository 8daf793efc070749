//! The `Log` port over the simulated broker. Each call is a point at which the process may die.
//! Not here: what the broker does (`broker`, `commit`, `client`).

use crate::faults::Point;
use crate::world::{Action, Life, Shared};
use sluicegate::model::{Commit, Millis, Offset, Shard, Topic};
use sluicegate::ports::{Log, LogEvent};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug)]
pub struct SimLog {
    pub world: Shared,
    pub who: Life,
}

impl Log for SimLog {
    fn open(&mut self, shard: Shard, from: BTreeMap<Topic, Offset>) {
        self.world.at_port(self.who, Point::Opening);
        let mut world = self.world.borrow_mut();
        world.trace(|| format!("{}: open {shard} from {from:?}", self.who));
        world.note("open", u64::from(shard.0), from.len() as u64);
        if !world.clients[self.who.slot].owned.contains(&shard) {
            return;
        }
        world.follow(self.who, shard, &from);
    }

    fn read_jobs(&mut self, shard: Shard, from: Offset) {
        self.world.at_port(self.who, Point::Running);
        let mut world = self.world.borrow_mut();
        world.trace(|| format!("{}: read jobs {shard} from {from}", self.who));
        world.note("read_jobs", u64::from(shard.0), from.0);
        if world.clients[self.who.slot].owned.contains(&shard) {
            world.read_from(self.who, (shard, Topic::Jobs), from);
        }
    }

    fn want(&mut self, shard: Shard, topic: Topic, wanted: bool) {
        self.world.at_port(self.who, Point::Any);
        let mut world = self.world.borrow_mut();
        world.note("want", u64::from(shard.0), u64::from(wanted));
        world.want(self.who, (shard, topic), wanted);
    }

    fn commit(&mut self, commit: Arc<Commit>) {
        self.world.at_port(self.who, Point::CommitSealed);
        let mut world = self.world.borrow_mut();
        let messages: usize = commit.shards.values().map(|it| it.messages.len()).sum();
        world.trace(|| {
            let shards: Vec<String> =
                commit.shards.iter().map(|it| format!("{}@{}", it.0, it.1.group_offset)).collect();
            format!("{}: commit {} with {messages} messages, offsets {}", self.who, commit.number.0, shards.join(" "))
        });
        world.note("commit", commit.number.0, messages as u64);
        world.take_commit(self.who, commit);
    }

    fn settle(&mut self, shard: Shard, from: Offset) {
        self.world.at_port(self.who, Point::Settling);
        let mut world = self.world.borrow_mut();
        world.trace(|| format!("{}: settle, reading state {shard} from {from}", self.who));
        world.note("settle", u64::from(shard.0), from.0);
        let at = world.now.0 + 5;
        world.agenda.plan(Millis(at), Action::Settle { who: self.who, shard, from });
    }

    fn purge(&mut self, shard: Shard, topic: Topic, below: Offset) {
        self.world.at_port(self.who, Point::Any);
        let mut world = self.world.borrow_mut();
        world.trace(|| format!("{}: purge {topic:?} {shard} below {below}", self.who));
        world.purge(self.who, (shard, topic), below);
    }

    fn close(&mut self, shards: &[Shard]) {
        self.world.at_port(self.who, Point::Closing);
        let mut world = self.world.borrow_mut();
        world.trace(|| format!("{}: close {shards:?}", self.who));
        world.note("close", shards.len() as u64, 0);
        for shard in shards {
            let client = &world.clients[self.who.slot];
            if client.owned.contains(shard) && !client.revoking.contains(shard) {
                world.broken("PORT", format!("{} closed shard {shard}, which nobody wanted back", self.who));
            }
            world.let_go(self.who, *shard);
            world.processes[self.who.slot].view.restart(*shard);
        }
    }

    fn leave(&mut self) {
        self.world.at_port(self.who, Point::Closing);
        let mut world = self.world.borrow_mut();
        world.trace(|| format!("{}: leave", self.who));
        if !world.processes[self.who.slot].draining {
            world.broken("PORT", format!("{} leaves unasked", self.who));
        }
        let client = &mut world.clients[self.who.slot];
        client.owned.clear();
        client.revoking.clear();
        client.readers.clear();
        // the group hands its shards over when it is gone
        world.tell(self.who, LogEvent::Closed);
    }
}
