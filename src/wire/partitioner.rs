//! Which shard a key belongs to: Kafka's default partitioner, murmur2.
//! Not here: who owns a shard, and partitioners that a producer may have used instead.
//!
//! Source: Apache Kafka, `org.apache.kafka.common.utils.Utils.murmur2` and `BuiltInPartitioner.partitionForKey`;
//! the tests hold the values of Kafka's own `UtilsTest.testMurmur2`.

use crate::model::{Shard, TenantId};

const SEED: u32 = 0x9747_b28c;
const MULTIPLIER: u32 = 0x5bd1_e995;
const SIGN: u32 = 0x8000_0000;

/// The shard of a tenant, whatever its producers do: the one owner of its order, its limits and its memory.
/// Without shards (0) it is shard 0.
pub fn home(tenant: &TenantId, shards: u32) -> Shard {
    partition(tenant.0.as_bytes(), shards)
}

/// The partition that Kafka's default partitioner gives to a message with this key.
pub fn partition(key: &[u8], shards: u32) -> Shard {
    Shard((murmur2(key) & !SIGN).checked_rem(shards).unwrap_or(0))
}

fn murmur2(key: &[u8]) -> u32 {
    // Java's lengths are `int`: a longer array does not exist there, and no message is that long.
    let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
    let (words, rest) = key.as_chunks::<4>();
    let mixed = words.iter().fold(SEED ^ length, |hash, word| {
        let word = u32::from_le_bytes(*word).wrapping_mul(MULTIPLIER);
        hash.wrapping_mul(MULTIPLIER) ^ (word ^ (word >> 24)).wrapping_mul(MULTIPLIER)
    });
    finish(with_rest(mixed, rest))
}

fn with_rest(hash: u32, rest: &[u8]) -> u32 {
    if rest.is_empty() {
        return hash;
    }
    let tail = rest.iter().rev().fold(0_u32, |tail, byte| (tail << 8) | u32::from(*byte));
    (hash ^ tail).wrapping_mul(MULTIPLIER)
}

fn finish(hash: u32) -> u32 {
    let hash = (hash ^ (hash >> 13)).wrapping_mul(MULTIPLIER);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::{home, murmur2, partition};
    use crate::model::{Shard, TenantId};
    use proptest::prelude::*;

    #[test]
    fn hashes_are_those_of_kafkas_own_test() {
        let cases: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (key, hash) in cases {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
    }

    #[test]
    fn the_sign_is_masked_not_negated() {
        // -973932308 & 0x7fffffff = 1173551340
        assert_eq!(partition(b"21", 24), Shard(1_173_551_340 % 24));
        assert_eq!(home(&TenantId::from("21"), 24), partition(b"21", 24));
    }

    #[test]
    fn without_shards_there_is_still_an_answer() {
        assert_eq!(partition(b"foobar", 0), Shard(0));
        assert_eq!(partition(b"", 1), Shard(0));
    }

    proptest! {
        #[test]
        fn every_key_has_a_shard_below_their_number(key: Vec<u8>, shards in 1_u32..2000) {
            prop_assert!(partition(&key, shards).0 < shards);
        }
    }
}
