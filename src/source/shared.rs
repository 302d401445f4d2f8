//! A part of a text that others share.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// A part of a text, or all of it. Cutting and cloning copy nothing; the whole text lives as long as any part of it.
#[derive(Clone, Default)]
pub struct SharedText {
    whole: Arc<String>,
    range: Range<usize>,
}

impl SharedText {
    /// The part `range`, counted in bytes from the start of this one; empty when there is no such part.
    #[must_use]
    pub fn cut(&self, range: Range<usize>) -> Self {
        let range = if self.get(range.clone()).is_some() { range } else { 0..0 };
        Self { whole: Arc::clone(&self.whole), range: self.range.start + range.start..self.range.start + range.end }
    }
}

impl Deref for SharedText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.whole[self.range.clone()]
    }
}

impl From<String> for SharedText {
    fn from(text: String) -> Self {
        let range = 0..text.len();
        Self { whole: Arc::new(text), range }
    }
}

impl From<&str> for SharedText {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl PartialEq for SharedText {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for SharedText {}

impl fmt::Debug for SharedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for SharedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}
