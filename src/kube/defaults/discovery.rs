//! Defaults of endpoint slices. upstream: pkg/apis/discovery/v1/defaults.go

use serde_json::Value;

use super::{absent, generation, items, remove};

pub(super) fn defaults(_version: &str, kind: &str, object: &mut Value) {
    if kind == "EndpointSlice" {
        for port in items(object, "ports") {
            absent(port, "name", "");
            absent(port, "protocol", "TCP");
        }
    }
}

/// upstream: pkg/registry/discovery/endpointslice/strategy.go
pub(super) fn prepare(version: &str, kind: &str, object: &mut Value) {
    if kind == "EndpointSlice" {
        generation(object);
        if version == "v1" {
            for endpoint in items(object, "endpoints") {
                remove(endpoint, "deprecatedTopology");
            }
        }
    }
}
