//! A policy file as JSON with places: every value and key knows where it
//! stands, so that an error of meaning has a line and a column too.
//!
//! serde_json parses; its borrowed [`RawValue`]s keep the place, as each is a
//! piece of the text.

use std::borrow::Cow;
use std::fmt;

use memchr::{memchr, memchr_iter, memrchr};
use serde::Deserializer as _;
use serde::de::{Deserialize, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A value: a piece of the text that is valid JSON.
#[derive(Clone, Copy)]
pub(crate) struct Value<'t>(&'t str);

/// The JSON types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

/// A place in the text. serde_json counts bytes; people count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// A text that is not JSON: what is wrong, and where.
pub(crate) struct SyntaxError {
    pub(crate) message: String,
    pub(crate) offset: usize,
}

/// Parses the whole text.
pub(crate) fn parse(text: &str) -> Result<Value<'_>, SyntaxError> {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) => Ok(Value(raw.get())),
        Err(error) => Err(SyntaxError::new(text, &error)),
    }
}

impl<'t> Value<'t> {
    pub(crate) fn kind(self) -> Type {
        match self.0.as_bytes()[0] {
            b'{' => Type::Object,
            b'[' => Type::Array,
            b'"' => Type::String,
            b't' | b'f' => Type::Boolean,
            b'n' => Type::Null,
            _ => Type::Number,
        }
    }

    /// The value as it is written.
    pub(crate) fn raw(self) -> &'t str {
        self.0
    }

    /// Where the value begins in the text that it is a piece of.
    pub(crate) fn offset_in(self, text: &str) -> usize {
        self.0.as_ptr().addr() - text.as_ptr().addr()
    }

    /// A string without its escapes. Of what can be wrong in one, only a lone
    /// surrogate was not found before: that is None.
    pub(crate) fn string(self) -> Option<Cow<'t, str>> {
        let inner = &self.0[1..self.0.len() - 1];
        if memchr(b'\\', inner.as_bytes()).is_none() {
            return Some(Cow::Borrowed(inner));
        }
        serde_json::from_str(self.0).ok().map(Cow::Owned)
    }

    /// Hands each element of an array to `element`.
    pub(crate) fn elements(self, element: impl FnMut(Value<'t>)) {
        let mut deserializer = serde_json::Deserializer::from_str(self.0);
        let visited = deserializer.deserialize_seq(Elements(element));
        debug_assert!(visited.is_ok(), "the value was parsed before");
    }

    /// Hands each member of an object, the key as it is written, to `member`.
    pub(crate) fn members(self, member: impl FnMut(Value<'t>, Value<'t>)) {
        let mut deserializer = serde_json::Deserializer::from_str(self.0);
        let visited = deserializer.deserialize_map(Members(member));
        debug_assert!(visited.is_ok(), "the value was parsed before");
    }

    /// How deep arrays and objects are nested in this value, itself included.
    pub(crate) fn depth(self) -> usize {
        let (mut depth, mut deepest, mut in_string) = (0usize, 0, false);
        let mut bytes = self.0.bytes();
        while let Some(byte) = bytes.next() {
            match byte {
                b'\\' => {
                    // Only strings hold one; what it escapes is skipped.
                    bytes.next();
                }
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'[' | b'{' => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                b']' | b'}' => depth -= 1,
                _ => {}
            }
        }
        deepest
    }
}

/// Finds places in a text, from its beginning to its end: each byte is looked
/// at once, however many places are asked for.
pub(crate) struct Places<'t> {
    text: &'t [u8],
    /// Up to where the text was looked at, and the place there.
    offset: usize,
    place: Place,
}

impl<'t> Places<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let place = Place { line: 1, column: 1 };
        Self { text: text.as_bytes(), offset: 0, place }
    }

    /// The place of a byte, which is not before the one asked for last.
    pub(crate) fn place(&mut self, offset: usize) -> Place {
        let mut passed = &self.text[self.offset..offset];
        if let Some(line_end) = memrchr(b'\n', passed) {
            self.place.line += memchr_iter(b'\n', passed).count() as u32;
            self.place.column = 1;
            passed = &passed[line_end + 1..];
        }
        // Bytes that go on with a character do not count.
        let characters = passed.iter().filter(|&&b| b & 0xc0 != 0x80);
        self.place.column += characters.count() as u32;
        self.offset = offset;
        self.place
    }
}

impl SyntaxError {
    fn new(text: &str, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let suffix = format!(" at line {line} column {column}");
        let line_start = memchr_iter(b'\n', text.as_bytes())
            .nth(line.wrapping_sub(2))
            .map_or(0, |at| at + 1);
        // Its column is the count of bytes up to and with the one at fault.
        let offset = line_start + column.saturating_sub(1);
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        Self {
            message: message
                .strip_suffix(&suffix)
                .unwrap_or(&message)
                .to_owned(),
            offset,
        }
    }
}

struct Elements<F>(F);

impl<'t, F: FnMut(Value<'t>)> Visitor<'t> for Elements<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'t>>(
        mut self,
        mut elements: A,
    ) -> Result<(), A::Error> {
        while let Some(value) = elements.next_element()? {
            (self.0)(value);
        }
        Ok(())
    }
}

struct Members<F>(F);

impl<'t, F: FnMut(Value<'t>, Value<'t>)> Visitor<'t> for Members<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(
        mut self,
        mut members: A,
    ) -> Result<(), A::Error> {
        while let Some((key, value)) = members.next_entry()? {
            (self.0)(key, value);
        }
        Ok(())
    }
}

impl<'t> Deserialize<'t> for Value<'t> {
    fn deserialize<D: serde::Deserializer<'t>>(
        deserializer: D,
    ) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Value(raw.get()))
    }
}
