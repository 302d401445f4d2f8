//! The order of the phases, and the library's front door: find the input, render or read it, decode, validate, judge.

mod baseline;
mod config;
mod inputs;
mod judge;
mod run;

pub use baseline::{Accepted, Baseline};
pub use config::{Choice, ConfigError, Configs, Settings, Variant};
pub use inputs::{Inputs, STDIN, discover};
pub use run::{Checks, Counts, Outcome, RENDERED, Unit, known, load, panic_text, run};
