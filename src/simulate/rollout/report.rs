//! The prediction for people and for programs.

use serde_json::Value;
use serde_json::json;

use super::Look;
use super::Prediction;
use super::Workload;
use super::verdict::workload_json;
use crate::simulate::answer::Answer;
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

/// The timeline, what was looked at, and a row a workload.
pub fn answer(prediction: &Prediction) -> Answer {
    let mut out = Answer { json: to_json(prediction), ..Answer::default() };
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
    for look in &prediction.looks {
        out.heading(&format!("At {}", time(look.at)));
        out.lines(vec![format!("at {}:", time(look.at))]);
        out.table(&["NAME", "READY", "STATUS", "NODE"], snapshot(look));
    }
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
    out.lines(vec![format!("verdict: {}", prediction.verdict().name())]);
    out
}

/// The pods and workloads at one instant, as `kubectl get` lists them.
fn snapshot(look: &Look) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
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
    rows
}

fn status(pod: &Object) -> String {
    if pod.meta.is_deleted() { "Terminating".to_owned() } else { phase(pod).to_owned() }
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
        "looks": looks,
    })
}
