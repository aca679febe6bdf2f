//! Where keys and values are in a JSON text, as a reader counts them. It
//! shares no code with the engine.

use std::collections::HashMap;
use std::iter::Peekable;
use std::str::Chars;

/// Line and column, from 1; columns are characters.
type Place = (u32, u32);

/// By JSON pointer. Of a key that is there twice, the last place counts.
#[derive(Default)]
pub(super) struct Places {
    values: HashMap<String, Place>,
    keys: HashMap<String, Place>,
}

impl Places {
    /// The text is JSON, but for the escapes in its strings.
    pub(super) fn of(text: &str) -> Self {
        let rest = text.trim_start_matches('\u{feff}').chars().peekable();
        let mut scanner = Scanner { rest, place: (1, 1) };
        let mut places = Self::default();
        scanner.value("", &mut places);
        places
    }

    /// What a diagnostic points to; (0, 0) where that is nothing.
    pub(super) fn find(&self, code: &str, pointer: &str) -> Place {
        let place = match code {
            "more" => None,
            "unknown-key" | "duplicate-key" | "misplaced-key" => {
                self.keys.get(pointer)
            }
            _ => self.values.get(pointer),
        };
        place.copied().unwrap_or_default()
    }
}

struct Scanner<'t> {
    rest: Peekable<Chars<'t>>,
    place: Place,
}

impl Scanner<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.place = match (next, self.place) {
            (Some('\n'), (line, _)) => (line + 1, 1),
            (_, (line, column)) => (line, column + 1),
        };
        next
    }

    /// The next character that is not white space, which stays.
    fn peek(&mut self) -> Option<char> {
        while self.rest.peek().is_some_and(char::is_ascii_whitespace) {
            self.next();
        }
        self.rest.peek().copied()
    }

    fn value(&mut self, pointer: &str, places: &mut Places) {
        let first = self.peek();
        places.values.insert(pointer.to_owned(), self.place);
        match first {
            Some(open @ ('[' | '{')) => {
                self.next();
                let mut index = 0;
                while !matches!(self.peek(), None | Some(']' | '}')) {
                    let mut token = index.to_string();
                    if open == '{' {
                        let place = self.place;
                        token = self.string();
                        let pointer = format!("{pointer}/{token}");
                        places.keys.insert(pointer, place);
                        assert_eq!(self.peek(), Some(':'));
                        self.next();
                    }
                    self.value(&format!("{pointer}/{token}"), places);
                    if self.peek() == Some(',') {
                        self.next();
                    }
                    index += 1;
                }
                self.next();
            }
            Some('"') => {
                self.string();
            }
            _ => {
                while !matches!(self.peek(), None | Some(',' | ']' | '}')) {
                    self.next();
                }
            }
        }
    }

    /// A string without its escapes, as a part of a pointer.
    fn string(&mut self) -> String {
        let mut text = String::from(self.next().unwrap_or_default());
        while let Some(c) = self.next() {
            text.push(c);
            match c {
                '"' => break,
                '\\' => text.extend(self.next()),
                _ => {}
            }
        }
        let text: String = serde_json::from_str(&text).unwrap_or(text);
        text.replace('~', "~0").replace('/', "~1")
    }
}
