//! The log adapter of one process: what it owns, what it reads, and how it learns of both.
//! Not here: its transactions (`commit`), the port that the engine calls (`log`).

use crate::commit::Pending;
use crate::group::SESSION_MS;
use crate::marks::Mark;
use crate::world::{Action, Life, Parcel, World};
use sluicegate::model::{Millis, Offset, Shard, Tier, Topic};
use sluicegate::ports::{Assignment, Event, LogEvent, LogIdentity};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a client waits for `close` before it lets go by itself, ms.
const PATIENCE_MS: u64 = 10_000;
/// What is read besides `jobs`.
const FOLLOWED: [Topic; 7] = [
    Topic::State,
    Topic::Applied,
    Topic::Delay(Tier::S5),
    Topic::Delay(Tier::S10),
    Topic::Delay(Tier::S20),
    Topic::Delay(Tier::S40),
    Topic::Delay(Tier::S80),
];

#[derive(Debug, Default)]
pub struct Client {
    /// The process has been told so.
    pub owned: BTreeSet<Shard>,
    /// Given by the group, the process not yet told.
    granted: BTreeSet<Shard>,
    pub revoking: BTreeSet<Shard>,
    pub readers: BTreeMap<(Shard, Topic), Reader>,
    pub pending: Option<Pending>,
    /// A commit went unanswered, and nobody has asked what became of it.
    pub unsettled: bool,
    /// Of its producer.
    pub epoch: u64,
}

#[derive(Debug)]
pub struct Reader {
    pub position: Offset,
    pub wanted: bool,
    /// Tells one read of a topic from the next.
    pub read: u64,
    planned: bool,
    /// Nothing was said yet.
    fresh: bool,
}

impl World {
    /// The group gives a shard: told once its offsets are stable.
    pub fn grant(&mut self, who: Life, shard: Shard) {
        self.clients[who.slot].granted.insert(shard);
        let at = self.now.0 + self.dice.log.between(1, 400);
        self.agenda.plan(Millis(at), Action::Assign(who));
    }

    pub fn assign(&mut self, who: Life) {
        let granted: Vec<Shard> = self.clients[who.slot].granted.iter().copied().collect();
        let (mut told, mut later) = (Vec::new(), false);
        for shard in granted {
            if !self.group.is_owner(who, shard) {
                self.clients[who.slot].granted.remove(&shard);
            } else if self.broker.has_pending_offsets(shard) || (!told.is_empty() && self.dice.log.chance(300)) {
                later = true;
            } else {
                self.clients[who.slot].granted.remove(&shard);
                self.clients[who.slot].owned.insert(shard);
                told.push(self.assignment(shard));
            }
        }
        if later {
            self.agenda.plan(Millis(self.now.0 + 20), Action::Assign(who));
        }
        if !told.is_empty() {
            self.tell(who, LogEvent::Assigned(told));
        }
    }

    fn assignment(&self, shard: Shard) -> Assignment {
        let all = |of: fn(&crate::partition::Partition) -> Offset| {
            Topic::ALL.into_iter().map(|it| (it, of(self.broker.partition(shard, it)))).collect::<BTreeMap<_, _>>()
        };
        Assignment {
            shard,
            identity: LogIdentity(self.broker.identity.clone()),
            group_offset: self.broker.offsets.get(&shard).copied(),
            starts: all(crate::partition::Partition::start),
            ends: all(crate::partition::Partition::end),
            shards: self.options.shards,
            lease: Duration::from_millis(SESSION_MS / 3),
        }
    }

    /// The group wants a shard back. A process that has not even been told of it has nothing to close.
    pub fn revoke(&mut self, slot: usize, shard: Shard) {
        let client = &mut self.clients[slot];
        if client.granted.remove(&shard) && !client.owned.contains(&shard) {
            self.release(slot, shard);
            return;
        }
        if !client.owned.contains(&shard) || !client.revoking.insert(shard) {
            return;
        }
        let who = self.life(slot);
        self.agenda.plan(Millis(self.now.0 + PATIENCE_MS), Action::Patience { who, shard });
        self.tell(who, LogEvent::Revoking(vec![shard]));
    }

    pub fn patience_over(&mut self, who: Life, shard: Shard) {
        if self.clients[who.slot].revoking.contains(&shard) {
            self.marks.hit(Mark::RevokedWithoutClose);
            self.tell(who, LogEvent::Lost(vec![shard]));
            self.let_go(who, shard);
        }
    }

    /// Nothing of this shard is read or committed here any more.
    pub fn let_go(&mut self, who: Life, shard: Shard) {
        let client = &mut self.clients[who.slot];
        client.owned.remove(&shard);
        client.revoking.remove(&shard);
        client.readers.retain(|key, _| key.0 != shard);
        if let Some(pending) = client.pending.as_mut() {
            pending.void |= pending.commit.shards.contains_key(&shard);
        }
        self.release(who.slot, shard);
    }

    /// The process learns that it has been expelled, or fenced: all is lost, then it joins anew.
    pub fn start_over(&mut self, who: Life) {
        let epoch = self.init_producer(who.slot);
        let client = &mut self.clients[who.slot];
        let lost: Vec<Shard> = client.owned.iter().copied().collect();
        let pending = client.pending.take();
        *client = Client { epoch, unsettled: client.unsettled, ..Client::default() };
        if !lost.is_empty() {
            self.tell(who, LogEvent::Lost(lost));
        }
        if let Some(pending) = pending {
            self.fence_pending(who, &pending);
        }
        self.join(who);
    }

    /// A process that was expelled while frozen finds out by its next heartbeat.
    pub fn notice(&mut self, who: Life) {
        if self.group.members.get(&who.slot) != Some(&who.life) {
            self.trace(|| format!("{who} notices that it was expelled"));
            self.start_over(who);
        }
    }

    pub fn follow(&mut self, who: Life, shard: Shard, from: &BTreeMap<Topic, Offset>) {
        for topic in FOLLOWED {
            let start = self.broker.partition(shard, topic).start();
            let position = from.get(&topic).copied().filter(|it| start <= *it).unwrap_or(start);
            self.read_from(who, (shard, topic), position);
        }
    }

    pub fn read_from(&mut self, who: Life, key: (Shard, Topic), position: Offset) {
        self.reads += 1;
        let reader = Reader { position, wanted: true, read: self.reads, planned: false, fresh: true };
        self.clients[who.slot].readers.insert(key, reader);
        self.plan_fetch(who, key);
    }

    pub fn want(&mut self, who: Life, key: (Shard, Topic), wanted: bool) {
        if let Some(reader) = self.clients[who.slot].readers.get_mut(&key) {
            reader.wanted = wanted;
            self.plan_fetch(who, key);
        }
    }

    /// Something may be readable here that was not.
    pub fn nudge(&mut self, shard: Shard, topic: Topic) {
        for slot in 0..self.clients.len() {
            if self.clients[slot].readers.contains_key(&(shard, topic)) {
                self.plan_fetch(self.life(slot), (shard, topic));
            }
        }
    }

    fn plan_fetch(&mut self, who: Life, key: (Shard, Topic)) {
        let stable = self.broker.partition(key.0, key.1).stable();
        let Some(reader) = self.clients[who.slot].readers.get_mut(&key) else { return };
        if !reader.wanted || reader.planned || (stable <= reader.position && !reader.fresh) {
            return;
        }
        reader.planned = true;
        let at = self.now.0 + self.dice.log.between(0, self.options.log.fetch_ms);
        self.agenda.plan(Millis(at), Action::Fetch { who, shard: key.0, topic: key.1, read: reader.read });
    }

    pub fn fetch(&mut self, who: Life, key: (Shard, Topic), read: u64) {
        let max = usize::try_from(self.dice.log.between(1, self.options.log.fetch_max)).unwrap();
        let partition = &self.broker.partitions[&key];
        let Some(reader) = self.clients[who.slot].readers.get_mut(&key).filter(|it| it.read == read) else { return };
        reader.planned = false;
        if !reader.wanted {
            return;
        }
        let (messages, mut position) = partition.read(reader.position, max);
        if let Some(last) = messages.last()
            && self.dice.log.chance(200)
        {
            position = Offset(last.offset.0 + 1);
        }
        if reader.position < position || reader.fresh {
            reader.position = reader.position.max(position);
            reader.fresh = false;
            let position = reader.position;
            let event = LogEvent::Messages { shard: key.0, topic: key.1, messages, position };
            self.deliver(who, Parcel { event: Event::Log(event), read: Some((key.0, key.1, read)) });
        }
        self.plan_fetch(who, key);
    }

    /// The owner deletes what it no longer needs; nothing that waits may be among it.
    pub fn purge(&mut self, who: Life, (shard, topic): (Shard, Topic), below: Offset) {
        let Topic::Delay(tier) = topic else {
            return self.broken("PORT", format!("{who} purges {topic:?}"));
        };
        let waits = self.ledger.deliveries.iter().find(|(del, entry)| {
            let last = entry.places.last();
            del.shard == shard && entry.release.is_some() && last.is_some_and(|it| it.0 == tier && it.1 < below)
        });
        if let Some((del, _)) = waits {
            let what = format!("{who} purges {topic:?} of {shard} below {below}, where {} waits", self.name(*del));
            return self.broken("I1", what);
        }
        if self.dice.log.chance(800) {
            self.broker.partition_mut(shard, topic).purge(below);
        }
    }

    pub fn tell(&mut self, who: Life, event: LogEvent) {
        self.deliver(who, Parcel { event: Event::Log(event), read: None });
    }
}
