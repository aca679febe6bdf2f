//! Special-use names, which nobody can register.

/// Whether a name is one of them or below one.
pub(super) fn is_special_use(name: &str) -> bool {
    SPECIAL_USE.iter().any(|reserved| {
        name.strip_suffix(reserved)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// RFC 6761, sections 6.2 to 6.5 (and RFC 2606), RFC 8375 for `home.arpa`, and
/// [ICANN's reservation of `internal`].
///
/// [ICANN's reservation of `internal`]: https://www.icann.org/en/board-activities-and-meetings/materials/approved-resolutions-special-meeting-of-the-icann-board-29-07-2024-en#section2.a
pub(crate) const SPECIAL_USE: [&str; 6] =
    ["example", "home.arpa", "internal", "invalid", "localhost", "test"];
