//! What a process is told with each turn, noted in its view before the engine sees it.
//! Not here: what it does with it.

use crate::crm::Input;
use crate::ledger::Del;
use crate::marks::Mark;
use crate::view::Heard;
use crate::workload::{ConnIx, Kind};
use crate::world::{Life, World};
use sluicegate::model::{Answer, Because, CallEnded, Fault, Millis, Offset, Received, Reply, Shard, Tier, Topic};
use sluicegate::ports::{Event, Fate, LogEvent};

impl World {
    pub fn observe(&mut self, who: Life, event: &Event) {
        if matches!(event, Event::Log(LogEvent::CommitEnded { .. } | LogEvent::Tail { .. })) {
            self.processes[who.slot].committed = true;
        }
        match event {
            Event::Log(LogEvent::Assigned(assignments)) => {
                for assignment in assignments {
                    self.processes[who.slot].view.restart(assignment.shard);
                    self.note_assigned(who, assignment.shard);
                    self.trace(|| {
                        format!("{who}: assigned {}, group offset {:?}", assignment.shard, assignment.group_offset)
                    });
                    self.mark_released_behind_unsettled(assignment.shard);
                }
            }
            Event::Log(LogEvent::Messages { shard, topic, messages, position }) => {
                self.shown(who, (*shard, *topic), messages, *position);
            }
            Event::Log(LogEvent::Lost(shards)) => {
                self.trace(|| format!("{who}: lost {shards:?}"));
                for shard in shards {
                    self.processes[who.slot].view.restart(*shard);
                }
            }
            Event::Log(LogEvent::CommitEnded { fate: Fate::Fenced(_), .. }) => {
                self.processes[who.slot].view.restart_all()
            }
            Event::Log(LogEvent::Revoking(shards)) => self.trace(|| format!("{who}: revoking {shards:?}")),
            Event::Log(LogEvent::Tail { shard, messages }) => {
                self.trace(|| format!("{who}: tail of {shard} with {} messages", messages.len()));
            }
            Event::AccessChanged(id) => self.told_of_access(who, id),
            Event::Log(LogEvent::CommitEnded { .. } | LogEvent::Stopped { .. } | LogEvent::Closed)
            | Event::Tenants(_)
            | Event::Explain(_)
            | Event::Drain => {}
            Event::CallEnded(ended) => self.answered(who, ended),
        }
    }

    fn shown(&mut self, who: Life, (shard, topic): (Shard, Topic), messages: &[Received], position: Offset) {
        self.note("shown", messages.len() as u64, position.0);
        self.trace(|| format!("{who}: {topic:?} of {shard} with {} messages, position {position}", messages.len()));
        for received in messages {
            match topic {
                Topic::Jobs => self.mark_on_its_way(who, shard, received.offset),
                Topic::Delay(tier) => {
                    self.heard(who, shard, (tier, received.offset));
                    self.mark_follower(who, shard, (tier, received.offset));
                }
                Topic::Dlq | Topic::State | Topic::Applied | Topic::Outcomes => {}
            }
        }
        let base = self.options.log.base;
        self.marks.hit_if(topic == Topic::Jobs && 0 < base && base / 4096 < position.0 / 4096, Mark::SegmentCrossed);
        if let Some(view) = self.processes[who.slot].view.shards.get_mut(&shard) {
            view.shown.insert(topic, position);
        }
    }

    /// An answer reaches the loop: from now on it may rely on it.
    fn answered(&mut self, who: Life, ended: &CallEnded) {
        let Some(flight) = self.flight_of(who, ended.id) else { return };
        let it = &mut self.crm.flights[flight];
        it.ended = true;
        it.ended_at = Some(self.now);
        let (shard, epoch, conn, inputs) = (it.shard, it.epoch, it.conn, it.inputs.clone());
        self.note("answer", ended.id.0, 0);
        self.trace(|| format!("{who}: call {} ended with {:?}", ended.id.0, ended.answer));
        self.heard_of_limits(who, (shard, epoch), flight);
        inputs.iter().for_each(|input| self.landed(who, conn, input));
        self.probe_answered(who, flight, &ended.answer);
        let view = &self.processes[who.slot].view;
        let current = view.shards.get(&shard).is_some_and(|it| it.epoch == epoch);
        for (place, input) in inputs.iter().enumerate() {
            let Some(del) = self.called_delivery(who, shard, (input.job, conn)) else { continue };
            match &ended.answer {
                Answer::Each(replies) => match &replies[place] {
                    Reply::Applied { .. } => self.succeeded(who, del, conn, current),
                    Reply::Permanent(_) => self.over(who, del),
                    Reply::Transient(fault) | Reply::Gone(fault) => self.failed(who, del, (fault, flight, place)),
                    Reply::Account(_) => {}
                },
                Answer::Failed(fault) => self.failed(who, del, (fault, flight, place)),
                Answer::Refused(_) if inputs.len() == 1 => self.over(who, del),
                Answer::Refused(_) | Answer::Unsent => {}
            }
        }
        self.mark_ladder(flight, &inputs);
    }

    /// What is left of the account's windows is news only from the newest call.
    fn heard_of_limits(&mut self, who: Life, (shard, epoch): (Shard, u64), flight: usize) {
        let it = &self.crm.flights[flight];
        let (conn, words) = (it.conn, it.usage.windows.clone());
        let (now, next) = (self.now, self.crm.flights.len());
        let Some(view) = self.processes[who.slot].view.shards.get_mut(&shard).filter(|it| it.epoch == epoch) else {
            return;
        };
        for (place, word) in words.iter().enumerate() {
            let newer = view.heard.get(&(conn, place)).is_none_or(|it| it.flight < flight);
            if let Some(remaining) = word.remaining.filter(|_| newer) {
                view.heard.insert((conn, place), Heard { flight, next, at: now, remaining });
            }
        }
    }

    fn landed(&mut self, who: Life, conn: ConnIx, input: &Input) {
        let key = match &self.workload.spec(input.job).kind {
            Kind::Valid { key, .. } => (conn, *key),
            Kind::Malformed | Kind::UnknownTenant { .. } | Kind::NoRoute { .. } | Kind::Tombstone => return,
        };
        let view = &mut self.processes[who.slot].view;
        let one_less = |out: &mut u32| *out = out.saturating_sub(1);
        view.records_out.get_mut(&input.record).map(one_less);
        view.keys_out.get_mut(&key).map(one_less);
    }

    fn succeeded(&mut self, who: Life, del: Del, conn: ConnIx, current: bool) {
        let key = self.key_of(del).map(|it| (conn, it.1));
        self.over(who, del);
        if let Some(view) = self.processes[who.slot].view.shards.get_mut(&del.shard)
            && let Some(key) = key.filter(|_| current)
        {
            view.applied.insert(key);
        }
    }

    fn over(&mut self, who: Life, del: Del) {
        if let Some(view) = self.processes[who.slot].view.shards.get_mut(&del.shard) {
            view.ended.insert(del);
        }
    }

    /// A passing failure: the last one ends the delivery, each other one puts it off.
    fn failed(&mut self, who: Life, del: Del, (fault, flight, place): (&Fault, usize, usize)) {
        let machine = &self.options.machine;
        let attempt = self.ledger.deliveries[&del].release.as_ref().map_or(0, |it| it.attempt) + 1;
        if machine.retries < attempt || self.leaves_unknown(flight, place, fault.reason) {
            return self.over(who, del);
        }
        let nominal = machine.retry_base_ms << (attempt - 1);
        let asked = fault.retry_after.map_or(0, |it| u64::try_from(it.as_millis()).unwrap());
        let due = Millis(self.now.0 + (nominal * 8 / 10).max(asked));
        if let Some(view) = self.processes[who.slot].view.shards.get_mut(&del.shard) {
            view.not_before.insert(del, due);
        }
    }

    fn mark_ladder(&mut self, flight: usize, inputs: &[Input]) {
        let [one] = inputs else { return };
        if self.was_refused(flight) {
            let flights = &self.crm.flights;
            let refused = (0..flight).filter(|it| self.was_refused(*it) && 1 < flights[*it].inputs.len());
            let ladder =
                refused.flat_map(|it| &flights[it].inputs).any(|it| it.job == one.job && it.record == one.record);
            self.marks.hit_if(ladder, Mark::LadderDownToOne);
        }
    }

    /// A newer job arrives while an earlier one of its record is released and not read back.
    fn mark_on_its_way(&mut self, who: Life, shard: Shard, seq: Offset) {
        let view = self.processes[who.slot].view.shards.get(&shard);
        let on_way = |del: Del| {
            let entry = &self.ledger.deliveries[&del];
            let shown = |tier| view.and_then(|it| it.shown.get(&Topic::Delay(tier))).copied().unwrap_or_default();
            entry.release.is_some() && entry.places.last().is_some_and(|it| shown(it.0) <= it.1)
        };
        let here = Del { shard, seq, conn: None };
        let next = Del { shard, seq: Offset(seq.0 + 1), conn: None };
        let records: Vec<_> = self.ledger.deliveries.range(here..next).filter_map(|it| it.1.record).collect();
        let blocked = records.into_iter().any(|it| self.ledger.dels_of(it).take_while(|it| it.seq < seq).any(on_way));
        self.marks.hit_if(blocked, Mark::OnItsWayBlocks);
    }

    /// What waited only for its order is read back when nothing is before it any more.
    fn mark_follower(&mut self, who: Life, shard: Shard, place: (Tier, Offset)) {
        let followers = self
            .ledger
            .deliveries
            .iter()
            .filter(|it| it.0.shard == shard && it.1.places.last() == Some(&place) && it.1.outcomes.is_empty());
        let alone = followers.into_iter().any(|(del, entry)| {
            let ordered = entry.release.as_ref().is_some_and(|it| it.because == Because::Order);
            let view = self.processes[who.slot].view.shards.get(&shard);
            let over = |it: Del| {
                !self.ledger.deliveries[&it].outcomes.is_empty() || view.is_some_and(|view| view.ended.contains(&it))
            };
            let mut earlier =
                entry.record.map(|it| self.ledger.dels_of(it).take_while(|it| it < del)).into_iter().flatten();
            ordered && earlier.all(over)
        });
        self.marks.hit_if(alone, Mark::FollowerFiledLate);
    }

    fn mark_released_behind_unsettled(&mut self, shard: Shard) {
        let waiting = self.ledger.deliveries.iter().filter(|it| it.0.shard == shard && it.1.release.is_some());
        let behind = waiting.into_iter().any(|(del, entry)| {
            let earlier = entry.record.map(|it| self.ledger.dels_of(it).take_while(|it| it < del));
            earlier.into_iter().flatten().any(|it| {
                let earlier = &self.ledger.deliveries[&it];
                earlier.release.is_none() && earlier.outcomes.is_empty() && !earlier.skipped
            })
        });
        self.marks.hit_if(behind, Mark::ReleasedBehindUnsettled);
    }
}
