//! `kubectl describe`: an object and what belongs to it, as text. upstream: kubectl/pkg/describe

mod access;
mod cluster;
mod generic;
mod network;
mod out;
mod pod;
mod volume;
mod workload;

use std::cell::OnceCell;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde_json::Value;

use super::api::{Api, Nanos, Refused};
use super::resources::Resource;
use crate::simulate::apiserver::{Parts, Wanted};
use crate::simulate::scheduler::json::{at, int, list, text};
use out::Out;

/// Lists that were asked for, by group, resource and namespace.
type Lists = BTreeMap<(String, String, String), Rc<Vec<Value>>>;

/// Where describe finds what belongs to an object.
pub(super) struct Store<'a> {
    api: &'a dyn Api,
    resources: Vec<Resource>,
    lists: RefCell<Lists>,
    by_node: OnceCell<BTreeMap<String, Vec<cluster::NodePod>>>,
    phases: RefCell<BTreeMap<String, Rc<Phases>>>,
}

/// How many pods are in each of [`PHASES`], by the uid of who controls them.
type Phases = BTreeMap<String, [usize; 4]>;

const PHASES: [&str; 4] = ["Running", "Pending", "Succeeded", "Failed"];

/// Whose a pod is, and its phase.
const OWNED: Parts = Parts {
    metadata: Wanted::Fields(&[("ownerReferences", Wanted::All)]),
    spec: Wanted::NOTHING,
    status: Wanted::Fields(&[("phase", Wanted::All)]),
};

impl<'a> Store<'a> {
    /// All that a server has; it is asked once for each list.
    pub(super) fn new(api: &'a dyn Api) -> Self {
        Self { api, resources: api.resources(), lists: RefCell::default(), by_node: OnceCell::new(), phases: RefCell::default() }
    }

    /// How the pods of a namespace stand.
    fn phases(&self, namespace: &str) -> Rc<Phases> {
        if let Some(known) = self.phases.borrow().get(namespace) {
            return Rc::clone(known);
        }
        let counted: Mutex<Phases> = Mutex::default();
        if let Some(pods) = self.resources.iter().find(|r| r.is("", "pods")) {
            let count = |_: usize, pod: Value| {
                let Some(phase) = PHASES.iter().position(|phase| text(&pod, &["status", "phase"]) == *phase) else { return };
                let owners = list(&pod, &["metadata", "ownerReferences"]).iter().filter(|r| r["controller"] == true);
                let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
                for owner in owners {
                    counted.entry(text(owner, &["uid"]).to_owned()).or_default()[phase] += 1;
                }
            };
            // Where the server refuses there are none.
            let _ = self.api.visit(pods, namespace, &|_, _| true, Some(&OWNED), &count);
        }
        let counted = Rc::new(counted.into_inner().unwrap_or_else(PoisonError::into_inner));
        self.phases.borrow_mut().insert(namespace.to_owned(), Rc::clone(&counted));
        counted
    }

    /// The objects of a resource in a namespace (all for ""), none where the server refuses.
    pub(super) fn list(&self, group: &str, resource: &str, namespace: &str) -> Rc<Vec<Value>> {
        let key = (group.to_owned(), resource.to_owned(), namespace.to_owned());
        if let Some(known) = self.lists.borrow().get(&key) {
            return Rc::clone(known);
        }
        let found = self.resources.iter().find(|r| r.is(group, resource));
        let listed = Rc::new(found.and_then(|r| self.api.list(r, namespace).ok()).unwrap_or_default());
        self.lists.borrow_mut().insert(key, Rc::clone(&listed));
        listed
    }

    /// The pods that have not come to their end, by node.
    fn pods_by_node(&self) -> &BTreeMap<String, Vec<cluster::NodePod>> {
        let pods = self.resources.iter().find(|r| r.is("", "pods"));
        self.by_node.get_or_init(|| pods.map(|r| cluster::pods_by_node(self.api, r)).unwrap_or_default())
    }

    /// The events about objects of these uids; none where the server refuses.
    fn events(&self, namespace: &str, uids: &[&str]) -> Vec<Value> {
        let found = self.resources.iter().find(|r| r.is("", "events"));
        found.and_then(|r| self.api.events_about(r, namespace, uids).ok()).unwrap_or_default()
    }

    /// One object.
    pub(super) fn get(&self, group: &str, resource: &str, namespace: &str, name: &str) -> Result<Value, Refused> {
        let found = self.resources.iter().find(|r| r.is(group, resource));
        found.map_or_else(
            || Err(super::api::Status::new(404, "NotFound", "the server could not find the requested resource").into()),
            |r| self.api.get(r, namespace, name),
        )
    }
}

/// Describes an object; with its events unless `events` is false.
pub(super) fn describe(store: &Store<'_>, resource: &Resource, object: &Value, events: bool) -> String {
    let mut out = Out::new(store.api.now());
    let told = body(&mut out, store, resource, object);
    if events && told {
        let found = events_of(store, resource, object);
        events_table(&mut out, &found);
    }
    out.finish()
}

/// Describes a pod without its events: nothing else has to be looked up for that.
pub(super) fn pod_alone(now: Nanos, object: &Value) -> String {
    let mut out = Out::new(now);
    pod::describe(&mut out, object);
    out.finish()
}

/// Writes what a kind shows; whether its events follow.
fn body(out: &mut Out, store: &Store<'_>, resource: &Resource, object: &Value) -> bool {
    let namespace = text(object, &["metadata", "namespace"]);
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Pod") => pod::describe(out, object),
        ("", "ReplicationController") | ("apps", "ReplicaSet") => workload::replica_set(out, object, store),
        ("apps", "Deployment") => workload::deployment(out, object, &store.list("apps", "replicasets", namespace)),
        ("apps", "StatefulSet") => workload::stateful_set(out, object, store),
        ("apps", "DaemonSet") => workload::daemon_set(out, object, store),
        ("batch", "Job") => workload::job(out, object),
        ("batch", "CronJob") => workload::cron_job(out, object),
        ("autoscaling", "HorizontalPodAutoscaler") => workload::autoscaler(out, object),
        ("policy", "PodDisruptionBudget") => workload::budget(out, object),
        ("", "Service") => network::service(out, object, store),
        ("", "Endpoints") => network::endpoints(out, object),
        ("discovery.k8s.io", "EndpointSlice") => network::endpoint_slice(out, object),
        ("networking.k8s.io", "Ingress") => network::ingress(out, object, store),
        ("networking.k8s.io", "IngressClass") => network::ingress_class(out, object),
        ("networking.k8s.io", "ServiceCIDR") => network::service_cidr(out, object),
        ("networking.k8s.io", "IPAddress") => network::ip_address(out, object),
        ("networking.k8s.io", "NetworkPolicy") => {
            network::policy(out, object);
            return false;
        }
        ("", "PersistentVolume") => volume::persistent(out, object),
        ("", "PersistentVolumeClaim") => volume::claim(out, object, &store.list("", "pods", namespace)),
        ("storage.k8s.io", "StorageClass") => volume::storage_class(out, object),
        ("storage.k8s.io", "VolumeAttributesClass") => cluster::attributes_class(out, object),
        ("storage.k8s.io", "CSINode") => cluster::csi_node(out, object),
        ("scheduling.k8s.io", "PriorityClass") => cluster::priority_class(out, object),
        ("", "Node") => cluster::node(out, object, store),
        ("", "Namespace") => {
            cluster::namespace(out, object, store);
            return false;
        }
        ("", "ResourceQuota") => {
            cluster::quota(out, object);
            return false;
        }
        ("", "LimitRange") => {
            cluster::limit_range(out, object);
            return false;
        }
        ("", "ConfigMap") => access::config_map(out, object),
        ("", "Secret") => {
            access::secret(out, object);
            return false;
        }
        ("", "ServiceAccount") => access::service_account(out, object),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => {
            access::role(out, object);
            return false;
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            access::binding(out, object);
            return false;
        }
        ("certificates.k8s.io", "CertificateSigningRequest") => access::signing_request(out, object),
        _ => generic::describe(out, object),
    }
    true
}

/// The events about an object. upstream: searchEvents
fn events_of(store: &Store<'_>, resource: &Resource, object: &Value) -> Vec<Value> {
    let meta = |key: &str| text(object, &["metadata", key]);
    // Objects without a namespace have their events in all of them.
    let all = store.events(meta("namespace"), &[meta("uid"), meta("name")]);
    let kind = if resource.is("", "pods") { "" } else { resource.kind.as_str() };
    let about = |e: &Value, uid: &str| {
        let of = |key: &str| text(e, &["involvedObject", key]);
        of("name") == meta("name")
            && of("namespace") == meta("namespace")
            && (kind.is_empty() || of("kind") == kind)
            && (uid.is_empty() || of("uid") == uid)
    };
    let mut found: Vec<Value> = all.iter().filter(|e| about(e, meta("uid"))).cloned().collect();
    if resource.is("", "nodes") {
        // The kubelet writes the node's name where the uid belongs.
        found.extend(all.iter().filter(|e| about(e, meta("name"))).cloned());
    }
    found
}

/// upstream: DescribeEvents
fn events_table(out: &mut Out, events: &[Value]) {
    if events.is_empty() {
        out.field(0, "Events", "<none>");
        return;
    }
    out.flush();
    let mut sorted: Vec<&Value> = events.iter().collect();
    sorted.sort_by_key(|e| super::times::parse(at(e, &["lastTimestamp"])));
    out.line(0, "Events:");
    out.line(0, "  Type\tReason\tAge\tFrom\tMessage");
    out.line(1, "----\t------\t----\t----\t-------");
    for e in sorted {
        let first = if at(e, &["eventTime"]).is_null() { at(e, &["firstTimestamp"]) } else { at(e, &["eventTime"]) };
        let first = out.since(first);
        let series = at(e, &["series"]);
        let count = int(e, &["count"]).unwrap_or(0);
        let interval = if series.is_object() {
            let last = out.since(at(series, &["lastObservedTime"]));
            format!("{last} (x{} over {first})", int(series, &["count"]).unwrap_or(0))
        } else if count > 1 {
            format!("{} (x{count} over {first})", out.since(at(e, &["lastTimestamp"])))
        } else {
            first
        };
        let source = out::or(text(e, &["source", "component"]), text(e, &["reportingComponent"]));
        let mut message = text(e, &["message"]).trim().to_owned();
        let path = text(e, &["involvedObject", "fieldPath"]);
        if !path.is_empty() {
            message = format!("{path}: {message}");
        }
        let (kind, reason) = (text(e, &["type"]), text(e, &["reason"]));
        out.line(1, &format!("{kind}\t{reason}\t{interval}\t{source}\t{message}"));
    }
}

/// Pods of a controller by phase: running, waiting, succeeded, failed. upstream: getPodStatusForController
fn pods_line(object: &Value, store: &Store<'_>) -> String {
    let phases = store.phases(text(object, &["metadata", "namespace"]));
    let [running, waiting, succeeded, failed] = phases.get(text(object, &["metadata", "uid"])).copied().unwrap_or_default();
    format!("{running} Running / {waiting} Waiting / {succeeded} Succeeded / {failed} Failed")
}

/// A pod template as `rollout history --revision` shows it: its columns are not aligned.
pub fn pod_template(template: &Value) -> String {
    let mut out = Out::new(0);
    pod::template(&mut out, template);
    out.raw().to_owned()
}

/// The lines of a table of access rules, their cells apart by tabs.
pub fn rule_lines(rules: &[Value]) -> Vec<String> {
    access::compact(rules).iter().map(access::Rule::line).collect()
}

/// Whether a deployment rolls out no further.
pub fn is_paused(deployment: &Value) -> bool {
    workload::is_paused(deployment)
}
