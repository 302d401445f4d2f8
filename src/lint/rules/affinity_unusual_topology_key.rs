//! `affinity-unusual-topology-key`: reports a topology key that is no label that nodes usually carry.

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    let nodes = cx.all("Node");
    for pod in cx.pods() {
        let mut terms: Vec<Field> = pod.spec.items("topologySpreadConstraints");
        for kind in ["podAffinity", "podAntiAffinity"] {
            terms.extend(pod.spec.items(&format!("affinity.{kind}.requiredDuringSchedulingIgnoredDuringExecution")));
            let preferred = pod.spec.items(&format!("affinity.{kind}.preferredDuringSchedulingIgnoredDuringExecution"));
            terms.extend(preferred.iter().filter_map(|p| p.get("podAffinityTerm")));
        }
        for term in terms {
            let Some(key) = term.get("topologyKey") else { continue };
            let Some(text) = key.str().filter(|t| !t.is_empty()) else { continue };
            // A label with a domain is somebody's on purpose.
            let usual = text.contains('/')
                || matches!(text, "hostname" | "zone" | "region" | "rack" | "topology")
                || cx.param("allowed").iter().any(|a| a == text);
            if !usual && !nodes.iter().any(|n| labels::labels(n, "metadata.labels").contains_key(text)) {
                cx.report(key, format!("`{text}` is no usual label of nodes"), "use kubernetes.io/hostname or topology.kubernetes.io/zone");
            }
        }
    }
}
