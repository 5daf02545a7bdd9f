//! Errors of the identity routes, in the one form that Keystone's clients read.

use serde::Serialize;

#[derive(Serialize)]
struct Body<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    code: u16,
    message: &'a str,
    title: &'a str,
}

/// `{"error":{"code":401,"message":"…","title":"Unauthorized"}}`; `title` is the status in words.
pub fn error_body(status: u16, title: &str, message: &str) -> Vec<u8> {
    let body = Body { error: Error { code: status, message, title } };
    serde_json::to_vec(&body).expect("a body of strings and a number is always JSON")
}

#[test]
fn the_body_is_keystones() {
    let expected = r#"{"error":{"code":401,"message":"No \"x\".","title":"Unauthorized"}}"#;
    assert_eq!(error_body(401, "Unauthorized", "No \"x\"."), expected.as_bytes());
}
