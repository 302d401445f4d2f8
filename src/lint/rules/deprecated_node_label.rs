//! `deprecated-node-label`: reports a label of nodes that is deprecated or gone: `beta.kubernetes.io/os`,
//! `beta.kubernetes.io/arch`, `failure-domain.beta.kubernetes.io/…`, `node-role.kubernetes.io/master`.

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        for (label, field) in pod.spec.entries("nodeSelector") {
            if let Some(new) = labels::of_nodes_now(label) {
                cx.report(field, format!("the label is deprecated, use {new}"), format!("use {new}"));
            }
        }
        for name in ["affinity", "topologySpreadConstraints", "tolerations"] {
            if let Some(field) = pod.spec.get(name) {
                walk(cx, &field, 0, &pod.spec);
            }
        }
    }
}

fn walk(cx: &Context, field: &Field, depth: usize, spec: &Field) {
    if depth > 30 {
        return;
    }
    for name in ["key", "topologyKey"] {
        let Some(key) = field.get(name) else { continue };
        let Some(new) = key.str().and_then(labels::of_nodes_now) else { continue };
        // Charts that tolerate both names are ready for either.
        let both = spec.items("tolerations").iter().any(|t| t.text("key") == Some(new)) || field.has("weight");
        if !both {
            cx.report(key, format!("the label is deprecated, use {new}"), format!("use {new}"));
        }
    }
    match field.value {
        serde_json::Value::Object(map) => map.keys().filter_map(|k| field.get_key(k)).for_each(|f| walk(cx, &f, depth + 1, spec)),
        serde_json::Value::Array(_) => field.list().iter().for_each(|f| walk(cx, f, depth + 1, spec)),
        _ => {}
    }
}
