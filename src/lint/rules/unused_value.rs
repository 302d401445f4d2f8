//! `unused-value`: reports a key of `values.yaml` that no template reads.

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::values::Reads;
use serde_json::Value;

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(reads)) = (cx.chart(), cx.reads()) else { return };
    let Some(object) = chart.values.as_ref().and_then(|v| v.object.as_ref()) else { return };
    if reads.replaced || chart.is_library() || chart.templates.iter().any(|t| t.error.is_some()) || chart.templates.is_empty() {
        return;
    }
    let about = cx.about();
    let dependencies = about.map(|a| a.items("dependencies")).unwrap_or_default();
    // `enabled` is for the chart above this one.
    let mut skipped: Vec<&str> = vec!["global", "tags", "enabled"];
    skipped.extend(dependencies.iter().filter_map(|d| d.text("alias").or_else(|| d.text("name"))));
    skipped.extend(chart.below.iter().map(|(_, c)| c.name()));
    let conditions: Vec<Vec<String>> = dependencies
        .iter()
        .filter_map(|d| d.text("condition"))
        .flat_map(|c| c.split(','))
        .map(|c| c.trim().split('.').map(str::to_owned).collect())
        .collect();
    // What is lifted from a dependency is read under its own name.
    if dependencies.iter().any(|d| d.has("import-values")) {
        return;
    }
    let root = Field::root(object);
    let Value::Object(map) = root.value else { return };
    for key in map.keys().filter(|k| !skipped.contains(&k.as_str()) && !k.starts_with("x-") && !k.starts_with('.')) {
        walk(cx, &root, &mut vec![key.clone()], &conditions, reads);
    }
}

fn walk(cx: &Context, root: &Field, path: &mut Vec<String>, conditions: &[Vec<String>], reads: &Reads) {
    let Some((last, above)) = path.split_last() else { return };
    let Some(parent) = above.iter().try_fold(*root, |field, name| field.get_key(name)) else { return };
    let field = parent.get_key(last);
    if conditions.iter().any(|c| c.starts_with(path)) {
        return;
    }
    if !reads.uses(0, path) {
        let defined = |name: &str| cx.default_of(&[above, &[name.to_owned()]].concat()).is_some();
        let help = reads
            .near(path, defined)
            .map_or_else(|| "remove it, or use it".to_owned(), |n| format!("templates read `{n}`: did you mean that?"));
        cx.report(parent.place_key(last), format!("no template reads `{}`", path.join(".")), help);
        return;
    }
    if let Some(Value::Object(map)) = field.map(|f| f.value) {
        if path.len() > 30 {
            return;
        }
        for key in map.keys() {
            path.push(key.clone());
            walk(cx, root, path, conditions, reads);
            path.pop();
        }
    }
}
