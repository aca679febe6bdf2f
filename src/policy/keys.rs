//! The keys of the policy file, each stated once. The schema that editors read,
//! POLICY.md's tables and the fuzzers' dictionary are generated from this.
//!
//! To add a key:
//!
//! 1. state it here, and list it in [`KEYS`], and in `RULE_KEYS` if rules have
//!    it;
//! 2. read it in `src/policy/reader.rs`, into a field of `Policy` or of a rule's
//!    `Permissions`, with an accessor (`src/policy.rs`);
//! 3. use it, in `src/decision.rs` if it changes a response, which has at most
//!    `HEADERS_MAX` headers. If it controls a header that applications send
//!    too, every server must drop theirs: duty 4 of bindings/README.md;
//! 4. show it in the command: `cli/src/summary.rs` and `cli/src/diff.rs`;
//! 5. add it to the vectors, and to the policies that `src/tests/properties.rs`,
//!    `src/tests/helps.rs` and `fuzz/fuzz_targets/evaluate.rs` make up;
//! 6. run `UPDATE_DOCUMENTS=1 cargo test documents`.
//!
//! For 1, 2, 4 and 6, a test fails if you forget it.

/// A key of the policy file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Key {
    /// Where its value is, as a JSON pointer (RFC 6901).
    pub pointer: &'static str,
    /// What values it takes.
    pub values: Values,
    /// What a policy is without the key.
    pub default: KeyDefault,
    /// What it means, in Markdown.
    pub meaning: &'static str,
    /// What other CORS configurations call it: in lower case, without marks
    /// between words, "allowed" as "allow", and without a prefix such as
    /// "cors". From Starlette, Flask-CORS, django-cors-headers, rs/cors, gin,
    /// tower-http, Express, Spring, Amazon S3, ingress-nginx, Traefik, Envoy,
    /// ASP.NET, and the response headers themselves.
    others: &'static str,
}

/// What a policy is without a key.
#[derive(Clone, Copy, Debug)]
pub enum KeyDefault {
    /// It is rejected.
    Required,
    /// Like none with the key.
    Absent,
    /// As if it had this value, in JSON.
    Json(&'static str),
}

/// What values a key takes.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// Any string.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A number of seconds from 0 to this.
    Seconds(u32),
    /// One of two status codes.
    Status([u16; 2]),
    /// An array of origin patterns, at least one.
    Origins,
    /// An array of exact origins, at least one, or of `*` alone.
    ExactOrigins,
    /// An array of patterns that `allow_origins` has.
    Patterns,
    /// An array of tokens (RFC 9110, section 5.6.2).
    Names,
    /// An array of some of these words.
    Choices(&'static [&'static str]),
    /// An array of objects with some of these keys, at least one.
    Rules(&'static [&'static Key]),
    /// An object with some of these keys.
    Object(&'static [&'static Key]),
}

impl Key {
    /// The key itself: the last part of its pointer.
    pub fn name(&self) -> &'static str {
        self.pointer.rsplit('/').next().unwrap_or_default()
    }
}

/// The keys of a policy. Those of a rule are in the rules instead, if there are
/// any.
pub static KEYS: &[&Key] = &[
    &RULES,
    &ALLOW_ORIGINS,
    &ALLOW_CREDENTIALS,
    &ALLOW_METHODS,
    &ALLOW_HEADERS,
    &EXPOSE_HEADERS,
    &MAX_AGE,
    &PREFLIGHT_STATUS,
    &TIMING_ALLOW_ORIGINS,
    &BLOCK,
    &DANGEROUSLY_ALLOW,
    &SCHEMA,
    &DESCRIPTION,
];

/// The keys of a rule.
pub(super) static RULE_KEYS: &[&Key] = &[
    &ALLOW_ORIGINS,
    &ALLOW_CREDENTIALS,
    &ALLOW_METHODS,
    &ALLOW_HEADERS,
    &EXPOSE_HEADERS,
    &MAX_AGE,
    &DANGEROUSLY_ALLOW,
    &DESCRIPTION,
];

static DANGERS: &[&Key] = &[
    &NULL_ORIGIN,
    &INSECURE_ORIGINS,
    &PUBLIC_SUFFIX_WILDCARDS,
    &SCHEME_WILDCARDS,
    &LOOPBACK_ORIGINS,
];

pub(super) static RULES: Key = Key {
    pointer: "/rules",
    values: Values::Rules(RULE_KEYS),
    default: KeyDefault::Absent,
    meaning: "different permissions for different origins: the first rule that \
        matches decides",
    others: "rule configuration configurations",
};

pub(super) static ALLOW_ORIGINS: Key = Key {
    pointer: "/allow_origins",
    values: Values::Origins,
    default: KeyDefault::Required,
    meaning: "the origins that may read responses",
    others: "origin origins alloworigin alloworiginlist alloworiginslist \
        originlist allowlist whitelist originwhitelist originswhitelist \
        alloworiginpattern alloworiginpatterns originpatterns domains \
        allowdomains",
};

pub(super) static ALLOW_CREDENTIALS: Key = Key {
    pointer: "/allow_credentials",
    values: Values::Boolean,
    default: KeyDefault::Json("false"),
    meaning: "whether pages may read responses to requests with \
        cookies, HTTP authentication or client certificates",
    others: "credential credentials allowcredential supportscredentials \
        supportcredentials withcredentials",
};

pub(super) static ALLOW_METHODS: Key = Key {
    pointer: "/allow_methods",
    values: Values::Names,
    default: KeyDefault::Json("[]"),
    meaning: "methods in addition to GET, HEAD and POST, which are always \
        allowed; or `*` alone",
    others: "method methods allowmethod requestmethods allowmethodslist",
};

pub(super) static ALLOW_HEADERS: Key = Key {
    pointer: "/allow_headers",
    values: Values::Names,
    default: KeyDefault::Json("[]"),
    meaning: "request headers in addition to the CORS-safelisted ones. JSON \
        bodies need `Content-Type`. `*` does not cover `Authorization`: list \
        it too",
    others: "header headers allowheader requestheaders allowheaderslist",
};

pub(super) static EXPOSE_HEADERS: Key = Key {
    pointer: "/expose_headers",
    values: Values::Names,
    default: KeyDefault::Json("[]"),
    meaning: "response headers that scripts may read, in addition to the \
        CORS-safelisted ones; or `*` alone",
    others: "expose exposeheader exposedheader exposedheaders \
        responseheaders exposeheaderslist",
};

pub(super) static MAX_AGE: Key = Key {
    pointer: "/max_age",
    // Browsers cache a preflight for at most a day, most of them for less.
    values: Values::Seconds(86_400),
    default: KeyDefault::Absent,
    meaning: "how long browsers cache a preflight response. Without it they \
        cache it for 5 s; Chromium caps it at 7200 s, Firefox at 86400 s, \
        WebKit at 600 s",
    others: "maxageseconds maxageinseconds preflightmaxage \
        preflightmaxageseconds",
};

pub(super) static PREFLIGHT_STATUS: Key = Key {
    pointer: "/preflight_status",
    values: Values::Status([200, 204]),
    default: KeyDefault::Json("204"),
    meaning: "the status of a preflight response",
    others: "optionssuccessstatus successstatus optionsstatus \
        optionsresponsestatuscode statuscode",
};

pub(super) static TIMING_ALLOW_ORIGINS: Key = Key {
    pointer: "/timing_allow_origins",
    values: Values::ExactOrigins,
    default: KeyDefault::Absent,
    meaning: "the origins whose scripts may read resource timing, such as \
        `PerformanceResourceTiming.requestStart`; or `*` alone",
    others: "timingalloworigin timingorigins timingorigin timing tao",
};

pub(super) static BLOCK: Key = Key {
    pointer: "/block",
    values: Values::Choices(&[UNSAFE_METHODS, WEBSOCKETS]),
    default: KeyDefault::Json("[]"),
    meaning: "which requests from other sites are answered with 403, unless \
        `allow_origins` lists the origin: `unsafe_methods` (all but GET, HEAD \
        and OPTIONS), `websockets`",
    others: "csrf csrfprotection blockrequests",
};

pub(super) const UNSAFE_METHODS: &str = "unsafe_methods";
pub(super) const WEBSOCKETS: &str = "websockets";

pub(super) static DANGEROUSLY_ALLOW: Key = Key {
    pointer: "/dangerously_allow",
    values: Values::Object(DANGERS),
    default: KeyDefault::Json("{}"),
    meaning: "turns off single checks",
    others: "dangerously",
};

pub(super) static NULL_ORIGIN: Key = Key {
    pointer: "/dangerously_allow/null_origin",
    values: Values::Boolean,
    default: KeyDefault::Json("false"),
    meaning: "the pattern `null`, which every sandboxed iframe can send",
    others: "",
};

pub(super) static INSECURE_ORIGINS: Key = Key {
    pointer: "/dangerously_allow/insecure_origins",
    values: Values::Patterns,
    default: KeyDefault::Json("[]"),
    meaning: "with credentials or `block`: http origins other than loopback \
        ones",
    others: "",
};

pub(super) static PUBLIC_SUFFIX_WILDCARDS: Key = Key {
    pointer: "/dangerously_allow/public_suffix_wildcards",
    values: Values::Patterns,
    default: KeyDefault::Json("[]"),
    meaning: "with credentials or `block`: wildcards under which anyone can \
        get a name, and ranges in which anyone can get an address",
    others: "",
};

pub(super) static SCHEME_WILDCARDS: Key = Key {
    pointer: "/dangerously_allow/scheme_wildcards",
    values: Values::Patterns,
    default: KeyDefault::Json("[]"),
    meaning: "with credentials or `block`: whole schemes, such as \
        `moz-extension://*`, which match every extension of every author",
    others: "",
};

pub(super) static LOOPBACK_ORIGINS: Key = Key {
    pointer: "/dangerously_allow/loopback_origins",
    values: Values::Patterns,
    default: KeyDefault::Json("[]"),
    meaning: "with credentials or `block`: loopback origins that are intended, \
        such as Tauri's `http://tauri.localhost`. Without it they load with a \
        warning",
    others: "",
};

pub(super) static SCHEMA: Key = Key {
    pointer: "/$schema",
    values: Values::Text,
    default: KeyDefault::Absent,
    meaning: "ignored; editors read the schema that it names",
    others: "schema",
};

pub(super) static DESCRIPTION: Key = Key {
    pointer: "/description",
    values: Values::Text,
    default: KeyDefault::Absent,
    meaning: "ignored; for a comment",
    others: "comment comments note notes title name",
};

/// Keys of other configurations that have no counterpart here, written as
/// [`Key::others`], and what to do instead.
const WITHOUT_COUNTERPART: [(&str, &str); 11] = [
    (
        "allowalloriginsenabled allowallorigins originallowall allowall \
         allowanyorigin allorigins anyorigin sendwildcard",
        "list \"*\" alone in allow_origins for any origin",
    ),
    (
        "allowanyheader allowallheaders",
        "list \"*\" in allow_headers for any header",
    ),
    (
        "allowanymethod allowallmethods",
        "list \"*\" alone in allow_methods for any method",
    ),
    (
        "allowprivatenetwork privatenetwork requestprivatenetwork \
         allowlocalnetwork localnetwork",
        "remove it, since browsers ask the user before a page reaches a \
         private network, and no response header changes that",
    ),
    (
        "vary varyheader addvaryheader",
        "remove it, since Vary is always sent when it is needed",
    ),
    (
        "preflightcontinue optionspassthrough optionspassthru",
        "remove it, since preflights never reach the application",
    ),
    (
        "alwayssend automaticoptions interceptexceptions allowwildcard \
         enablecors enable enabled",
        "remove it, since a policy always does that",
    ),
    (
        "allowbrowserextensions allowfiles allowwebsockets customschemas",
        "list each such origin in allow_origins",
    ),
    (
        "debug logger",
        "remove it, and use \"cors explain\" to see what is decided",
    ),
    (
        "resources path paths pathpatterns routes urls mapping mappings",
        "remove it, and choose the paths in the server's configuration",
    ),
    (
        "nullorigin insecureorigins publicsuffixwildcards schemewildcards \
         loopbackorigins",
        "add it to the object \"dangerously_allow\"",
    ),
];

/// What an unknown key means.
enum Meaning {
    Key(&'static Key),
    /// What to do instead, as no key is for it.
    Help(&'static str),
}

/// What a key of another configuration means, whatever its case and the marks
/// between its words.
fn meaning(key: &str) -> Option<Meaning> {
    // Comments, such as "//max_age", mean nothing else.
    if key.starts_with(['#', '/']) {
        return Some(Meaning::Key(&DESCRIPTION));
    }
    let name = key.rsplit('/').next().unwrap_or_default();
    let name: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    // "CORS_ALLOWED_ORIGINS", "accessControlAllowOriginList".
    let mut name = name.as_str();
    for prefix in ["cors", "accesscontrol"] {
        name = name.strip_prefix(prefix).unwrap_or(name);
    }
    if name.contains("regex") || name.contains("stringmatch") {
        return Some(Meaning::Help(
            "list patterns in allow_origins, such as https://*.example.com \
             for one label, or https://**.example.com for one or more, since \
             regular expressions are not supported",
        ));
    }
    if name.contains("func") || name.contains("callback") {
        return Some(Meaning::Help(
            "list the origins in allow_origins, since a policy runs no code",
        ));
    }
    let name = name.replace("allowed", "allow");
    if name.is_empty() {
        return None;
    }
    let among = |names: &str| names.split(' ').any(|other| other == name);
    let of_key =
        |key: &&&Key| key.name().replace('_', "") == name || among(key.others);
    match KEYS.iter().find(of_key) {
        Some(key) => Some(Meaning::Key(key)),
        None => WITHOUT_COUNTERPART
            .iter()
            .find(|(names, _)| among(names))
            .map(|(_, help)| Meaning::Help(help)),
    }
}

/// The one of `keys` that an unknown key means.
pub(super) fn meant(key: &str, keys: &[&'static Key]) -> Option<&'static Key> {
    // A long one is no slip of the pen, and a distance has its cost.
    if key.len() >= SUGGESTED_MAX {
        return None;
    }
    let is_here = |known: &Key| keys.iter().any(|key| key.is(known));
    match meaning(key) {
        Some(Meaning::Key(known)) if is_here(known) => Some(known),
        Some(Meaning::Help(_)) if is_here(&ALLOW_ORIGINS) => None,
        _ => {
            let distance =
                |known: &&&Key| strsim::damerau_levenshtein(key, known.name());
            let known = keys.iter().min_by_key(distance)?;
            // Beyond a third of its letters it is another word.
            let is_near = distance(&known) <= known.name().len() / 3;
            is_near.then_some(*known)
        }
    }
}

/// The help for a key that is none of `keys`; `is_present` says whether the
/// object has a key.
pub(super) fn unknown_key_help(
    key: &str,
    keys: &[&'static Key],
    is_present: impl Fn(&Key) -> bool,
) -> String {
    if let Some(known) = meant(key, keys) {
        let known_name = known.name();
        return if is_present(known) {
            format!("remove it, since {known_name} is there too")
        } else if known.is(&RULES) && is_present(&ALLOW_ORIGINS) {
            format!("move allow_origins into a rule, and use \"{known_name}\"")
        } else {
            format!("use \"{known_name}\"")
        };
    }
    let is_policy = keys.iter().any(|key| key.is(&ALLOW_ORIGINS));
    let meaning = (key.len() < SUGGESTED_MAX).then(|| meaning(key)).flatten();
    match meaning {
        Some(Meaning::Help(help)) if is_policy => help.into(),
        Some(Meaning::Key(known)) if !is_policy => {
            format!("add it next to dangerously_allow, as {}", known.name())
        }
        _ => {
            let names: Vec<_> = keys.iter().map(|key| key.name()).collect();
            format!("use one of {}", names.join(", "))
        }
    }
}

/// Whether a key that is none of `keys` is not a rule's, but the file's.
pub(super) fn is_of_the_file(key: &str, keys: &[&'static Key]) -> bool {
    keys.iter().any(|known| known.is(&ALLOW_ORIGINS))
        && KEYS.iter().any(|known| known.is_called(key))
}

impl Key {
    /// Whether a member of an object is this one.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.pointer.ends_with(name) && self.name() == name
    }

    pub(super) fn is(&self, other: &Key) -> bool {
        self.pointer == other.pointer
    }
}

/// Keys of so many bytes and more get no suggestion.
const SUGGESTED_MAX: usize = 64;
