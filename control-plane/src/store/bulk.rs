//! Statements of many rows: what a round trip costs is paid once for all of them.

/// Rows of one statement: past this the gain is small, and every database's bound on parameters is far.
/// For SQLite many are dear: each parameter is looked up among all by walking over them.
const MOST_ROWS: usize = 32;

/// `before ($1, $2), ($3, $4) after` for so many rows of so many columns.
pub(super) fn values(before: &str, columns: usize, rows: usize, after: &str) -> String {
    let mut sql = String::with_capacity(before.len() + after.len() + columns * rows * 6);
    sql.push_str(before);
    for row in 0..rows {
        sql.push_str(if row == 0 { " (" } else { ", (" });
        places(&mut sql, row * columns, columns);
        sql.push(')');
    }
    sql.push_str(after);
    sql
}

/// `before ($1, $2, $3) after`.
pub(super) fn list(before: &str, count: usize, after: &str) -> String {
    values(before, count, 1, after)
}

fn places(sql: &mut String, from: usize, count: usize) {
    for place in from..from + count {
        if place > from {
            sql.push_str(", ");
        }
        sql.push('$');
        sql.push_str(&(place + 1).to_string());
    }
}

/// Stretches of `items` whose lengths are powers of two, so that there are few different statements
/// and each is prepared once.
pub(super) fn stretches<T>(items: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = items;
    std::iter::from_fn(move || {
        let length = 1_usize.checked_shl(rest.len().checked_ilog2()?)?;
        let (stretch, after) = rest.split_at_checked(length.min(MOST_ROWS))?;
        rest = after;
        Some(stretch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_on_from_row_to_row() {
        assert_eq!(
            values(
                "INSERT INTO t (a, b) VALUES",
                2,
                3,
                " ON CONFLICT DO NOTHING"
            ),
            "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4), ($5, $6) ON CONFLICT DO NOTHING"
        );
        assert_eq!(list("x IN", 2, ""), "x IN ($1, $2)");
    }

    #[test]
    fn stretches_are_powers_of_two_and_lose_nothing() {
        let items: Vec<_> = (0..2 * MOST_ROWS + 13).collect();
        let lengths: Vec<_> = stretches(&items).map(<[_]>::len).collect();
        assert_eq!(lengths, [MOST_ROWS, MOST_ROWS, 8, 4, 1]);
        let all: Vec<_> = stretches(&items).flatten().copied().collect();
        assert_eq!(all, items);
        assert_eq!(stretches::<u8>(&[]).count(), 0);
    }
}
