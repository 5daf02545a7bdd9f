//! The body of an answer that is not a success (spec/08 §1).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Code and message, twice: `errorCode` and `message` are the service's own names, `error_code` and
/// `error_msg` those that newer clients know. When read, one pair is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody<'a> {
    #[serde(rename = "errorCode", default, skip_serializing_if = "Option::is_none")]
    code: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_code: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_msg: Option<Cow<'a, str>>,
}

impl<'a> ErrorBody<'a> {
    /// Both pairs.
    pub(crate) fn new(code: &'a str, message: &'a str) -> Self {
        let (code, message) = (Some(Cow::Borrowed(code)), Some(Cow::Borrowed(message)));
        Self { error_code: code.clone(), error_msg: message.clone(), code, message }
    }
}

impl ErrorBody<'static> {
    /// Reads the body of an error; `None` when it is not JSON or has neither pair, as when a proxy
    /// answered.
    pub fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok().filter(|body: &Self| !body.code().is_empty())
    }
}

impl ErrorBody<'_> {
    /// The code, such as `DIS.4301`; empty when there is none.
    pub fn code(&self) -> &str {
        self.code.as_deref().or(self.error_code.as_deref()).unwrap_or_default()
    }

    /// The message; empty when there is none.
    pub fn message(&self) -> &str {
        self.message.as_deref().or(self.error_msg.as_deref()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn every_form_is_read() {
        let check = |body: &[u8], expected: Option<(&str, &str)>| {
            let read = ErrorBody::parse(body);
            assert_eq!(read.as_ref().map(|body| (body.code(), body.message())), expected);
        };
        check(&Code::AppNotFound.plain().body(), Some(("DIS.4332", "app not found.")));
        check(br#"{"errorCode":"DIS.4301","message":"m"}"#, Some(("DIS.4301", "m")));
        check(br#"{"error_code":"APIGW.0301","error_msg":"m","request_id":"r"}"#, Some(("APIGW.0301", "m")));
        check(br#"{"x":1}"#, None);
        check(b"<html>", None);
    }
}
