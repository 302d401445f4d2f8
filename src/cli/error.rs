//! Why a command could not do its work. Findings are data and never come this way.

use std::any::Any;
use std::fmt;

use crate::pipeline::ConfigError;
use crate::pipeline::panic_text;
use crate::source::WorldError;

/// The sentence for the user and the exit code.
#[derive(Clone, Debug)]
pub(super) struct Error {
    /// Printed after `Error: `.
    pub(super) message: String,
    /// 1 where Helm would have failed too, 2 where kval could not run.
    pub(super) code: u8,
}

impl Error {
    /// The command line or the input is not usable.
    pub(super) fn unusable(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: super::UNUSABLE }
    }

    /// Helm fails in the same way.
    pub(super) fn helm(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: super::FINDINGS }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Error: {}", self.message)
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::unusable(error.to_string())
    }
}

impl From<WorldError> for Error {
    fn from(error: WorldError) -> Self {
        Self::unusable(error.message)
    }
}

/// The text for a panic that nothing below could attribute to one chart or document.
pub(super) fn bug(panic: &(dyn Any + Send)) -> String {
    format!("Error: this is a bug in kval, please report it with the input that showed it: {}\n", panic_text(panic))
}
