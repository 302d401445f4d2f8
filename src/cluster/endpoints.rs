//! The Endpoints of services, told from their slices: what a service with a selector has beside them. upstream:
//! pkg/controller/endpoint, staging/src/k8s.io/endpointslice

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use super::Cluster;
use super::present;
use crate::simulate::apiserver::Object;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// Addresses that share ports: those that are ready, and the others.
type Sides = (Vec<Value>, Vec<Value>);

impl Cluster {
    /// The Endpoints of a namespace, or of all, that services have; those that somebody made are stored.
    pub(super) fn endpoints(&self, namespace: &str) -> Vec<Value> {
        let here = |o: &&std::sync::Arc<Object>| namespace.is_empty() || o.meta.namespace == namespace;
        let chooses = |o: &&std::sync::Arc<Object>| at(&o.spec, &["selector"]).is_object() && text(&o.spec, &["type"]) != "ExternalName";
        let missing = |o: &&std::sync::Arc<Object>| self.plane.api.find("Endpoints", &o.meta.namespace, &o.meta.name).is_none();
        let services = self.plane.api.list("Service").filter(here).filter(chooses).filter(missing);
        services.map(|service| self.endpoints_of(service)).collect()
    }

    fn endpoints_of(&self, service: &Object) -> Value {
        let (home, name) = (&service.meta.namespace, &service.meta.name);
        let mut groups: BTreeMap<String, (Value, Sides)> = BTreeMap::new();
        let mut version = service.meta.version;
        for slice in self.plane.api.list_in("EndpointSlice", home) {
            if slice.meta.labels.get(SERVICE_NAME) != Some(name) {
                continue;
            }
            version = version.max(slice.meta.version);
            let slice = present::object(slice);
            let mut ports = list(&slice, &["ports"]).to_vec();
            for port in ports.iter_mut().filter_map(Value::as_object_mut) {
                port.retain(|_, value| !value.is_null() && *value != "");
            }
            for endpoint in list(&slice, &["endpoints"]) {
                let group = groups.entry(json!(ports).to_string()).or_insert_with(|| (json!(ports), Sides::default()));
                let ready = at(endpoint, &["conditions", "ready"]) == true;
                if !ready && at(endpoint, &["conditions", "terminating"]) == true {
                    continue;
                }
                let side = if ready { &mut group.1.0 } else { &mut group.1.1 };
                side.extend(list(endpoint, &["addresses"]).iter().map(|ip| self.address(home, name, endpoint, ip)));
            }
        }
        let mut subsets = Vec::new();
        for (ports, (mut ready, mut other)) in groups.into_values() {
            let mut subset = json!({"ports": ports});
            for (key, side) in [("addresses", &mut ready), ("notReadyAddresses", &mut other)] {
                side.sort_by_cached_key(|a| text(a, &["ip"]).to_owned());
                if !side.is_empty() {
                    subset[key] = std::mem::take(side).into();
                }
            }
            if subset["addresses"].is_array() || subset["notReadyAddresses"].is_array() {
                subsets.push(subset);
            }
        }
        let mut labels = service.meta.labels.clone();
        labels.insert("endpoints.kubernetes.io/managed-by".to_owned(), "endpoint-controller".to_owned());
        if text(&service.spec, &["clusterIP"]) == "None" {
            labels.insert("service.kubernetes.io/headless".to_owned(), String::new());
        }
        let since = present::rfc3339(service.meta.created);
        let mut out = json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {
            "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": since}, "creationTimestamp": since,
            "labels": labels, "name": name, "namespace": home, "resourceVersion": version.to_string(),
            "uid": crate::simulate::apiserver::object::uid_text(service.meta.uid).replacen("00000000", "e0000000", 1)}});
        if !subsets.is_empty() {
            out["subsets"] = subsets.into();
        }
        out
    }

    /// An address of a pod. upstream: podToEndpointAddressForService
    fn address(&self, home: &str, service: &str, endpoint: &Value, ip: &Value) -> Value {
        let name = text(endpoint, &["targetRef", "name"]);
        let mut out =
            json!({"ip": ip, "nodeName": at(endpoint, &["nodeName"]), "targetRef": {"kind": "Pod", "name": name, "namespace": home}});
        if let Some(pod) = self.plane.api.find("Pod", home, name) {
            out["targetRef"]["uid"] = crate::simulate::apiserver::object::uid_text(pod.meta.uid).into();
            if text(&pod.spec, &["subdomain"]) == service && !text(&pod.spec, &["hostname"]).is_empty() {
                out["hostname"] = text(&pod.spec, &["hostname"]).into();
            }
        }
        out
    }
}
