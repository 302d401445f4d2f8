//! Defaults of storage. upstream: pkg/apis/storage/v1/defaults.go

use serde_json::Value;
use serde_json::json;

use super::{absent, zero};

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
