//! JSON bodies.

use serde::Deserialize;

use crate::{Code, Refusal, echo};

/// Reads a JSON body. What is nested in unknown members is skipped without recursion, and the
/// shapes themselves are three levels deep, so the depth of a body needs no bound of its own.
///
/// # Errors
/// `DIS.4202` for an empty body; `DIS.4200` with line and column for anything that is not JSON or
/// does not have the shape.
pub fn parse_body<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    if body.trim_ascii().is_empty() {
        return Err(Code::EmptyRequest.plain());
    }
    serde_json::from_slice(body).map_err(|error| refusal(&error))
}

fn refusal(error: &serde_json::Error) -> Refusal {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let what = text.strip_suffix(position.as_str()).unwrap_or(&text);
    Code::InvalidRequest.refuse(format!(
        "{} [Invalid JSON at line {} column {}: {}.]",
        Code::InvalidRequest.text(),
        error.line(),
        error.column(),
        echo(what)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sample {
        #[serde(default)]
        _n: u32,
    }

    #[test]
    fn refusals_say_where() {
        let check = |body: &str, message: &str| {
            let refusal = parse_body::<Sample>(body.as_bytes()).unwrap_err();
            assert_eq!(refusal.message(), message, "{body:?}");
        };
        check("", "Empty request.");
        check(" \r\n", "Empty request.");
        check("{\n\"_n\":x}", "Invalid request. [Invalid JSON at line 2 column 6: expected value.]");
        check(
            r#"{"_n":"DIS.4301"}"#,
            r#"Invalid request. [Invalid JSON at line 1 column 16: invalid type: string "DIS_4301", expected u32.]"#,
        );
        check("{} x", "Invalid request. [Invalid JSON at line 1 column 4: trailing characters.]");
    }

    #[test]
    fn deep_nesting_is_skipped_without_recursion() {
        let body = format!(r#"{{"other":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse_body::<Sample>(body.as_bytes()).is_ok());
    }
}
