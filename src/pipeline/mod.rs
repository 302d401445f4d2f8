//! The order of the phases, and the library's front door: find the input, render or read it, decode, validate, judge.

mod inputs;
mod run;

pub use inputs::{Inputs, STDIN, discover};
pub use run::{Checks, Counts, Outcome, RENDERED, Unit, load, panic_text, run};
