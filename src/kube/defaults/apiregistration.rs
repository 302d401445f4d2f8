//! Defaults of API services. upstream: kube-aggregator/pkg/apis/apiregistration/v1/defaults.go

use serde_json::Value;

use super::{absent, existing};

pub(super) fn defaults(_version: &str, kind: &str, object: &mut Value) {
    if kind == "APIService"
        && let Some(service) = existing(object, "spec").and_then(|spec| existing(spec, "service"))
    {
        absent(service, "port", 443);
    }
}
