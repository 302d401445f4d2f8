//! `volume-item-key-missing`: reports an item of a ConfigMap or Secret volume whose key the object does not have.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        for volume in pod.spec.items("volumes") {
            let mut sources = vec![("ConfigMap", volume.get("configMap"), "name"), ("Secret", volume.get("secret"), "secretName")];
            for source in volume.items("projected.sources") {
                sources.push(("ConfigMap", source.get("configMap"), "name"));
                sources.push(("Secret", source.get("secret"), "name"));
            }
            for (kind, source, name) in sources {
                let Some(source) = source.filter(|s| !s.is_true("optional")) else { continue };
                let Some(object) = source.text(name).and_then(|n| cx.find(kind, pod.object, n)) else { continue };
                let has = |key: &str| {
                    ["data", "binaryData", "stringData"].iter().any(|m| object.get(m).is_some_and(|d| d.value.get(key).is_some()))
                };
                for key in source.items("items").iter().filter_map(|i| i.get("key")) {
                    if let Some(text) = key.str().filter(|k| !has(k)) {
                        cx.report(key, format!("the {kind} has no key `{text}`"), "name a key of the object");
                    }
                }
            }
        }
    }
}
