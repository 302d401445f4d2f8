//! Tries the parts that read what strangers write with random inputs, for as long as is wanted:
//!
//! ```text
//! cargo bench --bench fuzz [-- TARGET…] [--seconds N | --cpu-seconds N] [--seed N] [--from RUN] [--only RUN]
//! ```
//!
//! Targets: `template strvals yaml archive`. Every input follows from seed and run, so a run that is named in a report
//! can be repeated with `--only`. Failing inputs are made small and written beside the build; what was mended stays in
//! `testdata/fuzz/cases`.

#![allow(clippy::print_stdout, clippy::exit)]

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

// The test uses what the bench does not.
#[allow(dead_code)]
#[path = "../testdata/fuzz/mod.rs"]
mod fuzz;

use fuzz::{Random, Until};

fn number(arguments: &[String], flag: &str) -> Option<u64> {
    let at = arguments.iter().position(|a| a == flag)?;
    arguments.get(at + 1)?.parse().ok()
}

fn show(input: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(input).chars().take(600).collect();
    format!("{text:?}")
}

fn main() -> ExitCode {
    fuzz::deep(run)
}

fn run() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let seed = number(&arguments, "--seed").unwrap_or(1);
    let from = number(&arguments, "--from").unwrap_or(0);
    let seconds = Duration::from_secs(number(&arguments, "--seconds").unwrap_or(20));
    let until = number(&arguments, "--cpu-seconds").map_or(Until::Elapsed(seconds), |n| Until::Cpu(Duration::from_secs(n)));
    let named: Vec<_> = arguments.iter().filter_map(|a| fuzz::target(a)).collect();
    let targets = if named.is_empty() { fuzz::targets() } else { named };
    let mut failed = false;
    for target in targets {
        if let Some(run) = number(&arguments, "--only") {
            let input = (target.make)(&mut Random::new(seed, run));
            println!("{} run {run}: {}", target.name, show(&input));
            let found = fuzz::try_one(&target, &input, run);
            println!("{}", found.as_deref().unwrap_or("holds"));
            failed |= found.is_some();
            continue;
        }
        let name = target.name;
        let report = fuzz::fuzz(&target, seed, from, until, move |run| {
            println!("fuzz {name}: seed {seed} run {run} does not end");
            std::process::exit(1);
        });
        println!(
            "fuzz {name}: seed {seed}, runs {from}..{}, slowest {:?} in run {}, peak {} MB, {} failures",
            from + report.runs,
            report.slowest.0,
            report.slowest.1,
            report.peak >> 20,
            report.failures.len()
        );
        for failure in &report.failures {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}-{seed}-{}", failure.run));
            let _ = std::fs::write(&path, &failure.input);
            println!("  run {} ({}): {}\n    {}", failure.run, path.display(), failure.what, show(&failure.input));
        }
        failed |= !report.failures.is_empty();
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
