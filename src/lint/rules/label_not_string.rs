//! `label-not-string`: reports a label, annotation or environment value that is a number, boolean or null.

use crate::lint::context::Context;
use crate::lint::context::template_path;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        let mut maps = vec!["metadata.labels".to_owned(), "metadata.annotations".to_owned()];
        if let Some(path) = template_path(object.object).filter(|p| !p.is_empty()) {
            maps.push(format!("{path}.metadata.labels"));
            maps.push(format!("{path}.metadata.annotations"));
        }
        for (_, value) in maps.iter().flat_map(|m| object.entries(m)) {
            report(cx, &value);
        }
    }
    for (_, container) in cx.containers() {
        for value in container.field.items("env").iter().filter_map(|e| e.get("value")) {
            report(cx, &value);
        }
    }
}

fn report(cx: &Context, value: &Field) {
    if value.value.is_number() || value.value.is_boolean() {
        let shown = value.scalar().unwrap_or_default();
        cx.report(value, format!("{shown} is not a string here"), format!("quote it: \"{shown}\""));
    }
}
