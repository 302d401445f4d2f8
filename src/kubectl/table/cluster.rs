//! Rows of nodes, namespaces, events, access, configuration and what extends the API. upstream:
//! pkg/printers/internalversion, kube-aggregator/pkg/registry/apiservice

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::api::Nanos;
use super::super::labels;
use super::super::times;
use super::{Printer, age, condition, count, name, number, optional, or, printer};
use crate::simulate::apiserver::Wanted;
use crate::simulate::scheduler::json::{at, int, list, scalar, text};
use crate::value::quantity;

const BINDING: &[&str] = &["Name", "Role", "Age", "|Users", "|Groups", "|ServiceAccounts"];
const WEBHOOK: &[&str] = &["Name", "Webhooks", "Age"];
const POLICY_BINDING: &[&str] = &["Name", "PolicyName", "ParamRef", "Age"];
const ADMISSION: &str = "admissionregistration.k8s.io";

pub(super) const PRINTERS: &[Printer] = &[
    printer(
        "",
        "Node",
        &[
            "Name",
            "Status",
            "Roles",
            "Age",
            "Version",
            "|Internal-IP",
            "|External-IP",
            "|OS-Image",
            "|Kernel-Version",
            "|Container-Runtime",
        ],
        node,
    ),
    printer(
        "",
        "Event",
        &["Last Seen", "Type", "Reason", "Object", "|Subobject", "|Source", "Message", "|First Seen", "|Count", "|Name"],
        event,
    )
    // Events have neither specification nor status: what they tell is kept.
    .of(Wanted::Fields(&[]), Wanted::Fields(&[])),
    printer("", "Namespace", &["Name", "Status", "Age"], |o, now| vec![name(o), text(o, &["status", "phase"]).into(), age(o, now)]),
    printer("", "Secret", &["Name", "Type", "Data", "Age"], |o, now| {
        vec![name(o), text(o, &["type"]).into(), count(o, &["data"]), age(o, now)]
    }),
    printer("", "ServiceAccount", &["Name", "Age"], |o, now| vec![name(o), age(o, now)]),
    printer("", "ConfigMap", &["Name", "Data", "Age"], |o, now| {
        let entries = |key: &str| at(o, &[key]).as_object().map_or(0, serde_json::Map::len);
        vec![name(o), (entries("data") + entries("binaryData")).into(), age(o, now)]
    }),
    printer("", "ComponentStatus", &["Name", "Status", "Message", "Error"], |o, _| {
        let healthy = list(o, &["conditions"]).iter().find(|c| text(c, &["type"]) == "Healthy");
        let status = match healthy.map(|c| text(c, &["status"])) {
            None => "Unknown",
            Some("True") => "Healthy",
            Some(_) => "Unhealthy",
        };
        let part = |key: &str| Value::from(healthy.map_or("", |c| text(c, &[key])));
        vec![name(o), status.into(), part("message"), part("error")]
    }),
    printer("", "ResourceQuota", &["Name", "Request", "Limit", "Age"], quota),
    printer("rbac.authorization.k8s.io", "RoleBinding", BINDING, binding),
    printer("rbac.authorization.k8s.io", "ClusterRoleBinding", BINDING, binding),
    printer(
        "certificates.k8s.io",
        "CertificateSigningRequest",
        &["Name", "Age", "SignerName", "Requestor", "RequestedDuration", "Condition"],
        signing_request,
    ),
    printer("certificates.k8s.io", "ClusterTrustBundle", &["Name", "SignerName"], |o, _| {
        vec![name(o), or(text(o, &["spec", "signerName"]), "<none>").into()]
    }),
    printer(
        "certificates.k8s.io",
        "PodCertificateRequest",
        &["Name", "PodName", "ServiceAccountName", "NodeName", "SignerName", "State", "|UnverifiedUserAnnotations"],
        |o, _| {
            let spec = |key: &str| Value::from(text(o, &["spec", key]));
            let mut states = list(o, &["status", "conditions"]).iter().map(|c| text(c, &["type"]));
            let state = states.rfind(|t| matches!(*t, "Issued" | "Denied" | "Failed")).unwrap_or("Pending");
            let extra = labels::format(at(o, &["spec", "unverifiedUserAnnotations"]));
            vec![name(o), spec("podName"), spec("serviceAccountName"), spec("nodeName"), spec("signerName"), state.into(), extra.into()]
        },
    ),
    printer("coordination.k8s.io", "Lease", &["Name", "Holder", "Age"], |o, now| {
        vec![name(o), text(o, &["spec", "holderIdentity"]).into(), age(o, now)]
    }),
    printer("coordination.k8s.io", "LeaseCandidate", &["Name", "LeaseName", "BinaryVersion", "EmulationVersion", "Age"], |o, now| {
        let spec = |key: &str| Value::from(text(o, &["spec", key]));
        vec![name(o), spec("leaseName"), spec("binaryVersion"), spec("emulationVersion"), age(o, now)]
    }),
    printer("scheduling.k8s.io", "PriorityClass", &["Name", "Value", "Global-Default", "Age", "PreemptionPolicy"], |o, now| {
        vec![name(o), number(o, &["value"]), (o["globalDefault"] == true).into(), age(o, now), text(o, &["preemptionPolicy"]).into()]
    }),
    printer("scheduling.k8s.io", "Workload", &["Name", "Age"], |o, now| vec![name(o), age(o, now)]),
    printer("scheduling.k8s.io", "PodGroup", &["Name", "Policy", "Workload", "Status", "Age"], pod_group),
    printer("node.k8s.io", "RuntimeClass", &["Name", "Handler", "Age"], |o, now| vec![name(o), text(o, &["handler"]).into(), age(o, now)]),
    printer(ADMISSION, "MutatingWebhookConfiguration", WEBHOOK, |o, now| vec![name(o), count(o, &["webhooks"]), age(o, now)]),
    printer(ADMISSION, "ValidatingWebhookConfiguration", WEBHOOK, |o, now| vec![name(o), count(o, &["webhooks"]), age(o, now)]),
    printer(ADMISSION, "ValidatingAdmissionPolicy", &["Name", "Validations", "ParamKind", "Age"], |o, now| {
        vec![name(o), count(o, &["spec", "validations"]), param_kind(o), age(o, now)]
    }),
    printer(ADMISSION, "MutatingAdmissionPolicy", &["Name", "Mutations", "ParamKind", "Age"], |o, now| {
        vec![name(o), count(o, &["spec", "mutations"]), param_kind(o), age(o, now)]
    }),
    printer(ADMISSION, "ValidatingAdmissionPolicyBinding", POLICY_BINDING, policy_binding),
    printer(ADMISSION, "MutatingAdmissionPolicyBinding", POLICY_BINDING, policy_binding),
    printer(
        "flowcontrol.apiserver.k8s.io",
        "FlowSchema",
        &["Name", "PriorityLevel", "MatchingPrecedence", "DistinguisherMethod", "Age", "MissingPL"],
        |o, now| {
            let method = or(text(o, &["spec", "distinguisherMethod", "type"]), "<none>");
            vec![
                name(o),
                text(o, &["spec", "priorityLevelConfiguration", "name"]).into(),
                number(o, &["spec", "matchingPrecedence"]),
                method.into(),
                age(o, now),
                condition(o, "Dangling").map_or("?", |c| text(c, &["status"])).into(),
            ]
        },
    ),
    printer(
        "flowcontrol.apiserver.k8s.io",
        "PriorityLevelConfiguration",
        &["Name", "Type", "NominalConcurrencyShares", "Queues", "HandSize", "QueueLengthLimit", "Age"],
        |o, now| {
            let limited = at(o, &["spec", "limited"]);
            let queuing = at(limited, &["limitResponse", "queuing"]);
            let part = |of: &Value, key: &str| if of.is_object() { number(of, &[key]) } else { "<none>".into() };
            vec![
                name(o),
                text(o, &["spec", "type"]).into(),
                part(limited, "nominalConcurrencyShares"),
                part(queuing, "queues"),
                part(queuing, "handSize"),
                part(queuing, "queueLengthLimit"),
                age(o, now),
            ]
        },
    ),
    printer("internal.apiserver.k8s.io", "StorageVersion", &["Name", "CommonEncodingVersion", "StorageVersions", "Age"], |o, now| {
        let version = |v: &Value| format!("{}={}", text(v, &["apiServerID"]), text(v, &["encodingVersion"]));
        let all: Vec<String> = list(o, &["status", "storageVersions"]).iter().map(version).collect();
        vec![name(o), optional(o, &["status", "commonEncodingVersion"], "<unset>"), super::three(&all, "<unset>").into(), age(o, now)]
    }),
    printer("resource.k8s.io", "DeviceClass", &["Name", "Age"], |o, now| vec![name(o), age(o, now)]),
    printer("resource.k8s.io", "ResourceClaimTemplate", &["Name", "Age"], |o, now| vec![name(o), age(o, now)]),
    printer("resource.k8s.io", "ResourceClaim", &["Name", "State", "Age"], |o, now| {
        let deleted = !at(o, &["metadata", "deletionTimestamp"]).is_null();
        let allocated = at(o, &["status", "allocation"]).is_object();
        let reserved = allocated && !list(o, &["status", "reservedFor"]).is_empty();
        let states = [(deleted, "deleted"), (!allocated && !deleted, "pending"), (allocated, "allocated"), (reserved, "reserved")];
        let shown = states.iter().filter(|(holds, _)| *holds).map(|(_, s)| *s).collect::<Vec<_>>().join(",");
        vec![name(o), shown.into(), age(o, now)]
    }),
    printer("resource.k8s.io", "ResourceSlice", &["Name", "Node", "Driver", "Pool", "Age"], |o, now| {
        let spec = |path: &[&str]| Value::from(text(at(o, &["spec"]), path));
        vec![name(o), spec(&["nodeName"]), spec(&["driver"]), spec(&["pool", "name"]), age(o, now)]
    }),
    printer("resource.k8s.io", "DeviceTaintRule", &["Name", "Key", "Value", "Effect", "TimeAdded", "Age"], |o, now| {
        let taint = |key: &str| Value::from(text(o, &["spec", "taint", key]));
        let added = at(o, &["spec", "taint", "timeAdded"]);
        let added = if added.is_null() { String::new() } else { times::since(added, now) };
        vec![name(o), taint("key"), taint("value"), taint("effect"), added.into(), age(o, now)]
    }),
    printer("storagemigration.k8s.io", "StorageVersionMigration", &["Name", "Resource", "Status"], |o, _| {
        let resource = |key: &str| text(o, &["spec", "resource", key]);
        let full = if resource("group").is_empty() {
            resource("resource").to_owned()
        } else {
            format!("{}.{}", resource("resource"), resource("group"))
        };
        let mut met = list(o, &["status", "conditions"]).iter().filter(|c| text(c, &["status"]) == "True").map(|c| text(c, &["type"]));
        let status = met.rfind(|t| matches!(*t, "Running" | "Failed" | "Succeeded")).unwrap_or("Unknown");
        vec![name(o), full.into(), status.into()]
    }),
    printer("apiregistration.k8s.io", "APIService", &["Name", "Service", "Available", "Age"], |o, now| {
        let service = at(o, &["spec", "service"]);
        let shown = if service.is_object() {
            format!("{}/{}", text(service, &["namespace"]), text(service, &["name"]))
        } else {
            "Local".to_owned()
        };
        let available = match condition(o, "Available") {
            None => "Unknown".to_owned(),
            Some(c) if text(c, &["status"]) == "True" => "True".to_owned(),
            Some(c) => format!("{} ({})", text(c, &["status"]), text(c, &["reason"])),
        };
        vec![name(o), shown.into(), available.into(), age(o, now)]
    }),
];

/// The roles of a node, from its labels. upstream: findNodeRoles
pub(super) fn roles(o: &Value) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (key, value) in at(o, &["metadata", "labels"]).as_object().into_iter().flatten() {
        match key.strip_prefix("node-role.kubernetes.io/") {
            Some("") => {}
            Some(role) => {
                found.insert(role.to_owned());
            }
            None if key == "kubernetes.io/role" && value.as_str().is_some_and(|v| !v.is_empty()) => {
                found.insert(scalar(value));
            }
            None => {}
        }
    }
    found.into_iter().collect()
}

fn node(o: &Value, now: Nanos) -> Vec<Value> {
    let mut status = match list(o, &["status", "conditions"]).iter().rfind(|c| text(c, &["type"]) == "Ready") {
        None => "Unknown",
        Some(c) if text(c, &["status"]) == "True" => "Ready",
        Some(_) => "NotReady",
    }
    .to_owned();
    if *at(o, &["spec", "unschedulable"]) == true {
        status.push_str(",SchedulingDisabled");
    }
    let info = |key: &str| text(o, &["status", "nodeInfo", key]);
    let address = |kind: &str| {
        let mut all = list(o, &["status", "addresses"]).iter();
        Value::from(all.find(|a| text(a, &["type"]) == kind).map_or("<none>", |a| text(a, &["address"])))
    };
    let mut kernel = or(info("kernelVersion"), "<unknown>").to_owned();
    if !info("architecture").is_empty() {
        kernel.push_str(&format!(" ({})", info("architecture")));
    }
    vec![
        name(o),
        status.into(),
        or(&roles(o).join(","), "<none>").into(),
        age(o, now),
        info("kubeletVersion").into(),
        address("InternalIP"),
        address("ExternalIP"),
        or(info("osImage"), "<unknown>").into(),
        kernel.into(),
        or(info("containerRuntimeVersion"), "<unknown>").into(),
    ]
}

/// An event of either group: the newer one has other names for the fields. upstream: printEvent
fn event(o: &Value, now: Nanos) -> Vec<Value> {
    let newer = text(o, &["apiVersion"]) == "events.k8s.io/v1";
    let field = |old: &str, new: &str| at(o, &[if newer { new } else { old }]);
    let object = field("involvedObject", "regarding");
    let source = field("source", "deprecatedSource");
    let time = |value: &Value| times::since(value, now);
    let (first, last) = (field("firstTimestamp", "deprecatedFirstTimestamp"), field("lastTimestamp", "deprecatedLastTimestamp"));
    let first = if first.is_null() { time(at(o, &["eventTime"])) } else { time(first) };
    let mut last = if last.is_null() { first.clone() } else { time(last) };
    let mut times_seen = field("count", "deprecatedCount").as_i64().unwrap_or(0).max(1);
    let series = at(o, &["series"]);
    if series.is_object() {
        last = time(at(series, &["lastObservedTime"]));
        times_seen = int(series, &["count"]).unwrap_or(0);
    }
    let kind = text(object, &["kind"]).to_lowercase();
    let target = match text(object, &["name"]) {
        "" => kind,
        name => format!("{kind}/{name}"),
    };
    let component = or(text(source, &["component"]), text(o, &[if newer { "reportingController" } else { "reportingComponent" }]));
    let shown = match or(text(source, &["host"]), text(o, &["reportingInstance"])) {
        "" => component.to_owned(),
        host => format!("{component}, {host}"),
    };
    vec![
        last.into(),
        text(o, &["type"]).into(),
        text(o, &["reason"]).into(),
        target.into(),
        text(object, &["fieldPath"]).into(),
        shown.into(),
        text(o, &[if newer { "note" } else { "message" }]).trim().into(),
        first.into(),
        times_seen.into(),
        name(o),
    ]
}

/// Users, groups and service accounts of a binding. upstream: rbac.SubjectsStrings
pub(super) fn subjects(o: &Value) -> [Vec<String>; 3] {
    let of =
        |kind: &str, shown: fn(&Value) -> String| list(o, &["subjects"]).iter().filter(|s| text(s, &["kind"]) == kind).map(shown).collect();
    let name = |s: &Value| text(s, &["name"]).to_owned();
    let account = |s: &Value| format!("{}/{}", text(s, &["namespace"]), text(s, &["name"]));
    [of("User", name), of("Group", name), of("ServiceAccount", account)]
}

fn binding(o: &Value, now: Nanos) -> Vec<Value> {
    let role = format!("{}/{}", text(o, &["roleRef", "kind"]), text(o, &["roleRef", "name"]));
    let mut cells = vec![name(o), role.into(), age(o, now)];
    cells.extend(subjects(o).into_iter().map(|all| Value::from(all.join(", "))));
    cells
}

fn quota(o: &Value, now: Nanos) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    let amount = |value: &Value| if value.is_null() { "0".to_owned() } else { quantity::canonical(&scalar(value)) };
    for (resource, hard) in at(o, &["status", "hard"]).as_object().into_iter().flatten() {
        let used = at(o, &["status", "used", resource]);
        let column = if resource.starts_with("limits.") { &mut limits } else { &mut requests };
        column.push(format!("{resource}: {}/{}", amount(used), amount(hard)));
    }
    vec![name(o), requests.join(", ").into(), limits.join(", ").into(), age(o, now)]
}

/// The condition of a signing request. upstream: extractCSRStatus
pub(super) fn signing_status(o: &Value) -> String {
    let has = |kind: &str| condition(o, kind).is_some();
    let mut out = if has("Denied") {
        "Denied"
    } else if has("Approved") {
        "Approved"
    } else {
        "Pending"
    }
    .to_owned();
    if has("Failed") {
        out.push_str(",Failed");
    }
    if !text(o, &["status", "certificate"]).is_empty() {
        out.push_str(",Issued");
    }
    out
}

fn signing_request(o: &Value, now: Nanos) -> Vec<Value> {
    let wanted =
        int(o, &["spec", "expirationSeconds"]).map_or_else(|| "<none>".to_owned(), |s| times::human(s.saturating_mul(1_000_000_000)));
    vec![
        name(o),
        age(o, now),
        or(text(o, &["spec", "signerName"]), "<none>").into(),
        text(o, &["spec", "username"]).into(),
        wanted.into(),
        signing_status(o).into(),
    ]
}

fn param_kind(o: &Value) -> Value {
    let kind = at(o, &["spec", "paramKind"]);
    if kind.is_object() { format!("{}/{}", text(kind, &["apiVersion"]), text(kind, &["kind"])).into() } else { "<unset>".into() }
}

fn policy_binding(o: &Value, now: Nanos) -> Vec<Value> {
    let reference = at(o, &["spec", "paramRef"]);
    let shown = match (text(reference, &["name"]), text(reference, &["namespace"])) {
        ("", _) if at(reference, &["selector"]).is_object() => {
            let selector = at(reference, &["selector"]);
            let labels =
                labels::pairs(at(selector, &["matchLabels"])).iter().map(|p| p.replacen('=', ":", 1)).collect::<Vec<_>>().join(",");
            format!(
                "&LabelSelector{{MatchLabels:map[string]string{{{}}},MatchExpressions:[]LabelSelectorRequirement{{}},}}",
                if labels.is_empty() { labels } else { labels + "," }
            )
        }
        ("", _) => "<unset>".to_owned(),
        (name, "") => format!("*/{name}"),
        (name, namespace) => format!("{namespace}/{name}"),
    };
    vec![name(o), text(o, &["spec", "policyName"]).into(), shown.into(), age(o, now)]
}

fn pod_group(o: &Value, now: Nanos) -> Vec<Value> {
    let policy = if at(o, &["spec", "schedulingPolicy", "gang"]).is_object() { "Gang" } else { "Basic" };
    let mut status = match condition(o, "PodGroupScheduled") {
        None => "Pending",
        Some(c) if text(c, &["status"]) == "True" => "Scheduled",
        Some(_) => "Unschedulable",
    };
    if let Some(c) = condition(o, "DisruptionTarget") {
        status = text(c, &["reason"]);
    }
    let reference = at(o, &["spec", "podGroupTemplateRef"]);
    let workload = if reference.is_object() { text(reference, &["workload", "workloadName"]) } else { "<none>" };
    vec![name(o), policy.into(), workload.into(), status.into(), age(o, now)]
}
