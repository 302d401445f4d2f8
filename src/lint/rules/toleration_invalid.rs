//! `toleration-invalid`: reports a toleration that the API server refuses: an unknown effect or operator, Exists
//! with a value, tolerationSeconds without NoExecute, or an empty key without Exists.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for toleration in cx.pods().iter().flat_map(|p| p.spec.items("tolerations")) {
        let operator = toleration.text("operator").unwrap_or("Equal");
        let effect = toleration.text("effect").unwrap_or("");
        let (path, message) = if !matches!(operator, "" | "Exists" | "Equal" | "Lt" | "Gt") {
            ("operator", format!("there is no operator `{operator}`"))
        } else if !matches!(effect, "" | "NoSchedule" | "PreferNoSchedule" | "NoExecute") {
            ("effect", format!("there is no effect `{effect}`"))
        } else if operator == "Exists" && toleration.text("value").is_some_and(|v| !v.is_empty()) {
            ("value", "Exists takes no value".to_owned())
        } else if toleration.text("key").unwrap_or("").is_empty() && operator != "Exists" {
            ("operator", "without a key the operator must be Exists".to_owned())
        } else if toleration.has("tolerationSeconds") && effect != "NoExecute" {
            ("effect", "tolerationSeconds needs the effect NoExecute".to_owned())
        } else {
            continue;
        };
        cx.report(toleration.place(path), message, "effects: NoSchedule, PreferNoSchedule, NoExecute; operators: Exists, Equal");
    }
}
