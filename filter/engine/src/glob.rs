//! Endpoint patterns.

/// Does `pattern` match the whole of `text`? `*` stands for any run of bytes, slashes and none
/// included, `?` for one byte, everything else for itself; with `ignore_case` ASCII letters match
/// their other case. Time is at most the product of both lengths, memory constant.
#[must_use]
pub fn glob_matches(pattern: &[u8], text: &[u8], ignore_case: bool) -> bool {
    let same = |a: u8, b: u8| a == b || (ignore_case && a.eq_ignore_ascii_case(&b));
    let (mut p, mut t) = (0, 0);
    // Where to resume when the text after the last `*` does not fit: the star took one byte too few.
    let mut resume: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                resume = Some((p, t));
            }
            Some(&wanted) if wanted == b'?' || same(wanted, byte) => {
                p += 1;
                t += 1;
            }
            _ => match resume {
                Some((after_star, taken)) => {
                    p = after_star;
                    t = taken + 1;
                    resume = Some((after_star, t));
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|&byte| byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_paths() {
        for (pattern, text, matches) in [
            ("/checkout/*", "/checkout/", true),
            ("/checkout/*", "/checkout/a/b", true),
            ("/checkout/*", "/checkout", false),
            ("/checkout/*", "/x/checkout/", false),
            ("/checkout/*", "/CHECKOUT/x", true),
            ("*", "/", true),
            ("*.php", "/a/b.php", true),
            ("*.php", "/a/b.php5", false),
            ("/a*b*c", "/a-b-b-c", true),
            ("/a*b*c", "/a-c-b", false),
            ("/v?/x", "/v1/x", true),
            ("/v?/x", "/v12/x", false),
            ("/exact", "/exact", true),
            ("/exact", "/exact/", false),
            ("", "", true),
            ("", "/", false),
            ("**", "/anything", true),
        ] {
            assert_eq!(
                glob_matches(pattern.as_bytes(), text.as_bytes(), true),
                matches,
                "{pattern} {text}"
            );
        }
        assert!(!glob_matches(b"/checkout/*", b"/CHECKOUT/x", false));
    }

    #[test]
    fn a_hostile_pattern_takes_polynomial_time() {
        let pattern = b"*a".repeat(200);
        let text = vec![b'a'; 20_000];
        assert!(glob_matches(&pattern, &text, false));
        assert!(!glob_matches(&[pattern, vec![b'b']].concat(), &text, false));
    }
}
