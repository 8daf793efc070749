//! What was counted in the last so many minutes, in slots, so that it costs the same however much is counted.
//! Not here: what is counted.

use crate::model::Millis;
use std::collections::VecDeque;
use std::time::Duration;

/// Slots in a window: what it still holds may be older than its span by a sixtieth.
const SLOTS: u32 = 60;

/// Counts of a window that ends now. Nothing of the window is ever left out.
#[derive(Clone, Debug)]
pub(super) struct Sliding<T> {
    span: Duration,
    /// Oldest first, each with its start.
    slots: VecDeque<(Millis, T)>,
}

impl<T: Default> Sliding<T> {
    pub(super) fn new(span: Duration) -> Self {
        Self { span, slots: VecDeque::new() }
    }

    pub(super) fn span(&self) -> Duration {
        self.span
    }

    fn width(&self) -> Duration {
        (self.span / SLOTS).max(Duration::from_millis(1))
    }

    /// Counts into the slot of now.
    pub(super) fn count(&mut self, now: Millis, with: impl FnOnce(&mut T)) {
        let width = self.width();
        match self.slots.back_mut().filter(|(start, _)| now < start.after(width)) {
            Some((_, slot)) => with(slot),
            None => {
                self.forget(now);
                let mut slot = T::default();
                with(&mut slot);
                self.slots.push_back((now, slot));
            }
        }
    }

    /// Everything of the window that ends now.
    pub(super) fn all(&mut self, now: Millis) -> impl Iterator<Item = &T> {
        self.forget(now);
        self.slots.iter().map(|(_, it)| it)
    }

    fn forget(&mut self, now: Millis) {
        let (span, width) = (self.span, self.width());
        while self.slots.front().is_some_and(|(start, _)| start.after(width).after(span) <= now) {
            self.slots.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Sliding;
    use crate::model::Millis;
    use proptest::prelude::*;
    use std::time::Duration;

    proptest! {
        #[test]
        fn a_window_holds_all_of_its_span_and_little_more(
            steps in prop::collection::vec(0..20_000_u64, 1..200),
        ) {
            let mut window: Sliding<Vec<u64>> = Sliding::new(Duration::from_secs(60));
            let mut all = Vec::new();
            let mut now = 1_000_000;
            for step in steps {
                now += step;
                window.count(Millis(now), |it| it.push(now));
                all.push(now);
                let held: Vec<u64> = window.all(Millis(now)).flatten().copied().collect();
                let surely: Vec<u64> = all.iter().copied().filter(|it| now - it < 60_000).collect();
                prop_assert!(held.ends_with(&surely), "{:?} lacks some of {:?}", held, surely);
                prop_assert!(held.iter().all(|it| now - it <= 61_000), "{:?} at {}", held, now);
                prop_assert!(window.slots.len() <= 62);
            }
        }
    }
}
