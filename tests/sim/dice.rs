//! The one source of chance of a run: SplitMix64, forked by name so that one part's draws do not move another's.
//! Not here: what is drawn, and any other randomness; a seed decides everything.

#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x6a09_e667_f3bc_c908)
    }

    /// An independent source for one part of the world.
    pub fn fork(&self, name: &str) -> Self {
        let mut hash = self.0 ^ 0xcbf2_9ce4_8422_2325;
        for byte in name.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let mut forked = Self(hash);
        forked.roll();
        forked
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// 0 up to, not including, `bound`; 0 if there is no room.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.roll() % bound }
    }

    /// Both ends included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap()
    }

    /// True `permille` times in a thousand.
    pub fn chance(&mut self, permille: u32) -> bool {
        self.below(1000) < u64::from(permille)
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.index(of.len())]
    }

    /// Both ends included, each magnitude as likely as the next: many small values, some huge ones.
    pub fn spread(&mut self, low: u64, high: u64) -> u64 {
        let room = high.saturating_sub(low) + 1;
        let magnitudes = u64::from(64 - room.leading_zeros());
        let top = 1_u64.checked_shl(u32::try_from(self.below(magnitudes) + 1).unwrap()).unwrap_or(u64::MAX);
        low + self.below(top.min(room))
    }
}

#[test]
fn forks_differ_by_name_and_not_by_time() {
    let mut dice = Dice::new(7);
    let (mut one, mut other) = (dice.fork("one"), dice.fork("other"));
    assert_ne!(one.roll(), other.roll());
    let fork = dice.fork("one").roll();
    assert_eq!(fork, dice.fork("one").roll());
    dice.roll();
    assert_ne!(fork, dice.fork("one").roll(), "a fork depends on where its parent stands");
}

#[test]
fn draws_stay_within_their_bounds() {
    let mut dice = Dice::new(1);
    for _ in 0..10_000 {
        assert!((3..=9).contains(&dice.between(3, 9)));
        assert!((1..=1000).contains(&dice.spread(1, 1000)));
        assert!(dice.below(1) == 0);
    }
}
