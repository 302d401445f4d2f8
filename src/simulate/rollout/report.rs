//! The prediction for people and for programs.

use std::fmt::Write as _;

use serde_json::Value;
use serde_json::json;

use super::Look;
use super::Prediction;
use super::verdict::workload_json;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::SECOND;
use crate::simulate::controllers::phase;
use crate::simulate::controllers::pods;
use crate::simulate::scheduler::json::text;
use crate::sprig::Duration;

/// Lines of the timeline that are shown at the beginning and at the end of a long one.
const SHOWN: usize = 40;

fn time(at: Nanos) -> String {
    Duration(at / (SECOND / 10) * (SECOND / 10)).text()
}

/// Rows with aligned columns.
fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> =
        (0..count).map(|i| rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:width$}   ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn heading(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

/// The timeline, what was looked at, and a row a workload.
pub fn table(prediction: &Prediction) -> String {
    let mut rows = vec![heading(&["TIME", "OBJECT", "WHAT"])];
    let steps = &prediction.steps;
    for (i, step) in steps.iter().enumerate() {
        if steps.len() > 2 * SHOWN && i == SHOWN {
            rows.push(vec!["...".to_owned(), String::new(), format!("{} more", steps.len() - 2 * SHOWN)]);
        }
        if steps.len() <= 2 * SHOWN || i < SHOWN || i >= steps.len() - SHOWN {
            rows.push(vec![time(step.at), step.object.clone(), step.what.clone()]);
        }
    }
    let mut out = columns(&rows);
    for look in &prediction.looks {
        let _ = write!(out, "\nat {}:\n{}", time(look.at), snapshot(look));
    }
    let mut rows = vec![heading(&["WORKLOAD", "VERDICT", "AFTER", "AVAILABLE", "LOWEST", "MOST PODS", "RESTARTS"])];
    for w in &prediction.workloads {
        rows.push(vec![
            format!("{}/{}", w.kind, w.name),
            w.verdict().name().to_owned(),
            w.complete_at.map_or_else(|| "-".to_owned(), time),
            format!("{}/{}", w.available, w.desired),
            w.min_available.to_string(),
            w.max_pods.to_string(),
            w.restarts.to_string(),
        ]);
    }
    out.push('\n');
    out.push_str(&columns(&rows));
    let _ = writeln!(out, "\nverdict: {}", prediction.verdict().name());
    out
}

/// The pods and workloads at one instant, as `kubectl get` lists them.
pub fn snapshot(look: &Look) -> String {
    let mut rows = vec![heading(&["NAME", "READY", "STATUS", "NODE"])];
    for object in look.objects.iter().filter(|o| matches!(o.kind.as_str(), "Deployment" | "StatefulSet" | "ReplicaSet")) {
        let ready = format!("{}/{}", object.count("readyReplicas"), object.replicas());
        rows.push(vec![format!("{}/{}", object.kind.to_lowercase(), object.meta.name), ready, String::new(), String::new()]);
    }
    for pod in look.objects.iter().filter(|o| o.kind == "Pod") {
        rows.push(vec![
            format!("pod/{}", pod.meta.name),
            if pods::is_ready(pod) { "yes" } else { "no" }.to_owned(),
            status(pod),
            text(&pod.spec, &["nodeName"]).to_owned(),
        ]);
    }
    columns(&rows)
}

fn status(pod: &Object) -> String {
    if pod.meta.is_deleted() { "Terminating".to_owned() } else { phase(pod).to_owned() }
}

/// The prediction as JSON; times are seconds since the change.
pub fn to_json(prediction: &Prediction) -> Value {
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
        "looks": looks,
    })
}
