//! Addresses: the base URL of a CRM, the brokers of a cluster.
//! Not here: connecting.

use crate::config::value::{Value, Wrong, shown, text};

/// `http(s)://host[:port][/path]`, scheme and host in lower case, no slash at the end.
pub(super) fn base_url(value: &Value<'_>) -> Result<String, Wrong> {
    let given = text(value)?;
    let hint = "write scheme and host, such as \"https://api.hubapi.com\"";
    let wrong = |what: &str| Wrong::new(what, hint);
    if given.contains('@') {
        return Err(wrong("holds a user name or a password"));
    }
    let lower = given.to_ascii_lowercase();
    let scheme = ["https://", "http://"].into_iter().find(|it| lower.starts_with(*it));
    let Some(scheme) = scheme else { return Err(wrong("begins with neither https:// nor http://")) };
    let rest = given.get(scheme.len()..).unwrap_or_default().trim_end_matches('/');
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if rest.contains(['?', '#']) {
        return Err(wrong("holds a query or a fragment"));
    }
    if rest.contains(|it: char| it.is_whitespace() || !it.is_ascii()) || !is_host(host) {
        return Err(Wrong::new(format!("{} is no URL with a host", shown(&given)), hint));
    }
    // The port that the scheme implies says nothing: one account must have one spelling.
    let implied = if scheme == "https://" { ":443" } else { ":80" };
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(implied).unwrap_or(&host);
    Ok(if path.is_empty() { format!("{scheme}{host}") } else { format!("{scheme}{host}/{path}") })
}

/// `host[:port]`, several separated by commas.
pub(super) fn brokers(value: &Value<'_>) -> Result<String, Wrong> {
    let given = text(value)?;
    for broker in given.split(',').map(str::trim) {
        let bare = broker.split_once("://").map_or(broker, |(_, host)| host);
        if !is_host(bare) {
            let what = format!("{} is not a broker's address", shown(broker));
            return Err(Wrong::new(what, "write host:port, several separated by commas"));
        }
    }
    Ok(given)
}

fn is_host(text: &str) -> bool {
    if let Some(inside) = text.strip_prefix('[') {
        let Some((address, port)) = inside.split_once(']') else { return false };
        let port = port.strip_prefix(':').map_or(port.is_empty(), is_port);
        return address.parse::<std::net::Ipv6Addr>().is_ok() && port;
    }
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let letters = |it: char| it.is_ascii_alphanumeric() || ['.', '-', '_'].contains(&it);
    !name.is_empty() && name.chars().all(letters) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|it| it > 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::*;

    fn url(text: &str) -> Option<String> {
        base_url(&Value::Outside(text.to_owned())).ok()
    }

    #[test]
    fn one_account_has_one_spelling() {
        for text in ["https://api.hubapi.com", "HTTPS://API.hubapi.com/", "https://api.hubapi.com:443"] {
            assert_eq!(url(text).unwrap(), "https://api.hubapi.com");
        }
        assert_eq!(url("http://127.0.0.1:8080/crm/").unwrap(), "http://127.0.0.1:8080/crm");
        assert_eq!(url("http://[::1]:8080").unwrap(), "http://[::1]:8080");
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for text in
            ["api.hubapi.com", "ftp://x", "https://", "https://u:p@x", "https://x?y=1", "https://a b", "https://x:0"]
        {
            assert_eq!(url(text), None, "{text}");
        }
    }

    #[test]
    fn brokers_are_hosts_with_ports_separated_by_commas() {
        let read = |text: &str| brokers(&Value::Outside(text.to_owned())).is_ok();
        assert!(read("localhost:9092"));
        assert!(read("a:9092, b:9092,[::1]:9092,SSL://c:9093"));
        for text in ["a:9092,,b:9092", "a:port", "a b:9092", ":9092", "a:99999"] {
            assert!(!read(text), "{text}");
        }
    }
}
