//! A Unicode label as browsers send it, for a help that offers it.
//!
//! What UTS 46 does to a host needs tables of most of Unicode, which nothing
//! else here does. So this knows only letters of the common scripts that the
//! mapping leaves as they are, or only puts into lower case, and that no
//! neighbour changes: no combining marks, no ligatures, no full-width forms,
//! no joiners, nothing that is written from right to left. Any other letter
//! gets no offer. The tests compare every character with the crate `idna`.

/// The label in Punycode, if it is sure to be what browsers make of it.
pub(super) fn in_punycode(label: &str) -> Option<String> {
    // Letter by letter: a whole text would get another sigma at its end.
    let lower: String = label.chars().flat_map(char::to_lowercase).collect();
    // The lower case of a capital sharp s is newer than some browsers' tables;
    // that of a Kelvin sign is ASCII.
    if lower.starts_with("xn--")
        || lower.is_ascii()
        || label.contains('\u{1e9e}')
        || !lower.chars().all(is_kept)
    {
        return None;
    }
    punycode::encode(&lower).ok().map(|text| format!("xn--{text}"))
}

/// Whether [UTS 46] keeps a character, whatever stands beside it.
///
/// [UTS 46]: https://www.unicode.org/reports/tr46/#Processing
fn is_kept(c: char) -> bool {
    matches!(
        c,
        'a'..='z' | '0'..='9' | '-' | '_'
        // Latin: Western and Central European, Baltic, Turkish, Vietnamese.
        | '\u{df}'..='\u{f6}' | '\u{f8}'..='\u{131}' | '\u{134}'..='\u{13e}'
        | '\u{141}'..='\u{148}' | '\u{14a}'..='\u{17e}'
        | '\u{1a1}' | '\u{1b0}' | '\u{1ce}' | '\u{1d0}' | '\u{1d2}'
        | '\u{1d4}' | '\u{219}' | '\u{21b}' | '\u{1ea1}'..='\u{1ef9}'
        // Greek.
        | '\u{3ac}'..='\u{3ce}'
        // Cyrillic.
        | '\u{430}'..='\u{45f}' | '\u{490}'..='\u{4bf}'
        // Armenian and Georgian.
        | '\u{561}'..='\u{586}' | '\u{10d0}'..='\u{10fa}'
        // Hiragana, Katakana, Bopomofo, and marks that stand by themselves.
        | '\u{3005}' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}'
        | '\u{30fc}' | '\u{3105}'..='\u{312f}'
        // Han and Hangul syllables.
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}'
    )
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use idna::AsciiDenyList;
    use proptest::prelude::*;

    use super::*;

    /// What the URL standard makes of a host ([domain to ASCII]).
    ///
    /// [domain to ASCII]: https://url.spec.whatwg.org/#concept-domain-to-ascii
    fn browser(host: &str) -> Option<String> {
        idna::domain_to_ascii_cow(host.as_bytes(), AsciiDenyList::URL)
            .ok()
            .map(|ascii| ascii.into_owned())
    }

    #[test]
    fn punycode_of_every_character_is_what_browsers_send() {
        let mut offered = 0;
        for c in ('\0'..=char::MAX).filter(|c| !c.is_ascii()) {
            for label in [format!("{c}"), format!("a{c}b")] {
                let Some(punycode) = in_punycode(&label) else { continue };
                offered += 1;
                assert_eq!(browser(&label), Some(punycode), "{label:?} {c:?}");
            }
        }
        // Han and Hangul alone are over 38,000.
        assert!(offered > 2 * 38_000, "{offered}");
    }

    #[test]
    fn punycode_is_offered_for_the_names_that_people_have() {
        for (label, punycode) in [
            ("b\u{fc}cher", "xn--bcher-kva"),
            ("B\u{dc}CHER", "xn--bcher-kva"),
            ("stra\u{df}e", "xn--strae-oqa"),
            ("\u{39b}\u{39f}\u{393}\u{39f}\u{3a3}", "xn--oxapmbu"),
            ("\u{43f}\u{440}\u{438}\u{43c}\u{435}\u{440}", "xn--e1afmkfd"),
            ("\u{4f8b}\u{3048}", "xn--r8jz45g"),
            ("\u{d55c}\u{ad6d}", "xn--3e0b707e"),
        ] {
            assert_eq!(in_punycode(label).as_deref(), Some(punycode));
            assert_eq!(browser(label).as_deref(), Some(punycode));
        }
    }

    #[test]
    fn punycode_is_not_offered_where_the_mapping_needs_tables() {
        for label in [
            "\u{ff45}xample",  // full-width
            "o\u{fb03}ce",     // a ligature
            "e\u{301}t\u{e9}", // a combining mark
            "a\u{200d}b",      // a joiner
            "a\u{ad}b\u{e9}",  // a soft hyphen
            "\u{1e9e}",        // a capital sharp s
            "\u{130}stanbul",  // a dotted capital i
            "\u{5d0}\u{5d1}",  // from right to left
            "\u{627}\u{644}",  // from right to left
            "\u{661}",         // a digit of another script
            "xn--\u{e9}",      // half encoded
            "*\u{e9}",         // a wildcard
        ] {
            assert_eq!(in_punycode(label), None, "{label:?}");
        }
    }

    proptest! {
        /// Neighbours matter: whole labels, from all letters that are known.
        #[test]
        fn punycode_of_a_label_is_what_browsers_send(
            label in proptest::collection::vec(
                (any::<u32>(), any::<char>()), 1..16
            )
        ) {
            static KEPT: LazyLock<Vec<char>> = LazyLock::new(|| {
                ('\u{80}'..'\u{d7a4}').filter(|&c| is_kept(c)).collect()
            });
            let kept = &*KEPT;
            let label: String = label
                .into_iter()
                .map(|(at, other)| match at % 16 {
                    0 => other,
                    1..4 => char::from(b'a' + (at / 16 % 26) as u8),
                    4 => '-',
                    // The Han letters would crowd the others out.
                    5..10 => kept[at as usize / 16 % 1000],
                    _ => kept[at as usize / 16 % kept.len()],
                })
                .collect();
            if let Some(punycode) = in_punycode(&label)
                && !label.is_ascii()
                && punycode.len() <= 63
            {
                prop_assert_eq!(browser(&label), Some(punycode));
            }
        }
    }
}
