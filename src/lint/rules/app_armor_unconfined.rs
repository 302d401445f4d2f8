//! `app-armor-unconfined`: reports the AppArmor profile `Unconfined`.

use crate::lint::context::Context;
use crate::lint::context::template_path;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    let pods = cx.pods().iter().map(|p| &p.spec);
    for field in pods.chain(cx.containers().map(|(_, c)| &c.field)) {
        if let Some(kind) = field.get("securityContext.appArmorProfile.type").filter(|f| f.str() == Some("Unconfined")) {
            cx.report(kind, "AppArmor is switched off", "use RuntimeDefault");
        }
    }
    for pod in cx.pods() {
        let path = template_path(pod.object).unwrap_or("");
        let path = if path.is_empty() { "metadata.annotations".to_owned() } else { format!("{path}.metadata.annotations") };
        for (key, value) in Field::root(pod.object).entries(&path) {
            if key.starts_with("container.apparmor.security.beta.kubernetes.io/") && value.str() == Some("unconfined") {
                cx.report(value, "AppArmor is switched off", "use runtime/default");
            }
        }
    }
}
