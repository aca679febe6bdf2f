//! A running server, as `cors probe` reaches it.

#![allow(clippy::wildcard_enum_match_arm, reason = "others' errors may grow")]

use std::io::{self, Read};
use std::net::ToSocketAddrs;
use std::time::Duration;

use browser::{PageRequest, Response, ScriptRequest, SentRequest};
use ureq::Agent;
use ureq::http;
use ureq::tls::{RootCerts, TlsConfig};

use crate::network::Space;
use crate::script::Url;
use crate::tls::{authorities, explain_tls, tls_error};
use crate::{Failure, Probe};

/// The start of the standard library's error for a name without an address.
const RESOLVER: &str = "failed to lookup address information: ";

/// The probed server.
pub(crate) struct Server<'u> {
    url: &'u Url,
    agent: Agent,
    timeout: u64,
}

/// What a server responds.
pub(crate) struct Reply {
    pub(crate) response: Response,
    /// Whether it is libcors's response to a blocked request.
    pub(crate) is_blocked: bool,
}

impl<'u> Server<'u> {
    pub(crate) fn new(probe: &Probe, url: &'u Url) -> Result<Self, Failure> {
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
            // A server may close a connection after it promised to keep it,
            // which looks like a server that does not respond.
            .max_idle_connections(0)
            .user_agent(concat!("cors-probe/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self { url, agent, timeout })
    }

    /// That of the addresses of the URL's host, if all are in one. `None`
    /// behind a proxy, which resolves the name itself.
    pub(crate) fn address_space(&self) -> Option<Space> {
        if self.agent.config().proxy().is_some() {
            return None;
        }
        let host = self.url.uri.host()?;
        let addresses = (host, 0).to_socket_addrs().ok()?;
        addresses.map(|address| Space::of(address.ip())).min()?
    }

    /// Sends what the browser sends for a script.
    pub(crate) fn send(
        &self,
        request: &ScriptRequest,
        sent: &SentRequest,
    ) -> Result<Reply, Failure> {
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
            for (name, value) in browser::header_list(request) {
                builder = builder.header(name, value);
            }
            // <https://fetch.spec.whatwg.org/#concept-http-network-or-cache-fetch>
            // has it for POST and PUT; for PATCH ureq would send chunks.
            if ["POST", "PUT", "PATCH"].contains(&sent.method.as_str()) {
                builder = builder.header("content-length", 0);
            }
        }
        self.run(builder)
    }

    /// Sends what the browser sends for a form without fields, or to open a
    /// WebSocket, which is then closed at once.
    pub(crate) fn send_of_page(
        &self,
        sent: &PageRequest,
    ) -> Result<Reply, Failure> {
        let mut builder = http::Request::builder()
            .method(sent.method.as_str())
            .uri(self.url.uri.clone());
        if let Some(origin) = &sent.origin {
            builder = builder.header("origin", origin);
        }
        if let Some(site) = sent.fetch_site {
            builder = builder.header("sec-fetch-site", site);
        }
        builder = match sent.upgrade {
            // <https://www.rfc-editor.org/rfc/rfc6455#section-4.1>, whose key
            // is of 16 bytes; the server only returns what it makes of them.
            Some(upgrade) => builder
                .header("connection", "Upgrade")
                .header("upgrade", upgrade)
                .header("sec-websocket-version", 13)
                .header("sec-websocket-key", "bGliY29ycyBwcm9iZSBrZQ=="),
            None => builder
                .header("accept", "text/html,*/*")
                .header("sec-fetch-mode", "navigate")
                .header("content-type", "application/x-www-form-urlencoded")
                .header("content-length", 0),
        };
        self.run(builder)
    }

    fn run(&self, builder: http::request::Builder) -> Result<Reply, Failure> {
        let message = builder
            .body(())
            .map_err(|error| format!("cannot send the request: {error}"))?;
        let mut response =
            self.agent.run(message).map_err(|error| self.explain(&error))?;
        // The application's own 403 has another body.
        let is_blocked = response.status() == http::StatusCode::FORBIDDEN && {
            let mut body = Vec::new();
            let most = cors::BLOCKED_BODY.len() as u64 + 1;
            let read = response.body_mut().as_reader().take(most);
            { read }.read_to_end(&mut body).is_ok()
                && body == cors::BLOCKED_BODY.as_bytes()
        };
        Ok(Reply {
            is_blocked,
            response: Response {
                status: response.status().as_u16(),
                headers: response
                    .headers()
                    .iter()
                    .map(|(name, value)| {
                        (name.to_string(), value.as_bytes().to_vec())
                    })
                    .collect(),
            },
        })
    }

    /// Why there is no response. This has nothing to do with CORS, although a
    /// browser's console may show both.
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
                "no response within {} seconds ({error}); use --timeout for \
                 more",
                self.timeout
            ),
            ureq::Error::Tls(error) => format!("TLS: {error}"),
            ureq::Error::Protocol(error) if !tls => format!(
                "the response is not HTTP: {error}; use https:// if the server \
                 uses TLS"
            ),
            ureq::Error::Protocol(error) => {
                format!("the response is not HTTP: {error}")
            }
            ureq::Error::Io(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused => {
                    "connection refused: no server listens there".into()
                }
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted => {
                    "the server closes the connection without a response"
                        .into()
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
