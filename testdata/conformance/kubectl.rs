//! What kubectl prints: rows of tables, and recorded command lines.

use serde_json::Value as Json;

use kval::kubectl::table;

use super::records;
use crate::Outcome;

/// `kubectl-columns`: object → cells.
pub(crate) fn columns(_name: &str) -> Option<(bool, Vec<Outcome>)> {
    Some((true, records("kubectl/columns.jsonl", column)?))
}

fn column(record: &Json) -> Result<(), String> {
    let object = &record["object"];
    let text = |v: &Json| v.as_str().unwrap_or("").to_owned();
    let (api_version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let columns = table::columns(&api_version, &kind, None);
    let names: Vec<Json> = columns.iter().map(|c| c.name.clone().into()).collect();
    let wide: Vec<Json> = columns.iter().filter(|c| c.wide).map(|c| c.name.clone().into()).collect();
    if Json::from(names.clone()) != record["columns"] || Json::from(wide) != record["wide_only"] {
        return Err(format!("columns: want {} got {names:?}", record["columns"]));
    }
    let now = (record["now"].as_f64().unwrap_or(0.0) * 1e9) as i64;
    let mut last = String::new();
    // The answer took a moment: the clock may have moved on by up to a second.
    for shift in [0, 500_000_000, 1_000_000_000, -1_000_000_000] {
        let row = table::row(object, now + shift, None);
        let want = record["cells"].as_array().map(Vec::as_slice).unwrap_or_default();
        let same = |(w, g): (&Json, &Json)| w == g || *w == "<age>";
        let cells = want.len() == row.cells.len() && want.iter().zip(&row.cells).all(same);
        let met = record.get("rowConditions").and_then(|c| c[0]["reason"].as_str());
        if cells && met == row.completed.map(|c| c.0) {
            return Ok(());
        }
        last = format!("want {} got {}", record["cells"], Json::from(row.cells));
    }
    Err(last)
}
