//! `cors probe`: the browser, with a running server.

use std::io;
use std::net::ToSocketAddrs;
use std::path::Path;
use std::time::Duration;

use ureq::Agent;
use ureq::http;
use ureq::tls::{PemItem, RootCerts, TlsConfig};

use crate::fetch::{Exchange, Outcome, Played, Url, play, script_headers};
use crate::findings::{
    Finding, cache_mark, lines, redirect, varies_by_origin, warning,
};
use crate::network::Space;
use crate::{Failure, Probe, Report};
use browser::{Response, ScriptRequest, SentRequest};

/// An origin that no policy names. The last label is reserved (RFC 2606).
const STRANGER: &str = "https://cors-probe.invalid";

/// How the standard library begins to say that a name has no address.
const RESOLVER: &str = "failed to lookup address information: ";

impl Probe {
    pub(crate) fn run(&self) -> Result<Report, Failure> {
        let asked = self.script.read(self.url.as_deref())?;
        let request = &asked.request;
        let Some(url) = asked.url.as_ref() else {
            return Err(match &asked.message {
                Some(_) => "the message does not name the URL",
                None => "the URL is missing",
            }
            .to_owned()
                + "; add it, such as cors probe https://api.example.com/items");
        };
        if let Some(mut outcome) = Outcome::without_cors(request, url) {
            outcome.compare(&self.script, asked, None);
            return Ok(outcome.report(self.output.format));
        }
        let server = Server::new(self, url)?;
        let mut played = play(request, |sent| {
            if self.preflight_only && sent.request_method.is_none() {
                return Ok(permission(request));
            }
            server.send(request, sent)
        })?;
        let mut notes = Vec::new();
        if self.preflight_only {
            // That answer was made up, so that the browser comes to an end.
            let real =
                |exchange: &Exchange| exchange.sent.request_method.is_some();
            played.exchanges.retain(real);
            notes.push(match played.exchanges.len() {
                0 => "A browser sends no preflight for this request.".into(),
                _ => "Only the preflight was sent.".into(),
            });
        } else if let Ok(names) = &played.result {
            notes.push(format!(
                "The script can read these headers: {}.",
                match names.is_empty() {
                    true => "none".to_owned(),
                    false => names.join(", "),
                }
            ));
            let hidden = hidden(&played, names);
            if !hidden.is_empty() {
                notes.push(format!(
                    "It cannot read these, which \
                     Access-Control-Expose-Headers does not name: {}.",
                    hidden.join(", ")
                ));
            }
        }
        if let Some(exchange) = played.exchanges.first() {
            let found = server.as_a_stranger(request, exchange)?;
            let findings = &mut played.exchanges[0].findings;
            findings.extend(found);
        }
        if let Some(last) = played.exchanges.last()
            && last.sent.request_method.is_none()
            && let Some(location) = redirect(&last.answer)
        {
            notes.push(format!(
                "The answer is a redirect to {location:?}. Probe that URL: a \
                 browser judges the answer there anew, and with the origin \
                 \"null\" where it is on another origin than this URL."
            ));
        }
        let mut outcome = Outcome::of(request, Some(url), &played);
        outcome.notes.extend(notes);
        outcome.note_network(request, url, server.address_space());
        outcome.compare(&self.script, asked, Some(&played.codes()));
        let found = played.exchanges.into_iter().map(|e| e.findings);
        for (exchange, findings) in outcome.exchanges.iter_mut().zip(found) {
            exchange.findings = Some(findings);
        }
        Ok(outcome.report(self.output.format))
    }
}

/// A server that is being probed.
struct Server<'u> {
    url: &'u Url,
    agent: Agent,
    timeout: u64,
}

impl<'u> Server<'u> {
    fn new(probe: &Probe, url: &'u Url) -> Result<Self, Failure> {
        let roots = match &probe.cacert {
            Some(file) => authorities(file)?,
            None => RootCerts::PlatformVerifier,
        };
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .disable_verification(probe.insecure)
            .build();
        let timeout = probe.timeout;
        let agent = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(Duration::from_secs(timeout)))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A script may use any.
            .allow_non_standard_methods(true)
            // A server may close a connection that it has said to keep, and
            // there is no telling that from a refusal to answer.
            .max_idle_connections(0)
            .user_agent(concat!("cors-probe/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self { url, agent, timeout })
    }

    /// Of the addresses that the URL's name stands for, if all are in one;
    /// behind a proxy it is the proxy that asks.
    fn address_space(&self) -> Option<Space> {
        if self.agent.config().proxy().is_some() {
            return None;
        }
        let host = self.url.uri.host()?;
        let addresses = (host, 0).to_socket_addrs().ok()?;
        addresses.map(|address| Space::of(address.ip())).min()?
    }

    /// Sends what the browser sends.
    fn send(
        &self,
        request: &ScriptRequest,
        sent: &SentRequest,
    ) -> Result<Response, Failure> {
        let mut builder = http::Request::builder()
            .method(sent.method.as_str())
            .uri(self.url.uri.clone())
            .header("origin", &sent.origin)
            .header("accept", "*/*")
            .header("sec-fetch-mode", "cors");
        if let Some(method) = &sent.request_method {
            builder = builder.header("access-control-request-method", method);
            if let Some(names) = &sent.request_headers {
                builder =
                    builder.header("access-control-request-headers", names);
            }
        } else {
            for (name, value) in script_headers(request) {
                builder = builder.header(name, value.as_slice());
            }
            // <https://fetch.spec.whatwg.org/#concept-http-network-or-cache-fetch>
            // has it for POST and PUT; with PATCH ureq would send chunks.
            if ["POST", "PUT", "PATCH"].contains(&sent.method.as_str()) {
                builder = builder.header("content-length", 0);
            }
        }
        let message = builder
            .body(())
            .map_err(|error| format!("this cannot be sent: {error}"))?;
        let answer =
            self.agent.run(message).map_err(|error| self.explain(&error))?;
        Ok(Response {
            status: answer.status().as_u16(),
            headers: answer
                .headers()
                .iter()
                .map(|(name, value)| {
                    (name.to_string(), value.as_bytes().to_vec())
                })
                .collect(),
        })
    }

    /// Asks once more for another origin, where that can do no harm: does the
    /// server let everybody in, does a cache hand out what is not theirs?
    fn as_a_stranger(
        &self,
        request: &ScriptRequest,
        exchange: &Exchange,
    ) -> Result<Vec<Finding>, Failure> {
        let safe = ["OPTIONS", "GET", "HEAD"];
        if !safe.contains(&exchange.sent.method.as_str()) {
            return Ok(Vec::new());
        }
        let stranger = SentRequest {
            origin: STRANGER.to_owned(),
            ..exchange.sent.clone()
        };
        let answer = self.send(request, &stranger)?;
        let allowed = lines("access-control-allow-origin", &answer.headers);
        let credentials =
            lines("access-control-allow-credentials", &answer.headers);
        let mut findings = Vec::new();
        if allowed == [STRANGER] {
            let (what, help) = match credentials == ["true"] {
                true => (
                    "with credentials: any site can act for its visitors",
                    "list the origins",
                ),
                false => (
                    "as * would, but for the caches",
                    "list the origins, or send *",
                ),
            };
            findings.push(warning(
                "any-origin-reflected",
                format!("{STRANGER} is allowed too, {what}"),
                help,
            ));
        }
        if allowed == [request.origin.as_str()]
            && !varies_by_origin(&answer.headers)
            && let Some(mark) = cache_mark(&answer.headers)
        {
            findings.push(warning(
                "cached-for-another-origin",
                format!(
                    "a cache answers {STRANGER} with what it kept for {} \
                     ({mark})",
                    request.origin
                ),
                "send Vary: Origin with every answer, and empty the cache",
            ));
        }
        Ok(findings)
    }

    /// Why there is no answer. None of this is a matter of CORS, though a
    /// browser's console shows it beside.
    fn explain(&self, error: &ureq::Error) -> Failure {
        let url = &self.url.text;
        let host = self.url.uri.host().unwrap_or_default();
        let tls = self.url.uri.scheme_str() == Some("https");
        if let Some(error) = tls_error(error) {
            return format!("{url}: TLS: {}", explain_tls(error, host));
        }
        let why = match error {
            ureq::Error::HostNotFound => {
                format!("the name {host} cannot be resolved")
            }
            ureq::Error::Timeout(_) => format!(
                "there is no answer within {} seconds ({error}); --timeout \
                 allows more",
                self.timeout
            ),
            ureq::Error::Tls(error) => format!("TLS: {error}"),
            ureq::Error::Protocol(error) if !tls => format!(
                "the answer is not HTTP: {error}; use https:// if the server \
                 uses TLS"
            ),
            ureq::Error::Protocol(error) => {
                format!("the answer is not HTTP: {error}")
            }
            ureq::Error::Io(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused => {
                    "nothing listens there: the connection is refused".into()
                }
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted => {
                    "the server closes the connection without an answer".into()
                }
                _ => match error.to_string().strip_prefix(RESOLVER) {
                    Some(why) => {
                        format!("the name {host} cannot be resolved: {why}")
                    }
                    None => error.to_string(),
                },
            },
            _ => error.to_string(),
        };
        format!("{url}: {why}")
    }
}

/// The certificates of a PEM file.
fn authorities(file: &Path) -> Result<RootCerts, Failure> {
    let pem = crate::read(file)?;
    let mut certificates = Vec::new();
    for item in ureq::tls::parse_pem(&pem) {
        if let Ok(PemItem::Certificate(certificate)) = item {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(format!(
            "{} has no certificate; use a PEM file with -----BEGIN \
             CERTIFICATE-----",
            crate::whole(file)
        ));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

/// What rustls finds wrong comes as such, or inside an error of input.
fn tls_error(error: &ureq::Error) -> Option<&rustls::Error> {
    match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}

/// What is wrong, and what to do.
fn explain_tls(error: &rustls::Error, host: &str) -> String {
    use rustls::{
        AlertDescription as Alert, CertificateError as C, Error as E,
    };
    match error {
        E::InvalidCertificate(error) => match error {
            C::UnknownIssuer => {
                "the certificate is self-signed, or its issuer is not \
                 trusted; use --cacert FILE with the issuer's certificate, or \
                 --insecure, or add the issuer's certificates to those that \
                 the server sends"
                    .into()
            }
            // webpki's own error; `openssl req -x509` makes such certificates.
            C::Other(error)
                if format!("{error:?}").contains("CaUsedAsEndEntity") =>
            {
                "the certificate is self-signed, and made for an authority, \
                 not for a server; use --insecure, or make one with openssl's \
                 -addext basicConstraints=critical,CA:FALSE and use --cacert \
                 FILE"
                    .into()
            }
            C::Expired | C::ExpiredContext { .. } => {
                "the certificate has expired; renew it, or use --insecure"
                    .into()
            }
            C::NotValidYet | C::NotValidYetContext { .. } => {
                "the certificate is not valid yet; set the clocks of this \
                 machine and of the one that made it, or use --insecure"
                    .into()
            }
            C::NotValidForNameContext { presented, .. } => {
                let names: Vec<_> =
                    presented.iter().map(|name| plain_name(name)).collect();
                match names.as_slice() {
                    [] => format!(
                        "the certificate has no subjectAltName, without which \
                         browsers take none; make one with {host} as \
                         subjectAltName, or use --insecure"
                    ),
                    names => format!(
                        "the certificate is for {}, not for {host}; use such \
                         a name in the URL, make a certificate with {host} as \
                         subjectAltName, or use --insecure",
                        names.join(", ")
                    ),
                }
            }
            C::NotValidForName => format!(
                "the certificate is not for {host}; make one with {host} as \
                 subjectAltName, or use --insecure"
            ),
            C::BadSignature => {
                "the certificate is signed with another key than the trusted \
                 issuer of that name has now; use --cacert FILE with the \
                 issuer's certificate, or --insecure"
                    .into()
            }
            C::Revoked => {
                "the certificate is revoked; renew it, or use --insecure"
                    .into()
            }
            error => {
                format!("the certificate is invalid: {error}; use --insecure")
            }
        },
        E::InvalidMessage(_) => {
            "the server does not use TLS on this port; use http:// in the URL"
                .into()
        }
        E::AlertReceived(Alert::CertificateRequired) => {
            "the server wants a client certificate, which browsers send with \
             no preflight; remove that for OPTIONS"
                .into()
        }
        E::AlertReceived(Alert::UnrecognisedName) => format!(
            "the server has no certificate for {host}; add one, or use \
             another name in the URL"
        ),
        E::PeerIncompatible(_)
        | E::AlertReceived(
            Alert::ProtocolVersion
            | Alert::HandshakeFailure
            | Alert::InsufficientSecurity,
        ) => format!(
            "the server accepts neither TLS 1.2 nor 1.3 with a cipher of \
             today ({error}); add one"
        ),
        error => error.to_string(),
    }
}

/// A certificate's name as people write it, not as rustls shows it.
fn plain_name(name: &str) -> &str {
    let name = name.strip_suffix(')').unwrap_or(name);
    let name = name.split_once('(').map_or(name, |(_, name)| name);
    name.trim_matches('"')
}

/// The names of the answer's headers that the script cannot read and might
/// want to: not those for the browser, for caches and for the connection.
fn hidden(played: &Played, readable: &[String]) -> Vec<String> {
    const FOR_OTHERS: [&str; 8] = [
        "connection",
        "date",
        "keep-alive",
        "server",
        "set-cookie",
        "set-cookie2",
        "transfer-encoding",
        "vary",
    ];
    let answer = played.exchanges.last().map(|exchange| &exchange.answer);
    // What a redirect has is for the browser.
    let answer = answer.filter(|answer| redirect(answer).is_none());
    let headers = answer.into_iter().flat_map(|answer| &answer.headers);
    let mut hidden: Vec<String> = headers
        .map(|(name, _)| name.to_ascii_lowercase())
        .filter(|name| {
            !readable.contains(name)
                && !FOR_OTHERS.contains(&name.as_str())
                && !name.starts_with("access-control-")
        })
        .collect();
    hidden.sort();
    hidden.dedup();
    hidden
}

/// An answer that lets everything pass.
fn permission(request: &ScriptRequest) -> Response {
    let header =
        |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    Response {
        status: 200,
        headers: vec![
            header("access-control-allow-origin", &request.origin),
            header("access-control-allow-credentials", "true"),
            header("vary", "origin"),
        ],
    }
}
