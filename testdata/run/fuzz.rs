//! Nothing a user writes may panic, hang or break a limit: a second of each target of `testdata/fuzz` (`benches/fuzz.rs`
//! runs them for as long as is wanted), and every input that once failed.

use std::time::Duration;

use kval::value::{Map, Value};
use kval::yaml;

use crate::targets::{self, Random, Until};

/// Tries the random inputs of a target for a moment.
fn smoke(name: &'static str) {
    targets::deep(|| smoke_here(name));
}

fn smoke_here(name: &'static str) {
    let target = targets::target(name).expect("a target");
    let hanging = move |run| panic!("{name}: run {run} does not end");
    let report = targets::fuzz(&target, 1, 0, Until::Elapsed(Duration::from_millis(1500)), hanging);
    println!("fuzz {name}: {} runs, slowest {:?}", report.runs, report.slowest.0);
    let wrong: Vec<String> = report.failures.iter().map(|f| format!("run {}: {}", f.run, f.what)).collect();
    assert!(wrong.is_empty(), "{name}: {}", wrong.join("\n"));
}

#[test]
fn random_templates() {
    smoke("template");
}

#[test]
fn random_values_arguments() {
    smoke("strvals");
}

#[test]
fn random_yaml() {
    smoke("yaml");
}

#[test]
fn random_archives() {
    smoke("archive");
}

/// Inputs that once failed: `TARGET-what.bin` in `testdata/fuzz/cases`.
#[test]
fn inputs_that_failed_once() {
    targets::deep(try_again);
}

fn try_again() {
    let folder = format!("{}/testdata/fuzz/cases", env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let target = targets::target(name.split('-').next().unwrap()).expect("the name of a case starts with its target");
        let input = std::fs::read(&path).unwrap();
        for variant in 0..24 {
            let found = targets::try_one(&target, &input, variant);
            assert!(found.is_none(), "{name}: {found:?}");
        }
    }
}

/// A text that the line reader takes decodes, and what it picks is what decoding the whole gives.
#[test]
fn skimmed_heads() {
    let mut seeds = targets::recorded("fromyaml", "yaml");
    let folder = format!("{}/testdata/seeds", env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    seeds.extend(paths.iter().filter(|p| p.is_file()).map(|p| std::fs::read(p).unwrap()));
    let rich = "# c\napiVersion: v1\nkind: X # c\nmetadata:\n  name: 'a''b'\n  labels: {}\n  annotations:\n    x: |\n      y\n\n      # z\n  other:\n  - u: v\n  args: [a, \"b\"]\nspec:\n- a: |-\n    x\n\n    y\n  b: >\n   z\n- - p q\n    r\n  - \"s\n\n   t\"\n-\n  c:\n  - d\n  e: --f\n";
    seeds.extend(std::iter::repeat_n(rich.as_bytes().to_vec(), seeds.len()));
    let words: Vec<&[u8]> = vec![
        b"\n", b"\n  ", b"\n- ", b"\n    ", b" ", b": ", b":", b" #", b"'", b"\"", b"|\n", b">-\n", b"\t", b"- ", b"[", b"]", b"{}", b"\\",
        b"kind:", b"---\n",
    ];
    let wanted: [(&str, &[&str]); 4] = [("apiversion", &[]), ("kind", &[]), ("metadata", &["name", "annotations"]), ("a", &[])];
    // More than is wanted may be there; where nothing is, there may be null.
    let narrowed = |map: &Map| {
        let out = Map::default();
        for (key, value) in map.borrow().iter() {
            let Some((_, below)) = wanted.iter().find(|(name, _)| *name == key.to_str().to_lowercase()) else { continue };
            let (entries, narrow) = (value.as_map(), Map::default());
            for (key, value) in entries.iter().flat_map(|map| map.borrow().clone()) {
                if below.contains(&key.to_str().to_lowercase().as_str()) {
                    narrow.insert(key, value);
                }
            }
            let shortened = !below.is_empty() && (value.is_nil() || entries.is_some());
            out.insert(key.clone(), if shortened { narrow.into() } else { value.clone() });
        }
        out
    };
    let mut taken = 0;
    for run in 0..20_000 {
        let mut random = Random::new(1, run);
        let mut text = random.pick(&seeds).clone();
        random.mutate(&mut text, &seeds, &words);
        let text = text.as_slice();
        let Some(short) = yaml::skim(text, &wanted) else { continue };
        taken += 1;
        let whole = yaml::decode(text).unwrap_or_else(|e| panic!("{}", e.message));
        let short = yaml::decode(&short).unwrap_or_else(|e| panic!("{}", e.message));
        let [whole, short] = [&whole, &short].map(|v| narrowed(v.as_map().expect("the subset has mappings only")));
        assert_eq!(yaml::to_yaml(&whole.into()), yaml::to_yaml(&short.into()));
    }
    assert!(taken > 0);
}

/// A value that holds itself ends in an error, whatever prints it.
#[test]
fn cyclic_values() {
    let map = Map::default();
    map.insert("self", map.clone().into());
    let value = Value::from(map.clone());
    assert!(yaml::to_yaml(&value).is_err());
    assert!(kval::value::json::to_json(&value).is_err());
    assert!(kval::value::print_value(&value).is_err());
    map.remove("self");
}
