//! Errors of execution: a chain like Go's wrapped errors, each link with its own text before the next one's.

use std::fmt;

use crate::source::OriginId;
use crate::source::Span;
use crate::value::Str;

/// An error while a template runs. Its text is its own and that of what caused it.
#[derive(Clone, Debug, Default)]
pub struct ExecError {
    /// What stands before the text of the cause; the whole text when there is none.
    pub prefix: String,
    /// The sentence alone, without location.
    pub message: String,
    /// Whether it is Go's `template.ExecError`.
    pub exec: bool,
    /// The action that ran.
    pub span: Option<Span>,
    /// What it wraps.
    pub cause: Option<Box<ExecError>>,
    /// The key whose absence left nothing to go on from.
    pub missing: Option<Box<Missing>>,
}

/// A key that a chain such as `.Values.image.tag` did not find on its way.
#[derive(Clone, Debug)]
pub struct Missing {
    /// The names up to the missing one, as written after the start of the chain.
    pub path: Vec<Str>,
    /// The keys that are there instead.
    pub siblings: Vec<Str>,
    /// What supplied the map that lacks it.
    pub parent: OriginId,
}

/// Errors are large and rare.
pub type Result<T> = std::result::Result<T, Box<ExecError>>;

impl ExecError {
    /// A plain error, as Go functions return.
    pub fn plain(text: impl Into<String>) -> Box<Self> {
        let text = text.into();
        Box::new(Self { message: text.clone(), prefix: text, ..Self::default() })
    }

    /// An error that wraps another (`fmt.Errorf("…%w")`).
    pub fn wrap(prefix: impl Into<String>, cause: Box<Self>) -> Box<Self> {
        Box::new(Self { prefix: prefix.into(), cause: Some(cause), ..Self::default() })
    }

    /// The links from the outermost to the innermost.
    pub fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |e| e.cause.as_deref())
    }
}

impl fmt::Display for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chain().try_for_each(|e| f.write_str(&e.prefix))
    }
}

impl std::error::Error for ExecError {}
