//! What to change in a policy file for the script to read the response.

use cors::{Code, Policy, Reason};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::explain::{Question, deciding_rule};

/// The keys of a policy or of a rule.
type Object = Map<String, Value>;

/// A change after which the policy loads without a new warning, and the script
/// can read the response. Rules are numbered from 1.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Fix {
    /// Add to these keys.
    Add {
        missing: Object,
        /// If the file has rules, the one to which they belong.
        #[serde(skip_serializing_if = "Option::is_none")]
        missing_in_rule: Option<usize>,
    },
    /// Add a rule.
    Insert { new_rule: NewRule },
    /// Move a rule.
    Move { move_rule: MoveRule },
}

#[derive(Serialize)]
pub(crate) struct NewRule {
    /// If there is none, it comes last.
    pub(crate) before: Option<usize>,
    pub(crate) rule: Object,
}

#[derive(Serialize)]
pub(crate) struct MoveRule {
    pub(crate) rule: usize,
    pub(crate) before: usize,
}

/// A policy file, and a request that it does not allow. Here rules are numbered
/// from 0.
struct Search<'a> {
    file: Object,
    question: &'a Question<'a>,
    policy: &'a Policy,
}

/// What to change so that the policy allows the request, if that is only
/// permissions.
pub(crate) fn find(
    json: &[u8],
    policy: &Policy,
    question: &Question<'_>,
) -> Option<Fix> {
    let file: Object = serde_json::from_slice(json).ok()?;
    if is_allowed(policy, question)? {
        return None;
    }
    let has_rules = file.contains_key("rules");
    let search = Search { file, question, policy };
    let count = policy.rules().len();
    let deciding = deciding_rule(policy, question.request);
    let add = |rule: Option<usize>| {
        let missing = search.add(&mut search.file.clone(), rule)?;
        let missing_in_rule = rule.map(|rule| rule + 1);
        Some(Fix::Add { missing, missing_in_rule })
    };
    if count == 1 {
        return add(has_rules.then_some(0));
    }
    match deciding.map(|rule| rule.number() - 1) {
        None => search
            .sufficient(0..count)
            .and_then(|rule| add(Some(rule)))
            .or_else(|| search.insert(Object::new(), None)),
        // "*" is for anyone, so other origins get more before it.
        Some(last) if last + 1 == count && policy_ends_with_any(policy) => {
            search
                .sufficient(0..last)
                .and_then(|rule| add(Some(rule)))
                .or_else(|| {
                    let rule = search.rule(last)?.clone();
                    search.insert(rule, Some(last))
                })
        }
        Some(first) => {
            let later = (first + 1..count).find(|&rule| {
                search.rule(rule).is_some_and(|rule| search.allows(rule))
                    && search.can_move(rule, first).is_some()
            });
            match later {
                Some(rule) => Some(Fix::Move {
                    move_rule: MoveRule { rule: rule + 1, before: first + 1 },
                }),
                None => add(Some(first)),
            }
        }
    }
}

fn policy_ends_with_any(policy: &Policy) -> bool {
    policy.rules().last().is_some_and(|rule| rule.allow_origins().eq(["*"]))
}

impl Search<'_> {
    fn rule(&self, number: usize) -> Option<&Object> {
        self.file.get("rules")?.get(number)?.as_object()
    }

    /// Whether a rule would allow the request, if it were the only one.
    fn allows(&self, rule: &Object) -> bool {
        load(&[("rules".to_owned(), json!([rule]))].into_iter().collect())
            .and_then(|policy| is_allowed(&policy, self.question))
            .unwrap_or(false)
    }

    /// The first rule that would allow the request, if it listed the origin,
    /// and nothing with credentials that the script does not use.
    fn sufficient(&self, mut rules: std::ops::Range<usize>) -> Option<usize> {
        rules.find(|&number| {
            let Some(rule) = self.rule(number) else { return false };
            let credentials = rule.get("allow_credentials");
            let has_credentials = credentials == Some(&Value::Bool(true));
            has_credentials == self.has_credentials()
                && self.allows(&self.of_the_origin(rule.clone()))
        })
    }

    /// Forms and WebSockets have the user's cookies.
    fn has_credentials(&self) -> bool {
        self.question.initiator.is_some() || self.question.request.credentials
    }

    /// The rule for the request's origin alone.
    fn of_the_origin(&self, mut rule: Object) -> Object {
        rule.remove("dangerously_allow");
        rule.remove("description");
        let origin = &self.question.request.origin;
        rule.insert("allow_origins".into(), json!([origin]));
        if self.question.initiator.is_some() {
            rule.insert("allow_credentials".into(), true.into());
        }
        rule
    }

    fn insert(&self, rule: Object, before: Option<usize>) -> Option<Fix> {
        let mut file = self.file.clone();
        let rules = file.get_mut("rules")?.as_array_mut()?;
        let at = before.unwrap_or(rules.len());
        rules.insert(at, self.of_the_origin(rule).into());
        self.add(&mut file, Some(at))?;
        let rule = file["rules"][at].as_object()?.clone();
        let before = before.map(|rule| rule + 1);
        Some(Fix::Insert { new_rule: NewRule { before, rule } })
    }

    /// `Some` if a rule can be moved before another one, and no pattern loses
    /// the permissions of its rule by that.
    fn can_move(&self, rule: usize, before: usize) -> Option<()> {
        let mut file = self.file.clone();
        let rules = file.get_mut("rules")?.as_array_mut()?;
        let moved = rules.remove(rule);
        rules.insert(before, moved);
        let policy = load(&file)?;
        let is_better = is_allowed(&policy, self.question)?
            && warnings(&policy, Some(before))
                <= warnings(self.policy, Some(rule));
        is_better.then_some(())
    }

    /// Adds everything that is missing from the policy or a rule, while the
    /// library and the browser report only the first fault. After each
    /// addition the library decides again, so only what helps is listed.
    #[expect(clippy::wildcard_enum_match_arm, reason = "reasons may grow")]
    fn add(&self, file: &mut Object, rule: Option<usize>) -> Option<Object> {
        let mut missing = Object::new();
        // The origin, the method, credentials, each header; then it is
        // allowed.
        for _ in 0..self.question.request.headers.len() + 4 {
            let policy = load(file)?;
            // Do not advise what is rejected or triggers a new warning.
            if warnings(&policy, None) > warnings(self.policy, None) {
                return None;
            }
            let (is_allowed, decision) = self.question.ask(&policy).ok()?;
            if is_allowed {
                return Some(missing);
            }
            let object = match rule {
                Some(rule) => {
                    let rule = file.get_mut("rules")?.get_mut(rule)?;
                    rule.as_object_mut()?
                }
                None => &mut *file,
            };
            let decision = decision?;
            let deciding = deciding_rule(&policy, self.question.request);
            let is_elsewhere = rule.is_some_and(|rule| {
                deciding.is_none_or(|other| other.number() != rule + 1)
            });
            let (key, value) = match decision.reason {
                reason
                    if is_elsewhere
                        || reason == Reason::OriginNotAllowed
                        || reason == Reason::CrossSite =>
                {
                    ("allow_origins", &self.question.request.origin)
                }
                Reason::MethodNotAllowed => {
                    ("allow_methods", decision.culprit.as_ref()?)
                }
                Reason::HeaderNotAllowed => {
                    let culprit = decision.culprit.as_ref()?;
                    let headers = self.question.request.headers.iter();
                    let mut names = headers.map(|(name, _)| name);
                    let as_written = |name: &&String| {
                        name.eq_ignore_ascii_case(culprit.as_str())
                    };
                    ("allow_headers", names.find(as_written)?)
                }
                Reason::None if self.question.request.credentials => {
                    for keys in [object, &mut missing] {
                        keys.insert("allow_credentials".into(), true.into());
                    }
                    continue;
                }
                _ => return None,
            };
            for keys in [object, &mut missing] {
                let list = keys.entry(key).or_insert_with(|| json!([]));
                list.as_array_mut()?.push(value.as_str().into());
            }
        }
        None
    }
}

fn load(file: &Object) -> Option<Policy> {
    Policy::from_json(&serde_json::to_vec(file).ok()?).ok()
}

fn is_allowed(policy: &Policy, question: &Question<'_>) -> Option<bool> {
    Some(question.ask(policy).ok()?.0)
}

/// How many warnings a policy has, except those of one rule and of a
/// developer's own machine.
fn warnings(policy: &Policy, except: Option<usize>) -> usize {
    let of_the_rule = except.map(|rule| format!("/rules/{rule}/"));
    let counts = |pointer: &str| {
        let prefix = of_the_rule.as_deref();
        !prefix.is_some_and(|prefix| pointer.starts_with(prefix))
    };
    policy
        .warnings()
        .iter()
        .filter(|w| w.code != Code::OriginLoopback && counts(&w.pointer))
        .count()
}
