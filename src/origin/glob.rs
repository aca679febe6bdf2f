//! Globs: labels of a pattern of which one has stars, as in `api.pr-*-git-*`.

use memchr::{memchr_iter, memmem, memrchr};

/// Whether `text` matches, each `*` being one or more bytes of one label.
/// `text` is part of a host that the parser accepted, so a star's bytes only
/// need to be at least one, and none a dot. Each inner piece is taken at its
/// first place, which leaves most for the rest.
pub(crate) fn glob_matches(glob: &[u8], text: &[u8]) -> bool {
    let star = |&byte: &u8| byte == b'*';
    let (Some(first), Some(last)) =
        (glob.iter().position(star), memrchr(b'*', glob))
    else {
        return glob == text;
    };
    let Some(mut rest) = text
        .strip_prefix(&glob[..first])
        .and_then(|rest| rest.strip_suffix(&glob[last + 1..]))
        .filter(|rest| !rest.contains(&b'.'))
    else {
        return false;
    };
    if first < last {
        for piece in glob[first + 1..last].split(star) {
            let Some(at) = rest.get(1..).and_then(|r| memmem::find(r, piece))
            else {
                return false;
            };
            rest = &rest[1 + at + piece.len()..];
        }
    }
    !rest.is_empty()
}

/// A piece of a glob: the head, the tail, then the middles.
pub(super) fn piece(glob: &[u8], level: usize) -> Option<&[u8]> {
    let mut stars = memchr_iter(b'*', glob);
    match level {
        0 => stars.next().map(|star| &glob[..star]),
        1 => stars.next_back().map(|star| &glob[star + 1..]),
        _ => {
            let mut stars = stars.skip(level - 2);
            let (start, end) = (stars.next()?, stars.next()?);
            Some(&glob[start + 1..end])
        }
    }
}

/// Whether that piece is `wanted`, which has no star.
pub(super) fn has_piece(glob: &[u8], level: usize, wanted: &[u8]) -> bool {
    let star = Some(&b'*');
    match level {
        0 => glob.strip_prefix(wanted).is_some_and(|g| g.first() == star),
        1 => glob.strip_suffix(wanted).is_some_and(|g| g.last() == star),
        _ => piece(glob, level) == Some(wanted),
    }
}
