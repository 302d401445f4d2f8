//! The YAML examples of Chinese Kubernetes tutorials, some broken on purpose: what is wrong is found at its line, and
//! nothing else is called an error.
//!
//! `testdata/seeds.txt` says for each file the rule and the lines; `UPDATE=1` writes what is found now.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use kval::diagnostic::Severity;
use kval::helm::TemplateOptions;
use kval::pipeline;
use kval::pipeline::Checks;
use kval::source::MemoryWorld;

/// The findings of a file that the list is about: errors, and those of rules it names for the file.
fn found(name: &str, text: Vec<u8>, named: &[String]) -> BTreeMap<String, Vec<u32>> {
    let world = MemoryWorld { files: [(name.to_owned(), text)].into(), ..MemoryWorld::default() };
    let inputs = pipeline::discover(&world, &[name.to_owned()]).expect("the file is there");
    let run = |select: &[String]| {
        let checks = Checks { judge: true, select: select.to_vec(), ..Checks::default() };
        pipeline::run(&world, &inputs, &TemplateOptions::default(), &checks).expect("it can be read")
    };
    let mut out: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let (all, chosen) = (run(&[]), run(named));
    for (outcome, everything) in [(&all, false), (&chosen, true)] {
        for unit in &outcome.units {
            for finding in unit.findings.iter().filter(|f| everything && !named.is_empty() || f.severity >= Severity::Error) {
                let line = finding.span.map_or(0, |s| unit.sources.start(s).line);
                let lines = out.entry(finding.code.to_owned()).or_default();
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
        }
    }
    out.values_mut().for_each(|l| l.sort_unstable());
    out
}

#[test]
fn seeds_are_judged() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let list = folder.join("seeds.txt");
    let expected = std::fs::read_to_string(&list).expect("the list is readable");
    let named = |file: &str| -> Vec<String> {
        expected.lines().filter_map(|l| l.strip_prefix(file)?.split_whitespace().next().map(str::to_owned)).collect()
    };
    let mut names: Vec<String> = std::fs::read_dir(folder.join("seeds"))
        .expect("the seeds")
        .map(|e| e.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let mut seen = String::new();
    for name in &names {
        let text = std::fs::read(folder.join("seeds").join(name)).expect("readable");
        for (code, lines) in found(name, text, &named(name)) {
            let lines: Vec<String> = lines.iter().map(u32::to_string).collect();
            writeln!(seen, "{name} {code} {}", lines.join(",")).expect("a string takes all");
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&list, &seen).expect("the list can be written");
    }
    for (want, have) in expected.lines().zip(seen.lines()) {
        assert_eq!(want, have);
    }
    assert_eq!(expected.lines().count(), seen.lines().count());
}
