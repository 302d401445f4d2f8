//! The order of the phases, and the library's front door: find the input, render or read it, decode, validate, judge.

mod baseline;
mod cluster;
mod config;
mod failure;
mod fix;
mod inputs;
mod judge;
mod predict;
mod run;
mod stream;
mod surroundings;
mod variants;

pub use crate::source::RENDERED;
pub use baseline::{Accepted, Baseline};
pub use cluster::{ClusterError, cluster, documents};
pub use config::{Choice, ConfigError, Configs, Settings, Variant, custom_rules};
pub use failure::failures;
pub use fix::{Fixed, Fixes, fix};
pub use inputs::{Inputs, STDIN, discover};
pub use predict::pending;
pub use run::{Checks, Counts, Outcome, Unit, known, load, panic_text, run};
