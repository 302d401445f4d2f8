//! Defaults of dynamic resource allocation. upstream: pkg/apis/resource/v*/defaults.go

use serde_json::Value;

use super::{absent, existing, generation, generation_and_status, items, remove, zero};

pub(super) fn defaults(version: &str, kind: &str, object: &mut Value) {
    match kind {
        "DeviceTaintRule" => existing(object, "spec").and_then(|spec| existing(spec, "taint")).into_iter().for_each(taint),
        "ResourceSlice" => {
            for device in existing(object, "spec").into_iter().flat_map(|spec| items(spec, "devices")) {
                let device = if version == "v1beta1" { existing(device, "basic") } else { Some(device) };
                device.into_iter().flat_map(|d| items(d, "taints")).for_each(taint);
            }
        }
        _ => {}
    }
    let spec = match kind {
        "ResourceClaim" => existing(object, "spec"),
        "ResourceClaimTemplate" => existing(object, "spec").and_then(|spec| existing(spec, "spec")),
        _ => return,
    };
    let Some(devices) = spec.and_then(|spec| existing(spec, "devices")) else { return };
    for request in items(devices, "requests") {
        if version == "v1beta1" {
            // Without a class the request consists of others.
            if request.get("deviceClassName").and_then(Value::as_str).is_some_and(|c| !c.is_empty()) {
                count(request);
            }
            tolerations(request);
        } else if let Some(exactly) = existing(request, "exactly") {
            count(exactly);
            tolerations(exactly);
        }
        for sub in items(request, "firstAvailable") {
            count(sub);
            tolerations(sub);
        }
    }
}

fn taint(taint: &mut Value) {
    absent(taint, "timeAdded", "1970-01-01T00:00:00Z");
}

fn tolerations(request: &mut Value) {
    items(request, "tolerations").for_each(|t| zero(t, "operator", "Equal"));
}

fn count(request: &mut Value) {
    zero(request, "allocationMode", "ExactCount");
    if request.get("allocationMode").and_then(Value::as_str) == Some("ExactCount") {
        zero(request, "count", 1);
    }
}

/// upstream: pkg/registry/resource/*/strategy.go
pub(super) fn prepare(_version: &str, kind: &str, object: &mut Value) {
    match kind {
        "ResourceSlice" | "DeviceClass" => generation(object),
        "DeviceTaintRule" => generation_and_status("", kind, object),
        "ResourceClaim" => {
            remove(object, "status");
        }
        _ => {}
    }
}
