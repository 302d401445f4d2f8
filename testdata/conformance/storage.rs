//! What is seen of PersistentVolumes and PodDisruptionBudgets.

use std::collections::BTreeMap;

use kval::simulate::controllers::ControlPlane;
use serde_json::{Map, Value as Json, json};

pub(super) fn seen(plane: &ControlPlane, out: &mut BTreeMap<String, Json>) {
    let row = |v: &kval::simulate::apiserver::Object| json!([v.status["phase"], v.spec["claimRef"]["name"]]);
    let volumes: Map<String, Json> = plane.api.list("PersistentVolume").map(|v| (v.meta.name.clone(), row(v))).collect();
    if !volumes.is_empty() {
        out.insert("pv".to_owned(), volumes.into());
    }
    let claim = |c: &kval::simulate::apiserver::Object| json!([c.status["phase"], c.spec.get("volumeName").filter(|v| *v != "")]);
    let claims: Map<String, Json> = plane.api.list("PersistentVolumeClaim").map(|c| (c.meta.name.clone(), claim(c))).collect();
    if !claims.is_empty() {
        out.insert("pvc".to_owned(), claims.into());
    }
    for budget in plane.api.list("PodDisruptionBudget") {
        let mut row = Map::new();
        for field in ["currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"] {
            row.insert(field.to_owned(), budget.count(field).into());
        }
        let conditions = budget.status["conditions"].as_array().into_iter().flatten();
        let text = |c: &Json, key: &str| c[key].as_str().unwrap_or("").to_owned();
        let shown = conditions.map(|c| Json::from(format!("{}={} {}", text(c, "type"), text(c, "status"), text(c, "reason"))));
        row.insert("conditions".to_owned(), shown.collect());
        out.insert(format!("pdb:{}", budget.meta.name), row.into());
    }
}
