//! `se-linux-options`: reports SELinux options that the baseline Pod Security Standard forbids: a user, a role, or
//! a type other than those for containers.

use crate::lint::context::Context;
use crate::lint::field::Field;

const TYPES: &[&str] = &["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let mut found: Vec<Field> = pod.spec.get("securityContext.seLinuxOptions").into_iter().collect();
        found.extend(pod.containers.iter().filter_map(|c| c.field.get("securityContext.seLinuxOptions")));
        for options in found {
            if let Some(kind) = options.get("type").filter(|t| t.str().is_some_and(|t| !TYPES.contains(&t))) {
                cx.report(
                    kind,
                    format!("the SELinux type `{}` is not among those for containers", kind.str().unwrap_or("")),
                    "use container_t, or leave it out",
                );
            }
            for name in ["user", "role"] {
                if let Some(field) = options.get(name).filter(|f| f.str().is_some_and(|t| !t.is_empty())) {
                    cx.report(field, format!("the SELinux {name} is set"), "leave it out");
                }
            }
        }
    }
}
