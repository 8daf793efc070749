//! The alphabet of our binary layouts: numbers of varying length, fixed big-endian numbers, counted texts.
//! Not here: any layout. Reading is total: `None` is bytes that end too early or say what cannot be.

use crate::model::{ConnectionId, Crm, Scope, TenantId};

/// What keys and small values seldom exceed: made in one piece.
const KEY_BYTES: usize = 40;

/// Writes after one another what `Cut` reads after one another.
#[derive(Default)]
pub(super) struct Pen {
    bytes: Vec<u8>,
}

impl Pen {
    pub(super) fn starting_with(byte: u8) -> Self {
        let mut bytes = Vec::with_capacity(KEY_BYTES);
        bytes.push(byte);
        Self { bytes }
    }

    pub(super) fn done(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Eight bytes whose order is that of the numbers.
    pub(super) fn ordered(&mut self, number: u64) {
        self.raw(&number.to_be_bytes());
    }

    pub(super) fn hash(&mut self, hash: u128) {
        self.raw(&hash.to_be_bytes());
    }

    /// LEB128: seven bits a byte, lowest first; small numbers take one byte.
    pub(super) fn number(&mut self, number: u64) {
        let mut rest = number;
        while 0x80 <= rest {
            let [low, ..] = rest.to_le_bytes();
            self.byte(low | 0x80);
            rest >>= 7;
        }
        let [low, ..] = rest.to_le_bytes();
        self.byte(low);
    }

    /// Its length, then the bytes.
    pub(super) fn counted(&mut self, bytes: &[u8]) {
        self.number(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.raw(bytes);
    }

    /// 0, or 1 and the bytes.
    pub(super) fn perhaps(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            None => self.byte(0),
            Some(bytes) => {
                self.byte(1);
                self.counted(bytes);
            }
        }
    }

    /// Ordered as the ids are, and none the beginning of another.
    pub(super) fn connection(&mut self, id: &ConnectionId) {
        self.terminated(&id.tenant.0);
        self.terminated(&id.name);
    }

    /// Ordered as scopes are.
    pub(super) fn scope(&mut self, scope: &Scope) {
        match scope {
            Scope::All => self.byte(0),
            Scope::Crm(crm) => {
                self.byte(1);
                self.terminated(crm.name());
            }
            Scope::Tenant(tenant) => {
                self.byte(2);
                self.terminated(&tenant.0);
            }
            Scope::Connection(id) => {
                self.byte(3);
                self.connection(id);
            }
        }
    }

    /// A zero byte inside becomes `00 01`; `00 00` ends it, lower than anything that may follow.
    pub(super) fn terminated(&mut self, text: &str) {
        for byte in text.bytes() {
            self.byte(byte);
            if byte == 0 {
                self.byte(1);
            }
        }
        self.raw(&[0, 0]);
    }
}

/// What is left to read.
#[derive(Clone, Copy)]
pub(super) struct Cut<'a> {
    rest: &'a [u8],
}

impl<'a> Cut<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Nothing may be left behind.
    pub(super) fn end(self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }

    pub(super) fn left(self) -> usize {
        self.rest.len()
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    pub(super) fn raw(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*bytes)
    }

    pub(super) fn ordered(&mut self) -> Option<u64> {
        self.fixed().map(u64::from_be_bytes)
    }

    pub(super) fn hash(&mut self) -> Option<u128> {
        self.fixed().map(u128::from_be_bytes)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            let placed = bits << shift;
            if placed >> shift != bits || (byte == 0 && shift != 0) {
                return None;
            }
            number |= placed;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn small(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    pub(super) fn counted(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.raw(length)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.counted()?).ok()
    }

    pub(super) fn perhaps(&mut self) -> Option<Option<&'a [u8]>> {
        match self.byte()? {
            0 => Some(None),
            1 => self.counted().map(Some),
            _ => None,
        }
    }

    pub(super) fn connection(&mut self) -> Option<ConnectionId> {
        let tenant = TenantId(self.terminated()?.into());
        Some(ConnectionId { tenant, name: self.terminated()?.into() })
    }

    pub(super) fn scope(&mut self) -> Option<Scope> {
        match self.byte()? {
            0 => Some(Scope::All),
            1 => Crm::from_name(&self.terminated()?).map(Scope::Crm),
            2 => Some(Scope::Tenant(TenantId(self.terminated()?.into()))),
            3 => self.connection().map(Scope::Connection),
            _ => None,
        }
    }

    pub(super) fn terminated(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        loop {
            match (self.byte()?, self.rest.first()) {
                (0, Some(0)) => {
                    self.byte()?;
                    return String::from_utf8(bytes).ok();
                }
                (0, Some(1)) => {
                    self.byte()?;
                    bytes.push(0);
                }
                (0, _) => return None,
                (byte, _) => bytes.push(byte),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cut, Pen};
    use crate::wire::strategies;
    use proptest::prelude::*;

    #[test]
    fn numbers_have_one_text_each() {
        let read = |bytes: &[u8]| Cut::of(bytes).number();
        assert_eq!(read(&[0]), Some(0));
        assert_eq!(read(&[0x80, 1]), Some(128));
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]), Some(u64::MAX));
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]), None, "beyond 64 bits");
        assert_eq!(read(&[0x80, 0]), None, "a longer text for 0");
        assert_eq!(read(&[0x80]), None, "an end too early");
        assert_eq!(read(&[0x80; 11]), None);
    }

    #[test]
    fn a_length_beyond_the_end_is_refused_without_room_being_made_for_it() {
        let mut pen = Pen::default();
        pen.number(u64::MAX);
        assert_eq!(Cut::of(&pen.done()).counted(), None);
    }

    proptest! {
        #[test]
        fn numbers_read_back(number in strategies::number()) {
            let mut pen = Pen::default();
            pen.number(number);
            let bytes = pen.done();
            let mut cut = Cut::of(&bytes);
            prop_assert_eq!(cut.number(), Some(number));
            prop_assert!(cut.end().is_some());
        }

        #[test]
        fn connections_read_back_in_their_order_and_none_begins_another(
            a in strategies::connection(),
            b in strategies::connection(),
        ) {
            let written = |id| {
                let mut pen = Pen::default();
                pen.connection(id);
                pen.done()
            };
            let (x, y) = (written(&a), written(&b));
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
            prop_assert!(a == b || !y.starts_with(&x));
            prop_assert_eq!(Cut::of(&x).connection(), Some(a));
        }
    }
}
