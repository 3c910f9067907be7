//! A QR code as inline SVG: one path, no script, no style, nothing fetched.

use fast_qr::ECL;
use fast_qr::qr::QRBuilder;

/// Modules of quiet around the code; the standard asks for four.
const QUIET: usize = 4;

/// Text that does not fit into any QR code.
#[derive(Debug, thiserror::Error)]
#[error("the text is too long for a QR code")]
pub struct TooLong;

/// Draws `text`. The label is what screen readers say; it is escaped here.
pub fn svg(text: &str, label: &str) -> Result<String, TooLong> {
    let code = QRBuilder::new(text)
        .ecl(ECL::M)
        .build()
        .map_err(|_| TooLong)?;
    let size = code.size;
    let mut path = String::new();
    // One stroke for each run of dark modules in a row.
    for row in 0..size {
        let mut column = 0;
        while column < size {
            let begin = column;
            while column < size && is_dark(&code, row, column) {
                column += 1;
            }
            if column > begin {
                let (x, y, width) = (begin + QUIET, row + QUIET, column - begin);
                path.push_str(&format!("M{x} {y}h{width}v1h-{width}z"));
            }
            column += 1;
        }
    }
    let side = size + 2 * QUIET;
    let mut escaped = String::new();
    for c in label.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    // Black on white whatever the page's colours: cameras do not read the other way round.
    Ok(format!(
        "<svg class=\"qr\" viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"{escaped}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

fn is_dark(code: &fast_qr::QRCode, row: usize, column: usize) -> bool {
    let at = row.saturating_mul(code.size).saturating_add(column);
    code.data.get(at).is_some_and(|module| module.value())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_with_its_quiet_zone_and_the_label_is_no_markup() {
        let drawn = svg(
            "otpauth://totp/shop.example?secret=GEZDGNBVGY3TQOJQ",
            "a \"<b>\" & c",
        )
        .unwrap();
        assert!(
            drawn.contains("aria-label=\"a &quot;&lt;b>&quot; &amp; c\""),
            "{drawn}"
        );
        // The finder in the corner: seven dark modules, four from the edge.
        assert!(drawn.contains("M4 4h7v1h-7z"), "{drawn}");
        assert!(drawn.len() < 16 * 1024, "{}", drawn.len());
    }

    #[test]
    fn text_that_is_too_long_is_refused() {
        assert!(svg(&"x".repeat(2_331), "x").is_ok());
        assert!(svg(&"x".repeat(2_332), "x").is_err());
    }
}
