//! The public suffix list against which `cors check` checks wildcards, and its
//! age.

use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

use cors::PublicSuffixList;
use time::{Date, Duration, OffsetDateTime};

use crate::style::DOUBT;
use crate::{Failure, read};

/// The list in the file, or the built-in one. Warns on standard error if it is
/// old: this says nothing about the policies, so it is not in the report.
pub(crate) fn load(
    path: Option<&Path>,
) -> Result<Cow<'static, PublicSuffixList>, Failure> {
    let list = match path {
        None => Cow::Borrowed(PublicSuffixList::built_in()),
        Some(path) => {
            let list = PublicSuffixList::parse(&read(path)?);
            Cow::Owned(list.map_err(|error| {
                format!("cannot use {}: {error}", path.display())
            })?)
        }
    };
    if is_old(list.date(), today()) {
        let _ = writeln!(
            anstream::stderr(),
            "{DOUBT}warning{DOUBT:#}: the public suffix list of {} is more \
             than a year old; use --public-suffix-list with \
             https://publicsuffix.org/list/public_suffix_list.dat",
            list.date()
        );
    }
    Ok(list)
}

/// The date by the clock, or by [SOURCE_DATE_EPOCH] for reproducible output.
///
/// [SOURCE_DATE_EPOCH]: https://reproducible-builds.org/specs/source-date-epoch/
fn today() -> Date {
    std::env::var("SOURCE_DATE_EPOCH")
        .ok()
        .and_then(|seconds| seconds.parse().ok())
        .and_then(|time| OffsetDateTime::from_unix_timestamp(time).ok())
        .unwrap_or_else(OffsetDateTime::now_utc)
        .date()
}

/// Whether a date such as `2026-10-22` is more than a year ago.
fn is_old(date: &str, today: Date) -> bool {
    let year_ago = today.saturating_sub(Duration::days(365));
    let (year, month, day) = year_ago.to_calendar_date();
    *date < *format!("{year:04}-{:02}-{day:02}", u8::from(month))
}

#[cfg(test)]
mod tests {
    use time::Month;

    use super::*;

    #[test]
    fn a_list_is_old_after_a_year() {
        let date = |year, month, day| {
            Date::from_calendar_date(year, month, day).expect("a date")
        };
        for (list, today, old) in [
            ("2026-10-22", date(2026, Month::October, 23), false),
            ("2026-10-22", date(2027, Month::October, 22), false),
            ("2026-10-22", date(2027, Month::October, 23), true),
            ("2026-10-22", date(2028, Month::January, 1), true),
            // With a leap day in between; from a leap day.
            ("2027-10-22", date(2028, Month::October, 21), false),
            ("2027-10-22", date(2028, Month::October, 22), true),
            ("2028-02-29", date(2029, Month::February, 28), false),
            ("2028-02-29", date(2029, Month::March, 1), true),
            // By a wrong clock.
            ("2026-10-22", date(1970, Month::January, 1), false),
        ] {
            assert_eq!(is_old(list, today), old, "{list} on {today}");
        }
    }
}
