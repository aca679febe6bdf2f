//! Colours, for terminals only.

use anstyle::{AnsiColor, Style};

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const DOUBT: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const NAME: Style = Style::new().bold();
pub(crate) const WIRE: Style = AnsiColor::Cyan.on_default();
