//! Nodes, namespaces, quotas and classes. upstream: kubectl/pkg/describe

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::super::api::Api;
use super::super::labels;
use super::super::resources::Resource;
use super::Store;
use super::network::moved_conditions;
use super::out::{Out, amount, date, flag, go_list, or};
use crate::simulate::apiserver::Parts;
use crate::simulate::apiserver::Wanted;
use crate::simulate::apiserver::Wanted::{All, Fields};
use crate::simulate::resources;
use crate::simulate::scheduler::json::{at, int, list, scalar, text, words};
use crate::value::quantity;
use crate::value::quantity::{Format, Quantity};

fn amounts(out: &mut Out, title: &str, resources: &Value) {
    let Some(all) = resources.as_object().filter(|m| !m.is_empty()) else { return };
    out.line(0, &format!("{title}:"));
    all.iter().for_each(|(name, value)| out.field(1, name, amount(value)));
}

/// upstream: describeNode
pub(super) fn node(out: &mut Out, n: &Value, store: &Store<'_>) {
    let name = text(n, &["metadata", "name"]);
    out.field(0, "Name", name);
    out.field(0, "Roles", or(&super::super::table::node_roles(n).join(","), "<none>"));
    out.labels("Labels", at(n, &["metadata", "labels"]));
    out.annotations("Annotations", at(n, &["metadata", "annotations"]));
    out.field(0, "CreationTimestamp", date(at(n, &["metadata", "creationTimestamp"])));
    let mut taints: Vec<&Value> = list(n, &["spec", "taints"]).iter().collect();
    taints.sort_by_key(|t| format!("{},{}", text(t, &["effect"]), text(t, &["key"])));
    let shown: Vec<String> = taints.into_iter().map(taint).collect();
    out.multiline("", "Taints", &shown);
    out.field(0, "Unschedulable", flag(at(n, &["spec", "unschedulable"])));
    match store.get("coordination.k8s.io", "leases", "kube-node-lease", name) {
        Err(refused) => out.field(0, "Lease", format!("Failed to get lease: {}", refused.message)),
        Ok(lease) => {
            let spec = at(&lease, &["spec"]);
            let time = |key: &str| if at(spec, &[key]).is_null() { "<unset>".to_owned() } else { date(at(spec, &[key])) };
            out.line(0, "Lease:");
            out.field(1, "HolderIdentity", super::out::or_unset(at(spec, &["holderIdentity"])));
            out.field(1, "AcquireTime", time("acquireTime"));
            out.field(1, "RenewTime", time("renewTime"));
        }
    }
    let conditions = list(n, &["status", "conditions"]);
    if !conditions.is_empty() {
        out.line(0, "Conditions:");
        out.line(0, "  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage");
        out.line(1, "----\t------\t-----------------\t------------------\t------\t-------");
        for c in conditions {
            let part = |key: &str| text(c, &[key]);
            let (beat, moved) = (date(at(c, &["lastHeartbeatTime"])), date(at(c, &["lastTransitionTime"])));
            out.line(1, &format!("{} \t{} \t{beat} \t{moved} \t{} \t{}", part("type"), part("status"), part("reason"), part("message")));
        }
    }
    out.line(0, "Addresses:");
    list(n, &["status", "addresses"]).iter().for_each(|a| out.field(1, text(a, &["type"]), text(a, &["address"])));
    amounts(out, "Capacity", at(n, &["status", "capacity"]));
    amounts(out, "Allocatable", at(n, &["status", "allocatable"]));
    slices(out, &store.list("resource.k8s.io", "resourceslices", ""), name);
    out.line(0, "System Info:");
    for (title, key) in [
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
    ] {
        out.field(1, title, text(n, &["status", "nodeInfo", key]));
    }
    for (title, value) in [
        ("PodCIDR", text(n, &["spec", "podCIDR"]).to_owned()),
        ("PodCIDRs", words(n, &["spec", "podCIDRs"]).join(",")),
        ("ProviderID", text(n, &["spec", "providerID"]).to_owned()),
    ] {
        if !value.is_empty() {
            out.field(0, title, value);
        }
    }
    let all = store.pods_by_node();
    load(out, n, all.get(name).map(Vec::as_slice).unwrap_or_default());
}

/// `key=value:Effect`. upstream: Taint.ToString
pub(in super::super) fn taint(t: &Value) -> String {
    match (text(t, &["key"]), text(t, &["value"]), text(t, &["effect"])) {
        (key, "", "") => key.to_owned(),
        (key, "", effect) => format!("{key}:{effect}"),
        (key, value, "") => format!("{key}={value}:"),
        (key, value, effect) => format!("{key}={value}:{effect}"),
    }
}

/// upstream: describeNodeResourceSlices
fn slices(out: &mut Out, all: &[Value], node: &str) {
    let mut pools: BTreeMap<String, (String, String, usize, usize)> = BTreeMap::new();
    for slice in all.iter().filter(|s| text(s, &["spec", "nodeName"]) == node) {
        let (driver, pool) = (text(slice, &["spec", "driver"]), text(slice, &["spec", "pool", "name"]));
        let entry = pools.entry(format!("{driver}/{pool}")).or_insert_with(|| (driver.to_owned(), pool.to_owned(), 0, 0));
        entry.2 += 1;
        entry.3 += list(slice, &["spec", "devices"]).len();
    }
    if pools.is_empty() {
        return;
    }
    out.line(0, "Node-Local ResourceSlices:");
    out.line(1, "Driver\tPool\tSlices\tDevices");
    out.line(1, "------\t----\t------\t-------");
    for (driver, pool, count, devices) in pools.values().take(10) {
        out.line(1, &format!("{driver}\t{pool}\t{count}\t{devices}"));
    }
    if pools.len() > 10 {
        out.line(1, &format!("...and {} more pools", pools.len() - 10));
    }
}

fn read(list: &Value) -> BTreeMap<String, (Quantity, Format)> {
    let one = |(name, value): (&String, &Value)| {
        let given = scalar(value);
        Some((name.clone(), (quantity::parse(&given).ok()?, quantity::format_of(&given))))
    };
    list.as_object().into_iter().flatten().filter_map(one).collect()
}

fn shown(amounts: &BTreeMap<String, (Quantity, Format)>, name: &str) -> String {
    amounts.get(name).map_or_else(|| "0".to_owned(), |(q, f)| quantity::text(*q, *f))
}

/// What part of the whole, in percent, without its fraction.
fn percent(amounts: &BTreeMap<String, (Quantity, Format)>, whole: &BTreeMap<String, (Quantity, Format)>, name: &str) -> i64 {
    let measure = |q: Quantity| if name == "cpu" { q.milli_value() } else { q.value() } as f64;
    let of = |all: &BTreeMap<String, (Quantity, Format)>| all.get(name).map_or(0.0, |(q, _)| measure(*q));
    let total = of(whole);
    if total == 0.0 { 0 } else { (of(amounts) / total * 100.0) as i64 }
}

/// What a node's description says of a pod.
pub(super) struct NodePod {
    namespace: String,
    name: String,
    created: Value,
    asked: BTreeMap<String, (Quantity, Format)>,
    allowed: BTreeMap<String, (Quantity, Format)>,
}

/// What of a pod its load follows from.
const LOAD: Parts = Parts {
    metadata: Fields(&[("creationTimestamp", All), ("name", All), ("namespace", All)]),
    spec: Fields(&[("containers", CONTAINERS), ("initContainers", CONTAINERS), ("nodeName", All), ("overhead", All), ("resources", All)]),
    status: Fields(&[("phase", All)]),
};
const CONTAINERS: Wanted = Fields(&[("name", All), ("resources", All), ("restartPolicy", All)]);

/// The pods that have not come to their end, by node.
pub(super) fn pods_by_node(api: &dyn Api, pods: &Resource) -> BTreeMap<String, Vec<NodePod>> {
    let found: Mutex<Vec<(usize, String, NodePod)>> = Mutex::default();
    // Where the server refuses there are none.
    let _ = api.visit(pods, "", &|_, _| true, Some(&LOAD), &|i, pod| {
        let node = text(&pod, &["spec", "nodeName"]).to_owned();
        if node.is_empty() || matches!(text(&pod, &["status", "phase"]), "Succeeded" | "Failed") {
            return;
        }
        let one = NodePod {
            namespace: text(&pod, &["metadata", "namespace"]).to_owned(),
            name: text(&pod, &["metadata", "name"]).to_owned(),
            created: at(&pod, &["metadata", "creationTimestamp"]).clone(),
            asked: read(&resources::requests(at(&pod, &["spec"])).to_json()),
            allowed: read(&resources::limits(at(&pod, &["spec"])).to_json()),
        };
        found.lock().unwrap_or_else(PoisonError::into_inner).push((i, node, one));
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(i, ..)| *i);
    let mut out: BTreeMap<String, Vec<NodePod>> = BTreeMap::new();
    found.into_iter().for_each(|(_, node, pod)| out.entry(node).or_default().push(pod));
    out
}

/// upstream: describeNodeResource
fn load(out: &mut Out, node: &Value, pods: &[NodePod]) {
    out.field(0, "Non-terminated Pods", format!("({} in total)", pods.len()));
    out.line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge");
    out.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---");
    let mut whole = read(at(node, &["status", "allocatable"]));
    if whole.is_empty() {
        whole = read(at(node, &["status", "capacity"]));
    }
    let (mut requests, mut limits) = (BTreeMap::new(), BTreeMap::new());
    let add = |sum: &mut BTreeMap<String, (Quantity, Format)>, more: &BTreeMap<String, (Quantity, Format)>| {
        for (name, (q, format)) in more {
            let entry = sum.entry(name.clone()).or_insert((Quantity::default(), *format));
            if entry.0.nanos == 0 {
                entry.1 = *format;
            }
            entry.0.nanos = entry.0.nanos.saturating_add(q.nanos);
        }
    };
    for pod in pods {
        let NodePod { namespace, name, created, asked, allowed } = pod;
        let cell = |of: &BTreeMap<String, (Quantity, Format)>, name: &str| format!("{} ({}%)", shown(of, name), percent(of, &whole, name));
        let age = out.since(created);
        out.line(
            1,
            &format!(
                "{namespace}\t{name}\t\t{}\t{}\t{}\t{}\t{age}",
                cell(asked, "cpu"),
                cell(allowed, "cpu"),
                cell(asked, "memory"),
                cell(allowed, "memory")
            ),
        );
        add(&mut requests, asked);
        add(&mut limits, allowed);
    }
    out.line(0, "Allocated resources:");
    out.line(0, "  (Total limits may be over 100 percent, i.e., overcommitted.)");
    out.line(1, "Resource\tRequests\tLimits");
    out.line(1, "--------\t--------\t------");
    let huge: Vec<&String> = whole.keys().filter(|k| k.starts_with("hugepages-")).collect();
    let known = ["cpu", "memory", "ephemeral-storage"];
    for name in known.into_iter().chain(huge.iter().map(|k| k.as_str())) {
        let (r, l) = (shown(&requests, name), shown(&limits, name));
        out.line(1, &format!("{name}\t{r} ({}%)\t{l} ({}%)", percent(&requests, &whole, name), percent(&limits, &whole, name)));
    }
    let others = whole.keys().filter(|k| !known.contains(&k.as_str()) && !huge.contains(k) && *k != "pods");
    for name in others.collect::<Vec<_>>() {
        out.line(1, &format!("{name}\t{}\t{}", shown(&requests, name), shown(&limits, name)));
    }
}

fn scope_help(scope: &str) -> &'static str {
    match scope {
        "Terminating" => {
            "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system."
        }
        "NotTerminating" => {
            "Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate."
        }
        "BestEffort" => "Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.",
        "NotBestEffort" => {
            "Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service."
        }
        _ => "",
    }
}

fn scopes(out: &mut Out, level: usize, bullet: &str, quota: &Value) {
    let mut all = words(quota, &["spec", "scopes"]);
    if all.is_empty() {
        return;
    }
    all.sort();
    out.field(level, "Scopes", all.join(", "));
    all.iter().map(|s| scope_help(s)).filter(|h| !h.is_empty()).for_each(|h| out.line(level, &format!("{bullet}* {h}")));
}

/// upstream: describeNamespace
pub(super) fn namespace(out: &mut Out, n: &Value, store: &Store<'_>) {
    let name = text(n, &["metadata", "name"]);
    out.field(0, "Name", name);
    out.labels("Labels", at(n, &["metadata", "labels"]));
    out.annotations("Annotations", at(n, &["metadata", "annotations"]));
    out.field(0, "Status", text(n, &["status", "phase"]));
    moved_conditions(out, n);
    out.line(0, "");
    let mut quotas = store.list("", "resourcequotas", name).to_vec();
    quotas.sort_by(|a, b| text(a, &["metadata", "name"]).cmp(text(b, &["metadata", "name"])));
    out.line(0, if quotas.is_empty() { "No resource quota." } else { "Resource Quotas" });
    for quota in &quotas {
        out.field(1, "Name", text(quota, &["metadata", "name"]));
        scopes(out, 1, "", quota);
        out.line(1, "Resource\tUsed\tHard");
        out.line(1, "--------\t---\t---");
        for (name, hard) in at(quota, &["status", "hard"]).as_object().into_iter().flatten() {
            out.line(1, &format!("{name}\t{}\t{}", amount(at(quota, &["status", "used", name])), amount(hard)));
        }
    }
    out.line(0, "");
    let ranges = store.list("", "limitranges", name);
    if ranges.is_empty() {
        out.line(0, "No LimitRange resource.");
        return;
    }
    out.line(0, "Resource Limits");
    out.line(0, " Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio");
    out.line(0, " ----\t--------\t---\t---\t---------------\t-------------\t-----------------------");
    ranges.iter().for_each(|r| limits(out, r, " "));
}

/// upstream: describeLimitRangeSpec; its order of resources is random, ours is alphabetical.
fn limits(out: &mut Out, range: &Value, prefix: &str) {
    const FIELDS: [&str; 5] = ["min", "max", "defaultRequest", "default", "maxLimitRequestRatio"];
    for item in list(range, &["spec", "limits"]) {
        let names: BTreeSet<&String> = FIELDS.iter().filter_map(|f| at(item, &[f]).as_object()).flat_map(serde_json::Map::keys).collect();
        for name in names {
            let cell = |field: &&str| match at(item, &[field, name]) {
                Value::Null => "-".to_owned(),
                value => amount(value),
            };
            let cells: Vec<String> = FIELDS.iter().map(cell).collect();
            out.line(0, &format!("{prefix}{}\t{name}\t{}", text(item, &["type"]), cells.join("\t")));
        }
    }
}

/// upstream: describeLimitRange
pub(super) fn limit_range(out: &mut Out, r: &Value) {
    out.field(0, "Name", text(r, &["metadata", "name"]));
    out.field(0, "Namespace", text(r, &["metadata", "namespace"]));
    out.line(0, "Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio");
    out.line(0, "----\t--------\t---\t---\t---------------\t-------------\t-----------------------");
    limits(out, r, "");
}

/// upstream: describeQuota
pub(super) fn quota(out: &mut Out, q: &Value) {
    out.field(0, "Name", text(q, &["metadata", "name"]));
    out.field(0, "Namespace", text(q, &["metadata", "namespace"]));
    scopes(out, 0, " ", q);
    out.line(0, "Resource\tUsed\tHard");
    out.line(0, "--------\t----\t----");
    for (name, hard) in at(q, &["status", "hard"]).as_object().into_iter().flatten() {
        let used = at(q, &["status", "used", name]);
        // What is used is written as the limit is.
        let used = match quantity::parse(&scalar(used)) {
            Ok(found) if quantity::format_of(&scalar(used)) != quantity::format_of(&scalar(hard)) => {
                let whole = Quantity { nanos: i128::from(found.value()) * 1_000_000_000 };
                quantity::text(whole, quantity::format_of(&scalar(hard)))
            }
            _ => amount(used),
        };
        out.line(0, &format!("{name}\t{used}\t{}", amount(hard)));
    }
}

/// upstream: describeVolumeAttributesClass
pub(super) fn attributes_class(out: &mut Out, c: &Value) {
    out.field(0, "Name", text(c, &["metadata", "name"]));
    out.field(0, "Annotations", labels::format(at(c, &["metadata", "annotations"])));
    out.field(0, "DriverName", text(c, &["driverName"]));
    out.field(0, "Parameters", labels::format(at(c, &["parameters"])));
}

/// upstream: describePriorityClass
pub(super) fn priority_class(out: &mut Out, c: &Value) {
    out.field(0, "Name", text(c, &["metadata", "name"]));
    out.field(0, "Value", int(c, &["value"]).unwrap_or(0));
    out.field(0, "GlobalDefault", flag(at(c, &["globalDefault"])));
    out.field(0, "PreemptionPolicy", text(c, &["preemptionPolicy"]));
    out.field(0, "Description", text(c, &["description"]));
    out.field(0, "Annotations", labels::format(at(c, &["metadata", "annotations"])));
}

/// upstream: describeCSINode
pub(super) fn csi_node(out: &mut Out, c: &Value) {
    out.field(0, "Name", text(c, &["metadata", "name"]));
    out.labels("Labels", at(c, &["metadata", "labels"]));
    out.annotations("Annotations", at(c, &["metadata", "annotations"]));
    out.field(0, "CreationTimestamp", date(at(c, &["metadata", "creationTimestamp"])));
    out.line(0, "Spec:");
    if let Value::Array(drivers) = at(c, &["spec", "drivers"]) {
        out.line(1, "Drivers:");
        for d in drivers {
            out.line(2, &format!("{}:", text(d, &["name"])));
            out.field(3, "Node ID", text(d, &["nodeID"]));
            if let Some(count) = int(d, &["allocatable", "count"]) {
                out.line(3, "Allocatables:");
                out.field(4, "Count", count);
            }
            if let Value::Array(keys) = at(d, &["topologyKeys"]) {
                out.field(3, "Topology Keys", go_list(keys));
            }
        }
    }
}
