//! Choices out of a number, so that a whole scenario is a few integers that shrink towards zero.

/// Choices, each taken from what the earlier ones left of a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `sides`; 0 once nothing is left.
    pub(crate) fn roll(&mut self, sides: u64) -> usize {
        let rolled = self.0 % sides;
        self.0 /= sides;
        usize::try_from(rolled).expect("a choice is small")
    }

    pub(crate) fn flip(&mut self) -> bool {
        self.roll(2) == 1
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len() as u64)]
    }

    /// One of these, or none of them.
    pub(crate) fn maybe<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        self.roll(from.len() as u64 + 1).checked_sub(1).map(|at| from[at])
    }

    /// Some of these, in their order or in the opposite one.
    pub(crate) fn some<T: Copy>(&mut self, from: &[T]) -> Vec<T> {
        let mut some: Vec<T> = from.iter().copied().filter(|_| self.flip()).collect();
        if self.flip() {
            some.reverse();
        }
        some
    }
}
