//! `configmap-key-missing`: reports a reference to a key that the ConfigMap does not have.

use crate::diagnostic::similar;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (pod, container) in cx.containers() {
        for variable in container.field.items("env") {
            let Some(reference) = variable.get("valueFrom.configMapKeyRef").filter(|r| !r.is_true("optional")) else { continue };
            let (Some(name), Some(key)) = (reference.text("name"), reference.get("key")) else { continue };
            let Some(object) = cx.find("ConfigMap", pod.object, name) else { continue };
            let keys: Vec<&str> = ["data", "binaryData"].iter().flat_map(|m| object.entries(m)).map(|(k, _)| k).collect();
            if let Some(text) = key.str().filter(|k| !keys.contains(k)) {
                let help = similar(text, keys.iter().copied())
                    .map_or_else(|| format!("it has {}", keys.join(", ")), |k| format!("did you mean `{k}`?"));
                cx.report(key, format!("the ConfigMap `{name}` has no key `{text}`"), help);
            }
        }
    }
}
