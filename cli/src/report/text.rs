//! The report of a fetch as text.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::{
    ExchangeReport, FetchReport, Outcome, Sender, SentReport, Treated,
    Treatment,
};
use crate::findings::{Finding, Severity};
use crate::fix::{Fix, MoveRule, NewRule};
use crate::style::{BAD, DOUBT, GOOD, NAME, WIRE};

impl FetchReport {
    pub(super) fn text(&self) -> String {
        let (style, word) = match self.outcome {
            Outcome::Allowed => (GOOD, "allowed"),
            Outcome::Blocked => (BAD, "blocked"),
            Outcome::Unknown => (DOUBT, "unknown"),
        };
        let mut text = String::new();
        if let Some(message) = &self.message {
            message.write(&mut text);
            text.push('\n');
        }
        let _ = writeln!(text, "{style}{word}{style:#}: {}", self.summary);
        for exchange in &self.exchanges {
            text.push('\n');
            exchange.write(&mut text);
        }
        if self.console.is_some() || !self.notes.is_empty() {
            text.push('\n');
        }
        if let Some(console) = &self.console {
            let _ = writeln!(text, "{NAME}console:{NAME:#} {console}");
        }
        for note in &self.notes {
            let _ = writeln!(text, "{NAME}note:{NAME:#} {note}");
        }
        if let Some(fix) = &self.fix {
            text.push_str("\nTo allow this, ");
            fix.write(&mut text);
        }
        text
    }
}

impl Fix {
    fn write(&self, text: &mut String) {
        // Each `"key": value`, in the order of a policy.
        let members = |object: &Map<String, Value>| -> Vec<String> {
            let names = cors::KEYS.iter().map(|key| key.name());
            let of = |key| Some((key, object.get(key)?));
            let members = names.filter_map(of);
            members.map(|(key, value)| format!("\"{key}\": {value}")).collect()
        };
        let _ = match self {
            Self::Add { missing, missing_in_rule } => {
                let to = match missing_in_rule {
                    None => "the policy",
                    Some(rule) => &format!("rule {rule}"),
                };
                let members = members(missing).join("\n  ");
                writeln!(text, "add to {to}:\n  {members}")
            }
            Self::Insert { new_rule: NewRule { before, rule } } => {
                let at = match before {
                    Some(next) => &format!("before rule {next}"),
                    None => "at the end",
                };
                let members = members(rule).join(", ");
                writeln!(text, "add a rule {at}:\n  {{ {members} }}")
            }
            Self::Move { move_rule: MoveRule { rule, before } } => {
                writeln!(text, "move rule {rule} before rule {before}.")
            }
        };
    }
}

impl Sender {
    fn heading(self) -> String {
        let page = match self {
            Self::Page => "The page",
            Self::Unrelated => "A page of an unrelated site",
            Self::Sandbox => "A page in a sandboxed frame",
            Self::Own => "The site's own page",
        };
        format!("{page} sends the request:\n")
    }
}

impl Treated {
    fn name(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Rejected => "rejected",
            Self::Passed => "passed",
            Self::Unknown => "unknown",
        }
    }
}

impl ExchangeReport {
    fn write(&self, text: &mut String) {
        text.push_str(&match (&self.treatment, self.because.as_slice()) {
            (Some(treatment), _) => treatment.sender.heading(),
            (None, []) => "The browser sends the request:\n".to_owned(),
            (None, because) => format!(
                "The browser sends a preflight because of {}:\n",
                because.join(" and ")
            ),
        });
        let SentReport { method, target, headers } = &self.sent;
        let mut wire = |mark: &str, line: &str| {
            let _ = writeln!(text, "  {WIRE}{mark} {line}{WIRE:#}");
        };
        wire(">", &format!("{method} {target}"));
        for (name, value) in headers {
            wire(">", &format!("{name}: {value}"));
        }
        match self.response.status {
            Some(status) => wire("<", &status.to_string()),
            None => wire("<", "(the application's response, with)"),
        }
        for (name, value) in &self.response.headers {
            wire("<", &format!("{name}: {value}"));
        }
        if let Some(decision) = &self.decision {
            let _ = writeln!(
                text,
                "{}: {}",
                decision.verdict.name(),
                decision.cause
            );
            if let Some(hint) = &decision.hint {
                let _ = writeln!(text, "{NAME}hint:{NAME:#} {hint}");
            }
        }
        if let Some(Treatment { result, meaning, .. }) = &self.treatment {
            let _ = writeln!(text, "{}: {meaning}", result.name());
        }
        for finding in self.findings.iter().flatten() {
            let (style, word) = match finding.severity {
                Severity::Error => (BAD, "error"),
                Severity::Warning => (DOUBT, "warning"),
            };
            let Finding { code, message, help, .. } = finding;
            let _ = writeln!(
                text,
                "{style}{word}[{code}]{style:#}: {message}\n  help: {help}"
            );
        }
    }
}
