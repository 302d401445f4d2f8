//! Defaults of storage. upstream: pkg/apis/storage/v1/defaults.go

use serde_json::Value;
use serde_json::json;

use super::{absent, existing, remove, zero};

pub(super) fn defaults(_version: &str, kind: &str, object: &mut Value) {
    match kind {
        "StorageClass" => {
            absent(object, "reclaimPolicy", "Delete");
            absent(object, "volumeBindingMode", "Immediate");
        }
        "CSIDriver" => {
            let Some(spec) = super::object(object, "spec") else { return };
            absent(spec, "attachRequired", true);
            for field in ["podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount"] {
                absent(spec, field, false);
            }
            absent(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
            zero(spec, "volumeLifecycleModes", json!(["Persistent"]));
        }
        _ => {}
    }
}

/// upstream: pkg/registry/storage/*/strategy.go, plugin/pkg/admission/storage/storageobjectinuseprotection
pub(super) fn prepare(_version: &str, kind: &str, object: &mut Value) {
    match kind {
        // The gate VolumeLimitScaling is off.
        "CSIDriver" => {
            if let Some(spec) = existing(object, "spec") {
                remove(spec, "preventPodSchedulingIfMissing");
            }
        }
        "VolumeAttachment" => {
            remove(object, "status");
        }
        _ => {}
    }
}

/// What admission adds.
pub(super) fn finish(_version: &str, kind: &str, object: &mut Value) {
    const PROTECTION: &str = "kubernetes.io/vac-protection";
    if kind != "VolumeAttributesClass" {
        return;
    }
    let Some(meta) = super::object(object, "metadata") else { return };
    let mut finalizers = meta.get("finalizers").and_then(Value::as_array).cloned().unwrap_or_default();
    if !finalizers.iter().any(|f| f == PROTECTION) {
        finalizers.push(PROTECTION.into());
        super::set(meta, "finalizers", finalizers);
    }
}
