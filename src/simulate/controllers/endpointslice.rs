//! EndpointSlices: which pods stand behind a Service. upstream: pkg/controller/endpointslice, staging endpointslice

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::ControlPlane;
use super::phase;
use super::pods;
use super::selector_of;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::Uid;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// Endpoints of one slice at most.
const MAX_ENDPOINTS: usize = 100;
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// Brings the slices of a Service up to date.
pub fn sync_service(plane: &mut ControlPlane, uid: Uid) {
    let Some(service) = plane.api.get(uid).cloned() else { return };
    if service.meta.is_deleted() || at(&service.spec, &["selector"]).is_null() || text(&service.spec, &["type"]) == "ExternalName" {
        return;
    }
    let selector = selector_of(&service);
    let publish = at(&service.spec, &["publishNotReadyAddresses"]) == true;
    let known = plane.api.list("Node").next().is_some();
    let mut groups: BTreeMap<String, (Value, Vec<Value>)> = BTreeMap::new();
    for pod in plane.api.list_in("Pod", &service.meta.namespace).filter(|p| selector.matches(&p.meta.labels)) {
        let address = text(&pod.status, &["podIP"]);
        let node = text(&pod.spec, &["nodeName"]);
        if address.is_empty() || matches!(phase(pod), "Succeeded" | "Failed") {
            continue;
        }
        if known && !publish && plane.api.find("Node", "", node).is_none() {
            continue;
        }
        let ports = ports_of(&service, pod);
        let serving = pods::is_ready(pod) || publish;
        let endpoint = json!({
            "addresses": [address],
            "conditions": {"ready": serving && (publish || !pod.meta.is_deleted()), "serving": serving, "terminating": pod.meta.is_deleted()},
            "nodeName": node,
            "targetRef": {"kind": "Pod", "name": pod.meta.name},
        });
        groups.entry(ports.to_string()).or_insert_with(|| (ports, Vec::new())).1.push(endpoint);
    }
    if groups.is_empty() {
        // A Service without pods has one slice that says so.
        groups.insert(String::new(), (json!([]), Vec::new()));
    }
    let mut wanted = Vec::new();
    for (ports, endpoints) in groups.into_values() {
        let mut chunks: Vec<Vec<Value>> = endpoints.chunks(MAX_ENDPOINTS).map(<[Value]>::to_vec).collect();
        if chunks.is_empty() {
            chunks.push(Vec::new());
        }
        wanted.extend(chunks.into_iter().map(|c| (ports.clone(), c)));
    }
    store(plane, &service, wanted);
}

fn fill(slice: &mut Object, ports: Value, endpoints: Value) {
    slice.rest.insert("addressType".to_owned(), "IPv4".into());
    slice.rest.insert("ports".to_owned(), ports);
    slice.rest.insert("endpoints".to_owned(), endpoints);
}

fn store(plane: &mut ControlPlane, service: &Object, wanted: Vec<(Value, Vec<Value>)>) {
    let present: Vec<Arc<Object>> = plane.api.dependents(service.meta.uid).filter(|o| o.kind == "EndpointSlice").cloned().collect();
    let count = wanted.len();
    for (i, (ports, endpoints)) in wanted.into_iter().enumerate() {
        let endpoints = Value::Array(endpoints);
        if let Some(slice) = present.get(i) {
            let same = slice.rest.get("ports") == Some(&ports) && slice.rest.get("endpoints") == Some(&endpoints);
            if !same {
                plane.api.edit(slice.meta.uid, |slice| fill(slice, ports, endpoints));
            }
            continue;
        }
        let mut slice = Object::new("discovery.k8s.io/v1", "EndpointSlice", &service.meta.namespace, "");
        slice.meta.generate_name = format!("{}-", service.meta.name);
        slice.meta.labels.insert(SERVICE_NAME.to_owned(), service.meta.name.clone());
        slice.meta.owners = vec![service.as_controller()];
        fill(&mut slice, ports, endpoints);
        // A name that is taken is tried again with the next change.
        drop(plane.api.create(slice));
    }
    for slice in present.iter().skip(count) {
        plane.api.delete(slice.meta.uid, Propagation::Background);
    }
}

/// The ports of a Service at one pod; names are looked up in its containers. upstream: getEndpointPorts, FindPort
fn ports_of(service: &Object, pod: &Object) -> Value {
    let mut out = Vec::new();
    for port in list(&service.spec, &["ports"]) {
        let protocol = match text(port, &["protocol"]) {
            "" => "TCP",
            given => given,
        };
        let number = match at(port, &["targetPort"]) {
            Value::String(name) => named_port(pod, name, protocol),
            Value::Number(n) if n.as_i64() != Some(0) => n.as_i64(),
            _ => at(port, &["port"]).as_i64(),
        };
        if let Some(number) = number {
            out.push(
                json!({"name": text(port, &["name"]), "port": number, "protocol": protocol, "appProtocol": at(port, &["appProtocol"])}),
            );
        }
    }
    out.into()
}

fn named_port(pod: &Object, name: &str, protocol: &str) -> Option<i64> {
    let sidecars = list(&pod.spec, &["initContainers"]).iter().filter(|c| text(c, &["restartPolicy"]) == "Always");
    let all = list(&pod.spec, &["containers"]).iter().chain(sidecars);
    let same = |p: &&Value| {
        text(p, &["name"]) == name && matches!(text(p, &["protocol"]), p if p == protocol || (p.is_empty() && protocol == "TCP"))
    };
    all.flat_map(|c| list(c, &["ports"])).find(same).and_then(|p| p["containerPort"].as_i64())
}
