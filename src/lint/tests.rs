//! The registry is complete, every page's examples run, and the recorded cases are counted.

use std::collections::BTreeSet;
use std::path::Path;

use super::Input;
use super::Options;
use crate::diagnostic::Diagnostic;
use crate::kube::objects;
use crate::source::Sources;

fn run(text: &str, options: &Options) -> (Sources, Vec<Diagnostic>) {
    let mut sources = Sources::new();
    let file = sources.add("input.yaml", text);
    let documents: Vec<_> = crate::yaml::parse(text, file).into_iter().map(|d| (file, d)).collect();
    let objects: Vec<_> = documents.iter().flat_map(|(f, d)| objects(*f, d)).collect();
    let found = super::check(&Input { sources: &sources, objects: &objects, documents: &documents, options });
    (sources, found)
}

fn only(id: &str) -> Options {
    Options { only: vec![id.to_owned()], ..Options::default() }
}

fn block<'p>(page: &'p str, heading: &str) -> Option<&'p str> {
    let section = page.split_once(&format!("## {heading}\n"))?.1;
    let body = section.split_once("```yaml\n")?.1;
    Some(&body[..body.find("```")?])
}

fn names(folder: &str, extension: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).expect("the folder exists");
    entries
        .map(|e| e.expect("it is readable").file_name().to_string_lossy().into_owned())
        .filter_map(|n| n.strip_suffix(extension).map(|s| s.replace('_', "-")))
        .collect()
}

#[test]
fn pages_files_and_registry_agree() {
    let listed: BTreeSet<String> = super::rules().iter().map(|r| r.id.to_owned()).collect();
    assert_eq!(listed.len(), super::rules().len(), "an id is listed twice");
    assert_eq!(names("rules", ".md"), listed);
    assert_eq!(names("src/lint/rules", ".rs"), listed);
}

#[test]
fn every_page_is_true() {
    let mut wrong = Vec::new();
    for rule in super::rules() {
        let page = super::page(rule.id).expect("it is listed");
        for heading in ["What it does", "Why"] {
            if !page.contains(&format!("## {heading}\n")) {
                wrong.push(format!("{}: no section {heading}", rule.id));
            }
        }
        let (Some(bad), Some(good)) = (block(page, "Example"), block(page, "Use instead")) else {
            wrong.push(format!("{}: an example is missing", rule.id));
            continue;
        };
        let marks: Vec<(u32, &str)> = bad.lines().zip(1..).filter_map(|(l, n)| Some((n, l.split_once("# error: ")?.1.trim()))).collect();
        let (sources, found) = run(bad, &only(rule.id));
        let mut left: Vec<(u32, &str)> = found.iter().map(|d| (d.span.map_or(0, |s| sources.start(s).line), d.message.as_str())).collect();
        for (line, text) in &marks {
            match left.iter().position(|(l, m)| l == line && m.contains(text)) {
                Some(i) => drop(left.remove(i)),
                None => wrong.push(format!("{}: line {line} wants `{text}`, has {left:?}", rule.id)),
            }
        }
        if marks.is_empty() || !left.is_empty() {
            wrong.push(format!("{}: unmarked {left:?}", rule.id));
        }
        let (_, found) = run(good, &only(rule.id));
        for d in found {
            wrong.push(format!("{}: good example: {} ({})", rule.id, d.message, d.field));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs the recorded cases where `KVAL_CASES` names their folder, and says how many pass.
#[test]
#[allow(clippy::print_stdout)]
fn recorded_cases() {
    let Ok(folder) = std::env::var("KVAL_CASES") else { return };
    let folder = Path::new(&folder);
    let cases = std::fs::read_to_string(folder.join("cases.jsonl")).expect("the cases are readable");
    let (mut passed, mut total, mut skipped) = (0, 0, 0);
    for case in cases.lines() {
        let case: serde_json::Value = serde_json::from_str(case).expect("a case is JSON");
        let text = |key: &str| case[key].as_str().unwrap_or("");
        let (rule, file) = (text("rule"), text("file"));
        let path = folder.join("cases").join(file);
        if super::page(rule).is_none() || !path.is_file() {
            skipped += 1;
            continue;
        }
        total += 1;
        let input = std::fs::read(&path).expect("the case is readable");
        let mut options = only(rule);
        options.minor = case_minor(rule);
        let (sources, found) = run(&String::from_utf8_lossy(&input), &options);
        let place = |d: &Diagnostic| d.span.map(|s| u64::from(sources.start(s).line));
        let ok = if text("kind") == "good" {
            found.is_empty()
        } else {
            found.iter().any(|d| d.field == text("field") && place(d) == case["line"].as_u64())
        };
        if ok {
            passed += 1;
        } else {
            let seen: Vec<_> = found.iter().map(|d| format!("{:?} {} {}", place(d), d.field, d.message)).collect();
            println!("{file} wants {} {} {}: {seen:?}", text("kind"), text("field"), case["line"]);
        }
    }
    println!("cases passed {passed} of {total}; {skipped} without a rule or not a manifest");
}

/// The version a case was recorded for, where the matrix names one.
fn case_minor(rule: &str) -> Option<u32> {
    match rule {
        "api-not-yet-available" => Some(20),
        "field-not-in-version" => Some(27),
        "deprecated-api" => Some(29),
        _ => None,
    }
}
