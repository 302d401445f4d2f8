//! EndpointSlices: which pods stand behind a Service. upstream: pkg/controller/endpointslice, staging endpointslice

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::ControlPlane;
use super::phase;
use super::pods;
use super::selection::Selection;
use crate::simulate::apiserver::ApiServer;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::Shared;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::facts::address;
use crate::simulate::apiserver::facts::node_name;
use crate::simulate::apiserver::write::quote;
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
    let selection = plane.selections.of(&service);
    plane.api.index_labels();
    let wanted = wanted(&plane.api, &service, &selection);
    store(plane, &service, wanted);
}

/// What the slices of a Service are to say.
fn wanted(api: &ApiServer, service: &Object, selection: &Selection) -> Vec<Vec<u8>> {
    let publish = at(&service.spec, &["publishNotReadyAddresses"]) == true;
    let known = api.knows_nodes().filter(|_| !publish);
    // Only ports that are named may be others at other pods.
    let named = list(&service.spec, &["ports"]).iter().any(|p| at(p, &["targetPort"]).is_string());
    let mut groups: BTreeMap<Cow<'_, str>, Vec<Endpoint<'_>>> = BTreeMap::new();
    let mut alike = Vec::new();
    for pod in api.selected_pods(&service.meta.namespace, &selection.pods, selection.selects()) {
        let ip = address(pod);
        let node = node_name(pod);
        if ip.is_empty() || matches!(phase(pod), "Succeeded" | "Failed") {
            continue;
        }
        if known.as_ref().is_some_and(|known| !known(node)) {
            continue;
        }
        let serving = super::pods::is_ready(pod) || publish;
        let terminating = pod.meta.is_deleted();
        let endpoint =
            Endpoint { address: ip, ready: serving && (publish || !terminating), serving, terminating, node, pod: &pod.meta.name };
        let ports = || ports_of(service, pod).to_string();
        if named {
            groups.entry(Cow::Owned(ports())).or_default().push(endpoint);
        } else {
            selection.ports.get_or_init(ports);
            alike.push(endpoint);
        }
    }
    if let Some(ports) = selection.ports.get().filter(|_| !alike.is_empty()) {
        groups.insert(Cow::Borrowed(ports), alike);
    }
    if groups.is_empty() {
        // A Service without pods has one slice that says so.
        groups.insert(Cow::Borrowed("[]"), Vec::new());
    }
    let mut out = Vec::new();
    for (ports, endpoints) in groups {
        match endpoints.as_slice() {
            [] => out.push(written(&ports, &[])),
            all => out.extend(all.chunks(MAX_ENDPOINTS).map(|chunk| written(&ports, chunk))),
        }
    }
    out
}

/// About so many bytes a slice says of a pod.
const WRITTEN: usize = 200;

/// What a slice says of a pod.
struct Endpoint<'a> {
    address: &'a str,
    ready: bool,
    serving: bool,
    terminating: bool,
    node: &'a str,
    pod: &'a str,
}

/// What a slice says, in the order in which JSON of ours has its fields; the ports are JSON.
fn written(ports: &str, endpoints: &[Endpoint<'_>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(WRITTEN * (endpoints.len() + 1));
    out.extend_from_slice(br#"{"addressType":"IPv4","endpoints":["#);
    for (i, one) in endpoints.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"" } else { b"," });
        out.extend_from_slice(br#"{"addresses":["#);
        quote(one.address, &mut out);
        for (key, is) in
            [(&br#"],"conditions":{"ready":"#[..], one.ready), (br#","serving":"#, one.serving), (br#","terminating":"#, one.terminating)]
        {
            out.extend_from_slice(key);
            out.extend_from_slice(if is { b"true" } else { b"false" });
        }
        out.extend_from_slice(br#"},"nodeName":"#);
        quote(one.node, &mut out);
        out.extend_from_slice(br#","targetRef":{"kind":"Pod","name":"#);
        quote(one.pod, &mut out);
        out.extend_from_slice(b"}}");
    }
    out.extend_from_slice(br#"],"ports":"#);
    out.extend_from_slice(ports.as_bytes());
    out.push(b'}');
    out
}

/// Whether a pod stands behind its services as it did before. upstream: podEndpointsChanged
pub(super) fn is_same_endpoint(old: &Object, new: &Object) -> bool {
    let status = |pod: &Object| {
        let over = matches!(phase(pod), "Succeeded" | "Failed");
        (over, pods::is_ready(pod), address(pod).to_owned())
    };
    old.meta.deletion == new.meta.deletion && old.spec == new.spec && status(old) == status(new)
}

fn store(plane: &mut ControlPlane, service: &Object, wanted: Vec<Vec<u8>>) {
    let present: Vec<Arc<Object>> = plane.api.dependents(service.meta.uid).filter(|o| o.kind == "EndpointSlice").cloned().collect();
    let many = wanted.len();
    for (i, text) in wanted.into_iter().enumerate() {
        if let Some(slice) = present.get(i) {
            if slice.rest.to_text() != text {
                let mut changed = slice.without_rest();
                changed.rest = Shared::from_text(text);
                plane.api.update(changed);
            }
            continue;
        }
        let mut slice = Object::new("discovery.k8s.io/v1", "EndpointSlice", &service.meta.namespace, "");
        slice.meta.generate_name = format!("{}-", service.meta.name);
        slice.meta.labels.insert(SERVICE_NAME.to_owned(), service.meta.name.clone());
        slice.meta.owners = vec![service.as_controller()];
        slice.rest = Shared::from_text(text);
        // A name that is taken is tried again with the next change.
        drop(plane.api.create(slice));
    }
    for slice in present.iter().skip(many) {
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
            let mut entry = json!({"name": text(port, &["name"]), "port": number, "protocol": protocol});
            if at(port, &["appProtocol"]).is_string() {
                entry["appProtocol"] = port["appProtocol"].clone();
            }
            out.push(entry);
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
