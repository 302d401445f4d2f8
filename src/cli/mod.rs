//! The command line: arguments, the real world, one file per subcommand, exit codes.

mod args;
mod error;
mod output;
mod world;

use std::ffi::OsString;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::ArgMatches;

use error::Error;
use output::Output;
pub use world::RealWorld;

/// Nothing to complain about.
const CLEAN: u8 = 0;
/// There are findings, or a chart does not render.
const FINDINGS: u8 = 1;
/// The command line, the configuration or the input is not usable.
const UNUSABLE: u8 = 2;
/// A defect of kval.
const BUG: u8 = 3;

/// Runs one command line (`args` with the program's name first). Data goes to `stdout`, everything else to `stderr`.
pub fn run(args: impl IntoIterator<Item = OsString>, stdout: &mut dyn Write, stderr: &mut dyn Write) -> ExitCode {
    let mut output = Output::default();
    let code = match args::command().try_get_matches_from(args) {
        Ok(matches) => {
            let ran = catch_unwind(AssertUnwindSafe(|| dispatch(&matches, &mut output)));
            match ran {
                Ok(Ok(code)) => code,
                Ok(Err(error)) => {
                    output.stderr.push_str(&error.to_string());
                    error.code
                }
                Err(panic) => {
                    output.stderr.push_str(&error::bug(&*panic));
                    BUG
                }
            }
        }
        Err(error) => {
            let text = error.render().to_string();
            if error.use_stderr() {
                output.stderr.push_str(&text);
                UNUSABLE
            } else {
                output.stdout.extend_from_slice(text.as_bytes());
                CLEAN
            }
        }
    };
    ExitCode::from(output.send(stdout, stderr, code))
}

fn dispatch(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    match matches.subcommand() {
        Some(("version", _)) => {
            output.line(&format!("kval {}", env!("CARGO_PKG_VERSION")));
            Ok(CLEAN)
        }
        _ => Err(Error::unusable("this command is not known")),
    }
}
