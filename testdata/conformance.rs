//! Compares kval with what the real programs answered, and prints one line a set:
//!
//! ```text
//! conformance <set> <passed>/<total>
//! ```
//!
//! The sets are read from `$KVAL_SHARED` when set, else from `../shared` when there, else from `testdata/`. A missing
//! set is skipped with a line saying so. Below a set's line stand at most twenty failing ids (`KVAL_FAILURES`
//! sets another number) with the first difference.
//! `testdata/floors.toml` holds a floor a set: the run fails below it, and floors only rise.

#![allow(clippy::print_stdout)]

#[path = "conformance/data.rs"]
mod data;
#[path = "conformance/sets.rs"]
mod sets;

use std::collections::BTreeMap;
use std::process::ExitCode;

/// One case: its id and, when it failed, the first difference.
pub struct Outcome {
    /// The vector's id.
    pub id: String,
    /// What differed.
    pub failure: Option<String>,
}

fn floors() -> BTreeMap<String, u64> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/floors.toml");
    let text = std::fs::read_to_string(path).expect("testdata/floors.toml");
    let table: toml::Table = toml::from_str(&text).expect("floors.toml is TOML");
    table.into_iter().map(|(k, v)| (k, v.as_integer().expect("a floor is a number") as u64)).collect()
}

fn main() -> ExitCode {
    let only: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let floors = floors();
    let mut fallen = Vec::new();
    let mut ran = 0;
    for (name, set) in sets::all() {
        if !only.is_empty() && !only.iter().any(|o| name.contains(o.as_str())) {
            continue;
        }
        let Some((full, outcomes)) = set(name) else {
            println!("conformance {name} skipped: no data");
            continue;
        };
        ran += 1;
        let total = outcomes.len();
        let failed: Vec<&Outcome> = outcomes.iter().filter(|o| o.failure.is_some()).collect();
        let passed = total - failed.len();
        println!("conformance {name} {passed}/{total}");
        let shown = std::env::var("KVAL_FAILURES").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
        for outcome in failed.iter().take(shown) {
            let text: String = outcome
                .failure
                .as_deref()
                .unwrap_or("")
                .chars()
                .take(if std::env::var_os("SHOW_ALL").is_some() { 2000 } else { 400 })
                .collect();
            println!("    {}: {}", outcome.id, text.replace('\n', "\\n"));
        }
        // Floors are counted in thousandths so that they hold for any selection of the data.
        let floor = floors.get(name).copied().unwrap_or(0);
        if full && (passed as u64) * 1000 < floor * total as u64 {
            fallen.push(format!("{name}: {passed}/{total} is below {floor}/1000"));
        }
    }
    println!("{} passed, {} failed", ran - fallen.len(), fallen.len());
    for line in &fallen {
        println!("below its floor: {line}");
    }
    if fallen.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
