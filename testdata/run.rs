//! The integration tests: one `check` per kind of case, cases found by walking folders.

// A test that cannot unwrap has failed.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "run/architecture.rs"]
mod architecture;

#[path = "run/placement.rs"]
mod placement;

#[path = "run/cli.rs"]
mod cli;

#[path = "run/rules.rs"]
mod rules;

#[path = "run/reports.rs"]
mod reports;

#[path = "run/fuzz.rs"]
mod fuzz;

// The bench uses what the test does not.
#[allow(dead_code)]
#[path = "fuzz/mod.rs"]
mod targets;

#[path = "run/limits.rs"]
mod limits;

#[path = "run/provenance.rs"]
mod provenance;

#[path = "run/seeds.rs"]
mod seeds;

#[path = "run/scenarios.rs"]
mod scenarios;

#[path = "run/threads.rs"]
mod threads;

#[path = "run/walkthroughs.rs"]
mod walkthroughs;

#[path = "run/revisions.rs"]
mod revisions;

#[path = "run/kills.rs"]
mod kills;
