//! The shop's pages: static, without a script or anything from elsewhere.

use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

const LAYOUT: &str = include_str!("pages/layout.html");

/// The pages load nothing; the one thing that is inline is the style.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

struct Page {
    status: StatusCode,
    title: &'static str,
    main: &'static str,
}

/// The page of a path, by its first segment.
pub(crate) async fn page(method: Method, uri: Uri) -> Response {
    let segment = uri.path().split('/').nth(1).unwrap_or_default();
    let Page {
        status,
        title,
        main,
    } = find(&method, uri.path(), segment);
    let html = LAYOUT
        .replace("{{title}}", title)
        .replace("{{main}}", main)
        .replace(&format!("data-nav=\"{segment}\""), "aria-current=\"page\"");
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    (status, headers, html).into_response()
}

fn find(method: &Method, path: &str, segment: &str) -> Page {
    let page = |title, main| Page {
        status: StatusCode::OK,
        title,
        main,
    };
    match segment {
        "" if path == "/" => page("Lamps that last", include_str!("pages/home.html")),
        "products" => page("All lamps", include_str!("pages/products.html")),
        "checkout" => page("Checkout", include_str!("pages/checkout.html")),
        "payment" if method == Method::POST => page("Thank you", include_str!("pages/thanks.html")),
        "payment" => page("Payment", include_str!("pages/payment.html")),
        "account" => page("Your account", include_str!("pages/account.html")),
        "admin" => page("Staff only", include_str!("pages/admin.html")),
        _ => Page {
            status: StatusCode::NOT_FOUND,
            title: "Page not found",
            main: include_str!("pages/missing.html"),
        },
    }
}
