//! Claims for devices: what is allocated ties a pod to nodes, what is not has to be found on one.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::simulate::scheduler::allocator::{InUse, Stop, allocate};
use crate::simulate::scheduler::api::{Node, Pod};
use crate::simulate::scheduler::framework::{Code, FilterState, Plugin, PreFilter, Reasons, ScoreState, Status, default_normalize};
use crate::simulate::scheduler::json::{at, int, list, name, namespace, text};
use crate::simulate::scheduler::selector::{NodeSelectorTerm, node_selector};
use crate::simulate::scheduler::snapshot::{Key, Listers, NodeInfo, Snapshot};

/// upstream: plugins/dynamicresources
pub struct DynamicResources;

const UNAVAILABLE: &str = "resourceclaim not available on the node";
const NOTHING_LEFT: &str = "cannot allocate all claims";
/// How many pods may use one claim. upstream: resourceapi.ResourceClaimReservedForMaxSize
const MAX_CONSUMERS: usize = 256;
/// upstream: resourceapi.FirstAvailableDeviceRequestMaxSize
const MAX_ALTERNATIVES: usize = 8;

/// The claims of the pod.
#[derive(Clone, Debug, Default)]
pub struct DeviceState {
    /// Allocated ones with the nodes they can be used on; `None` is everywhere.
    allocated: Vec<(Key, Option<Vec<NodeSelectorTerm>>)>,
    waiting: Vec<Key>,
    in_use: Arc<InUse>,
}

fn allocation(claim: &Value) -> &Value {
    at(claim, &["status", "allocation"])
}

fn reserved_for(claim: &Value) -> &[Value] {
    list(claim, &["status", "reservedFor"])
}

fn is_for(consumer: &Value, pod: &Pod) -> bool {
    text(consumer, &["resource"]) == "pods" && text(consumer, &["name"]) == pod.name
}

/// The names of the pod's claims that exist; an error when one is missing. upstream: foreachPodResourceClaim
fn claims_of(listers: &Listers, pod: &Pod) -> Result<Vec<Key>, String> {
    let mut out = Vec::new();
    for wanted in pod.device_claims.iter() {
        let (claim_name, owned) = match (&wanted.claim, wanted.from_template) {
            (Some(claim), owned) => (claim, owned),
            (None, true) if wanted.skipped => continue,
            (None, true) => return Err(format!("pod \"{}/{}\": ResourceClaim not created yet", pod.namespace, pod.name)),
            (None, false) => {
                let (namespace, name) = (&pod.namespace, &pod.name);
                return Err(format!(
                    "pod \"{namespace}/{name}\", spec.resourceClaim {:?}: none of the supported fields are set",
                    wanted.name
                ));
            }
        };
        let key = (pod.namespace.clone(), claim_name.clone());
        let Some(claim) = listers.device_claims.get(&key) else {
            return Err(format!("could not find ResourceClaim \"{}/{claim_name}\"", pod.namespace));
        };
        if !at(claim, &["metadata", "deletionTimestamp"]).is_null() {
            return Err(format!("resourceclaim {claim_name:?} is being deleted"));
        }
        let owns = |o: &Value| at(o, &["controller"]).as_bool() == Some(true) && text(o, &["kind"]) == "Pod" && name_of(o) == pod.name;
        if owned && !list(claim, &["metadata", "ownerReferences"]).iter().any(owns) {
            let (space, own) = (&pod.namespace, &pod.name);
            return Err(format!("ResourceClaim {space}/{claim_name} was not created for Pod {space}/{own} (Pod is not owner)"));
        }
        out.push(key);
    }
    Ok(out)
}

fn name_of(value: &Value) -> &str {
    text(value, &["name"])
}

/// upstream: validateDeviceClass
fn check_classes(listers: &Listers, claim: &Value) -> Result<(), String> {
    let known = |class: &str, request: String| {
        if listers.device_classes.contains_key(class) {
            Ok(())
        } else {
            Err(format!("request {request}: device class {class} does not exist"))
        }
    };
    for request in list(claim, &["spec", "devices", "requests"]) {
        let request_name = name_of(request);
        let alternatives = list(request, &["firstAvailable"]);
        if at(request, &["exactly"]).is_object() {
            known(text(request, &["exactly", "deviceClassName"]), request_name.to_owned())?;
        } else if alternatives.is_empty() {
            return Err(format!("resource claim {}/{}, request {request_name}: unknown request type", namespace(claim), name(claim)));
        }
        for alternative in alternatives {
            known(text(alternative, &["deviceClassName"]), format!("{request_name}/{}", name_of(alternative)))?;
        }
    }
    Ok(())
}

fn read(listers: &Listers, pod: &Pod) -> Result<DeviceState, String> {
    let mut state = DeviceState::default();
    for key in claims_of(listers, pod)? {
        let Some(claim) = listers.device_claims.get(&key) else { continue };
        if allocation(claim).is_null() {
            check_classes(listers, claim)?;
            state.waiting.push(key);
            continue;
        }
        let consumers = reserved_for(claim);
        if consumers.len() >= MAX_CONSUMERS && !consumers.iter().any(|c| is_for(c, pod)) {
            return Err("resourceclaim in use".to_owned());
        }
        state.allocated.push((key, node_selector(at(allocation(claim), &["nodeSelector"]))));
    }
    if !state.waiting.is_empty() {
        state.in_use = Arc::new(InUse::new(listers));
    }
    Ok(state)
}

fn on_node(listers: &Listers, state: &DeviceState, node: &Node) -> Result<Option<Vec<Value>>, Stop> {
    let waiting: Vec<&Value> = state.waiting.iter().filter_map(|k| listers.device_claims.get(k)).collect();
    if waiting.is_empty() { Ok(Some(Vec::new())) } else { allocate(listers, &state.in_use, node, &waiting) }
}

/// How much the first alternatives were granted. upstream: computeScore
fn worth(claim: &Value, allocation: &Value) -> i64 {
    let granted: Vec<&str> = list(allocation, &["devices", "results"]).iter().map(|r| text(r, &["request"])).collect();
    let mut score = 0;
    for request in list(claim, &["spec", "devices", "requests"]) {
        for (i, alternative) in list(request, &["firstAvailable"]).iter().enumerate() {
            if granted.contains(&format!("{}/{}", name_of(request), name_of(alternative)).as_str()) {
                score += MAX_ALTERNATIVES as i64 - i as i64;
            }
        }
    }
    score
}

impl Plugin for DynamicResources {
    fn name(&self) -> &'static str {
        "DynamicResources"
    }

    fn pre_filter(&self, cluster: &Snapshot, state: &mut FilterState, pod: &Pod) -> PreFilter {
        if pod.device_claims.is_empty() {
            return PreFilter::Skip;
        }
        match read(&cluster.listers, pod) {
            Err(reason) => PreFilter::Reject(Status::told(reason)),
            Ok(found) if found.waiting.is_empty() && found.allocated.is_empty() => PreFilter::Skip,
            Ok(found) => {
                state.devices = found;
                PreFilter::All
            }
        }
    }

    fn filter(&self, cluster: &Snapshot, state: &FilterState, _pod: &Pod, node: &NodeInfo) -> Result<(), Status> {
        let devices = &state.devices;
        match on_node(&cluster.listers, devices, &node.node) {
            Ok(Some(_)) => {}
            Ok(None) => return Err(Status::unresolvable(NOTHING_LEFT)),
            Err(Stop::Here(why)) => return Err(Status::unresolvable(why)),
            Err(Stop::Wrong(why)) => return Err(Status { code: Code::Error, reasons: Reasons::Many(vec![why]) }),
        }
        let elsewhere = |terms: &Vec<NodeSelectorTerm>| !terms.iter().any(|t| t.matches(&node.node));
        if devices.allocated.iter().any(|(_, terms)| terms.as_ref().is_some_and(elsewhere)) {
            return Err(Status::unresolvable(UNAVAILABLE));
        }
        Ok(())
    }

    fn scores(&self) -> bool {
        true
    }

    fn score_all(&self, cluster: &Snapshot, _state: &ScoreState, pod: &Pod, nodes: &[usize], scores: &mut Vec<i64>) {
        let listers = &cluster.listers;
        let state = if pod.device_claims.is_empty() { None } else { read(listers, pod).ok() };
        let claim = |key: &Key| listers.device_claims.get(key).unwrap_or(&Value::Null);
        let lists = |key: &Key| list(claim(key), &["spec", "devices", "requests"]).iter().any(|r| !at(r, &["firstAvailable"]).is_null());
        let ranked = |s: &DeviceState| s.waiting.iter().chain(s.allocated.iter().map(|(k, _)| k)).any(lists);
        // Only claims with alternatives are worth something, and upstream looks at no node that needs no allocation.
        let Some(state) = state.filter(|s| ranked(s) && !s.waiting.is_empty()) else {
            scores.resize(scores.len() + nodes.len(), 0);
            return;
        };
        let before: i64 = state.allocated.iter().map(|(key, _)| worth(claim(key), allocation(claim(key)))).sum();
        scores.extend(nodes.iter().map(|node| {
            let found = on_node(listers, &state, &cluster.nodes[*node].node).ok().flatten().unwrap_or_default();
            before + state.waiting.iter().zip(&found).map(|(key, allocation)| worth(claim(key), allocation)).sum::<i64>()
        }));
    }

    fn normalize(&self, _cluster: &Snapshot, _state: &ScoreState, _nodes: &[usize], scores: &mut [i64]) {
        default_normalize(scores, false);
    }
}

/// After a pod got its node: its claims are allocated there and reserved for it.
pub fn reserve(listers: &mut Listers, pod: &Pod, node: &Node) {
    if pod.device_claims.is_empty() {
        return;
    }
    let Ok(state) = read(listers, pod) else { return };
    let Ok(Some(found)) = on_node(listers, &state, node) else { return };
    let mut found: BTreeMap<&Key, Value> = state.waiting.iter().zip(found).collect();
    for key in state.waiting.iter().chain(state.allocated.iter().map(|(key, _)| key)) {
        let Some(claim) = listers.device_claims.get_mut(key).filter(|c| c.is_object()) else { continue };
        if !claim["status"].is_object() {
            claim["status"] = json!({});
        }
        if let Some(allocation) = found.remove(key) {
            claim["status"]["allocation"] = allocation;
        }
        let mut consumers = reserved_for(claim).to_vec();
        if !consumers.iter().any(|c| is_for(c, pod)) {
            consumers.push(json!({"resource": "pods", "name": pod.name, "uid": pod.name}));
        }
        claim["status"]["reservedFor"] = Value::Array(consumers);
    }
}

/// After a pod is gone: a claim that nobody uses any more is free again.
pub fn release(listers: &mut Listers, pod: &Pod) {
    for wanted in pod.device_claims.iter() {
        let Some(name) = &wanted.claim else { continue };
        let Some(claim) = listers.device_claims.get_mut(&(pod.namespace.clone(), name.clone())) else { continue };
        let consumers: Vec<Value> = reserved_for(claim).iter().filter(|c| !is_for(c, pod)).cloned().collect();
        let Some(status) = claim.get_mut("status").and_then(Value::as_object_mut) else { continue };
        if consumers.is_empty() {
            status.remove("allocation");
            status.remove("reservedFor");
        } else {
            status.insert("reservedFor".to_owned(), Value::Array(consumers));
        }
    }
}

/// What is said after no node was found, and the claim that gives up its devices so that others may be found.
/// upstream: PostFilter
pub fn after_failure(cluster: &Snapshot, state: &FilterState, pod: &Pod, refused: &[(usize, &str)]) -> (&'static str, Option<Key>) {
    let devices = &state.devices;
    if devices.waiting.is_empty() && devices.allocated.is_empty() {
        return ("no new claims to deallocate", None);
    }
    let nodes = || refused.iter().filter(|(_, why)| *why == UNAVAILABLE).map(|(i, _)| &cluster.nodes[*i].node);
    let unused = |key: &Key| {
        let consumers = cluster.listers.device_claims.get(key).map_or(&[][..], reserved_for);
        consumers.iter().all(|c| is_for(c, pod))
    };
    let elsewhere = |terms: &Option<Vec<NodeSelectorTerm>>| {
        terms.as_ref().is_some_and(|terms| nodes().any(|node| !terms.iter().any(|t| t.matches(node))))
    };
    match devices.allocated.iter().find(|(key, terms)| elsewhere(terms) && unused(key)) {
        Some((key, _)) => ("deallocation of ResourceClaim completed", Some(key.clone())),
        None => ("still not schedulable", None),
    }
}

/// Takes the devices of a claim away.
pub fn deallocate(listers: &mut Listers, key: &Key) {
    if let Some(status) = listers.device_claims.get_mut(key).and_then(|c| c.get_mut("status")).and_then(Value::as_object_mut) {
        ["allocation", "reservedFor", "devices"].iter().for_each(|field| drop(status.remove(*field)));
    }
}

/// What of a pod's claims no node has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lack {
    /// The place of the claim among those of the pod.
    pub place: usize,
    /// The name of the claim.
    pub claim: String,
    /// The template it was made from.
    pub template: Option<String>,
    /// The request that alone is too much, by place and name; `None` when it is all together.
    pub request: Option<(usize, String)>,
    /// The class of devices it wants.
    pub class: String,
    /// How many it wants.
    pub count: i64,
    /// The most of them that some node has, and that node.
    pub fewer: Option<(i64, String)>,
    /// A node that has devices of the class which the selectors leave out.
    pub any: Option<String>,
    /// Whether the claim, or with a request its class, is not there at all.
    pub missing: bool,
}

/// What of a pod's claims is not there.
fn missing(listers: &Listers, pod: &Pod) -> Option<Lack> {
    for (place, wanted) in pod.device_claims.iter().enumerate().filter(|(_, c)| !c.skipped) {
        let template = wanted.from_template.then(|| wanted.template.clone());
        let key = (pod.namespace.clone(), wanted.claim.clone().unwrap_or_default());
        let mut out = Lack { place, claim: key.1.clone(), template, missing: true, ..Lack::default() };
        let Some(claim) = listers.device_claims.get(&key) else { return Some(out) };
        if !allocation(claim).is_null() {
            continue;
        }
        for (i, request) in list(claim, &["spec", "devices", "requests"]).iter().enumerate() {
            let classes = std::iter::once(at(request, &["exactly"])).chain(list(request, &["firstAvailable"]));
            let absent = classes.map(|c| text(c, &["deviceClassName"])).find(|c| !c.is_empty() && !listers.device_classes.contains_key(*c));
            if let Some(class) = absent {
                out.request = Some((i, name_of(request).to_owned()));
                class.clone_into(&mut out.class);
                return Some(out);
            }
        }
    }
    None
}

/// Finds what of a pod's claims no node has; `None` when each alone can be met.
pub fn lack(cluster: &Snapshot, pod: &Pod) -> Option<Lack> {
    if let Some(missing) = missing(&cluster.listers, pod) {
        return Some(missing);
    }
    let state = read(&cluster.listers, pod).ok()?;
    let node_for = |claim: &Value| {
        let gives = |n: &&NodeInfo| matches!(allocate(&cluster.listers, &state.in_use, &n.node, &[claim]), Ok(Some(_)));
        cluster.nodes.iter().find(gives).map(|n| n.node.name.clone())
    };
    for key in &state.waiting {
        let claim = cluster.listers.device_claims.get(key)?;
        if node_for(claim).is_some() {
            continue;
        }
        let place = pod.device_claims.iter().position(|c| c.claim.as_ref() == Some(&key.1))?;
        let wanted = &pod.device_claims[place];
        let template = wanted.from_template.then(|| wanted.template.clone());
        let mut out = Lack { place, claim: key.1.clone(), template, ..Lack::default() };
        for (i, request) in list(claim, &["spec", "devices", "requests"]).iter().enumerate() {
            let with = |request: &Value| {
                let mut alone = claim.clone();
                alone["spec"]["devices"] = json!({"requests": [request]});
                node_for(&alone)
            };
            if with(request).is_some() {
                continue;
            }
            out.request = Some((i, name_of(request).to_owned()));
            if at(request, &["exactly"]).is_object() {
                out.class = text(request, &["exactly", "deviceClassName"]).to_owned();
                out.count = int(request, &["exactly", "count"]).unwrap_or(1);
                let counted = |count: i64| {
                    let mut fewer = request.clone();
                    fewer["exactly"]["count"] = count.into();
                    Some((count, with(&fewer)?))
                };
                out.fewer = (1..out.count.min(MAX_COUNT)).rev().find_map(counted);
                let mut any = request.clone();
                any["exactly"].as_object_mut()?.remove("selectors");
                out.any = with(&any);
            }
            break;
        }
        return Some(out);
    }
    None
}

/// Smaller counts than this are tried one by one.
const MAX_COUNT: i64 = 33;
