//! Minimum and median.

/// Of several samples of one quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) min: f64,
    pub(crate) median: f64,
}

/// `None` of no samples.
pub(crate) fn summary(samples: &[f64]) -> Option<Summary> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    let median = if sorted.len().is_multiple_of(2) {
        f64::midpoint(*sorted.get(middle.checked_sub(1)?)?, upper)
    } else {
        upper
    };
    Some(Summary {
        min: *sorted.first()?,
        median,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        let summary = |samples: &[f64]| super::summary(samples).unwrap();
        assert_eq!(summary(&[9.0, 1.0, 5.0]).median, 5.0);
        assert_eq!(summary(&[4.0, 1.0, 3.0, 2.0]).median, 2.5);
        assert_eq!(summary(&[7.0]).median, 7.0);
        assert_eq!(summary(&[4.0, 1.0, 3.0]).min, 1.0);
    }

    #[test]
    fn one_outlier_does_not_move_the_median() {
        let samples = [10.0, 10.5, 11.0, 10.2, 900.0];
        assert_eq!(summary(&samples).unwrap().median, 10.5);
    }

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(summary(&[]), None);
    }
}
