//! Workloads and what scales and protects them. upstream: kubectl/pkg/describe

use serde_json::Value;

use super::super::labels;
use super::super::times;
use super::Store;
use super::out::{Out, amount, bool_or_unset, date, flag, or, or_unset};
use super::pod::{controller, template};
use super::pods_line;
use super::volume;
use crate::simulate::scheduler::json::{at, int, list, scalar, text};

fn selector(object: &Value) -> String {
    labels::selector_text(at(object, &["spec", "selector"])).unwrap_or_default()
}

fn n(object: &Value, path: &[&str]) -> i64 {
    int(object, path).unwrap_or(0)
}

/// upstream: describeReplicaSet, describeReplicationController
pub(super) fn replica_set(out: &mut Out, o: &Value, store: &Store<'_>) {
    let grouped = text(o, &["kind"]) == "ReplicaSet";
    out.field(0, "Name", text(o, &["metadata", "name"]));
    out.field(0, "Namespace", text(o, &["metadata", "namespace"]));
    let chosen = if grouped { labels::format_selector(at(o, &["spec", "selector"])) } else { labels::format(at(o, &["spec", "selector"])) };
    out.field(0, "Selector", chosen);
    out.labels("Labels", at(o, &["metadata", "labels"]));
    out.annotations("Annotations", at(o, &["metadata", "annotations"]));
    if let Some(owner) = controller(o).filter(|_| grouped) {
        out.field(0, "Controlled By", owner);
    }
    out.field(0, "Replicas", format!("{} current / {} desired", n(o, &["status", "replicas"]), n(o, &["spec", "replicas"])));
    out.field(0, "Pods Status", pods_line(o, store));
    template(out, at(o, &["spec", "template"]));
    out.short_conditions(o);
}

/// upstream: describeDeployment
pub(super) fn deployment(out: &mut Out, d: &Value, sets: &[Value]) {
    let spec = at(d, &["spec"]);
    out.field(0, "Name", text(d, &["metadata", "name"]));
    out.field(0, "Namespace", text(d, &["metadata", "namespace"]));
    out.field(0, "CreationTimestamp", date(at(d, &["metadata", "creationTimestamp"])));
    out.labels("Labels", at(d, &["metadata", "labels"]));
    out.annotations("Annotations", at(d, &["metadata", "annotations"]));
    out.field(0, "Selector", selector(d));
    let status = |key: &str| n(d, &["status", key]);
    out.field(
        0,
        "Replicas",
        format!(
            "{} desired | {} updated | {} total | {} available | {} unavailable",
            n(spec, &["replicas"]),
            status("updatedReplicas"),
            status("replicas"),
            status("availableReplicas"),
            status("unavailableReplicas")
        ),
    );
    out.field(0, "StrategyType", text(spec, &["strategy", "type"]));
    out.field(0, "MinReadySeconds", n(spec, &["minReadySeconds"]));
    let rolling = at(spec, &["strategy", "rollingUpdate"]);
    if rolling.is_object() {
        let part = |key: &str| scalar(at(rolling, &[key]));
        out.field(0, "RollingUpdateStrategy", format!("{} max unavailable, {} max surge", part("maxUnavailable"), part("maxSurge")));
    }
    template(out, at(spec, &["template"]));
    out.short_conditions(d);
    let (old, new) = split_sets(d, sets);
    if !old.is_empty() || new.is_some() {
        out.field(0, "OldReplicaSets", or(&sets_line(&old), "<none>"));
        out.field(0, "NewReplicaSet", or(&sets_line(&new.into_iter().collect::<Vec<_>>()), "<none>"));
    }
}

fn sets_line(sets: &[Value]) -> String {
    let one = |s: &Value| {
        let name = text(s, &["metadata", "name"]);
        format!("{name} ({}/{} replicas created)", n(s, &["status", "replicas"]), n(s, &["spec", "replicas"]))
    };
    sets.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The replica sets of a deployment, oldest first: those of older templates and that of the present one. upstream:
/// deploymentutil.GetAllReplicaSetsInChunks
pub(in super::super) fn split_sets(deployment: &Value, sets: &[Value]) -> (Vec<Value>, Option<Value>) {
    let uid = at(deployment, &["metadata", "uid"]);
    let owned = |s: &Value| list(s, &["metadata", "ownerReferences"]).iter().any(|r| r["controller"] == true && r["uid"] == *uid);
    let mut mine: Vec<Value> = sets.iter().filter(|s| owned(s)).cloned().collect();
    let created = |s: &Value| times::parse(at(s, &["metadata", "creationTimestamp"]));
    mine.sort_by(|a, b| created(a).cmp(&created(b)).then_with(|| text(a, &["metadata", "name"]).cmp(text(b, &["metadata", "name"]))));
    let bare = |o: &Value| {
        let mut template = at(o, &["spec", "template"]).clone();
        if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
            labels.remove("pod-template-hash");
        }
        if let Some(meta) = template.get_mut("metadata").and_then(Value::as_object_mut) {
            meta.remove("creationTimestamp");
        }
        template
    };
    let wanted = bare(deployment);
    let new = mine.iter().position(|s| bare(s) == wanted).map(|i| mine.remove(i));
    (mine, new)
}

/// upstream: describeStatefulSet
pub(super) fn stateful_set(out: &mut Out, s: &Value, store: &Store<'_>) {
    let spec = at(s, &["spec"]);
    out.field(0, "Name", text(s, &["metadata", "name"]));
    out.field(0, "Namespace", text(s, &["metadata", "namespace"]));
    out.field(0, "CreationTimestamp", date(at(s, &["metadata", "creationTimestamp"])));
    out.field(0, "Selector", selector(s));
    out.labels("Labels", at(s, &["metadata", "labels"]));
    out.annotations("Annotations", at(s, &["metadata", "annotations"]));
    out.field(0, "Replicas", format!("{} desired | {} total", n(spec, &["replicas"]), n(s, &["status", "replicas"])));
    out.field(0, "Update Strategy", text(spec, &["updateStrategy", "type"]));
    let rolling = at(spec, &["updateStrategy", "rollingUpdate"]);
    if let Some(partition) = int(rolling, &["partition"]) {
        out.field(1, "Partition", partition);
        if !at(rolling, &["maxUnavailable"]).is_null() {
            out.field(1, "MaxUnavailable", scalar(at(rolling, &["maxUnavailable"])));
        }
    }
    out.field(0, "Pods Status", pods_line(s, store));
    template(out, at(spec, &["template"]));
    volume::claim_templates(out, list(spec, &["volumeClaimTemplates"]));
}

/// upstream: describeDaemonSet
pub(super) fn daemon_set(out: &mut Out, d: &Value, store: &Store<'_>) {
    out.field(0, "Name", text(d, &["metadata", "name"]));
    out.field(0, "Namespace", text(d, &["metadata", "namespace"]));
    out.field(0, "Selector", selector(d));
    out.field(0, "Node-Selector", labels::format(at(d, &["spec", "template", "spec", "nodeSelector"])));
    out.labels("Labels", at(d, &["metadata", "labels"]));
    out.annotations("Annotations", at(d, &["metadata", "annotations"]));
    for (title, key) in [
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ] {
        out.line(0, &format!("{title}: {}", n(d, &["status", key])));
    }
    out.field(0, "Pods Status", pods_line(d, store));
    template(out, at(d, &["spec", "template"]));
}

/// upstream: describeJob
pub(super) fn job(out: &mut Out, j: &Value) {
    let (spec, status) = (at(j, &["spec"]), at(j, &["status"]));
    out.field(0, "Name", text(j, &["metadata", "name"]));
    out.field(0, "Namespace", text(j, &["metadata", "namespace"]));
    out.field(0, "Selector", selector(j));
    out.labels("Labels", at(j, &["metadata", "labels"]));
    out.annotations("Annotations", at(j, &["metadata", "annotations"]));
    if let Some(owner) = controller(j) {
        out.field(0, "Controlled By", owner);
    }
    if let Some(parallelism) = int(spec, &["parallelism"]) {
        out.field(0, "Parallelism", parallelism);
    }
    out.field(0, "Completions", or_unset(at(spec, &["completions"])));
    for (title, key) in [
        ("Completion Mode", "completionMode"),
        ("Suspend", "suspend"),
        ("Backoff Limit", "backoffLimit"),
        ("TTL Seconds After Finished", "ttlSecondsAfterFinished"),
    ] {
        if !at(spec, &[key]).is_null() {
            out.field(0, title, scalar(at(spec, &[key])));
        }
    }
    let (started, ended) = (at(status, &["startTime"]), at(status, &["completionTime"]));
    if !started.is_null() {
        out.field(0, "Start Time", date(started));
    }
    if !ended.is_null() {
        out.field(0, "Completed At", date(ended));
    }
    if let (Some(started), Some(ended)) = (times::parse(started), times::parse(ended)) {
        out.field(0, "Duration", times::human(ended - started));
    }
    if let Some(seconds) = int(spec, &["activeDeadlineSeconds"]) {
        out.field(0, "Active Deadline Seconds", format!("{seconds}s"));
    }
    let ready = int(status, &["ready"]).map_or_else(String::new, |r| format!(" ({r} Ready)"));
    let count = |key: &str| n(status, &[key]);
    let shown = format!("{} Active{ready} / {} Succeeded / {} Failed", count("active"), count("succeeded"), count("failed"));
    out.field(0, "Pods Statuses", shown);
    if text(spec, &["completionMode"]) == "Indexed" {
        out.field(0, "Completed Indexes", indexes(text(status, &["completedIndexes"])));
    }
    template(out, at(spec, &["template"]));
}

/// upstream: capIndexesListOrNone
fn indexes(all: &str) -> String {
    match all.get(50..).and_then(|rest| rest.find(',')) {
        _ if all.is_empty() => "<none>".to_owned(),
        Some(at) => format!("{}...", all.get(..=50 + at).unwrap_or(all)),
        None => all.to_owned(),
    }
}

/// upstream: describeCronJob
pub(super) fn cron_job(out: &mut Out, c: &Value) {
    let spec = at(c, &["spec"]);
    out.head(c);
    out.field(0, "Schedule", text(spec, &["schedule"]));
    out.field(0, "Concurrency Policy", text(spec, &["concurrencyPolicy"]));
    out.field(0, "Suspend", bool_or_unset(at(spec, &["suspend"])));
    out.field(0, "Time Zone", or_unset(at(spec, &["timeZone"])));
    out.field(0, "Successful Job History Limit", or_unset(at(spec, &["successfulJobsHistoryLimit"])));
    out.field(0, "Failed Job History Limit", or_unset(at(spec, &["failedJobsHistoryLimit"])));
    let deadline = int(spec, &["startingDeadlineSeconds"]).map_or_else(|| "<unset>".to_owned(), |s| format!("{s}s"));
    out.field(0, "Starting Deadline Seconds", deadline);
    let job = at(spec, &["jobTemplate", "spec"]);
    let chosen = at(job, &["selector"]);
    out.field(0, "Selector", if chosen.is_null() { "<unset>".to_owned() } else { labels::selector_text(chosen).unwrap_or_default() });
    out.field(0, "Parallelism", or_unset(at(job, &["parallelism"])));
    out.field(0, "Completions", or_unset(at(job, &["completions"])));
    if let Some(seconds) = int(job, &["activeDeadlineSeconds"]) {
        out.field(0, "Active Deadline Seconds", format!("{seconds}s"));
    }
    template(out, at(job, &["template"]));
    let last = at(c, &["status", "lastScheduleTime"]);
    out.field(0, "Last Schedule Time", if last.is_null() { "<unset>".to_owned() } else { date(last) });
    let active = list(c, &["status", "active"]).iter().map(|j| text(j, &["name"])).collect::<Vec<_>>().join(", ");
    out.field(0, "Active Jobs", or(&active, "<none>"));
}

/// upstream: describePodDisruptionBudgetV1
pub(super) fn budget(out: &mut Out, b: &Value) {
    let spec = at(b, &["spec"]);
    out.field(0, "Name", text(b, &["metadata", "name"]));
    out.field(0, "Namespace", text(b, &["metadata", "namespace"]));
    for (title, key) in [("Min available", "minAvailable"), ("Max unavailable", "maxUnavailable")] {
        if !at(spec, &[key]).is_null() {
            out.field(0, title, scalar(at(spec, &[key])));
            break;
        }
    }
    let chosen = at(spec, &["selector"]);
    out.field(0, "Selector", if chosen.is_null() { "<unset>".to_owned() } else { labels::format_selector(chosen) });
    out.line(0, "Status:");
    for (title, key) in [
        ("Allowed disruptions", "disruptionsAllowed"),
        ("Current", "currentHealthy"),
        ("Desired", "desiredHealthy"),
        ("Total", "expectedPods"),
    ] {
        out.field(2, title, n(b, &["status", key]));
    }
}

/// upstream: describeHorizontalPodAutoscalerV2
pub(super) fn autoscaler(out: &mut Out, h: &Value) {
    let spec = at(h, &["spec"]);
    out.head(h);
    out.field(0, "CreationTimestamp", date(at(h, &["metadata", "creationTimestamp"])));
    let kind = text(spec, &["scaleTargetRef", "kind"]);
    out.field(0, "Reference", format!("{kind}/{}", text(spec, &["scaleTargetRef", "name"])));
    if text(h, &["apiVersion"]) == "autoscaling/v1" {
        if let Some(target) = int(spec, &["targetCPUUtilizationPercentage"]) {
            out.field(0, "Target CPU utilization", format!("{target}%"));
            let current = at(h, &["status", "currentCPUUtilizationPercentage"]);
            out.field(
                0,
                "Current CPU utilization",
                format!("{}%", if current.is_null() { "<unknown>".to_owned() } else { scalar(current) }),
            );
        }
    } else {
        out.field(0, "Metrics", "( current / target )");
        let current = list(h, &["status", "currentMetrics"]);
        list(spec, &["metrics"]).iter().enumerate().for_each(|(i, m)| metric(out, m, current.get(i)));
    }
    out.field(0, "Min replicas", or_unset(at(spec, &["minReplicas"])));
    out.field(0, "Max replicas", n(spec, &["maxReplicas"]));
    if at(spec, &["behavior"]).is_object() {
        out.line(0, "Behavior:");
        behaviour(out, "Scale Up", at(spec, &["behavior", "scaleUp"]));
        behaviour(out, "Scale Down", at(spec, &["behavior", "scaleDown"]));
    }
    let count = |key: &str| n(h, &["status", key]);
    out.field(0, &format!("{kind} pods"), format!("{} current / {} desired", count("currentReplicas"), count("desiredReplicas")));
    let conditions = list(h, &["status", "conditions"]);
    if !conditions.is_empty() {
        out.line(0, "Conditions:");
        out.line(1, "Type\tStatus\tReason\tMessage");
        out.line(1, "----\t------\t------\t-------");
        for c in conditions {
            let part = |key: &str| text(c, &[key]);
            out.line(1, &format!("{}\t{}\t{}\t{}", part("type"), part("status"), part("reason"), part("message")));
        }
    }
}

fn behaviour(out: &mut Out, title: &str, rules: &Value) {
    if !rules.is_object() {
        return;
    }
    out.line(1, &format!("{title}:"));
    if let Some(seconds) = int(rules, &["stabilizationWindowSeconds"]) {
        out.line(2, &format!("Stabilization Window: {seconds} seconds"));
    }
    let policies = list(rules, &["policies"]);
    if !policies.is_empty() {
        out.line(2, &format!("Select Policy: {}", or(text(rules, &["selectPolicy"]), "Max")));
        out.line(2, "Policies:");
        for p in policies {
            let (value, period) = (n(p, &["value"]), n(p, &["periodSeconds"]));
            out.line(3, &format!("- Type: {}\tValue: {value}\tPeriod: {period} seconds", text(p, &["type"])));
        }
    }
}

fn metric(out: &mut Out, spec: &Value, status: Option<&Value>) {
    let kind = text(spec, &["type"]);
    let key = match kind {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => {
            out.line(1, &format!("<unknown metric type {}>", crate::value::quote(kind.as_bytes())));
            return;
        }
    };
    let source = at(spec, &[key]);
    let target = at(source, &["target"]);
    let seen = status.map(|s| at(s, &[key])).filter(|s| s.is_object());
    let unknown = || "<unknown>".to_owned();
    let now = |field: &str| seen.map_or_else(unknown, |s| amount(at(s, &["current", field])));
    let name = crate::value::quote(text(source, &["metric", "name"]).as_bytes());
    let average = at(target, &["averageValue"]);
    match key {
        "external" if !average.is_null() => {
            let current =
                if seen.is_some_and(|s| !at(s, &["current", "averageValue"]).is_null()) { now("averageValue") } else { unknown() };
            out.line(1, &format!("{name} (target average value):\t{current} / {}", amount(average)));
        }
        "external" => out.line(1, &format!("{name} (target value):\t{} / {}", now("value"), amount(at(target, &["value"])))),
        "pods" => out.line(1, &format!("{name} on pods:\t{} / {}", now("averageValue"), amount(average))),
        "object" => {
            let about = at(source, &["describedObject"]);
            out.put(1, &format!("{name} on {}/{} ", text(about, &["kind"]), text(about, &["name"])));
            if text(target, &["type"]) == "AverageValue" {
                out.line(0, &format!("(target average value):\t{} / {}", now("averageValue"), amount(average)));
            } else {
                out.line(0, &format!("(target value):\t{} / {}", now("value"), amount(at(target, &["value"]))));
            }
        }
        _ => {
            let of = if key == "resource" { String::new() } else { format!(" of container \"{}\"", text(source, &["container"])) };
            out.put(1, &format!("resource {}{of} on pods", text(source, &["name"])));
            if average.is_null() {
                let used = seen.and_then(|s| int(s, &["current", "averageUtilization"]));
                let current = used.map_or_else(unknown, |u| format!("{u}% ({})", now("averageValue")));
                let wanted = int(target, &["averageUtilization"]).map_or_else(|| "<auto>".to_owned(), |t| format!("{t}%"));
                out.line(1, &format!("(as a percentage of request):\t{current} / {wanted}"));
            } else {
                out.line(0, &format!(":\t{} / {}", now("averageValue"), amount(average)));
            }
        }
    }
}

/// Whether a deployment rolls out no further.
pub(in super::super) fn is_paused(deployment: &Value) -> bool {
    flag(at(deployment, &["spec", "paused"]))
}
