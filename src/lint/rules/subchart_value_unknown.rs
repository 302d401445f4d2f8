//! `subchart-value-unknown`: reports a key under the name of a dependency that its `values.yaml` does not have and
//! its templates do not read.

use crate::diagnostic::similar;
use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::values::Reads;
use serde_json::Value;

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(reads)) = (cx.chart(), cx.reads()) else { return };
    let Some(object) = chart.values.as_ref().and_then(|v| v.object.as_ref()) else { return };
    let dependencies = cx.about().map(|a| a.items("dependencies")).unwrap_or_default();
    let root = Field::root(object);
    for (_, child) in &chart.below {
        let number = chart.all().iter().position(|c| std::ptr::eq(*c, child)).unwrap_or(0);
        let aliases: Vec<&str> =
            dependencies.iter().filter(|d| d.text("name") == Some(child.name())).map(|d| d.text("alias").unwrap_or(child.name())).collect();
        let conditions: Vec<&str> =
            dependencies.iter().filter_map(|d| d.text("condition")).flat_map(|c| c.split(',')).map(str::trim).collect();
        let names = if aliases.is_empty() { vec![child.name()] } else { aliases };
        let Some(defaults) = child.values.as_ref().and_then(|v| v.object.as_ref()) else { continue };
        // Values of what is below the child pass through it.
        let mut passed: Vec<&str> = child.below.iter().map(|(_, c)| c.name()).collect();
        passed.extend(["global", "tags", "enabled", "exports"]);
        for name in names {
            let Some(field) = root.get_key(name) else { continue };
            let state = State { cx, reads, number, name, conditions: &conditions };
            level(&state, &field, &defaults.value, &mut Vec::new(), &passed);
        }
    }
}

struct State<'s, 'a> {
    cx: &'s Context<'a>,
    reads: &'s Reads,
    number: usize,
    name: &'s str,
    conditions: &'s [&'s str],
}

/// The path as the chart above reads it itself.
fn with_name(name: &str, path: &[String]) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(path.iter().cloned()).collect()
}

fn level(state: &State, given: &Field, defaults: &Value, path: &mut Vec<String>, passed: &[&str]) {
    let (Value::Object(map), Value::Object(known)) = (given.value, defaults) else { return };
    // A map that is empty by default is there to be filled.
    if known.is_empty() && !path.is_empty() || path.len() > 30 {
        return;
    }
    for key in map.keys() {
        if path.is_empty() && passed.contains(&key.as_str()) {
            continue;
        }
        path.push(key.clone());
        let full = format!("{}.{}", state.name, path.join("."));
        match (known.get(key), given.get_key(key)) {
            (Some(inner), Some(field)) => level(state, &field, inner, path, &[]),
            (None, _) if state.reads.uses(0, &with_name(state.name, path)) => {}
            (None, _) if !state.reads.uses(state.number, path) && !state.conditions.contains(&full.as_str()) => {
                let help = similar(key, known.keys().map(String::as_str))
                    .map_or_else(|| "look it up in the values of that chart".to_owned(), |n| format!("did you mean `{n}`?"));
                state.cx.report(given.place_key(key), format!("the chart `{}` has no value `{}`", state.name, path.join(".")), help);
            }
            _ => {}
        }
        path.pop();
    }
}
