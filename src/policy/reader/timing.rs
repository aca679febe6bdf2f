//! Checks of `timing_allow_origins`.

use std::collections::HashSet;
use std::ffi::CString;

use super::names::duplicate;
use super::{At, Reader, c_string};
use crate::origin::pattern::Pattern;
use crate::policy::correction;
use crate::policy::diagnostic::Code;
use crate::policy::keys;

impl<'t> Reader<'t> {
    /// The value of `Timing-Allow-Origin`: a list of origins or `*`, which
    /// browsers compare with the serialized origin of the page ([TAO check]).
    ///
    /// [TAO check]: https://fetch.spec.whatwg.org/#concept-tao-check
    pub(super) fn timing_allow_origins(
        &mut self,
        array: &At<'t, '_>,
    ) -> Option<CString> {
        let mut known = HashSet::new();
        let mut value = String::new();
        let all = self.names(Some(*array), |reader, at, text, all| {
            match Pattern::parse(&text) {
                Ok(Pattern::Any) if all.count > 1 => {
                    let what = "\"*\" already covers the other origins";
                    reader.error(at, || Code::TimingAnyNotAlone.says(what));
                }
                Ok(Pattern::Any | Pattern::Exact(_)) => {
                    if known.contains(&text) {
                        return reader.warning(at, || duplicate(&text));
                    }
                    if !value.is_empty() {
                        value.push_str(", ");
                    }
                    value.push_str(&text);
                    known.insert(text);
                }
                Ok(
                    Pattern::Null
                    | Pattern::Wildcard(_)
                    | Pattern::Range(_)
                    | Pattern::AnyHost(_),
                ) => {
                    let what = "is not an exact origin, and browsers match no \
                                patterns in Timing-Allow-Origin";
                    reader.error(at, || Code::TimingOrigin.of(&text, what));
                }
                Err(error) => reader.error(at, || {
                    let (finding, fix) = correction::explain(&text, error);
                    match fix.filter(|fix| is_exact(fix)) {
                        Some(fix) => finding.help(format!("use {fix}")),
                        None => finding,
                    }
                }),
            }
        })?;
        if all.count == 0 {
            let what =
                "timing_allow_origins is empty, so no origin is allowed";
            self.error(array, || {
                let help = "add an origin, or remove the key";
                Code::OriginsEmpty.says(what).help(help)
            });
        }
        self.long_list(
            array,
            &keys::TIMING_ALLOW_ORIGINS,
            value.len(),
            "responses",
        );
        Some(c_string(value))
    }
}

fn is_exact(text: &str) -> bool {
    matches!(Pattern::parse(text), Ok(Pattern::Exact(_)))
}
