//! People log in, and reach with their tokens what is theirs.

use std::{net::SocketAddr, time::Duration};

use axum::{body::Body, extract::ConnectInfo};
use http::StatusCode;
use millpond_engine::Clock as _;
use millpond_http_api::{AuthBlock, Directory, IdentitySettings, Keys, ROUTES};
use millpond_wire::signing::{SecretKey, Signer, ToSign};
use serde_json::{Value, json};

use crate::harness::{ACCESS_KEY, PROJECT, Reply, SECRET_KEY, Server, Setup, directory, request};

/// How long tokens are valid, but for a millisecond.
const NEARLY_A_DAY: Duration = Duration::from_millis(24 * 3600 * 1000 - 1);

async fn open() -> Server {
    Setup { has_users: true, ..Setup::default() }.open().await
}

/// The identity of a login with a password, and a scope where there is one.
fn by_password(user: &str, scope: &Value) -> Value {
    let user =
        json!({ "name": user, "domain": { "id": "default" }, "password": format!("secret of {user}") });
    with_scope(&json!({ "methods": ["password"], "password": { "user": user } }), scope)
}

fn by_token(token: &str, scope: &Value) -> Value {
    with_scope(&json!({ "methods": ["token"], "token": { "id": token } }), scope)
}

fn with_scope(identity: &Value, scope: &Value) -> Value {
    let mut auth = json!({ "identity": identity });
    if !scope.is_null() {
        auth["scope"] = scope.clone();
    }
    json!({ "auth": auth })
}

async fn login(server: &Server, body: &Value) -> Reply {
    let headers = [("content-type", "application/json")];
    server.call("POST /v3/auth/tokens", &headers, body.to_string()).await
}

/// The token of a login that succeeds, and what the answer says about it.
async fn token(server: &Server, body: &Value) -> (String, Value) {
    let reply = login(server, body).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
    (reply.header("x-subject-token").unwrap().to_owned(), reply.json()["token"].take())
}

async fn get(server: &Server, path: &str, token: &str) -> Reply {
    server.call(&format!("GET {path}"), &[("x-auth-token", token)], Body::empty()).await
}

/// Signed at the server's time.
async fn get_signed(server: &Server, path: &str, signer: &Signer) -> Reply {
    let (host, content_type) = ("dis.example.test", None);
    let to_sign = ToSign { method: "GET", target: path, host, content_type, body: b"" };
    let headers = signer.sign(&to_sign, server.clock.now());
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    server.call(&format!("GET {path}"), &headers, Body::empty()).await
}

fn signer(access_key: &str, secret: &str) -> Signer {
    Signer::new(access_key, SecretKey::new(secret))
}

/// How a path of the API is answered: the status, and the code of a refusal.
async fn answered(server: &Server, path: &str, token: &str) -> (u16, String) {
    let reply = get(server, path, token).await;
    (reply.status.as_u16(), reply.code())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_token_opens_its_project_for_its_time() {
    let server = open().await;
    let (of_p1, _) = token(&server, &by_password("ann", &json!({ "project": { "id": "p1" } }))).await;
    let create = json!({ "stream_name": "s", "partition_count": 1 }).to_string();
    let headers = [("x-auth-token", of_p1.as_str())];
    assert_eq!(server.call("POST /v2/p1/streams", &headers, create).await.status, StatusCode::CREATED);
    assert_eq!(answered(&server, "/v2/p1/streams/s", &of_p1).await, refused(200, ""));
    // Ann reaches p2 as well, but not with this token.
    assert_eq!(answered(&server, "/v2/p2/streams", &of_p1).await, refused(400, "DIS.4117"));
    let (of_p2, _) = token(&server, &by_token(&of_p1, &json!({ "project": { "id": "p2" } }))).await;
    assert_eq!(answered(&server, "/v2/p2/streams", &of_p2).await, refused(200, ""));
    assert_eq!(answered(&server, "/v2/p1/streams", &of_p2).await, refused(400, "DIS.4117"));
    assert_eq!(answered(&server, "/v2/p1/streams", &format!("{of_p1}A")).await, refused(401, "DIS.4114"));

    server.clock.advance(NEARLY_A_DAY);
    for (path, token) in [("/v2/p1/streams", &of_p1), ("/v2/p2/streams", &of_p2)] {
        assert_eq!(answered(&server, path, token).await, refused(200, ""));
    }
    // A token that is made of another ends with it.
    let (late, told) = token(&server, &by_token(&of_p1, &Value::Null)).await;
    assert_eq!(told["methods"], json!(["token", "password"]));
    assert_eq!(told["expires_at"], "2023-11-15T22:13:20.000000Z");
    assert_eq!(told["issued_at"], "2023-11-15T22:13:19.000000Z");
    server.clock.advance(Duration::from_millis(1));
    for (path, token) in [("/v2/p1/streams", &of_p1), ("/v2/p2/streams", &of_p2), ("/v2/p1/streams", &late)] {
        assert_eq!(answered(&server, path, token).await, refused(401, "DIS.4114"));
    }
    let reply = login(&server, &by_token(&late, &Value::Null)).await;
    assert_eq!((reply.status.as_u16(), &*reply.keystone_error()), (401, "Invalid Token header."));
}

#[tokio::test]
async fn a_login_is_for_the_place_that_is_asked_for() {
    let server = open().await;
    // The scope; the project, or the domain, or nothing; the types in the catalogue.
    let all = json!(["identity", "iam", "dis", "disv2"]);
    let some = json!(["identity", "iam", "dis"]);
    let named = |name: &str| json!({ "project": { "name": name, "domain": { "name": "Default" } } });
    for (scope, project, domain, types) in [
        (Value::Null, json!("p1"), Value::Null, &all),
        (json!({ "project": { "id": "p2" } }), json!("p2"), Value::Null, &all),
        (named("analytics"), json!("p2"), Value::Null, &all),
        (named("local"), json!("p1"), Value::Null, &all),
        (named("local_p1"), json!("p1"), Value::Null, &all),
        (json!({ "domain": { "name": "Default" } }), Value::Null, json!("default"), &some),
        (json!("unscoped"), Value::Null, Value::Null, &Value::Null),
        (json!({ "unscoped": {} }), Value::Null, Value::Null, &Value::Null),
    ] {
        let (text, told) = token(&server, &by_password("ann", &scope)).await;
        assert_eq!((&told["project"]["id"], &told["domain"]["id"]), (&project, &domain), "{scope}");
        let listed = told["catalog"].as_array();
        let listed = listed.map(|entries| entries.iter().map(|entry| entry["type"].clone()).collect());
        assert_eq!(listed.map_or(Value::Null, Value::Array), *types, "{scope}");
        assert_eq!(told["roles"].is_null(), types.is_null(), "{scope}");
        // Without a project it is no key to any, but good for finding one.
        let expected = if project.is_null() { refused(401, "DIS.4114") } else { refused(200, "") };
        let path = format!("/v2/{}/streams", project.as_str().unwrap_or("p1"));
        assert_eq!(answered(&server, &path, &text).await, expected, "{scope}");
        let projects = get(&server, "/v3/auth/projects", &text).await.json();
        assert_eq!(
            (&projects["projects"][0]["id"], &projects["projects"][1]["id"]),
            (&json!("p1"), &json!("p2"))
        );
        let catalog = get(&server, "/v3/auth/catalog", &text).await;
        assert_eq!(catalog.status.as_u16(), if types.is_null() { 403 } else { 200 }, "{scope}");
        let (of_p2, _) = token(&server, &by_token(&text, &json!({ "project": { "id": "p2" } }))).await;
        assert_eq!(answered(&server, "/v2/p2/streams", &of_p2).await, refused(200, ""));
    }
    for scope in [
        json!({ "project": { "id": "p3" } }),
        json!({ "project": { "name": "analytics", "domain": { "id": "other" } } }),
        json!({ "project": { "name": "p1" } }),
        json!({ "domain": { "name": "other" } }),
    ] {
        let reply = login(&server, &by_password("ann", &scope)).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{scope}");
        reply.keystone_error();
    }
}

#[tokio::test]
async fn a_user_is_named_in_every_way_and_proved_in_one() {
    let server = open().await;
    let (_, told) = token(&server, &by_password("bob", &Value::Null)).await;
    let id = &told["user"]["id"];
    let attempt = async |user: Value| {
        let identity = json!({ "methods": ["password"], "password": { "user": user } });
        let reply = login(&server, &with_scope(&identity, &Value::Null)).await;
        if !reply.status.is_success() {
            let message = reply.keystone_error();
            assert_eq!(message, "The user, its domain or the password is wrong.", "the same for all");
            assert_eq!(reply.header("x-subject-token"), None);
        }
        reply.status.as_u16()
    };
    let right = "secret of bob";
    for (user, status) in [
        (json!({ "id": id, "password": right }), 201),
        (json!({ "name": "bob", "password": right }), 201),
        (json!({ "name": "bob", "domain": { "name": "Default" }, "password": right }), 201),
        (json!({ "name": "bob", "domain": { "name": "Other" }, "password": right }), 401),
        (json!({ "name": "bob", "domain": { "id": "other" }, "password": right }), 401),
        (json!({ "name": "bob", "password": "secret of ann" }), 401),
        (json!({ "name": "bob", "password": "" }), 401),
        (json!({ "name": "eve", "password": right }), 401),
        (json!({ "name": "eve", "password": "" }), 401),
        (json!({ "id": "bob", "password": right }), 401),
    ] {
        assert_eq!(attempt(user.clone()).await, status, "{user}");
    }
    // What a configured token is good for does not include making others.
    for text in ["token-p1", "", "mp1.x.y"] {
        assert_eq!(
            login(&server, &by_token(text, &Value::Null)).await.status,
            StatusCode::UNAUTHORIZED,
            "{text}"
        );
    }
}

#[tokio::test]
async fn tokens_end_with_the_password_and_the_user() {
    let server = open().await;
    let (of_ann, _) = token(&server, &by_password("ann", &Value::Null)).await;
    let (of_bob, _) = token(&server, &by_password("bob", &Value::Null)).await;
    let reload = |users| server.keyring.replace(Keys::default().with_directory(users));
    // The same users again, as after a restart: nothing is kept that could be lost.
    reload(directory("secret of ann"));
    assert_eq!(answered(&server, "/v2/p1/streams", &of_ann).await, refused(200, ""));
    reload(directory("another secret"));
    assert_eq!(answered(&server, "/v2/p1/streams", &of_ann).await, refused(401, "DIS.4114"));
    assert_eq!(answered(&server, "/v2/p2/streams", &of_bob).await, refused(200, ""));
    reload(Directory::default());
    assert_eq!(answered(&server, "/v2/p2/streams", &of_bob).await, refused(401, "DIS.4114"));
    assert_eq!(login(&server, &by_password("bob", &Value::Null)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn tokens_are_told_to_their_user_only() {
    let server = open().await;
    let (of_ann, _) = token(&server, &by_password("ann", &Value::Null)).await;
    let (other_of_ann, _) = token(&server, &by_password("ann", &json!("unscoped"))).await;
    let (of_bob, _) = token(&server, &by_password("bob", &Value::Null)).await;
    let ask = async |token: &str, subject: Option<&str>| {
        let mut headers = vec![("x-auth-token", token)];
        headers.extend(subject.map(|subject| ("x-subject-token", subject)));
        let reply = server.call("GET /v3/auth/tokens", &headers, Body::empty()).await;
        if reply.status.is_success() {
            assert_eq!(reply.header("x-subject-token"), subject);
        } else {
            reply.keystone_error();
        }
        reply.status.as_u16()
    };
    assert_eq!(ask(&of_ann, Some(&of_ann)).await, 200);
    assert_eq!(ask(&of_ann, Some(&other_of_ann)).await, 200);
    assert_eq!(ask(&other_of_ann, Some(&of_ann)).await, 200);
    assert_eq!(ask(&of_bob, Some(&of_ann)).await, 403);
    assert_eq!(ask("token-p1", Some(&of_ann)).await, 403);
    assert_eq!(ask(&of_ann, Some("nonsense")).await, 404);
    assert_eq!(ask(&of_ann, None).await, 400);
    assert_eq!(ask("nonsense", Some(&of_ann)).await, 401);
    let headers = [("x-auth-token", of_ann.as_str()), ("x-subject-token", of_ann.as_str())];
    assert_eq!(server.call("HEAD /v3/auth/tokens", &headers, Body::empty()).await.status, StatusCode::OK);
}

/// The v3 SDKs have an access key and no project id (spec/01 §8).
#[tokio::test]
async fn access_keys_find_their_project_by_the_region() {
    let server = open().await;
    for (path, ids) in [
        ("/v3/projects?name=local", json!([PROJECT])),
        ("/v3/projects", json!([PROJECT])),
        ("/v3/projects?name=elsewhere", json!([])),
        ("/v3/projects?name=local&domain_id=other", json!([])),
    ] {
        let reply = get_signed(&server, path, &signer(ACCESS_KEY, SECRET_KEY)).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {reply:?}");
        let listed = reply.json()["projects"].as_array().unwrap().clone();
        let listed: Vec<_> = listed.into_iter().map(|mut project| project["id"].take()).collect();
        assert_eq!(Value::Array(listed), ids, "{path}");
    }
    for path in ["/v3/auth/domains", "/v3/auth/catalog"] {
        let reply = get_signed(&server, path, &signer(ACCESS_KEY, SECRET_KEY)).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        let reply = get_signed(&server, path, &signer(ACCESS_KEY, "wrong")).await;
        assert_eq!(
            (reply.status.as_u16(), &*reply.keystone_error()),
            (401, "Invalid authorization request.")
        );
    }
    // A configured token is as good.
    let projects = get(&server, "/v3/projects", "token-p2").await.json();
    assert_eq!((&projects["projects"][0]["id"], &projects["projects"][1]), (&json!("p2"), &Value::Null));
}

/// Access key, secret and security token together, for as long as the token is valid (spec/01 §7).
#[tokio::test]
async fn temporary_keys_are_good_with_their_token_until_they_end() {
    let server = open().await;
    let temporary = || signer("AKTEMPORARY", SECRET_KEY);
    let with = |token: &str| temporary().with_security_token(SecretKey::new(token));
    let path = format!("/v2/{PROJECT}/streams");
    let check = async |signer: Signer, status: u16, code: &str| {
        let reply = get_signed(&server, &path, &signer).await;
        assert_eq!((reply.status.as_u16(), &*reply.code()), (status, code));
    };
    check(with("temporary"), 200, "").await;
    check(temporary(), 401, "DIS.4113").await;
    check(with("another"), 401, "DIS.4114").await;
    check(signer("AKTEMPORARY", "wrong").with_security_token(SecretKey::new("temporary")), 401, "DIS.4112")
        .await;
    // A permanent key needs no token, and one that comes with it is nobody's business.
    let permanent = || signer(ACCESS_KEY, SECRET_KEY);
    check(permanent().with_security_token(SecretKey::new("another")), 200, "").await;
    assert_eq!(get_signed(&server, "/v3/projects", &with("temporary")).await.status, StatusCode::OK);
    server.clock.advance(Duration::from_millis(59_999));
    check(with("temporary"), 200, "").await;
    server.clock.advance(Duration::from_millis(1));
    check(with("temporary"), 401, "DIS.4114").await;
    assert_eq!(
        get_signed(&server, "/v3/projects", &with("temporary")).await.status,
        StatusCode::UNAUTHORIZED
    );
    check(permanent(), 200, "").await;
}

/// The matrix: every route of the identity API, asked by nobody, and by each of two callers for what
/// is the other's. Unsigned requests pass elsewhere on this server, but not here.
#[tokio::test]
async fn each_caller_is_told_of_its_own_projects_only() {
    let mut setup = Setup { has_users: true, ..Setup::anonymous() };
    setup.settings.identity.region = "eu".to_owned();
    let server = setup.open().await;
    let (of_bob, _) = token(&server, &by_password("bob", &Value::Null)).await;
    for route in ROUTES.iter().filter(|route| route.is_identity()) {
        let context = format!("{route:?}");
        let what = format!("{} {}", route.method, route.path);
        let reply = server.call(&what, &[], Body::empty()).await;
        let expected = match route.operation {
            "list_versions" => 300,
            "show_version" => 200,
            "create_token" => 400,
            _ => 401,
        };
        assert_eq!(reply.status.as_u16(), expected, "{context}: {reply:?}");
        assert!(route.is_open() || reply.header("x-subject-token").is_none(), "{context}");
        for (token, others) in [(of_bob.as_str(), "p1"), ("token-p1", "p2")] {
            let headers = [("x-auth-token", token), ("x-subject-token", &of_bob)];
            for query in ["", "?name=p1", "?name=p2", "?name=analytics", "?name=eu", "?name=eu_p1"] {
                let reply = server.call(&format!("{what}{query}"), &headers, Body::empty()).await;
                let mut body = String::from_utf8(reply.body.to_vec()).unwrap();
                body = body.replace(&format!("{what}{query}"), "");
                for known in [format!("\"{others}\""), format!("/{others}\""), format!("_{others}\"")] {
                    assert!(!body.contains(&known), "{context}{query}: {body}");
                }
                assert_ne!(reply.status.as_u16(), 500, "{context}");
            }
        }
    }
}

#[tokio::test]
async fn the_catalogue_leads_back_to_where_the_client_is() {
    let public = IdentitySettings {
        public_url: Some("https://dis.example.com/base".to_owned()),
        ..IdentitySettings::default()
    };
    let tls = IdentitySettings { is_https: true, ..IdentitySettings::default() };
    for (identity, base) in [
        (IdentitySettings::default(), "http://dis.example.test"),
        (tls, "https://dis.example.test"),
        (public, "https://dis.example.com/base"),
    ] {
        let mut setup = Setup { has_users: true, ..Setup::default() };
        setup.settings.identity = identity;
        let server = setup.open().await;
        let (_, told) = token(&server, &by_password("ann", &Value::Null)).await;
        let url = |kind: &str| {
            let entries = told["catalog"].as_array().unwrap();
            let entry = entries.iter().find(|entry| entry["type"] == kind).unwrap();
            entry["endpoints"][0]["url"].as_str().unwrap().to_owned()
        };
        assert_eq!(url("dis"), base);
        assert_eq!(url("disv2"), format!("{base}/v2/p1"));
        assert_eq!((url("identity"), url("iam")), (format!("{base}/v3"), format!("{base}/v3")));
    }
}

#[tokio::test]
async fn large_and_odd_logins_are_refused_in_keystones_form() {
    let server = open().await;
    let large = server.call("POST /v3/auth/tokens", &[], "x".repeat(70_000)).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    large.keystone_error();
    let mut odd = request("GET /v3", &[], Body::empty());
    odd.headers_mut().insert("host", "evil/path".parse().unwrap());
    let reply = server.send(odd).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(reply.keystone_error().contains("Host"));
    let method = server.call("DELETE /v3/auth/tokens", &[], Body::empty()).await;
    assert_eq!((method.status.as_u16(), method.header("allow")), (405, Some("POST, GET")));
}

/// Passwords cannot be guessed where signatures cannot (spec/13 §4).
#[tokio::test]
async fn an_address_that_keeps_guessing_passwords_is_blocked() {
    let mut setup = Setup { has_users: true, ..Setup::default() };
    setup.settings.auth_block = Some(AuthBlock { failures: 2, time: Duration::from_mins(30) });
    let server = setup.open().await;
    let attempt = async |last: u8, password: &str| {
        let user = json!({ "name": "bob", "password": password });
        let identity = json!({ "methods": ["password"], "password": { "user": user } });
        let body = with_scope(&identity, &Value::Null).to_string();
        let mut request = request("POST /v3/auth/tokens", &[], body);
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, last], 1))));
        server.send(request).await
    };
    assert_eq!(attempt(1, "guess").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(attempt(1, "another guess").await.status, StatusCode::UNAUTHORIZED);
    let blocked = attempt(1, "secret of bob").await;
    assert_eq!(blocked.status, StatusCode::BAD_REQUEST);
    assert_eq!(blocked.keystone_error(), "Too many request failures. Please try again later.");
    assert_eq!(attempt(2, "secret of bob").await.status, StatusCode::CREATED);
    server.clock.advance(Duration::from_mins(30));
    assert_eq!(attempt(1, "secret of bob").await.status, StatusCode::CREATED);
}
