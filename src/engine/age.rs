//! Looks for what has waited long, a piece at a time, oldest first: to be released anew, or to die (core rules §3).
//! Not here: what follows for it (`machine`).

use crate::engine::shard::ShardSlot;
use crate::engine::{Engine, index};
use crate::machine::{Aged, Bug, Head, Input};
use crate::model::{Connection, Entry, Millis, Place, Shard, Tier, Topic};
use crate::ports::{Crms, Log, Store, StoreFault};
use crate::wire;

/// Of what a commit may hold, so much may be renewed: a tenth.
const SHARE: usize = 10;
/// Bytes of messages read in one piece.
const PIECE_BYTES: usize = 1 << 20;
/// Looks at all topics while a message becomes old.
const PASSES: u32 = 100;

/// Where the look at what waits stands, of one shard.
#[derive(Debug)]
pub(super) struct Aging {
    next: Millis,
    tier: Tier,
    /// Behind the last message looked at; empty: at the beginning.
    from: Vec<u8>,
}

/// What a piece of a delay topic holds that is old.
#[derive(Default)]
struct Old {
    renewed: Vec<Aged>,
    expired: Vec<Head>,
    unreadable: Vec<(Aged, String)>,
}

impl Default for Aging {
    fn default() -> Self {
        Self { next: Millis(0), tier: Tier::S5, from: Vec::new() }
    }
}

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    pub(super) fn look_for_the_old(&mut self, now: Millis) {
        let due = |slot: &ShardSlot| slot.is_running() && slot.aging.next <= now;
        let shards: Vec<Shard> = self.shards.iter().filter(|(_, it)| due(it)).map(|(it, _)| *it).collect();
        for shard in shards {
            let room = self.room_to_renew(shard);
            if room == 0 || self.is_full() {
                return;
            }
            match self.look_at_piece(now, shard, room) {
                Ok(old) => self.treat(now, shard, old),
                Err(fault) => self.store_failed(shard, &fault),
            }
        }
    }

    fn room_to_renew(&self, shard: Shard) -> usize {
        let machines = || self.shards.values().filter_map(ShardSlot::machine);
        let renewed: usize = machines().map(|it| it.renewed_count()).sum();
        let on_way = self.shards.get(&shard).and_then(ShardSlot::machine).map_or(0, |it| it.on_way_count());
        if self.on_way_share() <= on_way {
            return 0;
        }
        (self.settings.commit_outcomes / SHARE).max(1).saturating_sub(renewed)
    }

    fn treat(&mut self, now: Millis, shard: Shard, old: Old) {
        if !old.renewed.is_empty() {
            self.step(now, shard, Input::Renew(old.renewed));
        }
        if !old.expired.is_empty() {
            self.step(now, shard, Input::Expire(old.expired));
        }
        self.bury(now, shard, old.unreadable);
    }

    /// The next piece of a topic, up to its first young message; then the next topic, then a pause.
    fn look_at_piece(&mut self, now: Millis, shard: Shard, room: usize) -> Result<Old, StoreFault> {
        let Some(slot) = self.shards.get(&shard) else { return Ok(Old::default()) };
        let tier = slot.aging.tier;
        let low = slot.machine().map(|it| it.low(Topic::Delay(tier))).unwrap_or_default();
        let from = wire::index::message_key(Place { tier, offset: low }).max(slot.aging.from.clone());
        let pairs = self.store.scan(shard, &wire::index::message_prefix(tier), &from, room)?;
        let (mut old, mut bytes, mut last) = (Old::default(), 0, None);
        for (message_key, value) in &pairs {
            let place = wire::index::decode_message_key(message_key).map_err(index::damaged)?;
            last = Some(message_key);
            let (_, _, key) = index::waiting(value)?;
            // A second message of a delivery may have taken its place.
            let Some(entry) = self.entry(shard, &key)?.filter(|it| it.place == place) else { continue };
            if now.since(entry.message.timestamp) <= self.settings.renew_after {
                last = None;
                break;
            }
            bytes += entry.message.size();
            self.sort(now, shard, entry, &mut old)?;
            if PIECE_BYTES < bytes {
                break;
            }
        }
        let goes_on = last.filter(|_| pairs.len() == room || PIECE_BYTES < bytes);
        let next = Tier::ALL.into_iter().skip_while(|it| *it != tier).nth(1);
        let pause = self.settings.renew_after / PASSES;
        let Some(slot) = self.shards.get_mut(&shard) else { return Ok(old) };
        slot.aging = match (goes_on, next) {
            (Some(last), _) => Aging { next: now, tier, from: last.iter().copied().chain([0]).collect() },
            (None, Some(tier)) => Aging { next: now, tier, from: Vec::new() },
            (None, None) => Aging { next: now.after(pause), ..Aging::default() },
        };
        Ok(old)
    }

    /// What nobody may call does not grow old: a person has paused it, or it is not configured now and may be so again.
    /// It is marked as such, so that it has its full time when it may be called again.
    fn sort(&self, now: Millis, shard: Shard, entry: Entry, old: &mut Old) -> Result<(), StoreFault> {
        let machine = self.shards.get(&shard).and_then(ShardSlot::machine);
        let paused = |it: &Connection| machine.is_some_and(|machine| machine.is_paused(it, now));
        let ages = |it: &Connection| !paused(it) || self.settings.bug == Some(Bug::ExpiresThePaused);
        let Some(connection) = self.connection(&entry.key.connection).filter(|it| ages(it)) else {
            let mut aged = self.aged(shard, entry)?;
            aged.paused_at = Some(now);
            old.renewed.push(aged);
            return Ok(());
        };
        let from = wire::headers::paused_at(&entry.message).map_or(entry.since, |it| it.max(entry.since));
        let over = self.settings.max_wait < now.since(from) && self.settings.bug != Some(Bug::NeverExpires);
        match over.then(|| self.decode_head(&entry, &connection)) {
            None => old.renewed.push(self.aged(shard, entry)?),
            Some(Ok(head)) => old.expired.push(head),
            Some(Err(what)) => old.unreadable.push((self.aged(shard, entry)?, what)),
        }
        Ok(())
    }
}
