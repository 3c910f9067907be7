use serde_json::Value;

use super::*;

/// Asks the router over a real connection.
fn ask(
    build: impl FnOnce(&reqwest::Client, &str) -> reqwest::RequestBuilder,
) -> (u16, reqwest::header::HeaderMap, String) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let _serving = tokio::spawn(async move { axum::serve(listener, router()).await });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = build(&client, &base).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.text().await.unwrap())
    })
}

#[test]
fn every_page_is_whole_and_loads_nothing_from_elsewhere() {
    for path in [
        "/",
        "/products",
        "/checkout/",
        "/checkout/basket",
        "/payment/",
        "/account",
        "/admin",
    ] {
        let (status, headers, body) = ask(|client, base| client.get(format!("{base}{path}")));
        assert_eq!(status, 200, "{path}");
        assert!(!body.contains("{{"), "{path}");
        assert!(
            body.contains("<h1>") && body.contains("<html lang=\"en\">"),
            "{path}"
        );
        for outside in ["http://", "https://", "<script", "src=", "@import"] {
            assert!(!body.contains(outside), "{path} holds {outside}");
        }
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}");
    }
}

#[test]
fn the_page_one_is_on_is_marked_in_the_menu() {
    let (_, _, body) = ask(|client, base| client.get(format!("{base}/products")));
    assert_eq!(body.matches("aria-current=\"page\"").count(), 1);
}

#[test]
fn a_path_that_is_not_there_is_a_404_page() {
    let (status, headers, body) = ask(|client, base| client.get(format!("{base}/nothing")));
    assert_eq!(status, 404);
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert!(body.contains("Page not found"));
}

#[test]
fn the_echo_shows_method_path_headers_and_body() {
    let (status, _, body) = ask(|client, base| {
        client
            .post(format!("{base}/checkout/echo?a=1"))
            .header("countersign-event-id", "x")
            .body("four")
    });
    let echo: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200);
    assert_eq!(echo["method"], "POST");
    assert_eq!(echo["path"], "/checkout/echo");
    assert_eq!(echo["query"], "a=1");
    assert_eq!(echo["headers"]["countersign-event-id"][0], "x");
    assert_eq!(echo["body_length"], 4);
    let digest = echo["body_sha256"].as_str().unwrap();
    assert_eq!(digest.len(), 64);
}

#[test]
fn a_taken_port_is_said_with_the_option() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap();
    let error = runtime.block_on(run(&ShopArgs { listen })).unwrap_err();
    assert!(error.to_string().contains("--listen"), "{error}");
}

#[test]
fn the_page_with_a_script_loads_it_from_its_own_origin_only() {
    for path in ["/app", "/app/without-frames"] {
        let (status, headers, body) = ask(|client, base| client.get(format!("{base}{path}")));
        assert_eq!(status, 200);
        assert!(!body.contains("http://") && !body.contains("https://"));
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe-eval"));
        assert_eq!(policy.contains("frame-src"), path == "/app");
    }
}
