//! What is wrong or doubtful in a policy, and the list of all of it.

use std::fmt;

use super::document::Places;

/// Most diagnostics of one load, the last of which may say how many more
/// there are. A file with a million faults has one cause.
pub const DIAGNOSTICS_MAX: usize = 100;

/// One thing that is wrong or doubtful in a policy. All texts are one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Whether it keeps the policy from loading.
    pub severity: Severity,
    /// What kind, stable from release to release: `origin-trailing-slash`.
    pub code: &'static str,
    /// Where, as a JSON pointer (RFC 6901): `/allow_origins/2`.
    pub pointer: String,
    /// Where, from 1; 0 where there is no place in the file.
    pub line: u32,
    /// The character in the line, from 1; 0 where there is none.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to write instead, where that can be told.
    pub help: Option<String>,
}

/// Whether a diagnostic keeps the policy from loading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The policy is refused.
    Error,
    /// The policy loads.
    Warning,
}

/// `line 3, column 5: "https://A.example" has … [origin-case]`
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        write!(f, " [{}]", self.code)
    }
}

/// The diagnostics of one load. Errors have the first right to a place: a
/// thousand warnings must not hide the one error.
#[derive(Default)]
pub(crate) struct Diagnostics {
    errors: Kept,
    warnings: Kept,
}

/// The first ones in the file, in whatever order they are found, each with
/// the offset of its place in the text.
#[derive(Default)]
struct Kept {
    list: Vec<(Option<usize>, Diagnostic)>,
    count: usize,
}

impl Diagnostics {
    /// Adds one, whose line and column follow from `offset`; `make` is not
    /// called where there is no place for another.
    pub(crate) fn push(
        &mut self,
        severity: Severity,
        offset: Option<usize>,
        make: impl FnOnce() -> Diagnostic,
    ) {
        let Kept { list, count } = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        let at = list.partition_point(|(other, _)| *other <= offset);
        if at < DIAGNOSTICS_MAX {
            list.truncate(DIAGNOSTICS_MAX - 1);
            list.insert(at, (offset, make()));
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.errors.count > 0
    }

    /// In the order of the file, with lines and columns in `text`; where there
    /// are more than [`DIAGNOSTICS_MAX`], the last one says how many more.
    pub(crate) fn into_list(self, text: &str) -> Vec<Diagnostic> {
        let Self { errors, warnings } = self;
        let total = errors.count + warnings.count;
        let room = match total {
            0..=DIAGNOSTICS_MAX => DIAGNOSTICS_MAX,
            _ => DIAGNOSTICS_MAX - 1,
        };
        let mut list = errors.list;
        list.truncate(room);
        let more_errors = errors.count - list.len();
        list.extend(warnings.list);
        list.truncate(room);
        let more_warnings = total - more_errors - list.len();
        list.sort_by_key(|(offset, _)| *offset);
        let mut places = Places::new(text);
        let mut list: Vec<Diagnostic> = list
            .into_iter()
            .map(|(offset, mut diagnostic)| {
                if let Some(offset) = offset {
                    let place = places.place(offset);
                    diagnostic.line = place.line;
                    diagnostic.column = place.column;
                }
                diagnostic
            })
            .collect();
        if total > room {
            list.push(Diagnostic {
                severity: match more_errors {
                    0 => Severity::Warning,
                    _ => Severity::Error,
                },
                code: "more",
                pointer: String::new(),
                line: 0,
                column: 0,
                message: format!(
                    "{more_errors} more errors and {more_warnings} more \
                     warnings"
                ),
                help: None,
            });
        }
        list
    }
}

/// A text of the policy as a message shows it: in quotes, control and
/// invisible characters escaped, cut where it is long.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN_MAX: usize = 100;
    match text.char_indices().nth(SHOWN_MAX) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}...", &text[..end]),
    }
}
