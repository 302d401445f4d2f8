//! Rows of workloads and of what scales and protects them. upstream: pkg/printers/internalversion

use serde_json::Value;

use super::super::api::Nanos;
use super::super::labels;
use super::super::times;
use super::{Printer, age, condition, containers, count, name, number, optional, printer};
use crate::simulate::scheduler::json::{at, int, list, scalar, text};
use crate::value::quantity;

const POD: &[&str] = &["spec", "template", "spec", "containers"];
const REPLICAS: &[&str] = &["Name", "Desired", "Current", "Ready", "Age", "|Containers", "|Images", "|Selector"];

pub(super) const PRINTERS: &[Printer] = &[
    printer("", "ReplicationController", REPLICAS, |o, now| {
        let selector = labels::format(at(o, &["spec", "selector"]));
        replicas(o, now, selector)
    }),
    printer("apps", "ReplicaSet", REPLICAS, |o, now| {
        let selector = labels::format_selector(at(o, &["spec", "selector"]));
        replicas(o, now, selector)
    }),
    printer("apps", "Deployment", &["Name", "Ready", "Up-to-date", "Available", "Age", "|Containers", "|Images", "|Selector"], |o, now| {
        let ready = format!("{}/{}", number(o, &["status", "readyReplicas"]), number(o, &["spec", "replicas"]));
        let [names, images] = containers(o, POD);
        let (updated, available) = (number(o, &["status", "updatedReplicas"]), number(o, &["status", "availableReplicas"]));
        let selector = labels::selector_text(at(o, &["spec", "selector"])).unwrap_or_else(|| "<invalid>".to_owned());
        vec![name(o), ready.into(), updated, available, age(o, now), names, images, selector.into()]
    }),
    printer("apps", "StatefulSet", &["Name", "Ready", "Age", "|Containers", "|Images"], |o, now| {
        let ready = format!("{}/{}", number(o, &["status", "readyReplicas"]), number(o, &["spec", "replicas"]));
        let [names, images] = containers(o, POD);
        vec![name(o), ready.into(), age(o, now), names, images]
    }),
    printer(
        "apps",
        "DaemonSet",
        &["Name", "Desired", "Current", "Ready", "Up-to-date", "Available", "Node Selector", "Age", "|Containers", "|Images", "|Selector"],
        |o, now| {
            let status = |key: &str| number(o, &["status", key]);
            let [names, images] = containers(o, POD);
            vec![
                name(o),
                status("desiredNumberScheduled"),
                status("currentNumberScheduled"),
                status("numberReady"),
                status("updatedNumberScheduled"),
                status("numberAvailable"),
                labels::format(at(o, &["spec", "template", "spec", "nodeSelector"])).into(),
                age(o, now),
                names,
                images,
                labels::format_selector(at(o, &["spec", "selector"])).into(),
            ]
        },
    ),
    printer("batch", "Job", &["Name", "Status", "Completions", "Duration", "Age", "|Containers", "|Images", "|Selector"], job),
    printer(
        "batch",
        "CronJob",
        &["Name", "Schedule", "Timezone", "Suspend", "Active", "Last Schedule", "Age", "|Containers", "|Images", "|Selector"],
        cron_job,
    ),
    printer("apps", "ControllerRevision", &["Name", "Controller", "Revision", "Age"], |o, now| {
        let owner = list(o, &["metadata", "ownerReferences"]).iter().find(|r| r["controller"] == true);
        let shown = owner.map_or_else(
            || "<none>".to_owned(),
            |r| {
                let group = text(r, &["apiVersion"]).split_once('/').map_or("", |(g, _)| g);
                let kind = text(r, &["kind"]);
                let full = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
                format!("{}/{}", full.to_lowercase(), text(r, &["name"]))
            },
        );
        vec![name(o), shown.into(), number(o, &["revision"]), age(o, now)]
    }),
    printer(
        "autoscaling",
        "HorizontalPodAutoscaler",
        &["Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"],
        autoscaler,
    ),
    printer("policy", "PodDisruptionBudget", &["Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"], |o, now| {
        vec![
            name(o),
            optional(o, &["spec", "minAvailable"], "N/A"),
            optional(o, &["spec", "maxUnavailable"], "N/A"),
            number(o, &["status", "disruptionsAllowed"]),
            age(o, now),
        ]
    }),
];

fn replicas(o: &Value, now: Nanos, selector: String) -> Vec<Value> {
    let [names, images] = containers(o, POD);
    let status = |key: &str| number(o, &["status", key]);
    vec![
        name(o),
        number(o, &["spec", "replicas"]),
        status("replicas"),
        status("readyReplicas"),
        age(o, now),
        names,
        images,
        selector.into(),
    ]
}

/// The `STATUS` of a job. upstream: printJob
fn job_status(o: &Value) -> &'static str {
    let is = |kind: &str| condition(o, kind).is_some_and(|c| text(c, &["status"]) == "True");
    let deleted = !at(o, &["metadata", "deletionTimestamp"]).is_null();
    let states = [
        (is("Complete"), "Complete"),
        (is("Failed"), "Failed"),
        (deleted, "Terminating"),
        (is("Suspended"), "Suspended"),
        (is("FailureTarget"), "FailureTarget"),
        (is("SuccessCriteriaMet"), "SuccessCriteriaMet"),
    ];
    states.into_iter().find(|(holds, _)| *holds).map_or("Running", |(_, name)| name)
}

fn job(o: &Value, now: Nanos) -> Vec<Value> {
    let succeeded = int(o, &["status", "succeeded"]).unwrap_or(0);
    let completions = match (int(o, &["spec", "completions"]), int(o, &["spec", "parallelism"]).unwrap_or(0)) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}"),
        (None, parallelism) if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        _ => format!("{succeeded}/1"),
    };
    let started = times::parse(at(o, &["status", "startTime"]));
    let ended = times::parse(at(o, &["status", "completionTime"])).unwrap_or(now);
    let duration = started.map_or_else(String::new, |s| times::human(ended - s));
    let [names, images] = containers(o, POD);
    let selector = labels::format_selector(at(o, &["spec", "selector"]));
    vec![name(o), job_status(o).into(), completions.into(), duration.into(), age(o, now), names, images, selector.into()]
}

fn cron_job(o: &Value, now: Nanos) -> Vec<Value> {
    let suspended = match at(o, &["spec", "suspend"]) {
        Value::Bool(true) => "True",
        Value::Bool(false) => "False",
        _ => "<unset>",
    };
    let last = match at(o, &["status", "lastScheduleTime"]) {
        Value::Null => "<none>".to_owned(),
        time => times::since(time, now),
    };
    let [names, images] = containers(o, &["spec", "jobTemplate", "spec", "template", "spec", "containers"]);
    vec![
        name(o),
        text(o, &["spec", "schedule"]).into(),
        optional(o, &["spec", "timeZone"], "<none>"),
        suspended.into(),
        count(o, &["status", "active"]),
        last.into(),
        age(o, now),
        names,
        images,
        labels::format_selector(at(o, &["spec", "jobTemplate", "spec", "selector"])).into(),
    ]
}

fn amount(value: &Value) -> String {
    quantity::canonical(&scalar(value))
}

/// One metric of an autoscaler, current and wanted. upstream: formatHPAMetrics
fn metric(spec: &Value, status: Option<&Value>) -> String {
    let kind = text(spec, &["type"]);
    let key = match kind {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => return "<unknown type>".to_owned(),
    };
    let source = at(spec, &[key]);
    let seen = status.map(|s| at(s, &[key])).filter(|s| s.is_object());
    let target = at(source, &["target"]);
    let now = |field: &str| match seen.map(|s| at(s, &["current", field])) {
        Some(value) if !value.is_null() => Some(amount(value)),
        _ => None,
    };
    let unknown = || "<unknown>".to_owned();
    // A status whose quantity is not set prints as zero where the field is no pointer.
    let zero = |field: &str| now(field).or_else(|| seen.map(|_| "0".to_owned())).unwrap_or_else(unknown);
    let average = at(target, &["averageValue"]);
    match key {
        "external" | "object" if !average.is_null() => format!("{}/{} (avg)", now("averageValue").unwrap_or_else(unknown), amount(average)),
        "external" | "object" => format!("{}/{}", zero("value"), amount(at(target, &["value"]))),
        "pods" => format!("{}/{}", zero("averageValue"), amount(average)),
        _ => {
            let resource = text(source, &["name"]);
            if !average.is_null() {
                return format!("{resource}: {}/{}", zero("averageValue"), amount(average));
            }
            let percent = |v: Option<i64>, none: &str| v.map_or_else(|| none.to_owned(), |v| format!("{v}%"));
            let current = seen.and_then(|s| int(s, &["current", "averageUtilization"]));
            let wanted = int(target, &["averageUtilization"]);
            format!("{resource}: {}/{}", percent(current, "<unknown>"), percent(wanted, "<auto>"))
        }
    }
}

fn autoscaler(o: &Value, now: Nanos) -> Vec<Value> {
    let reference = format!("{}/{}", text(o, &["spec", "scaleTargetRef", "kind"]), text(o, &["spec", "scaleTargetRef", "name"]));
    let current = list(o, &["status", "currentMetrics"]);
    let mut all: Vec<String> = list(o, &["spec", "metrics"]).iter().enumerate().map(|(i, m)| metric(m, current.get(i))).collect();
    // The older version has one metric, in a field of its own.
    if text(o, &["apiVersion"]) == "autoscaling/v1" {
        if let Some(target) = int(o, &["spec", "targetCPUUtilizationPercentage"]) {
            let seen = int(o, &["status", "currentCPUUtilizationPercentage"]);
            all.push(format!("cpu: {}/{target}%", seen.map_or_else(|| "<unknown>".to_owned(), |v| format!("{v}%"))));
        }
    }
    let targets = match all.len() {
        0 => "<none>".to_owned(),
        n if n > 2 => format!("{} + {} more...", all[..2].join(", "), n - 2),
        _ => all.join(", "),
    };
    vec![
        name(o),
        reference.into(),
        targets.into(),
        optional(o, &["spec", "minReplicas"], "<unset>"),
        number(o, &["spec", "maxReplicas"]),
        number(o, &["status", "currentReplicas"]),
        age(o, now),
    ]
}
