//! Templates that would not end or would exhaust memory stop with a clear error.

use std::sync::Arc;

use kval::helm::engine;
use kval::source::{FileId, MemoryWorld};
use kval::value::{GoType, Map, Str};

/// The cases: a name, a template and what its error says, on a line each.
const CASES: &str = include_str!("../limits.jsonl");

fn render(text: &str) -> Result<String, String> {
    let world = MemoryWorld::default();
    let values = kval::yaml::decode_values(b"list: [1, 2, 3]\n").map_err(|e| e.message)?;
    let entries = [(Str::from("Values"), values.into())].into_iter().collect();
    let template = engine::Template {
        name: "c/templates/t.yaml".to_owned(),
        text: Arc::from(text.as_bytes()),
        file: FileId(0),
        base_path: "c/templates".to_owned(),
        dot: Map::typed(GoType::Any, Some("common.Values"), entries).into(),
        partial_only: false,
    };
    let mut options = engine::Options::new(&world);
    options.limits = engine::Limits { steps: 2_000_000, output: 4 << 20 };
    let output = engine::render(&[template], &options).map_err(|e| e.to_string())?;
    Ok(output.files.into_values().map(|f| String::from_utf8_lossy(&f.text).into_owned()).collect())
}

fn check(case: &serde_json::Value) {
    // A hundred megabytes take their time without optimisation.
    if cfg!(debug_assertions) && case.get("slow").is_some() {
        return;
    }
    let name = case["name"].as_str().unwrap();
    let got = render(case["tpl"].as_str().unwrap());
    let want = case["error"].as_str().unwrap();
    match got {
        Err(e) if e.contains(want) => {}
        Err(e) => {
            panic!("{name}: want {want:?} in {:?}", e.chars().rev().take(400).collect::<Vec<_>>().into_iter().rev().collect::<String>())
        }
        Ok(text) => panic!("{name}: rendered {} bytes", text.len()),
    }
}

#[test]
fn limits_hold() {
    CASES.lines().map(|l| serde_json::from_str(l).unwrap()).for_each(|case| check(&case));
}
