//! The prediction for people and for programs.

use serde_json::Value;
use serde_json::json;

use super::Look;
use super::Prediction;
use super::Workload;
use super::chart;
use super::verdict::workload_json;
use crate::simulate::answer::Answer;
use crate::simulate::answer::Block;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::SECOND;
use crate::simulate::controllers::job;
use crate::simulate::kubelet::printed;
use crate::simulate::scheduler::json::text;
use crate::sprig::Duration;

/// Lines of the timeline that are shown at the beginning and at the end of a long one.
const SHOWN: usize = 40;

pub(super) fn time(at: Nanos) -> String {
    Duration(at / (SECOND / 10) * (SECOND / 10)).text()
}

/// The timeline, what was looked at, and a row a workload.
pub fn answer(prediction: &Prediction, watch: bool) -> Answer {
    let mut out = Answer { json: to_json(prediction), ..Answer::default() };
    if let Some(defect) = &prediction.defect {
        out.lines(vec![defect.clone()]);
    }
    let steps = &prediction.steps;
    let mut rows = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        if steps.len() > 2 * SHOWN && i == SHOWN {
            rows.push(vec!["...".to_owned(), String::new(), format!("{} more", steps.len() - 2 * SHOWN)]);
        }
        if steps.len() <= 2 * SHOWN || i < SHOWN || i >= steps.len() - SHOWN {
            rows.push(vec![time(step.at), step.object.clone(), step.what.clone()]);
        }
    }
    out.heading("Timeline");
    out.table(&["TIME", "OBJECT", "WHAT"], rows);
    if watch {
        out.heading("Pods as they change");
        out.table(&["TIME", "NAME", "READY", "STATUS", "RESTARTS", "NODE"], watched(prediction));
    }
    for look in &prediction.looks {
        out.heading(&format!("At {}", time(look.at)));
        out.blocks.push(Block::Label(format!("at {}:", time(look.at))));
        out.table(&["NAME", "READY", "STATUS", "RESTARTS", "AGE", "NODE"], snapshot(look));
    }
    if !prediction.events.is_empty() {
        out.heading("Events");
        out.table(&["OBJECT", "TYPE", "REASON", "AGE", "FROM", "MESSAGE"], events(prediction));
    }
    chart::add(&mut out, prediction);
    let row = |w: &Workload| {
        vec![
            format!("{}/{}", w.kind, w.name),
            w.verdict().name().to_owned(),
            w.complete_at.map_or_else(|| "-".to_owned(), time),
            format!("{}/{}", w.available, w.desired),
            w.min_available.to_string(),
            w.max_pods.to_string(),
            w.restarts.to_string(),
        ]
    };
    out.heading("Workloads");
    let header = ["WORKLOAD", "VERDICT", "AFTER", "AVAILABLE", "LOWEST", "MOST PODS", "RESTARTS"];
    out.table(&header, prediction.workloads.iter().map(row).collect());
    out.lines(prediction.workloads.iter().filter_map(surge).collect());
    out.lines(vec![format!("verdict: {}", prediction.verdict().name())]);
    out
}

/// What the pods of a surge need, where there is no room for all of them.
fn surge(workload: &Workload) -> Option<String> {
    let surge = workload.surge.as_ref()?;
    if surge.fit >= surge.pods && surge.quota.is_none() {
        return None;
    }
    let pods = if surge.pods == 1 { "1 pod".to_owned() } else { format!("{} pods", surge.pods) };
    let mut each: Vec<String> = Vec::new();
    if surge.cpu > 0 {
        each.push(format!("{}m CPU", surge.cpu));
    }
    if surge.memory > 0 {
        each.push(format!("{}Mi memory", surge.memory / (1 << 20)));
    }
    let each = if each.is_empty() { String::new() } else { format!(" of {} each", each.join(" and ")) };
    let quota = surge.quota.as_ref().map_or_else(String::new, |(name, n)| format!(", the quota {name} allows {n}"));
    let name = format!("{}/{}", workload.kind, workload.name);
    Some(format!("surge of {name}: {pods}{each}; the nodes have room for {}{quota}", surge.fit))
}

/// The pods and workloads at one instant, as `kubectl get` lists them.
fn snapshot(look: &Look) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let age = |o: &Object| seconds(look.now - o.meta.created);
    for object in &look.objects {
        let (ready, status) = match object.kind.as_str() {
            "Deployment" | "StatefulSet" | "ReplicaSet" => (format!("{}/{}", object.count("readyReplicas"), object.replicas()), ""),
            "DaemonSet" => (format!("{}/{}", object.count("numberReady"), object.count("desiredNumberScheduled")), ""),
            "Job" => {
                let ended = job::finished(object).map_or("Running", |c| text(c, &["type"]));
                (format!("{}/{}", object.count("succeeded"), super::verdict::desired(object)), ended)
            }
            _ => continue,
        };
        let name = format!("{}/{}", object.kind.to_lowercase(), object.meta.name);
        rows.push(vec![name, ready, status.to_owned(), String::new(), age(object), String::new()]);
    }
    for pod in look.objects.iter().filter(|o| o.kind == "Pod") {
        let shown = printed::pod(&pod.spec, &pod.status, pod.meta.is_deleted());
        rows.push(vec![
            format!("pod/{}", pod.meta.name),
            format!("{}/{}", shown.ready, shown.containers),
            shown.status,
            shown.restarts.to_string(),
            age(pod),
            text(&pod.spec, &["nodeName"]).to_owned(),
        ]);
    }
    rows
}

/// An age as kubectl prints it. upstream: duration.HumanDuration
fn seconds(age: Nanos) -> String {
    let all = age / SECOND;
    match (all / 60, all % 60) {
        (_, _) if all < 120 => format!("{all}s"),
        (m, 0) if m < 10 => format!("{m}m"),
        (m, s) if m < 10 => format!("{m}m{s}s"),
        (m, _) if m < 180 => format!("{m}m"),
        (m, _) => format!("{}h", m / 60),
    }
}

/// Events as `kubectl describe` prints them at the end of the prediction. upstream: DescribeEvents, translateMicroTimestampSince
fn events(prediction: &Prediction) -> Vec<Vec<String>> {
    let now = prediction.events.iter().map(|e| e.last).max().unwrap_or(0).max(prediction.quiet_at);
    let row = |e: &super::events::Record| {
        let age = match e.count {
            1 => seconds(now - e.first),
            n => format!("{} (x{n} over {})", seconds(now - e.last), seconds(now - e.first)),
        };
        let kind = if e.warning { "Warning" } else { "Normal" };
        vec![e.object.clone(), kind.to_owned(), e.reason.clone(), age, e.from.clone(), e.message.trim_end().to_owned()]
    };
    prediction.events.iter().map(row).collect()
}

/// One line a change of a pod, as `kubectl get pods --watch` prints them.
fn watched(prediction: &Prediction) -> Vec<Vec<String>> {
    let mut rows: Vec<(Nanos, usize, Vec<String>)> = Vec::new();
    for (i, lane) in prediction.pods.iter().enumerate() {
        for glimpse in lane.glimpses.iter().filter(|g| !g.printed.status.is_empty()) {
            let p = &glimpse.printed;
            let ready = format!("{}/{}", p.ready, p.containers);
            rows.push((
                glimpse.at,
                i,
                vec![time(glimpse.at), lane.name.clone(), ready, p.status.clone(), p.restarts.to_string(), lane.node.clone()],
            ));
        }
    }
    rows.sort();
    rows.into_iter().map(|r| r.2).collect()
}

/// The prediction as JSON; times are seconds since the change.
fn to_json(prediction: &Prediction) -> Value {
    let seconds = |t: Nanos| t as f64 / 1e9;
    let steps: Vec<Value> = prediction.steps.iter().map(|s| json!({"at": seconds(s.at), "object": s.object, "what": s.what})).collect();
    let looks: Vec<Value> = prediction
        .looks
        .iter()
        .map(|l| {
            let objects: Vec<Value> = l.objects.iter().filter(|o| o.kind != "Node").map(|o| o.to_json()).collect();
            json!({"at": seconds(l.at), "objects": objects})
        })
        .collect();
    json!({
        "verdict": prediction.verdict().name(),
        "workloads": prediction.workloads.iter().map(workload_json).collect::<Vec<_>>(),
        "refused": prediction.refused.iter().map(|(i, message)| json!({"object": i, "message": message})).collect::<Vec<_>>(),
        "timeline": steps,
        "pods": prediction.pods.iter().map(|l| json!({
            "name": l.name, "owner": l.owner, "node": l.node,
            "states": l.glimpses.iter().map(|g| json!({"at": g.at as f64 / 1e9, "status": g.printed.status, "ready": g.ready, "restarts": g.printed.restarts})).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "looks": looks,
        "events": prediction.events.iter().map(|e| json!({
            "object": e.object, "type": if e.warning { "Warning" } else { "Normal" }, "reason": e.reason, "from": e.from,
            "message": e.message, "first": seconds(e.first), "last": seconds(e.last), "count": e.count,
        })).collect::<Vec<_>>(),
    })
}
