//! Where a client reached the server.

use http::{header, request::Parts, uri::Authority};
use millpond_wire::{Code, Refusal};

use super::IdentitySettings;

/// Longest host name with its port. Names of the domain name system have 253 characters.
const HOST_BYTES_MAX: usize = 260;

/// The address that links and the catalogue begin with, without a slash at the end: the configured one,
/// else what the request was sent to. The latter is the client's own text; it goes back to this client
/// and to nobody else, and only if it is a host and a port and nothing more.
///
/// # Errors
/// 400 when the request names no usable host.
pub(super) fn of_request(settings: &IdentitySettings, parts: &Parts) -> Result<String, Refusal> {
    if let Some(url) = &settings.public_url {
        return Ok(url.clone());
    }
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, None) => parts.uri.authority().map(Authority::as_str),
        _ => None,
    };
    let host = host.map(str::trim).filter(|host| is_host(host)).ok_or_else(|| {
        Code::InvalidRequest
            .refuse("The Host header must be a host name or address, with a port if it needs one.")
    })?;
    let scheme = if settings.is_https { "https" } else { "http" };
    Ok(format!("{scheme}://{host}"))
}

/// `name`, `name:port`, `[address]:port`.
fn is_host(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    text.len() <= HOST_BYTES_MAX
        && text.bytes().all(plain)
        && !host.is_empty()
        && port.is_none_or(|port| port.parse::<u16>().is_ok())
        && text.parse::<Authority>().is_ok()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check(settings: &IdentitySettings, target: &str, hosts: &[&str], expected: Option<&str>) {
        let mut request = Request::builder().uri(target);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(of_request(settings, &parts).ok().as_deref(), expected, "{target} {hosts:?}");
    }

    #[test]
    fn the_address_is_the_configured_one_or_that_of_the_request() {
        let plain = IdentitySettings::default();
        let tls = IdentitySettings { is_https: true, ..plain.clone() };
        let url = Some("https://dis.example.test/a".to_owned());
        let configured = IdentitySettings { public_url: url, ..plain.clone() };
        check(&plain, "/v3", &["127.0.0.1:7347"], Some("http://127.0.0.1:7347"));
        check(&plain, "/v3", &["[::1]:7347"], Some("http://[::1]:7347"));
        check(&tls, "/v3", &["dis"], Some("https://dis"));
        // HTTP/2 has it in the target.
        check(&tls, "https://dis:1/v3", &[], Some("https://dis:1"));
        check(&configured, "/v3", &["evil.example.test"], Some("https://dis.example.test/a"));
        check(&configured, "/v3", &[], Some("https://dis.example.test/a"));
        let long = "x".repeat(300);
        for wrong in ["", "a b", "a/b", "user@host", "a\"b", "a:99999", "a:", ":80", "a<b>", "[::1", &long] {
            check(&plain, "/v3", &[wrong], None);
        }
        check(&plain, "/v3", &["a", "b"], None);
        check(&plain, "/v3", &[], None);
    }
}
