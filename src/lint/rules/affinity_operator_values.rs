//! `affinity-operator-values`: reports an expression of a selector or affinity whose values do not fit its
//! operator.

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::field::Place;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if let Some(affinity) = pod.spec.get("affinity") {
            walk(cx, &affinity, 0);
        }
        for constraint in pod.spec.items("topologySpreadConstraints") {
            walk(cx, &constraint, 0);
        }
    }
}

fn walk(cx: &Context, field: &Field, depth: usize) {
    if depth > 30 {
        return;
    }
    match field.value {
        serde_json::Value::Object(map) => {
            for name in map.keys() {
                let Some(child) = field.get_key(name) else { continue };
                if matches!(name.as_str(), "matchExpressions" | "matchFields") {
                    child.list().iter().for_each(|e| expression(cx, e));
                } else {
                    walk(cx, &child, depth + 1);
                }
            }
        }
        serde_json::Value::Array(_) => field.list().iter().for_each(|f| walk(cx, f, depth + 1)),
        _ => {}
    }
}

fn expression(cx: &Context, e: &Field) {
    let values = e.items("values");
    let Some(operator) = e.text("operator") else { return };
    let number = |f: &Field| f.str().is_some_and(|t| t.parse::<i64>().is_ok());
    let (place, message) = match operator {
        "In" | "NotIn" if values.is_empty() => (e.place("values"), format!("{operator} needs values")),
        "Exists" | "DoesNotExist" if !values.is_empty() => (e.place("values"), format!("{operator} takes no values")),
        "Gt" | "Lt" if values.len() != 1 => (e.place("values"), format!("{operator} needs exactly one value")),
        "Gt" | "Lt" if !number(&values[0]) => (Place::from(&values[0]), format!("{operator} needs an integer, written as a string")),
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => return,
        _ => (e.place("operator"), format!("there is no operator `{operator}`")),
    };
    cx.report(place, message, "In, NotIn: one value or more; Exists, DoesNotExist: none; Gt, Lt: one integer");
}
