//! Defaults of the autoscaling group. upstream: pkg/apis/autoscaling/v2/defaults.go

use serde_json::Value;
use serde_json::json;

use super::{absent, existing, is_zero, object, remove, set};

pub(super) fn defaults(version: &str, kind: &str, value: &mut Value) {
    if kind != "HorizontalPodAutoscaler" {
        return;
    }
    let other_metrics = value.pointer("/metadata/annotations/autoscaling.alpha.kubernetes.io~1metrics").is_some();
    let Some(spec) = object(value, "spec") else { return };
    absent(spec, "minReplicas", 1);
    if version == "v1" {
        if !other_metrics {
            absent(spec, "targetCPUUtilizationPercentage", 80);
        }
        return;
    }
    if is_zero(spec, "metrics") {
        let target = json!({"type": "Utilization", "averageUtilization": 80});
        set(spec, "metrics", json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]));
    }
    let Some(behavior) = existing(spec, "behavior") else { return };
    let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
    let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
    if let Some(up) = object(behavior, "scaleUp") {
        absent(up, "stabilizationWindowSeconds", 0);
        absent(up, "selectPolicy", "Max");
        absent(up, "policies", json!([pods, percent]));
    }
    if let Some(down) = object(behavior, "scaleDown") {
        absent(down, "selectPolicy", "Max");
        absent(down, "policies", json!([percent]));
    }
}

pub(super) fn prepare(_: &str, _: &str, value: &mut Value) {
    remove(value, "status");
}
