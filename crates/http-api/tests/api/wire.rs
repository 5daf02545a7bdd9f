//! Plays the scenarios, and names the routes that none of them reaches.

use std::collections::BTreeSet;

use axum::body::Body;
use millpond_http_api::ROUTES;

use crate::scenario;

/// Operation and code of every request of a server, read from its own metrics.
async fn answered(server: &crate::harness::Server) -> Vec<(String, String)> {
    let text = server.call("GET /metrics", &[], Body::empty()).await.body;
    let text = String::from_utf8(text.to_vec()).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix(r#"millpond_requests_total{op=""#));
    lines
        .map(|line| {
            let (operation, rest) = line.split_once(r#"",code=""#).unwrap();
            (operation.to_owned(), rest.split_once('"').unwrap().0.to_owned())
        })
        .collect()
}

#[tokio::test]
async fn every_scenario_holds_and_every_route_has_one() {
    let mut succeeded = BTreeSet::new();
    let mut failed = Vec::new();
    for (file, scenario) in scenario::all() {
        let name = format!("{file}: {}", scenario.name);
        let Ok(server) = tokio::spawn(async move { scenario.run().await }).await else {
            failed.push(name);
            continue;
        };
        for (operation, code) in answered(&server).await {
            if code.starts_with('2') || code == "300" {
                succeeded.insert(operation);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    succeeded.insert("metrics".to_owned()); // asked for above, and shown there
    let missing: Vec<_> = ROUTES.iter().filter(|route| !succeeded.contains(route.operation)).collect();
    assert!(missing.is_empty(), "routes without a scenario: {missing:#?}");
}
