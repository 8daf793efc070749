//! A compressed body that is small on the line and huge when it is unpacked.
//! Not here: when it is sent.

use axum::body::Bytes;

/// As long as one copy of what came before can be (RFC 1951 §3.2.5).
const COPY_MAX: usize = 258;
/// Code 285 of lengths with fixed codes: 258 bytes …
const COPY_258: (u32, u32) = (0b1100_0101, 8);
/// … of distance 1.
const DISTANCE_1: (u32, u32) = (0, 5);
/// A blank, by the fixed code of literals.
const BLANK: (u32, u32) = (0x30 + 0x20, 8);
const END: (u32, u32) = (0, 7);

/// Gzip of at least `bytes` blanks: one, and copies of it. Its checksum is wrong: whoever sees that has unpacked it.
pub(super) fn gzip_of_blanks(bytes: usize) -> Bytes {
    let mut bits = Bits::default();
    // The last block, with fixed codes; these two fields begin at their lowest bit.
    bits.put((0b110, 3));
    bits.put(BLANK);
    for _ in 0..bytes.div_ceil(COPY_MAX) {
        bits.put(COPY_258);
        bits.put(DISTANCE_1);
    }
    bits.put(END);
    let mut body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    body.extend(bits.done());
    body.extend([0; 8]);
    Bytes::from(body)
}

/// Bits, codes from their highest one on, packed into bytes from the lowest one on.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    byte: u8,
    filled: u32,
}

impl Bits {
    fn put(&mut self, (code, length): (u32, u32)) {
        for place in (0..length).rev() {
            if code >> place & 1 == 1 {
                self.byte |= 1 << self.filled;
            }
            self.filled += 1;
            if self.filled == 8 {
                self.bytes.push(std::mem::take(&mut self.byte));
                self.filled = 0;
            }
        }
    }

    fn done(mut self) -> Vec<u8> {
        self.bytes.push(self.byte);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_small_on_the_line() {
        let body = gzip_of_blanks(64 << 20);
        assert!(body.len() < 512 << 10, "{}", body.len());
        assert_eq!(&body[..3], &[0x1f, 0x8b, 8]);
    }
}
