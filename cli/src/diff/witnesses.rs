//! Origins that show every difference between two policies.
//!
//! For each origin there is a witness: one that the same rule of the old
//! policy and the same rule of the new one decide about. So two policies that
//! decide the same about all witnesses decide the same about all origins.
//!
//! An exact origin of either policy is its own witness. About any other, a
//! pattern for many origins decides, in each policy that allows it. Its witness
//! is in both patterns, or in the one, with a text in place of each wildcard
//! that no other pattern has a part of. If another pattern matches that
//! witness, its wildcards match that text, so they match any other text there:
//! it matches the origin, too. For ranges of addresses, the first address of
//! each piece between two ends of a range is the witness of the piece.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cors::Policy;

use crate::pattern::{Host, Pattern, Port, Range};

/// An origin that stands for others.
pub(super) struct Witness {
    pub(super) origin: String,
    /// It has wildcards where the origin has texts that stand for any other.
    pub(super) template: Option<String>,
}

/// What is in no pattern of two policies.
pub(super) struct Fresh {
    text: String,
    pub(super) port: u16,
    scheme: String,
}

pub(super) fn witnesses(old: &Policy, new: &Policy) -> (Vec<Witness>, Fresh) {
    let texts = [texts_of(old), texts_of(new)];
    let fresh = Fresh::to(&texts.concat());
    let mut templates = BTreeSet::new();
    let mut origins = BTreeSet::new();
    // Only "*" is for such a scheme.
    origins.insert(format!("{}://host", fresh.scheme));
    for &text in texts.iter().flatten() {
        match Pattern::parse(text) {
            None if text == "*" => {}
            Some(pattern) if is_wild(&pattern) => {
                templates.insert(text.to_owned());
            }
            Some(Pattern { host: Host::Range(_), .. }) => {}
            None | Some(_) => {
                origins.insert(text.to_owned());
            }
        }
    }
    let [old, new] = texts.each_ref().map(|texts| Wildcards::of(texts));
    overlaps(&old, &new, &mut templates);
    pieces(&texts.concat(), &fresh, &mut origins);
    let templates = templates.into_iter().map(|template| Witness {
        origin: fresh.fill(&template),
        template: Some(template),
    });
    let origins = origins.into_iter();
    let origins = origins.map(|origin| Witness { origin, template: None });
    (origins.chain(templates).collect(), fresh)
}

fn texts_of(policy: &Policy) -> Vec<&str> {
    policy.rules().flat_map(|rule| rule.allow_origins()).collect()
}

/// Whether a pattern matches many origins and is no range.
fn is_wild(pattern: &Pattern<'_>) -> bool {
    match pattern.host {
        Host::Any => true,
        Host::Range(_) => false,
        Host::Text(host) => host.contains('*') || pattern.port == Port::Any,
    }
}

impl Fresh {
    fn to(texts: &[&str]) -> Self {
        let mut longest_run = [0; 256];
        let mut ports = HashSet::new();
        let mut schemes = HashSet::new();
        // The bytes at the ends of the texts between two wildcards.
        let mut at_end = [false; 256];
        for text in texts {
            let mut run = (0, 0);
            for byte in text.bytes() {
                run = (byte, if run.0 == byte { run.1 + 1 } else { 1 });
                let longest = &mut longest_run[usize::from(byte)];
                *longest = run.1.max(*longest);
            }
            let Some(pattern) = Pattern::parse(text) else { continue };
            schemes.insert(pattern.scheme);
            if let Port::Number(port) = pattern.port {
                ports.insert(port);
            }
            let Host::Text(host) = pattern.host else { continue };
            let globs = host.split('.').filter(|label| label.contains('*'));
            for piece in globs.flat_map(|label| label.split('*')) {
                let ends = [piece.bytes().next(), piece.bytes().last()];
                for byte in ends.into_iter().flatten() {
                    at_end[usize::from(byte)] = true;
                }
            }
        }
        // A run of one byte that is longer than any other. No piece of a
        // pattern can be in it, begin in it or end in it, as long as there is
        // a byte with which none begins or ends.
        let byte = (b'a'..=b'z').chain(b'0'..=b'9').chain([b'_', b'-']);
        let byte = byte
            .min_by_key(|&byte| {
                let byte = usize::from(byte);
                (at_end[byte], longest_run[byte])
            })
            .expect("there are some");
        let len = longest_run[usize::from(byte)] + 1;
        let free = |port: &u16| !ports.contains(port);
        let mut scheme = String::from("x");
        while schemes.contains(scheme.as_str()) {
            scheme.push('x');
        }
        Self {
            text: char::from(byte).to_string().repeat(len),
            port: (1024..u16::MAX).find(free).unwrap_or(u16::MAX),
            scheme,
        }
    }

    fn fill(&self, template: &str) -> String {
        filled(template, &self.text, Some(self.port))
    }
}

/// An origin that a template is for: `text` for each `*`, two labels for
/// `**`, `port` for any port.
pub(super) fn filled(template: &str, text: &str, port: Option<u16>) -> String {
    let (rest, any_port) = match template.strip_suffix(":*") {
        Some(rest) => (rest, true),
        None => (template, false),
    };
    let mut origin =
        rest.replace("**", &format!("{text}.{text}")).replace('*', text);
    if any_port && let Some(port) = port {
        origin += &format!(":{port}");
    }
    origin
}

/// A pattern with wildcards in its host or its port.
struct Wildcard<'p> {
    scheme: &'p str,
    /// `**` before the labels.
    subdomains: bool,
    labels: Vec<&'p str>,
    /// The literal labels at the right end.
    suffix: &'p str,
    port: Port,
}

/// Those of a policy, by scheme and suffix.
struct Wildcards<'p> {
    all: Vec<Wildcard<'p>>,
    by_suffix: HashMap<(&'p str, &'p str), Vec<usize>>,
}

impl<'p> Wildcards<'p> {
    fn of(texts: &[&'p str]) -> Self {
        let mut all = Vec::new();
        let mut by_suffix = HashMap::<_, Vec<usize>>::new();
        for text in texts {
            let Some(pattern) = Pattern::parse(text) else { continue };
            let Host::Text(host) = pattern.host else { continue };
            if !is_wild(&pattern) {
                continue;
            }
            let (subdomains, rest) = match host.strip_prefix("**.") {
                Some(rest) => (true, rest),
                None => (false, host),
            };
            let suffix = match rest.rfind('*') {
                Some(star) => rest[star..].split_once('.').map(|s| s.1),
                None => Some(rest),
            };
            let Pattern { scheme, port, .. } = pattern;
            let suffix = suffix.unwrap_or_default();
            let of_suffix = by_suffix.entry((scheme, suffix)).or_default();
            of_suffix.push(all.len());
            let labels = rest.split('.').collect();
            all.push(Wildcard { scheme, subdomains, labels, suffix, port });
        }
        Self { all, by_suffix }
    }

    fn with_suffix<'s>(
        &'s self,
        scheme: &'p str,
        suffix: &'p str,
    ) -> impl Iterator<Item = &'s Wildcard<'p>> {
        let found = self.by_suffix.get(&(scheme, suffix));
        found.into_iter().flatten().map(|&i| &self.all[i])
    }
}

/// Adds templates for the origins that a pattern of either policy matches.
fn overlaps<'p>(
    old: &Wildcards<'p>,
    new: &Wildcards<'p>,
    templates: &mut BTreeSet<String>,
) {
    // One suffix is the other's end.
    for one in &old.all {
        for suffix in ends(one.suffix) {
            for other in new.with_suffix(one.scheme, suffix) {
                one.overlap(other, templates);
            }
        }
    }
    for one in &new.all {
        for suffix in ends(one.suffix).skip(1) {
            for other in old.with_suffix(one.scheme, suffix) {
                one.overlap(other, templates);
            }
        }
    }
}

/// A host, and what is behind each of its dots.
fn ends(host: &str) -> impl Iterator<Item = &str> {
    let rest = host.match_indices('.').map(|(dot, _)| &host[dot + 1..]);
    std::iter::once(host).chain(rest)
}

impl Wildcard<'_> {
    fn overlap(&self, other: &Self, templates: &mut BTreeSet<String>) {
        let port = match (self.port, other.port) {
            (Port::Any, port) | (port, Port::Any) => port,
            (one, other) if one == other => one,
            _ => return,
        };
        let (one, other) = match self.labels.len() < other.labels.len() {
            true => (other, self),
            false => (self, other),
        };
        // `one` has as many labels, or more.
        let more = one.labels.len() - other.labels.len();
        let is_possible = match (one.subdomains, other.subdomains) {
            (false, false) => more == 0,
            (false, true) => more > 0,
            (true, false) => false,
            (true, true) => true,
        };
        if !is_possible {
            return;
        }
        let (head, tail) = one.labels.split_at(more);
        let mut pairs = tail.iter().zip(&other.labels);
        // Most pairs have no overlap.
        if pairs.clone().any(|(one, other)| !may_overlap(one, other)) {
            return;
        }
        let hosts = pairs.try_fold(vec![head.join(".")], |hosts, labels| {
            let labels = label_overlaps(labels.0, labels.1);
            let with_label = |host: &String| {
                let dot = if host.is_empty() { "" } else { "." };
                let host = format!("{host}{dot}");
                let with = |label| format!("{host}{label}");
                labels.iter().map(with).collect::<Vec<_>>()
            };
            let hosts = hosts.iter().flat_map(with_label).collect::<Vec<_>>();
            (!hosts.is_empty()).then_some(hosts)
        });
        let Some(hosts) = hosts else { return };
        let before = if one.subdomains { "**." } else { "" };
        let port = match port {
            Port::Default => String::new(),
            Port::Number(port) => format!(":{port}"),
            Port::Any => ":*".to_owned(),
        };
        let scheme = self.scheme;
        templates.extend(
            hosts
                .iter()
                .map(|host| format!("{scheme}://{before}{host}{port}")),
        );
    }
}

/// What two labels with or without stars both match, as labels with stars:
/// each is where both have one.
pub(super) fn label_overlaps(one: &str, other: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut search = Search {
        globs: [one.as_bytes(), other.as_bytes()],
        label: String::new(),
        found: &mut found,
        steps: STEPS_MAX,
    };
    search.go_on([Place::default(); 2]);
    found
}

/// Whether two labels begin and end alike, up to a star.
fn may_overlap(one: &str, other: &str) -> bool {
    fn fits(mut bytes: impl Iterator<Item = (u8, u8)>) -> bool {
        let is_end = |&(a, b): &(u8, u8)| a != b || a == b'*';
        bytes.find(is_end).is_none_or(|(a, b)| a == b'*' || b == b'*')
    }
    fits(one.bytes().zip(other.bytes()))
        && fits(one.bytes().rev().zip(other.bytes().rev()))
}

/// Real labels need hundreds. Only of two labels with long runs of one letter,
/// some overlaps are missed.
const STEPS_MAX: u32 = 100_000;

/// The search for labels that two globs match.
struct Search<'a> {
    globs: [&'a [u8]; 2],
    label: String,
    found: &'a mut BTreeSet<String>,
    steps: u32,
}

/// A place in a glob, and whether the star there has matched something.
#[derive(Clone, Copy, Default)]
struct Place {
    at: usize,
    used: bool,
}

/// What the next byte of a label is.
#[derive(Clone, Copy)]
enum Step {
    Star,
    Literal(u8),
}

impl Search<'_> {
    fn go_on(&mut self, places: [Place; 2]) {
        let Some(steps) = self.steps.checked_sub(1) else { return };
        self.steps = steps;
        let [one, other] = [0, 1].map(|i| places[i].steps(self.globs[i]));
        if [0, 1].iter().all(|&i| places[i].is_end(self.globs[i])) {
            self.found.insert(self.label.clone());
        }
        for &(one, one_place) in one.iter().flatten() {
            for &(other, other_place) in other.iter().flatten() {
                let next = match (one, other) {
                    (Step::Literal(a), Step::Literal(b)) if a != b => continue,
                    (Step::Star, Step::Star) if self.label.ends_with('*') => {
                        continue;
                    }
                    (Step::Star, Step::Star) => '*',
                    (Step::Literal(byte), _) | (_, Step::Literal(byte)) => {
                        char::from(byte)
                    }
                };
                self.label.push(next);
                self.go_on([one_place, other_place]);
                self.label.pop();
            }
        }
    }
}

impl Place {
    fn is_end(self, glob: &[u8]) -> bool {
        self.at == glob.len() || self.used && self.at + 1 == glob.len()
    }

    /// The star itself, and what is behind it.
    fn steps(self, glob: &[u8]) -> [Option<(Step, Self)>; 2] {
        let Self { at, used } = self;
        let literal = |at: usize| {
            let byte = *glob.get(at).filter(|&&byte| byte != b'*')?;
            Some((Step::Literal(byte), Self { at: at + 1, used: false }))
        };
        match glob.get(at) {
            Some(b'*') => {
                let star = Some((Step::Star, Self { at, used: true }));
                [star, if used { literal(at + 1) } else { None }]
            }
            _ => [literal(at), None],
        }
    }
}

/// Adds an origin for each piece between two ends of ranges.
fn pieces(texts: &[&str], fresh: &Fresh, origins: &mut BTreeSet<String>) {
    let ranges: Vec<_> = texts
        .iter()
        .filter_map(|text| {
            let Pattern { scheme, host, port } = Pattern::parse(text)?;
            Some((scheme, host.range()?, port, matches!(host, Host::Range(_))))
        })
        .collect();
    let kinds: BTreeSet<_> = ranges
        .iter()
        .filter(|(.., is_range)| *is_range)
        .map(|&(scheme, _, port, _)| (scheme, port))
        .collect();
    for (scheme, port) in kinds {
        let port_text = match port {
            Port::Default => String::new(),
            Port::Number(port) => format!(":{port}"),
            Port::Any => format!(":{}", fresh.port),
        };
        for &(_, Range { first, last, .. }, _, _) in
            ranges.iter().filter(|(of, _, other, _)| {
                *of == scheme && (*other == port || *other == Port::Any)
            })
        {
            for address in [Some(first), following(last)].into_iter().flatten()
            {
                let host = host_text(address);
                origins.insert(format!("{scheme}://{host}{port_text}"));
            }
        }
    }
}

impl Host<'_> {
    /// The addresses, if it is a range or an address.
    fn range(self) -> Option<Range> {
        match self {
            Self::Any => None,
            Self::Range(range) => Some(range),
            Self::Text(text) => {
                let address = text.trim_matches(['[', ']']).parse().ok()?;
                Some(Range::of(address))
            }
        }
    }
}

fn following(address: IpAddr) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(address) => {
            Ipv4Addr::from_bits(address.to_bits().checked_add(1)?).into()
        }
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits().checked_add(1)?).into()
        }
    })
}

/// An address as a URL has it.
fn host_text(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => url::Host::<&str>::Ipv6(address).to_string(),
    }
}
