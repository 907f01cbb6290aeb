//! Reproducible random numbers.

use std::ops::RangeInclusive;
use std::time::Duration;

/// `SplitMix64` (Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, 2014). A seed yields the same
/// numbers on every machine and with every version of every crate.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// Creates a generator from a seed and the number of a round or worker.
    pub(super) fn of(seed: u64, part: u64) -> Self {
        Self(Self(Self(seed).next() ^ part).next())
    }

    /// Returns the next 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number in the range. Its bias is negligible for such short ranges.
    pub(super) fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        range.start() + self.next() % (range.end() - range.start() + 1)
    }

    /// Returns a duration in milliseconds.
    pub(super) fn millis(&mut self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.within(range))
    }

    /// Returns true with this probability in percent.
    pub(super) fn percent(&mut self, cases: u64) -> bool {
        self.within(1..=100) <= cases
    }

    /// Chooses an element.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let place = self.within(0..=from.len() as u64 - 1);
        from[usize::try_from(place).unwrap_or_default()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the reference implementation with the seed 1234567, <https://prng.di.unimi.it/splitmix64.c>.
    #[test]
    fn the_numbers_are_those_of_the_algorithm() {
        let mut random = Random(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn every_part_of_a_seed_has_numbers_of_its_own_and_always_the_same() {
        assert_eq!(Random::of(1, 2).next(), Random::of(1, 2).next());
        assert_ne!(Random::of(1, 2).next(), Random::of(1, 3).next());
        assert_ne!(Random::of(1, 2).next(), Random::of(2, 1).next());
    }

    #[test]
    fn a_number_is_within_its_range() {
        let mut random = Random::of(7, 0);
        let drawn: Vec<_> = (0..200).map(|_| random.within(3..=5)).collect();
        assert!((3..=5).all(|number| drawn.contains(&number)), "{drawn:?}");
        assert!(drawn.iter().all(|number| (3..=5).contains(number)), "{drawn:?}");
    }
}
