//! Renders the template vectors that need no chart loader: the folder is named by `KVAL_VECTORS`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::engine::{Options, Template, render};
use crate::source::FileId;
use crate::source::MemoryWorld;
use crate::value::{GoType, List, Map, Str, Value};

fn map(entries: &[(&str, Value)]) -> Value {
    Map::new(entries.iter().map(|(k, v)| (Str::from(*k), v.clone())).collect()).into()
}

fn dot(values: Value, upgrade: bool) -> Value {
    let none = || Value::from(List::any(vec![]));
    let chart = map(&[
        ("APIVersion", "v2".into()),
        ("Annotations", Map::typed(GoType::String, None, BTreeMap::new()).into()),
        ("AppVersion", "4.5.6".into()),
        ("Condition", "".into()),
        ("Dependencies", none()),
        ("Deprecated", false.into()),
        ("Description", "a chart".into()),
        ("Home", "".into()),
        ("Icon", "".into()),
        ("IsRoot", true.into()),
        ("Keywords", none()),
        ("KubeVersion", "".into()),
        ("Maintainers", none()),
        ("Name", "c".into()),
        ("Sources", none()),
        ("Tags", "".into()),
        ("Type", "".into()),
        ("Version", "1.2.3".into()),
    ]);
    let release = map(&[
        ("Name", "rel".into()),
        ("Namespace", "ns".into()),
        ("Revision", Value::int(1)),
        ("IsInstall", (!upgrade).into()),
        ("IsUpgrade", upgrade.into()),
        ("Service", "Helm".into()),
    ]);
    let entries = [
        ("Chart", chart),
        ("Release", release),
        ("Values", values),
        ("Files", map(&[])),
        ("Capabilities", map(&[])),
        ("Subcharts", map(&[])),
    ];
    Map::typed(GoType::Any, Some("common.Values"), entries.into_iter().map(|(k, v)| (Str::from(k), v)).collect()).into()
}

#[test]
fn vectors() {
    let Ok(folder) = std::env::var("KVAL_VECTORS") else { return };
    let set = std::env::var("KVAL_SET").unwrap_or_else(|_| "template".to_owned());
    let show: usize = std::env::var("KVAL_SHOW").ok().and_then(|s| s.parse().ok()).unwrap_or(0);
    let only = std::env::var("KVAL_GROUP").ok();
    let contexts: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(format!("{folder}/contexts.json")).unwrap()).unwrap();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    let mut groups: BTreeMap<String, usize> = BTreeMap::new();
    for line in std::fs::read_to_string(format!("{folder}/{set}.jsonl")).unwrap().lines() {
        let v: serde_json::Value = serde_json::from_str(line).unwrap();
        if v["kind"] != "tpl" {
            continue;
        }
        let group = v["group"].as_str().or(v["fn"].as_str()).unwrap_or("").to_owned();
        if only.as_ref().is_some_and(|o| *o != group) {
            continue;
        }
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        if let Some(given) = v["files"].as_object() {
            files.extend(given.iter().filter_map(|(k, t)| Some((k.clone(), t.as_str()?.to_owned()))));
        }
        if let Some(tpl) = v["tpl"].as_str() {
            files.insert("templates/t.yaml".to_owned(), tpl.to_owned());
        }
        if files.keys().any(|k| !k.starts_with("templates/") && k != "values.yaml") || files.is_empty() {
            skipped += 1;
            continue;
        }
        let values = v["ctx"].as_str().map(|c| contexts[c].as_str().unwrap()).or(v["values"].as_str());
        let values = values.map(str::to_owned).or(files.get("values.yaml").cloned()).unwrap_or_default();
        let values = crate::yaml::decode(values.as_bytes()).unwrap_or_default();
        let values: BTreeMap<Str, Value> = values.as_map().map(|m| m.borrow().clone()).unwrap_or_default();
        let values = values.into_iter().filter(|(_, v)| !v.is_nil()).collect();
        let dot = dot(Map::typed(GoType::Any, Some("common.Values"), values).into(), v["is_upgrade"] == true);
        let templates: Vec<Template> = files
            .iter()
            .filter(|(k, _)| k.starts_with("templates/"))
            .map(|(k, t)| Template {
                name: format!("c/{k}"),
                text: Arc::from(t.as_bytes()),
                file: FileId(0),
                base_path: "c/templates".to_owned(),
                dot: dot.clone(),
                partial_only: false,
            })
            .collect();
        let world = MemoryWorld::default();
        let mut options = Options::new(&world);
        options.strict = v["strict"] == true;
        options.lint = v["lint"] == true;
        let origins = crate::source::Origins::new();
        if std::env::var("KVAL_TRACE").is_ok() {
            options.trace = Some(&origins);
        }
        let got = match render(&templates, crate::sprig::functions(), &options) {
            Ok(out) => {
                let texts: serde_json::Map<String, serde_json::Value> =
                    out.files.iter().map(|(k, r)| (k.clone(), String::from_utf8_lossy(&r.text).into_owned().into())).collect();
                let out = if v["tpl"].is_string() { texts["c/templates/t.yaml"].clone() } else { texts.into() };
                serde_json::json!({ "out": out })
            }
            Err(e) => serde_json::json!({ "err": e.to_string() }),
        };
        let want = if v["err"].is_null() { serde_json::json!({"out": v["out"]}) } else { serde_json::json!({"err": v["err"]}) };
        if got == want {
            passed += 1;
        } else {
            failed += 1;
            *groups.entry(group.clone()).or_default() += 1;
            if failed <= show {
                let cut = |s: String| s.chars().take(600).collect::<String>();
                eprintln!(
                    "{group} {}\n  want {}\n  got  {}",
                    cut(serde_json::to_string(&files).unwrap()),
                    cut(want.to_string()),
                    cut(got.to_string())
                );
            }
        }
    }
    eprintln!("{set}: {passed} passed, {failed} failed, {skipped} skipped {groups:?}");
}
