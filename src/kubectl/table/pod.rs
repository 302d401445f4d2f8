//! Rows of pods and pod templates. upstream: pkg/printers/internalversion printPod

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::api::Nanos;
use super::super::labels;
use super::super::times;
use super::{Printer, age, containers, name, or, printer};
use crate::simulate::apiserver::Wanted;
use crate::simulate::apiserver::Wanted::{All, Fields};
use crate::simulate::scheduler::json::{at, int, list, text};

pub(super) const PRINTERS: &[Printer] = &[
    printer("", "Pod", &["Name", "Ready", "Status", "Restarts", "Age", "|IP", "|Node", "|Nominated Node", "|Readiness Gates"], pod)
        .of(SPEC, STATUS),
    printer("", "PodTemplate", &["Name", "Containers", "Images", "Pod Labels"], |o, _| {
        let [names, images] = containers(o, &["template", "spec", "containers"]);
        vec![name(o), names, images, labels::format(at(o, &["template", "metadata", "labels"])).into()]
    }),
];

/// What a pod's row looks at.
const SPEC: Wanted = Fields(&[
    ("containers", Fields(&[])),
    ("initContainers", Fields(&[("name", All), ("restartPolicy", All)])),
    ("nodeName", All),
    ("readinessGates", All),
]);
const STATUS: Wanted = Fields(&[
    ("conditions", Fields(&[("reason", All), ("status", All), ("type", All)])),
    ("containerStatuses", CONTAINERS),
    ("initContainerStatuses", CONTAINERS),
    ("nominatedNodeName", All),
    ("phase", All),
    ("podIPs", All),
    ("reason", All),
]);
const CONTAINERS: Wanted = Fields(&[
    ("lastState", Fields(&[("terminated", All)])),
    ("name", All),
    ("ready", All),
    ("restartCount", All),
    ("started", All),
    ("state", Fields(&[("running", Fields(&[])), ("terminated", All), ("waiting", All)])),
]);

/// What the containers of a pod come to.
#[derive(Clone, Debug, Default)]
struct Count {
    restarts: i64,
    last: Option<Nanos>,
}

impl Count {
    fn add(&mut self, status: &Value) {
        self.restarts += int(status, &["restartCount"]).unwrap_or(0);
        let finished = at(status, &["lastState", "terminated"]);
        if finished.is_object() {
            self.last = self.last.max(times::parse(at(finished, &["finishedAt"])));
        }
    }
}

fn exit_reason(terminated: &Value) -> String {
    match (text(terminated, &["reason"]), int(terminated, &["signal"]).unwrap_or(0)) {
        ("", 0) => format!("ExitCode:{}", int(terminated, &["exitCode"]).unwrap_or(0)),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

fn restarts_always(container: Option<&&Value>) -> bool {
    container.is_some_and(|c| text(c, &["restartPolicy"]) == "Always")
}

/// The `STATUS` of a pod, its ready containers and its restarts.
pub(super) struct Summary {
    pub(super) status: String,
    ready: usize,
    total: usize,
    restarts: Count,
}

pub(super) fn summary(pod: &Value) -> Summary {
    let phase = text(pod, &["status", "phase"]);
    let mut reason = or(text(pod, &["status", "reason"]), phase).to_owned();
    let conditions = list(pod, &["status", "conditions"]);
    let is = |kind: &str| conditions.iter().find(|c| text(c, &["type"]) == kind).is_some_and(|c| text(c, &["status"]) == "True");
    if conditions.iter().any(|c| text(c, &["type"]) == "PodScheduled" && text(c, &["reason"]) == "SchedulingGated") {
        "SchedulingGated".clone_into(&mut reason);
    }
    let init_specs = list(pod, &["spec", "initContainers"]);
    let inits: BTreeMap<&str, &Value> = init_specs.iter().map(|c| (text(c, &["name"]), c)).collect();
    let sidecars = init_specs.iter().filter(|c| restarts_always(Some(c))).count();
    let total = list(pod, &["spec", "containers"]).len() + sidecars;
    let (mut ready, mut all, mut of_sidecars, mut initializing) = (0, Count::default(), Count::default(), false);
    for (i, status) in list(pod, &["status", "initContainerStatuses"]).iter().enumerate() {
        all.add(status);
        let sidecar = restarts_always(inits.get(text(status, &["name"])));
        if sidecar {
            of_sidecars.add(status);
        }
        let terminated = at(status, &["state", "terminated"]);
        let waiting = text(status, &["state", "waiting", "reason"]);
        if terminated.is_object() && int(terminated, &["exitCode"]).unwrap_or(0) == 0 {
            continue;
        }
        if sidecar && status["started"] == true {
            ready += usize::from(status["ready"] == true);
            continue;
        }
        reason = if terminated.is_object() {
            format!("Init:{}", exit_reason(terminated))
        } else if !waiting.is_empty() && waiting != "PodInitializing" {
            format!("Init:{waiting}")
        } else {
            format!("Init:{i}/{}", init_specs.len())
        };
        initializing = true;
        break;
    }
    if !initializing || is("Initialized") {
        all = of_sidecars;
        let (mut running, mut failed) = (false, String::new());
        for status in list(pod, &["status", "containerStatuses"]).iter().rev() {
            all.add(status);
            let terminated = at(status, &["state", "terminated"]);
            let waiting = text(status, &["state", "waiting", "reason"]);
            if !waiting.is_empty() {
                waiting.clone_into(&mut reason);
            } else if terminated.is_object() {
                reason = exit_reason(terminated);
                if int(terminated, &["exitCode"]).unwrap_or(0) != 0 {
                    failed.clone_from(&reason);
                }
            } else if status["ready"] == true && at(status, &["state", "running"]).is_object() {
                running = true;
                ready += 1;
            }
        }
        if reason == "Completed" {
            if running && is("Ready") {
                "Running".clone_into(&mut reason);
            } else if !failed.is_empty() {
                reason = failed;
            } else if running {
                "NotReady".clone_into(&mut reason);
            }
        }
    }
    if !at(pod, &["metadata", "deletionTimestamp"]).is_null() {
        if text(pod, &["status", "reason"]) == "NodeLost" {
            "Unknown".clone_into(&mut reason);
        } else if !matches!(phase, "Failed" | "Succeeded") {
            "Terminating".clone_into(&mut reason);
        }
    }
    Summary { status: reason, ready, total, restarts: all }
}

fn pod(pod: &Value, now: Nanos) -> Vec<Value> {
    let Summary { status, ready, total, restarts } = summary(pod);
    let restarts = match (restarts.restarts, restarts.last) {
        (n, Some(last)) if n != 0 => format!("{n} ({} ago)", times::human(now - last)),
        (n, _) => n.to_string(),
    };
    let ip = list(pod, &["status", "podIPs"]).first().map_or("", |ip| text(ip, &["ip"]));
    let gates = list(pod, &["spec", "readinessGates"]);
    let met = |gate: &&Value| {
        let mut conditions = list(pod, &["status", "conditions"]).iter();
        let found = conditions.find(|c| text(c, &["type"]) == text(gate, &["conditionType"]));
        found.is_some_and(|c| text(c, &["status"]) == "True")
    };
    let gates = if gates.is_empty() { "<none>".to_owned() } else { format!("{}/{}", gates.iter().filter(met).count(), gates.len()) };
    vec![
        name(pod),
        format!("{ready}/{total}").into(),
        status.into(),
        restarts.into(),
        age(pod, now),
        or(ip, "<none>").into(),
        or(text(pod, &["spec", "nodeName"]), "<none>").into(),
        or(text(pod, &["status", "nominatedNodeName"]), "<none>").into(),
        gates.into(),
    ]
}
