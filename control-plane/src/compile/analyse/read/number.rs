//! Numbers that others are compared with.

use countersign_engine::cel::Op;

use crate::compile::analyse::ranges::Ranges;

/// A number that others are compared with.
pub(super) enum Number {
    Whole(i128),
    /// Not NaN.
    Double(f64),
}

impl Number {
    /// The numbers that are so ordered to it.
    pub(super) fn ordered(&self, op: Op) -> Ranges {
        let less = self.less();
        let (below, up_to) = (
            Ranges::between(i128::MIN, less.0),
            Ranges::between(i128::MIN, less.1),
        );
        match op {
            Op::Lt => below,
            Op::Le => up_to,
            Op::Gt => up_to.complement(),
            Op::Ge => below.complement(),
            Op::Eq => up_to.and(&below.complement()),
            _ => up_to.and(&below.complement()).complement(),
        }
    }

    /// The greatest whole number that is less, and the greatest that is not greater. Next to a double a
    /// whole number is the double nearest to it (see the engine's order of values), and a greater one is
    /// never a lesser double, so both are found by halving.
    fn less(&self) -> (i128, i128) {
        match self {
            Self::Whole(number) => (number.saturating_sub(1), *number),
            Self::Double(double) => {
                #[expect(clippy::cast_precision_loss, reason = "the nearest is meant")]
                let nearest = |number: i128| number as f64;
                let greatest = |holds: &dyn Fn(f64) -> bool| {
                    // Every number that is compared lies between these.
                    let (mut low, mut high) = (i128::from(i64::MIN) - 1, i128::from(u64::MAX) + 1);
                    while low < high {
                        let middle = low + (high - low + 1) / 2;
                        if holds(nearest(middle)) {
                            low = middle;
                        } else {
                            high = middle - 1;
                        }
                    }
                    low
                };
                (
                    greatest(&|number| number < *double),
                    greatest(&|number| number <= *double),
                )
            }
        }
    }
}
