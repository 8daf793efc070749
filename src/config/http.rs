//! `[http]`: the one listener; beyond loopback it needs a bearer token.
//! Not here: serving.

use crate::config::section::Section;
use crate::config::value::{Value, Wrong, shown, text};
use crate::config::{HttpSettings, SecretSource, address, secret, variable};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

pub(super) fn read(mut section: Section<'_>) -> HttpSettings {
    let listen = section.required("listen", address_to_bind).unwrap_or(LOOPBACK);
    let token = bearer_token(&mut section);
    if token == Token::Absent && !listen.ip().is_loopback() {
        let what = format!("{} is beyond loopback and no bearer token is set", listen.ip());
        let hint = "add `bearer_token = { env = \"SLUICEGATE_HTTP_TOKEN\" }` to [http], or listen on 127.0.0.1";
        section.fault("listen", Wrong::new(what, hint));
    }
    let advertise = section.optional("advertise", own_url);
    section.finish();
    let bearer_token = match token {
        Token::Known(source) => Some(source),
        Token::Absent | Token::Faulty => None,
    };
    HttpSettings { listen, bearer_token, advertise }
}

#[derive(PartialEq)]
enum Token {
    Absent,
    Faulty,
    Known(SecretSource),
}

/// The one secret that may stand in the environment under the setting's own name.
fn bearer_token(section: &mut Section<'_>) -> Token {
    let name = variable("http.bearer_token");
    let in_file = secret::read(section, "bearer_token", "SLUICEGATE_HTTP_TOKEN");
    if section.reading.env.var(&name).is_some() {
        return Token::Known(SecretSource::Env(name));
    }
    match in_file {
        None => Token::Absent,
        Some(Err(_already_noted)) => Token::Faulty,
        Some(Ok(source)) => Token::Known(source),
    }
}

fn address_to_bind(value: &Value<'_>) -> Result<SocketAddr, Wrong> {
    let given = text(value)?;
    let numeric = given.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(&given).parse().map_err(|_| {
        let hint = "write an IP address and a port, such as \"127.0.0.1:9464\"";
        Wrong::new(format!("{} is not an address to listen on", shown(&given)), hint)
    })
}

fn own_url(value: &Value<'_>) -> Result<String, Wrong> {
    let url = address::base_url(value)?;
    let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host);
    if host.contains('/') {
        return Err(Wrong::new("has a path", "write only scheme, host and port, such as \"http://10.0.1.7:9464\""));
    }
    Ok(url)
}
