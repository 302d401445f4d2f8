//! What a Service has from its server: addresses and ports.

use serde_json::Value;
use serde_json::json;

use crate::kube;
use crate::simulate::apiserver::Object;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// What a Service may need that no other one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Free {
    /// An address of the cluster.
    Address,
    /// A port of all nodes.
    Port,
}

/// Fills in what a Service has from its server; nothing when it needs what `free` does not give.
/// upstream: pkg/registry/core/service/storage/alloc.go
pub(super) fn complete(service: &mut Object, old: Option<&Object>, mut free: impl FnMut(Free) -> Option<Value>) -> Option<()> {
    let kind = text(&service.spec, &["type"]).to_owned();
    let before = old.map(|o| o.spec.clone()).unwrap_or_default();
    if kind != "ExternalName" && text(&service.spec, &["clusterIP"]).is_empty() {
        let kept = text(&before, &["clusterIP"]).to_owned();
        let address = if kept.is_empty() { free(Free::Address)? } else { kept.into() };
        let spec = service.spec_mut();
        spec["clusterIP"] = address;
    }
    let spec = service.spec_mut();
    if kind != "ExternalName" && spec.is_object() {
        if list(spec, &["clusterIPs"]).is_empty() {
            spec["clusterIPs"] = json!([spec["clusterIP"]]);
        }
        for (key, value) in [("ipFamilies", json!(["IPv4"])), ("ipFamilyPolicy", json!("SingleStack"))] {
            if spec[key].is_null() {
                spec[key] = value;
            }
        }
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") && at(spec, &["allocateLoadBalancerNodePorts"]) != false {
        let count = list(spec, &["ports"]).len();
        for i in 0..count {
            if int(&service.spec, &["ports"]).is_none()
                && list(&service.spec, &["ports"])[i].get("nodePort").and_then(Value::as_i64).unwrap_or(0) == 0
            {
                let same = |p: &&Value| p["port"] == list(&service.spec, &["ports"])[i]["port"];
                let kept = list(&before, &["ports"]).iter().find(same).and_then(|p| p["nodePort"].as_i64()).filter(|p| *p > 0);
                let port = kept.map_or_else(|| free(Free::Port), |port| Some(port.into()))?;
                service.spec_mut()["ports"][i]["nodePort"] = port;
            }
        }
    }
    if service.status.is_null() {
        service.status = json!({"loadBalancer": {}}).into();
    }
    Some(())
}

/// A Service that replaces another, with what that one has; `new` is the same as it was sent.
pub(super) fn with_allocated(service: &mut Object, new: &Value, before: &Value) -> Value {
    let new = kube::service_with_allocated(new, before);
    service.spec = at(&new, &["spec"]).clone().into();
    new
}
