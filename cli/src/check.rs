//! `cors check`, and how the other commands load a policy.

use std::fmt::Write;
use std::path::Path;

use annotate_snippets::{
    AnnotationKind, Group, Level, Origin, Renderer, Snippet,
};
use cors::{Diagnostic, Policy, PublicSuffixList, Severity};
use serde::Serialize;

use crate::style::{BAD, DOUBT, GOOD, NAME};
use crate::summary::{SummaryLine, summary};
use crate::{Answer, Check, Failure, Format, Report, public_suffixes, read};

/// A policy file that was read.
pub(crate) struct Checked {
    name: String,
    pub(crate) json: Vec<u8>,
    /// `None` if the policy is rejected.
    pub(crate) policy: Option<Policy>,
    diagnostics: Vec<Diagnostic>,
}

/// The JSON output.
#[derive(Serialize)]
struct FilesReport {
    files: Vec<FileReport>,
}

#[derive(Serialize)]
struct FileReport {
    file: String,
    loads: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    diagnostics: Vec<DiagnosticReport>,
    summary: Vec<SummaryLine>,
}

#[derive(Serialize)]
struct DiagnosticReport {
    severity: &'static str,
    code: &'static str,
    pointer: String,
    line: u32,
    column: u32,
    message: String,
    help: Option<String>,
}

impl Check {
    pub(crate) fn run(&self) -> Result<Report, Failure> {
        let suffixes =
            public_suffixes::load(self.public_suffix_list.as_deref())?;
        let mut answer = Answer::Yes;
        let mut text = String::new();
        let mut reports = Vec::new();
        for path in &self.files {
            let checked = match Checked::read_with(path, &suffixes) {
                Ok(checked) => checked,
                Err(failure) => {
                    answer = Answer::Unknown;
                    text += &format!("{BAD}error{BAD:#}: {failure}\n");
                    reports.push(FileReport {
                        file: name_of(path),
                        loads: false,
                        failure: Some(failure),
                        diagnostics: Vec::new(),
                        summary: Vec::new(),
                    });
                    continue;
                }
            };
            let warned = !checked.diagnostics.is_empty();
            if checked.policy.is_none() || self.deny_warnings && warned {
                answer = answer.max(Answer::No);
            }
            match self.output.format {
                Format::Text => text += &checked.text(true),
                Format::Json => reports.push(checked.report()),
            }
        }
        Ok(match self.output.format {
            Format::Text => Report { text, answer },
            Format::Json => {
                Report::json(&FilesReport { files: reports }, answer)
            }
        })
    }
}

impl Checked {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        Self::read_with(path, PublicSuffixList::built_in())
    }

    fn read_with(
        path: &Path,
        suffixes: &PublicSuffixList,
    ) -> Result<Self, Failure> {
        let mut json = read(path)?;
        let name = name_of(path);
        let loaded = Policy::from_json_with(&json, suffixes);
        // The library has skipped a byte order mark.
        if json.starts_with(b"\xef\xbb\xbf") {
            json.drain(..3);
        }
        Ok(match loaded {
            Ok(policy) => {
                let diagnostics = policy.warnings().to_vec();
                Self { name, json, policy: Some(policy), diagnostics }
            }
            Err(error) => {
                let diagnostics = error.diagnostics().to_vec();
                Self { name, json, policy: None, diagnostics }
            }
        })
    }

    /// The report of a command that needs the policy, if it is rejected.
    pub(crate) fn refusal(&self, format: Format) -> Report {
        let answer = Answer::No;
        match format {
            Format::Text => Report { text: self.text(false), answer },
            Format::Json => {
                let files = vec![self.report()];
                Report::json(&FilesReport { files }, answer)
            }
        }
    }

    fn text(&self, with_summary: bool) -> String {
        let renderer = Renderer::styled();
        let mut text = String::new();
        for diagnostic in &self.diagnostics {
            text += &renderer.render(&[self.group(diagnostic)]);
            text += "\n\n";
        }
        let name = &self.name;
        let warnings = self.count(Severity::Warning);
        text += &match (&self.policy, self.count(Severity::Error)) {
            (None, errors) => {
                format!(
                    "{BAD}{name}: rejected{BAD:#}, {}\n",
                    count(errors, "error")
                )
            }
            (Some(_), _) if warnings > 0 => {
                let count = count(warnings, "warning");
                format!("{DOUBT}{name}: loads{DOUBT:#}, {count}\n")
            }
            (Some(_), _) => format!("{GOOD}{name}: loads{GOOD:#}\n"),
        };
        if with_summary && let Some(policy) = &self.policy {
            write_summary(&mut text, &summary(policy));
        }
        text
    }

    fn report(&self) -> FileReport {
        let diagnostics = self.diagnostics.iter().map(|diagnostic| {
            let Diagnostic { code, line, column, .. } = *diagnostic;
            DiagnosticReport {
                severity: match diagnostic.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                },
                code: code.name(),
                pointer: diagnostic.pointer.clone(),
                line,
                column,
                message: diagnostic.message.clone(),
                help: diagnostic.help.clone(),
            }
        });
        FileReport {
            file: self.name.clone(),
            loads: self.policy.is_some(),
            failure: None,
            diagnostics: diagnostics.collect(),
            summary: self.policy.as_ref().map(summary).unwrap_or_default(),
        }
    }

    fn count(&self, severity: Severity) -> usize {
        let all = self.diagnostics.iter();
        all.filter(|diagnostic| diagnostic.severity == severity).count()
    }

    /// A diagnostic with its source line.
    fn group<'c>(&'c self, diagnostic: &'c Diagnostic) -> Group<'c> {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level
            .primary_title(&*diagnostic.message)
            .id(diagnostic.code.name());
        let mut group = Group::with_title(title);
        let (line, column) =
            (diagnostic.line as usize, diagnostic.column as usize);
        if let Some(source) = self.line(line) {
            let start = source
                .char_indices()
                .nth(column - 1)
                .map_or(source.len(), |(at, _)| at);
            let end = start + token_len(&source[start..]);
            let origin =
                Origin::path(&*self.name).line(line).char_column(column);
            let (shown, cut) = window(source, start, end);
            let snippet = Snippet::source(shown).line_start(line).annotation(
                AnnotationKind::Primary
                    .span(start - cut..end.min(cut + shown.len()) - cut),
            );
            group = if cut == 0 {
                group.element(snippet.path(&*self.name))
            } else {
                group.element(origin).element(snippet)
            };
        }
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(&**help));
        }
        group
    }

    /// A line of the file, from 1, without its line end, up to the first byte
    /// that is not UTF-8.
    fn line(&self, number: usize) -> Option<&str> {
        let line = self
            .json
            .split(|&byte| byte == b'\n')
            .nth(number.checked_sub(1)?)?;
        let valid = match std::str::from_utf8(line) {
            Ok(line) => line,
            Err(error) => {
                std::str::from_utf8(&line[..error.valid_up_to()]).ok()?
            }
        };
        Some(valid.strip_suffix('\r').unwrap_or(valid))
    }
}

const FIRST_DECIDES: &str =
    "  the first rule that matches the origin decides\n";

fn write_summary(text: &mut String, lines: &[SummaryLine]) {
    let mut current = None;
    for SummaryLine { rule, about, means } in lines {
        if let Some(number) = rule
            && current != *rule
        {
            if current.is_none() {
                text.push_str(FIRST_DECIDES);
            }
            let _ = writeln!(text, "  {NAME}rule {number}{NAME:#}");
            current = *rule;
        }
        let indent = if rule.is_some() { "    " } else { "  " };
        let width = 14 - if current.is_some() { indent.len() - 2 } else { 2 };
        for (i, means) in means.iter().enumerate() {
            let about = if i == 0 { about } else { "" };
            let _ =
                writeln!(text, "{indent}{NAME}{about:width$}{NAME:#} {means}");
        }
    }
}

/// The length of the JSON token at the start of a text, to which a diagnostic
/// points. For an array or object it is the bracket.
fn token_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.first() {
        None => 0,
        Some(b'"') => {
            let mut escaped = false;
            let end = bytes[1..].iter().position(|&byte| {
                let end = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                end
            });
            end.map_or(bytes.len(), |end| end + 2)
        }
        Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'-' => {
            let word =
                |b: &u8| b.is_ascii_alphanumeric() || b"+-.".contains(b);
            bytes.iter().position(|b| !word(b)).unwrap_or(bytes.len())
        }
        Some(_) => text.chars().next().map_or(0, char::len_utf8),
    }
}

/// The part of a line to show, and the number of bytes before it: a policy may
/// be one line of megabytes.
fn window(line: &str, start: usize, end: usize) -> (&str, usize) {
    const SHOWN_MAX: usize = 4096;
    if line.len() <= SHOWN_MAX {
        return (line, 0);
    }
    let mut from = start.saturating_sub(SHOWN_MAX / 4);
    let mut to = end.min(start + SHOWN_MAX / 2).saturating_add(80);
    to = to.min(line.len());
    while !line.is_char_boundary(from) {
        from -= 1;
    }
    while !line.is_char_boundary(to) {
        to += 1;
    }
    (&line[from..to], from)
}

fn name_of(path: &Path) -> String {
    match path.to_str() {
        Some("-") => "<stdin>".to_owned(),
        _ => path.display().to_string(),
    }
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
