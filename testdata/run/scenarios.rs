//! The systems of the tutorials in `testdata/seeds`: what becomes of each when it is applied to a cluster of two workers, as
//! `testdata/scenarios.txt` says.
//!
//! A line `FILE: …` holds for each workload its kind and name, the verdict, how many pods are available of those wanted, and
//! for one that is stuck the reason; or what the server refuses. Lines `# …` above it tell what the text around the file
//! shows. Files that belong together are named with a plus between them. `UPDATE=1` writes the lines anew and keeps the
//! remarks.

use std::collections::BTreeMap;
use std::path::Path;

use kval::simulate::cluster::from_documents;
use kval::simulate::rollout::{Options, predict};
use kval::source::FileId;
use kval::yaml;
use serde_json::Value;

fn documents(text: &str) -> Vec<Value> {
    let parsed = yaml::parse(text, FileId(0));
    let roots = parsed.into_iter().filter(|d| d.error.is_none()).filter_map(|d| d.root);
    roots.map(|root| root.to_json()).filter(|o| o["kind"].is_string() && o["apiVersion"].is_string()).collect()
}

fn outcome(cluster: &[Value], text: &str) -> String {
    let objects = documents(text);
    let prediction = predict(cluster, &[], &objects, &Options::default());
    let mut parts: Vec<String> = Vec::new();
    for workload in &prediction.workloads {
        let verdict = workload.verdict().name();
        let why = workload.hindrance.as_ref().map(|h| format!(" ({}: {})", h.reason, h.message)).unwrap_or_default();
        parts.push(format!("{}/{} {verdict} {}/{}{why}", workload.kind, workload.name, workload.available, workload.desired));
    }
    parts
        .extend(prediction.refused.iter().map(|(i, message)| format!("refused {}: {message}", objects[*i]["kind"].as_str().unwrap_or(""))));
    if objects.is_empty() {
        let error = yaml::parse(text, FileId(0)).into_iter().find_map(|d| d.error);
        parts.push(error.map_or_else(|| "no object".to_owned(), |e| format!("no YAML: {e}")));
    } else if parts.is_empty() {
        parts.push("no workload".to_owned());
    }
    parts.join("; ")
}

#[test]
fn tutorials_run_as_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let nodes = std::fs::read_to_string(root.join("rollout/tutorial-nodes.yaml")).expect("nodes");
    let cluster = from_documents(&documents(&nodes)).expect("a cluster");
    let list = root.join("scenarios.txt");
    let known = std::fs::read_to_string(&list).unwrap_or_default();
    let mut remarks: BTreeMap<String, String> = BTreeMap::new();
    let mut above = String::new();
    for line in known.lines() {
        match line.split_once(": ") {
            Some((file, _)) if !line.starts_with('#') => drop(remarks.insert(file.to_owned(), std::mem::take(&mut above))),
            _ => above += &format!("{line}\n"),
        }
    }
    let seeds = root.join("seeds");
    let mut names: Vec<String> = std::fs::read_dir(&seeds)
        .expect("seeds")
        .map(|e| e.expect("entry").file_name().to_string_lossy().into_owned())
        .chain(remarks.keys().filter(|k| k.contains('+')).cloned())
        .collect();
    names.sort();
    let mut got = String::new();
    for name in names {
        let read = |file: &str| std::fs::read_to_string(seeds.join(file)).expect("a seed");
        let text = name.split('+').map(read).collect::<Vec<_>>().join("\n---\n");
        got += &format!("{}{name}: {}\n", remarks.remove(&name).unwrap_or_default(), outcome(&cluster, &text));
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&list, got).expect("scenarios.txt");
        return;
    }
    assert_eq!(got, known);
}
