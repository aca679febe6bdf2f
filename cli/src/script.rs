//! What a script fetches, from the arguments and a console message.

use browser::{Initiator, ScriptRequest};
use ureq::http::Uri;

use crate::message::Message;
use crate::network::Space;
use crate::{Failure, Script};

/// A URL that a script fetches.
pub(crate) struct Url {
    /// As browsers serialize it.
    pub(crate) text: String,
    /// The same without the fragment, which is not sent.
    pub(crate) uri: Uri,
    pub(crate) url: url::Url,
    /// Whether it was written with ws or wss. Everything but the text then has
    /// http or https.
    pub(crate) is_websocket: bool,
}

/// The request, and the console message about it.
pub(crate) struct Input {
    pub(crate) request: ScriptRequest,
    pub(crate) url: Option<Url>,
    pub(crate) message: Option<Message>,
    /// What sends the request, if it is not a script with `fetch`.
    pub(crate) initiator: Option<Initiator>,
}

impl Url {
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |why: &str| Err(format!("the URL {text:?} {why}"));
        let Some((scheme, _)) = text.split_once("://") else {
            return wrong(&without_scheme(text));
        };
        let mut url = match url::Url::parse(text) {
            Ok(url) => url,
            Err(error) => {
                return wrong(&format!("is invalid: {error}; {USE_A_URL}"));
            }
        };
        let is_websocket = matches!(url.scheme(), "ws" | "wss");
        match url.scheme() {
            "http" | "https" | "ws" | "wss" => {}
            _ => {
                return wrong(&format!(
                    "has the scheme {scheme}; use http://, https://, ws:// or \
                     wss://"
                ));
            }
        }
        // <https://fetch.spec.whatwg.org/#dom-request>
        if !url.username().is_empty() || url.password().is_some() {
            return wrong(
                "has a user name or password, which scripts cannot fetch; \
                 remove it, and add an Authorization header",
            );
        }
        let text = url.to_string();
        url.set_fragment(None);
        // <https://fetch.spec.whatwg.org/#concept-websocket-establish>
        if is_websocket && let Some(rest) = url.as_str().strip_prefix("ws") {
            let http = format!("http{rest}");
            url = url::Url::parse(&http).expect("only the scheme differs");
        }
        match url.as_str().parse() {
            Ok(uri) => Ok(Self { text, uri, url, is_websocket }),
            Err(error) => wrong(&format!("is invalid: {error}; {USE_A_URL}")),
        }
    }

    pub(crate) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.port_or_known_default().expect("http and https have one")
    }

    /// <https://w3c.github.io/webappsec-secure-contexts/#is-url-trustworthy>
    pub(crate) fn is_trustworthy(&self) -> bool {
        self.url.scheme() == "https"
            || self.url.host_str().is_some_and(cors::is_loopback)
    }
}

const USE_A_URL: &str = "use one such as https://api.example.com/items";

/// What is wrong with a URL without `://`, and what to do.
fn without_scheme(text: &str) -> String {
    let bare = text.trim_start_matches('/');
    let with = |scheme: &str| {
        let text = format!("{scheme}://{bare}");
        url::Url::parse(&text).ok().map(|url| (text, url))
    };
    if text.starts_with('/') && !text.starts_with("//") {
        return format!("is only a path; {USE_A_URL}");
    }
    // Without a dot or a port it is more likely a word.
    let host_like = bare.contains('.')
        || bare.contains(':')
        || bare.split('/').next() == Some("localhost");
    match with("http") {
        Some((text, url)) if host_like => {
            if Space::of_url(&url).is_some() {
                format!(
                    "has no scheme; use {text}, or https:// if the server \
                     uses TLS"
                )
            } else {
                format!(
                    "has no scheme; use https://{bare}, or http:// if the \
                     server does not use TLS"
                )
            }
        }
        _ => format!("is not a URL; {USE_A_URL}"),
    }
}

impl Script {
    /// The request, URL and message. Arguments come before what the message
    /// contains.
    pub(crate) fn read(&self, url: Option<&str>) -> Result<Input, Failure> {
        let mut url = url;
        let text = match self.message.as_deref() {
            Some("-") => {
                let bytes = crate::read(std::path::Path::new("-"))?;
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
            text => text.map(str::to_owned),
        };
        let mut message = match &text {
            Some(text) => Some(Message::parse(text).ok_or(
                "this is not an English CORS message of Chromium, Firefox or \
                 Safari; use --origin and the URL instead",
            )?),
            None => None,
        };
        // A message instead of the URL.
        if message.is_none()
            && let Some(given) = url
            && given.trim().contains(char::is_whitespace)
        {
            message = Message::parse(given);
            url = url.filter(|_| message.is_none());
        }
        let said = message.as_ref();
        let url = url.or(said.and_then(|said| said.url.as_deref()));
        let origin = self.origin.as_deref();
        let origin = origin.or(said.and_then(|said| said.origin.as_deref()));
        let Some(origin) = origin else {
            return Err(match &message {
                Some(_) => {
                    "the message does not contain the origin of the page"
                }
                None => "the origin of the page is missing",
            }
            .to_owned()
                + "; add it, such as --origin https://app.example.com");
        };
        if origin == "*" {
            return Err(
                "--origin must be one origin, not a pattern; use one such \
                        as https://app.example.com"
                    .into(),
            );
        }
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .map(|header| {
                let (name, value) =
                    header.split_once(':').unwrap_or((header, ""));
                (name.trim().to_owned(), value.trim().as_bytes().to_vec())
            })
            .collect();
        if let Some(name) = said.and_then(|said| said.header.as_ref())
            && !headers
                .iter()
                .any(|(other, _)| other.eq_ignore_ascii_case(name))
        {
            headers.push((name.clone(), unsafe_value(name).into()));
        }
        let url = url.map(Url::parse).transpose()?;
        let initiator = self.initiator(url.as_ref())?;
        let method = self.method.as_deref();
        let method = method.or(said.and_then(|said| said.method.as_deref()));
        let mut request = ScriptRequest {
            origin: origin.to_owned(),
            method: method
                .unwrap_or(match initiator {
                    Some(Initiator::Form) => "POST",
                    _ => "GET",
                })
                .to_owned(),
            headers,
            credentials: self.credentials
                || said.is_some_and(|said| said.credentials),
            use_cors_preflight: false,
        };
        request.use_cors_preflight = said.is_some_and(|said| said.preflight)
            && !browser::needs_preflight(&request);
        Ok(Input { request, url, message, initiator })
    }

    fn initiator(
        &self,
        url: Option<&Url>,
    ) -> Result<Option<Initiator>, Failure> {
        let is_websocket = url.is_some_and(|url| url.is_websocket);
        if self.form
            && !matches!(
                self.method.as_deref().map(str::to_ascii_uppercase).as_deref(),
                None | Some("GET" | "POST")
            )
        {
            return Err("forms send only GET or POST; remove --form if a \
                        script sends the request"
                .into());
        }
        if is_websocket && (self.form || self.image || self.method.is_some()) {
            return Err("a ws:// or wss:// URL is only for WebSockets; use \
                        http:// or https://"
                .into());
        }
        Ok(if self.form {
            Some(Initiator::Form)
        } else if self.image {
            Some(Initiator::Image)
        } else if self.websocket || is_websocket {
            Some(Initiator::WebSocket)
        } else {
            None
        })
    }
}

/// A value for which this header needs a preflight.
fn unsafe_value(name: &str) -> &'static str {
    match name.to_ascii_lowercase().as_str() {
        "content-type" => "application/json",
        "accept" | "accept-language" | "content-language" => "\"",
        _ => "",
    }
}
