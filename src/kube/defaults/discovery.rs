//! Defaults of endpoint slices. upstream: pkg/apis/discovery/v1/defaults.go

use serde_json::Value;

use super::{absent, items};

pub(super) fn defaults(_version: &str, kind: &str, object: &mut Value) {
    if kind == "EndpointSlice" {
        for port in items(object, "ports") {
            absent(port, "name", "");
            absent(port, "protocol", "TCP");
        }
    }
}
