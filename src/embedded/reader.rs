//! Looks into the log on behalf of an operator: what there is, how far it has come, what the messages say.
//! Not here: delivering to the loop (`courier`); nothing here changes anything.

use super::EmbeddedFault;
use super::board::Board;
use super::courier::received;
use super::disk::{Disk, Portion};
use crate::model::{Offset, Received, Shard, Topic};
use crate::ports::LogIdentity;
use std::sync::Arc;

/// Reads what is committed. Cheap to clone, for any thread. The log stays open as long as one lives.
#[derive(Clone)]
pub struct Reader {
    pub(super) disk: Arc<Disk>,
    pub(super) board: Arc<Board>,
}

impl Reader {
    pub fn shards(&self) -> u32 {
        self.disk.shards
    }

    pub fn identity(&self) -> LogIdentity {
        LogIdentity(self.disk.identity.clone())
    }

    /// The first offset that was not deleted.
    pub fn start(&self, topic: Topic, shard: Shard) -> Offset {
        self.board.look(|bounds| bounds.start(topic, shard))
    }

    /// The next offset to be given.
    pub fn end(&self, topic: Topic, shard: Shard) -> Offset {
        self.board.look(|bounds| bounds.end(topic, shard))
    }

    /// The group's offset of `jobs[shard]`; none before the first commit.
    pub fn group_offset(&self, shard: Shard) -> Option<Offset> {
        self.board.look(|bounds| bounds.groups.get(&shard).copied())
    }

    /// Up to `limit` messages from `from` on, at most 8 MiB but at least one, and the offset to go on from. Blocks
    /// for the disk.
    ///
    /// # Errors
    /// When the log is damaged or cannot be read.
    pub fn read(
        &self,
        topic: Topic,
        shard: Shard,
        from: Offset,
        limit: usize,
    ) -> Result<(Vec<Received>, Offset), EmbeddedFault> {
        let portion = Portion { messages: limit, bytes: 8 << 20 };
        let end = self.end(topic, shard);
        let stretch = self.disk.read((topic, shard), from, end, portion)?;
        Ok((received(stretch.messages), stretch.position))
    }
}
