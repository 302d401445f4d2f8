//! Objects to nodes and pods: workloads become the pods their controllers would create, and pods get what admission
//! gives them (priority, RuntimeClass, default tolerations) before the scheduler sees them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::{Map, Value, json};

use super::piece::Own;
use super::piece::Piece;
use super::scheduler::api::{Node, Owner, Pod, PodShape};
use super::scheduler::json::{at, int, list, name, namespace, scalar, text};
use super::scheduler::plugins::volume_binding::class_name;
use super::scheduler::selector::untolerated;
use super::scheduler::snapshot::Listers;

/// More pods than this are not created for one workload: a prediction for a typing error would take hours.
const MAX_REPLICAS: i64 = 20_000;

/// A cluster ready to be scheduled.
#[derive(Clone, Debug, Default)]
pub struct Expanded {
    /// Nodes in the order given.
    pub nodes: Vec<Node>,
    /// Other objects.
    pub listers: Listers,
    /// Pods in order of arrival, those with a node among them.
    pub pods: Vec<Arc<Pod>>,
}

/// Expands objects in their order.
pub fn expand(objects: &[Value]) -> Expanded {
    let objects: Vec<Piece> = objects.iter().cloned().map(Piece::from).collect();
    expand_all(&objects.iter().collect::<Vec<_>>(), &[])
}

fn expand_all(objects: &[&Piece], daemons: &[BTreeSet<String>]) -> Expanded {
    let mut out = Expanded::default();
    for object in objects {
        match object.kind() {
            "Pod" => {}
            "Node" => out.nodes.push(Node::new(object.value())),
            _ => out.listers.add(object.value()),
        }
    }
    let admission = Admission::new(objects);
    let mut shapes = Shapes::default();
    let nowhere = BTreeSet::new();
    for (input, object) in objects.iter().enumerate() {
        match object {
            Piece::Pod(own, model) => {
                let pod = shapes.shared(&admission, own, model, input);
                out.pods.push(Arc::new(pod));
            }
            Piece::Whole(object) => add(&mut out, &admission, &mut shapes, object, input, daemons.get(input).unwrap_or(&nowhere)),
        }
    }
    for (arrival, pod) in out.pods.iter_mut().enumerate() {
        Arc::make_mut(pod).arrival = arrival;
    }
    out
}

/// As [`expand`], with what the cluster's own controllers add before the scheduler looks: claims without a class get the
/// default one, and generic ephemeral volumes their claims. `daemons` are the nodes on which the DaemonSets, that are the
/// first objects, have their pods already.
pub fn expand_with_claims(objects: &[&Piece], daemons: &[BTreeSet<String>]) -> Expanded {
    let mut out = expand_all(objects, daemons);
    for pod in &out.pods {
        for volume in pod.volumes.iter().filter(|v| at(v, &["ephemeral", "volumeClaimTemplate"]).is_object()) {
            let mut claim = at(volume, &["ephemeral", "volumeClaimTemplate"]).clone();
            let claim_name = format!("{}-{}", pod.name, text(volume, &["name"]));
            claim["metadata"] = json!({"name": claim_name, "namespace": pod.namespace});
            out.listers.claims.entry((pod.namespace.clone(), claim_name)).or_insert(claim);
        }
    }
    claims_from_templates(&mut out);
    let marks = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
    let is_default = |class: &Value| marks.iter().any(|mark| text(class, &["metadata", "annotations", mark]) == "true");
    // Of several the newest counts, then the first by name.
    let newest = |a: &(&String, &Value), b: &(&String, &Value)| {
        let created = |v: &Value| text(v, &["metadata", "creationTimestamp"]).to_owned();
        created(a.1).cmp(&created(b.1)).then_with(|| b.0.cmp(a.0))
    };
    let default = out.listers.classes.iter().filter(|(_, class)| is_default(class)).max_by(newest).map(|(name, _)| name.clone());
    if let Some(default) = default {
        for claim in out.listers.claims.values_mut() {
            let none = at(claim, &["spec", "storageClassName"]).is_null() && class_name(claim).is_empty();
            if none && at(claim, &["spec"]).is_object() {
                claim["spec"]["storageClassName"] = default.as_str().into();
            }
        }
    }
    out
}

/// Claims for devices are made from their templates, one for each pod that names one.
fn claims_from_templates(out: &mut Expanded) {
    for pod in out.pods.iter_mut().filter(|p| p.device_claims.iter().any(|c| c.from_template && c.claim.is_none() && !c.skipped)) {
        let mut claims = pod.device_claims.to_vec();
        for wanted in claims.iter_mut().filter(|c| c.from_template && c.claim.is_none() && !c.skipped) {
            let Some(template) = out.listers.claim_templates.get(&(pod.namespace.clone(), wanted.template.clone())) else { continue };
            let claim_name = format!("{}-{}", pod.name, wanted.name);
            let owner = json!([{"apiVersion": "v1", "kind": "Pod", "name": pod.name, "controller": true}]);
            let metadata = json!({"name": claim_name, "namespace": pod.namespace, "ownerReferences": owner});
            let claim = json!({"kind": "ResourceClaim", "metadata": metadata, "spec": at(template, &["spec", "spec"])});
            out.listers.device_claims.entry((pod.namespace.clone(), claim_name.clone())).or_insert(claim);
            wanted.claim = Some(claim_name);
        }
        Arc::make_mut(pod).device_claims = claims.into();
    }
}

/// The shapes of pods seen so far, by what they are made of.
#[derive(Default)]
struct Shapes {
    by_text: BTreeMap<String, Arc<PodShape>>,
    /// A pod of each that share all but what is their own, by address.
    by_model: FxHashMap<usize, Pod>,
}

impl Shapes {
    /// One of the pods that share a model.
    fn shared(&mut self, admission: &Admission, own: &Own, model: &Arc<Value>, input: usize) -> Pod {
        let address = Arc::as_ptr(model) as usize;
        let first = self.by_model.get(&address).cloned().unwrap_or_else(|| {
            let mut pod = Value::clone(model);
            admission.complete(&mut pod);
            let shape = self.of(&pod);
            let first = Pod::with_shape(&pod, shape, Owner::default(), input);
            self.by_model.insert(address, first.clone());
            first
        });
        let source = Arc::new(Owner { kind: "Pod".to_owned(), name: own.name.to_string() });
        let (node_name, start_time) = (own.node.to_string(), own.started.to_string());
        Pod { name: own.name.to_string(), source, input, node_name, start_time, ..first }
    }

    fn of(&mut self, pod: &Value) -> Arc<PodShape> {
        let mut key = json!([at(pod, &["metadata", "labels"]), at(pod, &["metadata", "ownerReferences"]), namespace(pod)]);
        let spec: Map<String, Value> = at(pod, &["spec"])
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(field, _)| !matches!(field.as_str(), "nodeName" | "volumes" | "hostname"))
            .map(|(k, v)| (k.clone(), if k == "containers" || k == "initContainers" { read_of(v) } else { v.clone() }))
            .collect();
        let images: Vec<&Value> = list(pod, &["spec", "volumes"]).iter().map(|v| at(v, &["image"])).filter(|v| !v.is_null()).collect();
        if let Some(parts) = key.as_array_mut() {
            parts.extend([Value::Object(spec), json!(images)]);
        }
        Arc::clone(self.by_text.entry(key.to_string()).or_insert_with(|| Arc::new(PodShape::new(pod))))
    }
}

/// What the scheduler reads of containers: what their tokens are called differs from pod to pod.
fn read_of(containers: &Value) -> Value {
    let read = |c: &Value| -> Value {
        let fields = ["image", "ports", "resources", "restartPolicy"].map(|k| (k.to_owned(), at(c, &[k]).clone()));
        Value::Object(fields.into_iter().collect())
    };
    containers.as_array().into_iter().flatten().map(read).collect()
}

/// `there` are the nodes that have the pod of a DaemonSet already.
fn add(out: &mut Expanded, admission: &Admission, shapes: &mut Shapes, object: &Value, input: usize, there: &BTreeSet<String>) {
    let kind = text(object, &["kind"]);
    let own_name = name(object);
    let source = Owner { kind: kind.to_owned(), name: own_name.clone() };
    let template = at(object, &["spec", "template"]);
    let count = |field: &str, default: i64| int(object, &["spec", field]).unwrap_or(default).clamp(0, MAX_REPLICAS);
    let read = |mut pod: Value| {
        admission.complete(&mut pod);
        Pod::new(&pod, source.clone(), input)
    };
    // Pods of one template are alike but for their names.
    let many = |out: &mut Expanded, first: &dyn Fn() -> Value, n: i64| {
        let Some(model) = (n > 0).then(|| read(first())) else { return };
        out.pods.extend((0..n).map(|i| Arc::new(model.named(format!("{own_name}-{i:02}")))));
    };
    match kind {
        "Pod" => {
            let mut pod = object.clone();
            admission.complete(&mut pod);
            let shape = shapes.of(&pod);
            out.pods.push(Arc::new(Pod::with_shape(&pod, shape, source, input)));
        }
        "Deployment" => {
            // The hash only has to differ from those of other revisions.
            let hash = format!("revision-of-{own_name}");
            let set = format!("{own_name}-{hash}");
            let mut selector = at(object, &["spec", "selector"]).clone();
            object_at(&mut selector, "matchLabels")["pod-template-hash"] = hash.as_str().into();
            let replica_set =
                json!({"kind": "ReplicaSet", "metadata": {"name": set, "namespace": namespace(object)}, "spec": {"selector": selector}});
            let first = || {
                let mut pod = from_template(object, template, &own_name, "ReplicaSet", &set);
                object_at(object_at(&mut pod, "metadata"), "labels")["pod-template-hash"] = hash.as_str().into();
                pod
            };
            many(out, &first, count("replicas", 1));
            out.listers.add(&replica_set);
        }
        "ReplicaSet" | "ReplicationController" => {
            many(out, &|| from_template(object, template, &own_name, kind, &own_name), count("replicas", 1));
        }
        // One run of it.
        "CronJob" if at(object, &["spec", "suspend"]).as_bool() != Some(true) => {
            let mut job = at(object, &["spec", "jobTemplate"]).clone();
            object_at(object_at(&mut job, "metadata"), "name");
            job["kind"] = "Job".into();
            job["metadata"]["name"] = own_name.as_str().into();
            job["metadata"]["namespace"] = namespace(object).into();
            let before = out.pods.len();
            add(out, admission, shapes, &job, input, there);
            let source = Arc::new(source);
            out.pods[before..].iter_mut().for_each(|pod| Arc::make_mut(pod).source = Arc::clone(&source));
        }
        "Job" => {
            let parallel = count("parallelism", 1).min(count("completions", MAX_REPLICAS));
            many(out, &|| from_template(object, template, &own_name, kind, &own_name), parallel);
        }
        "StatefulSet" => {
            let first = int(object, &["spec", "ordinals", "start"]).unwrap_or(0);
            let mut claims = Vec::new();
            for i in 0..count("replicas", 1) {
                let pod_name = format!("{own_name}-{}", first + i);
                let mut pod = from_template(object, template, &pod_name, kind, &own_name);
                let mut volumes = Vec::new();
                for claim in list(object, &["spec", "volumeClaimTemplates"]) {
                    let claim_name = format!("{}-{pod_name}", name(claim));
                    volumes.push(json!({"name": name(claim), "persistentVolumeClaim": {"claimName": claim_name}}));
                    let mut claim = claim.clone();
                    claim["kind"] = "PersistentVolumeClaim".into();
                    claim["metadata"]["name"] = claim_name.into();
                    claim["metadata"]["namespace"] = namespace(object).into();
                    claims.push(claim);
                }
                let taken: Vec<String> = volumes.iter().map(|v| text(v, &["name"]).to_owned()).collect();
                volumes
                    .extend(list(&pod, &["spec", "volumes"]).iter().filter(|v| !taken.contains(&text(v, &["name"]).to_owned())).cloned());
                pod["spec"]["volumes"] = Value::Array(volumes);
                admission.complete(&mut pod);
                let shape = shapes.of(&pod);
                out.pods.push(Arc::new(Pod::with_shape(&pod, shape, source.clone(), input)));
            }
            for claim in claims {
                let key = (namespace(&claim), name(&claim));
                out.listers.claims.entry(key).or_insert(claim);
            }
        }
        "DaemonSet" => {
            let mut pod = from_template(object, template, &own_name, kind, &own_name);
            admission.complete(&mut pod);
            add_daemon_tolerations(&mut pod);
            let judged = Pod::new(&pod, source.clone(), input);
            let fits = |node: &&Node| {
                judged.may_use(node)
                    && !there.contains(&node.name)
                    && (judged.node_name.is_empty() || judged.node_name == node.name)
                    && untolerated(&node.taints, &judged.tolerations, &["NoExecute", "NoSchedule"]).is_none()
            };
            for node in out.nodes.iter().filter(fits) {
                let term = json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node.name]}]}]);
                pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
                    json!({"nodeSelectorTerms": term});
                pod["metadata"]["name"] = format!("{own_name}-{}", node.name).into();
                out.pods.push(Arc::new(Pod::new(&pod, source.clone(), input)));
            }
        }
        _ => {}
    }
}

/// Indexing a JSON value by key makes an object of null only, so anything else is replaced first.
fn object_at<'a>(value: &'a mut Value, key: &str) -> &'a mut Value {
    if !value.is_object() {
        *value = json!({});
    }
    let inner = &mut value[key];
    if !inner.is_object() {
        *inner = json!({});
    }
    inner
}

fn from_template(owner: &Value, template: &Value, pod_name: &str, owner_kind: &str, owner_name: &str) -> Value {
    let mut pod = template.clone();
    object_at(&mut pod, "spec");
    let affinity = object_at(&mut pod["spec"], "affinity");
    object_at(affinity, "nodeAffinity");
    if list(template, &["spec", "affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution"]).is_empty()
        && at(template, &["spec", "affinity", "nodeAffinity"]).is_null()
        && let Some(map) = pod["spec"]["affinity"].as_object_mut()
    {
        map.remove("nodeAffinity");
    }
    object_at(object_at(&mut pod, "metadata"), "labels");
    pod["metadata"]["name"] = pod_name.into();
    pod["metadata"]["namespace"] = namespace(owner).into();
    pod["metadata"]["ownerReferences"] = json!([{"kind": owner_kind, "name": owner_name, "controller": true}]);
    pod
}

fn push_toleration(pod: &mut Value, toleration: Value) {
    let tolerations = &mut pod["spec"]["tolerations"];
    match tolerations.as_array_mut() {
        Some(list) => list.push(toleration),
        None => *tolerations = json!([toleration]),
    }
}

/// upstream: pkg/controller/daemon/util/daemonset_util.go AddOrUpdateDaemonPodTolerations
pub(crate) fn add_daemon_tolerations(pod: &mut Value) {
    for (key, effect) in [
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    ] {
        push_toleration(pod, json!({"key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": effect}));
    }
    if at(pod, &["spec", "hostNetwork"]).as_bool() == Some(true) {
        push_toleration(pod, json!({"key": "node.kubernetes.io/network-unavailable", "operator": "Exists", "effect": "NoSchedule"}));
    }
}

/// The objects that admission reads.
struct Admission {
    priorities: BTreeMap<String, (i64, String)>,
    default_priority: Option<String>,
    runtimes: BTreeMap<String, Value>,
}

impl Admission {
    fn new(objects: &[&Piece]) -> Self {
        let mut priorities = BTreeMap::from([
            ("system-cluster-critical".to_owned(), (2_000_000_000, String::new())),
            ("system-node-critical".to_owned(), (2_000_001_000, String::new())),
        ]);
        let mut default_priority: Option<String> = None;
        let mut runtimes = BTreeMap::new();
        for piece in objects {
            let object = piece.value();
            match piece.kind() {
                "PriorityClass" => {
                    let value = int(object, &["value"]).unwrap_or(0);
                    priorities.insert(name(object), (value, text(object, &["preemptionPolicy"]).to_owned()));
                    // Of several defaults the one with the lowest value counts.
                    let lower = default_priority.as_ref().and_then(|d| priorities.get(d)).is_none_or(|(v, _)| value < *v);
                    if at(object, &["globalDefault"]).as_bool() == Some(true) && lower {
                        default_priority = Some(name(object));
                    }
                }
                "RuntimeClass" => {
                    runtimes.insert(name(object), object.clone());
                }
                _ => {}
            }
        }
        Self { priorities, default_priority, runtimes }
    }

    /// Completes a pod as admission would.
    fn complete(&self, pod: &mut Value) {
        object_at(pod, "metadata");
        object_at(pod, "spec");
        self.priority(pod);
        self.runtime(pod);
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let covered = list(pod, &["spec", "tolerations"])
                .iter()
                .any(|t| matches!(text(t, &["effect"]), "" | "NoExecute") && (text(t, &["key"]) == key || text(t, &["key"]).is_empty()));
            if !covered {
                push_toleration(pod, json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
            }
        }
    }

    fn priority(&self, pod: &mut Value) {
        let class = match text(pod, &["spec", "priorityClassName"]) {
            "" => self.default_priority.clone().unwrap_or_default(),
            named => named.to_owned(),
        };
        let Some((value, policy)) = self.priorities.get(&class) else { return };
        pod["spec"]["priority"] = (*value).into();
        if !policy.is_empty() && text(pod, &["spec", "preemptionPolicy"]).is_empty() {
            pod["spec"]["preemptionPolicy"] = policy.as_str().into();
        }
    }

    fn runtime(&self, pod: &mut Value) {
        let Some(class) = self.runtimes.get(text(pod, &["spec", "runtimeClassName"])) else { return };
        if let fixed @ Value::Object(_) = at(class, &["overhead", "podFixed"]) {
            pod["spec"]["overhead"] = fixed.clone();
        }
        if let Some(more) = at(class, &["scheduling", "nodeSelector"]).as_object() {
            let selector = object_at(&mut pod["spec"], "nodeSelector");
            for (key, value) in more {
                selector[key.as_str()] = scalar(value).into();
            }
        }
        for toleration in list(class, &["scheduling", "tolerations"]) {
            push_toleration(pod, toleration.clone());
        }
    }
}
