//! `crd-directory-wrong-kind`: reports an object in `crds/` that is no CustomResourceDefinition.

use crate::kube::objects;
use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::yaml;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for (name, file) in chart.crd_files() {
        let text = &cx.input.sources.get(file).text;
        for document in yaml::parse(text, file) {
            for object in objects(file, &document) {
                let kind = object.id.kind.clone();
                if kind != "CustomResourceDefinition" {
                    let what = if kind.is_empty() { "something without a kind".to_owned() } else { format!("a {kind}") };
                    cx.report(Field::root(&object).place("kind"), format!("{what} in crds/ ({name})"), "move it to templates/");
                }
            }
        }
    }
}
