//! What creation does to leases. upstream: pkg/registry/coordination/lease/strategy.go

use serde_json::Value;

use super::existing;
use super::remove;

/// The gate CoordinatedLeaderElection is off.
pub(super) fn prepare(_version: &str, kind: &str, object: &mut Value) {
    if kind == "Lease"
        && let Some(spec) = existing(object, "spec")
    {
        remove(spec, "strategy");
        remove(spec, "preferredHolder");
    }
}
