//! Any bytes as `Access-Control-Request-Method` and `-Headers`, held against
//! the decision of DESIGN.md, section 3, written down once more.

#![no_main]

use std::sync::LazyLock;

use cors::{Policy, Reason, Request, Verdict};
use libfuzzer_sys::fuzz_target;

/// A policy that lets every origin of the test in.
struct Lists {
    any_origin: bool,
    credentials: bool,
    methods: &'static [&'static str],
    headers: &'static [&'static str],
    preflight_status: u16,
}

const POLICIES: [Lists; 6] = [
    Lists {
        any_origin: false,
        credentials: false,
        methods: &[],
        headers: &[],
        preflight_status: 204,
    },
    Lists {
        any_origin: true,
        credentials: false,
        methods: &["POST", "DELETE"],
        headers: &["X-A"],
        preflight_status: 200,
    },
    Lists {
        any_origin: false,
        credentials: true,
        methods: &["PUT", "patch"],
        headers: &["Content-Type", "Authorization", "x-a"],
        preflight_status: 204,
    },
    Lists {
        any_origin: false,
        credentials: false,
        methods: &["*"],
        headers: &["*"],
        preflight_status: 204,
    },
    Lists {
        any_origin: true,
        credentials: false,
        methods: &["*"],
        headers: &["Authorization", "*"],
        preflight_status: 200,
    },
    Lists {
        any_origin: false,
        credentials: true,
        methods: &["*"],
        headers: &["*", "X-Named"],
        preflight_status: 204,
    },
];

const ORIGIN: &str = "https://a.com";

static LOADED: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    POLICIES
        .iter()
        .map(|lists| {
            let origin = if lists.any_origin { "*" } else { ORIGIN };
            let json = format!(
                r#"{{"allow_origins":["{origin}"],"allow_credentials":{},
                     "allow_methods":{:?},"allow_headers":{:?},
                     "preflight_status":{},"max_age":60}}"#,
                lists.credentials,
                lists.methods,
                lists.headers,
                lists.preflight_status
            );
            Policy::from_json(json.as_bytes()).expect("it is valid")
        })
        .collect()
});

// The first line is the method, the rest the headers; each input is also
// taken whole for either, so that both may hold every byte.
fuzz_target!(|bytes: &[u8]| {
    for (lists, policy) in POLICIES.iter().zip(&*LOADED) {
        let end = bytes.iter().position(|&byte| byte == b'\n');
        match end {
            Some(end) => {
                check(lists, policy, &bytes[..end], Some(&bytes[end + 1..]));
            }
            None => check(lists, policy, bytes, None),
        }
        check(lists, policy, b"PUT", Some(bytes));
        check(lists, policy, b"GET", Some(bytes));
        check(lists, policy, bytes, Some(b"X-A"));
    }
});

fn check(
    lists: &Lists,
    policy: &Policy,
    method: &[u8],
    headers: Option<&[u8]>,
) {
    let decision = policy.evaluate(&Request {
        method: Some(b"OPTIONS"),
        origin: Some(ORIGIN.as_bytes()),
        request_method: Some(method),
        request_headers: headers,
        ..Request::default()
    });
    let list = headers.unwrap_or_default();
    let expected = Expected::of(lists, method, list);
    // Costly, and so only made where it is shown.
    let shown = || {
        format!(
            "{:?} {:?}, \"{}\", \"{}\": {decision:?}",
            lists.methods,
            lists.headers,
            method.escape_ascii(),
            list.escape_ascii()
        )
    };
    assert_eq!(decision.reason, expected.reason, "{}", shown());
    assert_eq!(decision.culprit, expected.culprit, "{}", shown());
    assert_eq!(decision.verdict, expected.verdict(), "{}", shown());
    assert_eq!(decision.status, expected.status(lists), "{}", shown());

    let value = |name: &str| {
        let lines: Vec<&[u8]> = decision
            .headers()
            .filter(|header| header.name == name)
            .map(|header| header.value)
            .collect();
        // Several lines are one list (RFC 9110, section 5.3).
        (!lines.is_empty()).then(|| lines.join(&b','))
    };
    let is = |name: &str, expected: Option<&[u8]>| {
        let value = value(name);
        assert_eq!(value.as_deref(), expected, "{name}, {}", shown());
    };
    is(
        "vary",
        Some(
            b"origin, access-control-request-method, \
              access-control-request-headers",
        ),
    );
    let permits = !expected.malformed();
    let origin = if lists.any_origin { "*" } else { ORIGIN };
    is("access-control-allow-origin", permits.then_some(origin.as_bytes()));
    is(
        "access-control-allow-credentials",
        (permits && lists.credentials).then_some(b"true"),
    );
    is(
        "access-control-max-age",
        (expected.reason == Reason::None).then_some(b"60"),
    );
    is("access-control-expose-headers", None);
    is("access-control-allow-headers", expected.allow_headers.as_deref());
    let methods = value("access-control-allow-methods");
    assert!(
        expected.allow_methods.contains(&methods),
        "{methods:?} {}",
        shown()
    );

    // Request bytes are echoed only where they were allowed by "*" with
    // credentials.
    let echoes = expected.reason == Reason::None && lists.credentials;
    for header in decision.headers() {
        assert!(header.value.iter().all(|b| matches!(b, b'\t' | 0x20..0x7f)));
        let within = |request: &[u8]| {
            request.as_ptr_range().contains(&header.value.as_ptr())
        };
        let of_method = within(method) && !header.value.is_empty();
        let of_list = within(list) && !header.value.is_empty();
        let may_be_method = echoes
            && any(lists.methods)
            && header.name == "access-control-allow-methods";
        let may_be_list = echoes
            && any(lists.headers)
            && header.name == "access-control-allow-headers";
        assert!(!of_method || may_be_method, "{}", shown());
        assert!(!of_list || may_be_list, "{}", shown());
    }
}

struct Expected<'a> {
    reason: Reason,
    culprit: Option<&'a [u8]>,
    /// Each of them is right.
    allow_methods: Vec<Option<Vec<u8>>>,
    allow_headers: Option<Vec<u8>>,
}

impl<'a> Expected<'a> {
    fn of(lists: &Lists, method: &'a [u8], list: &'a [u8]) -> Self {
        let (reason, culprit) = reason(lists, method, list);
        let mut expected = Self {
            reason,
            culprit,
            allow_methods: vec![None],
            allow_headers: None,
        };
        if !expected.malformed() {
            expected.allow_methods = expected.allow_methods(lists, method);
            expected.allow_headers = expected.allow_headers(lists, list);
        }
        expected
    }

    fn malformed(&self) -> bool {
        matches!(
            self.reason,
            Reason::MethodMalformed | Reason::HeadersMalformed
        )
    }

    fn verdict(&self) -> Verdict {
        match self.reason {
            Reason::None => Verdict::PreflightAllowed,
            _ => Verdict::PreflightRefused,
        }
    }

    fn status(&self, lists: &Lists) -> u16 {
        if self.malformed() { 403 } else { lists.preflight_status }
    }

    fn allow_methods(
        &self,
        lists: &Lists,
        method: &[u8],
    ) -> Vec<Option<Vec<u8>>> {
        let with = |methods: &[&[u8]]| {
            let mut list: Vec<&[u8]> = vec![b"GET", b"HEAD", b"POST"];
            list.extend(methods.iter().filter(|name| !safelisted(name)));
            Some(list.join(&b','))
        };
        if !any(lists.methods) {
            let methods: Vec<&[u8]> =
                lists.methods.iter().map(|name| name.as_bytes()).collect();
            return vec![with(&methods)];
        }
        match (lists.credentials, self.reason) {
            // A browser would take "*" for the name of the method.
            (false, _) if method == b"*" => vec![with(&[])],
            (false, _) => vec![Some(b"*".to_vec())],
            (true, Reason::None) => vec![with(&[method])],
            // The method itself was allowed, and the library's own text for
            // it is none of the request's bytes.
            (true, Reason::HeaderNotAllowed) => {
                vec![with(&[]), with(&[method])]
            }
            (true, _) => vec![with(&[])],
        }
    }

    fn allow_headers(&self, lists: &Lists, list: &[u8]) -> Option<Vec<u8>> {
        let named: Vec<String> = lists
            .headers
            .iter()
            .filter(|name| **name != "*")
            .map(|name| name.to_ascii_lowercase())
            .collect();
        let named = named.join(",").into_bytes();
        if !any(lists.headers) {
            return (!named.is_empty()).then_some(named);
        }
        let refused = self.reason == Reason::HeaderNotAllowed;
        let culprit = self.culprit.unwrap_or_default();
        match lists.credentials {
            // Browsers let "*" cover it.
            _ if refused && culprit.eq_ignore_ascii_case(b"authorization") => {
                None
            }
            // A browser would take "*" for the name of the header.
            false if refused && culprit == b"*" => None,
            false if named == b"authorization" => {
                Some(b"*,authorization".to_vec())
            }
            false => Some(b"*".to_vec()),
            true if self.reason != Reason::None => {
                (!named.is_empty()).then_some(named)
            }
            true => elements(list).next().is_some().then(|| list.to_vec()),
        }
    }
}

fn reason<'a>(
    lists: &Lists,
    method: &'a [u8],
    list: &'a [u8],
) -> (Reason, Option<&'a [u8]>) {
    if method.len() > 64 || !token(method) {
        return (Reason::MethodMalformed, None);
    }
    if !method_allowed(lists, method) {
        return (Reason::MethodNotAllowed, Some(method));
    }
    if list.len() > 4096 {
        return (Reason::HeadersMalformed, None);
    }
    for name in elements(list) {
        if name.len() > 256 || !token(name) {
            return (Reason::HeadersMalformed, None);
        }
        if !header_allowed(lists, name) {
            return (Reason::HeaderNotAllowed, Some(name));
        }
    }
    (Reason::None, None)
}

fn method_allowed(lists: &Lists, method: &[u8]) -> bool {
    let never: [&[u8]; 4] = [b"CONNECT", b"TRACE", b"TRACK", b"*"];
    safelisted(method)
        || (!is_one_of(method, &never)
            && (any(lists.methods)
                || lists.methods.iter().any(|one| one.as_bytes() == method)))
}

fn header_allowed(lists: &Lists, name: &[u8]) -> bool {
    let listed = lists
        .headers
        .iter()
        .any(|one| *one != "*" && one.as_bytes().eq_ignore_ascii_case(name));
    listed
        || (any(lists.headers)
            && !is_one_of(name, &[b"*", b"authorization"])
            && !forbidden(name))
}

/// Whatever its value: a request has none.
fn forbidden(name: &[u8]) -> bool {
    str::from_utf8(name)
        .is_ok_and(|name| browser::forbidden_request_header(name, b""))
}

/// Split at commas, spaces and tabs off, empty elements left out.
fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    list.split(|&byte| byte == b',').filter_map(move |element| {
        let start = element.iter().position(|byte| !blank(byte))?;
        let end = element.iter().rposition(|byte| !blank(byte))?;
        Some(&element[start..=end])
    })
}

fn any(list: &[&str]) -> bool {
    list.contains(&"*")
}

fn safelisted(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD" | b"POST")
}

fn is_one_of(name: &[u8], names: &[&[u8]]) -> bool {
    names.iter().any(|one| one.eq_ignore_ascii_case(name))
}

fn token(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes.iter().all(|byte| {
            byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
        })
}
