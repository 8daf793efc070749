//! The hashes that stand for deliveries, tenants and CRM records: XXH3, 128 bit.
//! Not here: which partition a key belongs to (`partitioner`), where a hash is kept (`state`, `index`).
//!
//! Hashed is: the domain, then each part, each as its length in bytes (u64, little endian) and its bytes. The lengths
//! keep (`ab`, `c`) and (`a`, `bc`) apart; the domain keeps hashes of different meaning apart.
//! **These values lie in changelogs and headers: they never change.** The tests pin them.

use crate::model::{ConnectionId, DedupeHash, IdempotencyKey, Object, RecordHash, TenantHash, TenantId};
use xxhash_rust::xxh3::Xxh3;

/// Stands for (tenant, connection, idempotency key): what is applied at most once.
pub fn dedupe(connection: &ConnectionId, key: &IdempotencyKey) -> DedupeHash {
    DedupeHash(of(&["dedupe", &connection.tenant.0, &connection.name, &key.0]))
}

/// Stands for a tenant in the keys of `.applied`.
pub fn tenant(tenant: &TenantId) -> TenantHash {
    TenantHash(of(&["tenant", &tenant.0]))
}

/// Stands for a CRM record: deliveries with the same one are called in their order.
pub fn record(connection: &ConnectionId, object: &Object, external_id: &str) -> RecordHash {
    RecordHash(of(&["record", &connection.tenant.0, &connection.name, &object.0, external_id]))
}

fn of(parts: &[&str]) -> u128 {
    let mut hash = Xxh3::new();
    for part in parts {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        hash.update(&length.to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.digest128()
}

#[cfg(test)]
mod tests {
    use super::{dedupe, record, tenant};
    use crate::model::{ConnectionId, IdempotencyKey, Object, TenantId};

    fn connection(tenant: &str, name: &str) -> ConnectionId {
        ConnectionId { tenant: TenantId::from(tenant), name: name.into() }
    }

    #[test]
    fn hashes_are_those_that_lie_in_the_changelogs() {
        let acme = connection("acme", "hubspot");
        assert_eq!(dedupe(&acme, &IdempotencyKey::from("e-1")).to_string(), "0989929f23de024a35641427031fa5d1");
        assert_eq!(tenant(&acme.tenant).to_string(), "76f63c020bd17e2e47f9a82ac4d92014");
        assert_eq!(record(&acme, &Object("contact".into()), "c_1").to_string(), "51d85ad55be31f1981e8466fba0bd82f");
    }

    #[test]
    fn a_hash_is_one_pass_over_length_prefixed_parts() {
        let mut bytes = Vec::new();
        for part in ["tenant", "acme"] {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part.as_bytes());
        }
        assert_eq!(tenant(&TenantId::from("acme")).0, xxhash_rust::xxh3::xxh3_128(&bytes));
    }

    #[test]
    fn moving_a_boundary_between_parts_makes_another_hash() {
        let key = IdempotencyKey::from("k");
        assert_ne!(dedupe(&connection("ab", "c"), &key), dedupe(&connection("a", "bc"), &key));
        let at = connection("a", "b");
        assert_ne!(record(&at, &Object("xy".into()), "z"), record(&at, &Object("x".into()), "yz"));
        assert_ne!(dedupe(&connection("", "a"), &key), dedupe(&connection("a", ""), &key));
    }
}
