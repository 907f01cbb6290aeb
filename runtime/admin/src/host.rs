//! The host that a request is sent to.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::http::request::Parts;

/// The header `Host`, with its port. `None` if there is not exactly one.
pub(crate) fn of(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then_some(host)
}

/// The host of a request, with its port: in HTTP/2 a part of the URL.
pub(crate) fn of_request(parts: &Parts) -> Option<&str> {
    if parts.headers.contains_key(HOST) { of(&parts.headers) } else { Some(parts.uri.authority()?.as_str()) }
}

/// A host without its port.
pub(crate) fn name(host: &str) -> &str {
    let port = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    match port {
        // An IPv6 address ends with a bracket.
        Some((name, _)) if !name.contains(':') || name.ends_with(']') => name,
        _ => host,
    }
}

/// Whether this name always leads to the own machine.
pub(crate) fn is_loopback(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let v6 = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
        || v6.is_some_and(|address| address.parse().is_ok_and(|address: Ipv6Addr| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_port_is_no_part_of_the_name() {
        for (host, expected) in [
            ("localhost", "localhost"),
            ("localhost:3000", "localhost"),
            ("localhost:", "localhost"),
            ("[::1]", "[::1]"),
            ("[::1]:3000", "[::1]"),
            ("::1", "::1"),
            ("evil.test:localhost", "evil.test:localhost"),
        ] {
            assert_eq!(name(host), expected);
        }
    }

    #[test]
    fn only_names_of_the_own_machine_are_loopback() {
        for host in ["localhost", "LocalHost", "shop.localhost", "127.0.0.1", "127.1.2.3", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["", "evil.test", "localhost.evil.test", "notlocalhost", "127.0.0.1.evil.test", "10.0.0.1", "[::2]", "::1"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn two_hosts_are_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(of(&headers), None);
        headers.append(HOST, HeaderValue::from_static("localhost"));
        assert_eq!(of(&headers), Some("localhost"));
        headers.append(HOST, HeaderValue::from_static("evil.test"));
        assert_eq!(of(&headers), None);
    }
}
