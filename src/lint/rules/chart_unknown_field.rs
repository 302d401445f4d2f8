//! `chart-unknown-field`: reports a key of `Chart.yaml` that Helm does not know.

use crate::diagnostic::similar;
use crate::lint::context::Context;
use crate::lint::field::Field;
use serde_json::Value;

const CHART: &[&str] = &[
    "apiVersion",
    "name",
    "version",
    "kubeVersion",
    "description",
    "type",
    "keywords",
    "home",
    "sources",
    "dependencies",
    "maintainers",
    "icon",
    "appVersion",
    "deprecated",
    "annotations",
    "condition",
    "tags",
];
const DEPENDENCY: &[&str] = &["name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias"];
const MAINTAINER: &[&str] = &["name", "email", "url"];

pub(super) fn check(cx: &Context) {
    let Some(about) = cx.about() else { return };
    keys(cx, &about, CHART);
    about.items("dependencies").iter().for_each(|d| keys(cx, d, DEPENDENCY));
    about.items("maintainers").iter().for_each(|m| keys(cx, m, MAINTAINER));
}

fn keys(cx: &Context, field: &Field, known: &[&str]) {
    let Value::Object(map) = field.value else { return };
    for key in map.keys().filter(|k| !known.contains(&k.as_str())) {
        let help = similar(key, known.iter().copied())
            .map_or_else(|| "remove it, or put it under annotations".to_owned(), |n| format!("did you mean `{n}`?"));
        cx.report(field.place(key), format!("Helm does not know `{key}`"), help);
    }
}
