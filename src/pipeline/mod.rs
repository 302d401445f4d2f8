//! The order of the phases, and the library's front door: find the input, render or read it, decode, validate, judge.

mod inputs;

pub use inputs::{Inputs, discover};
