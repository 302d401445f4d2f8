//! What a command prints, kept until it is done: a reader that goes away is no reason to fail.

use std::io::{BufWriter, ErrorKind, Write};

use crate::source::SharedText;

/// How much is written at once.
const BUFFER: usize = 64 * 1024;

/// The text for both streams.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Data that others hold, printed first.
    pub(super) parts: Vec<SharedText>,
    /// Data.
    pub(super) stdout: Vec<u8>,
    /// Everything else.
    pub(super) stderr: String,
}

impl Output {
    /// Adds a line of data.
    pub(super) fn line(&mut self, text: &str) {
        self.stdout.extend_from_slice(text.as_bytes());
        self.stdout.push(b'\n');
    }

    /// Adds a line for people.
    pub(super) fn note(&mut self, text: &str) {
        self.stderr.push_str(text);
        self.stderr.push('\n');
    }

    /// Writes both streams and gives the exit code: `code`, unless the data could not be written.
    pub(super) fn send(self, stdout: &mut dyn Write, stderr: &mut dyn Write, code: u8) -> u8 {
        // When standard error is gone there is nobody left to tell.
        let _ = stderr.write_all(self.stderr.as_bytes());
        let mut stdout = BufWriter::with_capacity(BUFFER, stdout);
        let parts = self.parts.iter().try_for_each(|part| stdout.write_all(part.as_bytes()));
        match parts.and_then(|()| stdout.write_all(&self.stdout)).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                let _ = writeln!(stderr, "Error: write /dev/stdout: {error}");
                super::UNUSABLE
            }
            _ => code,
        }
    }
}
