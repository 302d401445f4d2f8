//! Autoscalers of the cluster: as [`crate::simulate::rollout::autoscale`] predicts them, with the status they write.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::Cluster;
use super::kubelet::Task;
use crate::simulate::apiserver::Change;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Operation;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Uid;
use crate::simulate::rollout::autoscale;
use crate::simulate::rollout::autoscale::Autoscaler;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

const NO_METRICS: &str = "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the \
                          server could not find the requested resource (get pods.metrics.k8s.io)";

/// The memories of the autoscalers, as JSON.
pub(super) fn encode(all: &BTreeMap<Uid, Autoscaler>) -> Value {
    all.iter().map(|(uid, a)| json!([uid, a.began, a.recommendations, a.changes])).collect()
}

/// What [`encode`] wrote; the scripts are read from the objects again.
pub(super) fn decode(value: &Value) -> BTreeMap<Uid, Autoscaler> {
    let pairs = |v: &Value| v.as_array().into_iter().flatten().filter_map(|p| Some((p[0].as_i64()?, p[1].as_i64()?))).collect();
    let one = |v: &Value| {
        let memory = Autoscaler { began: v[1].as_i64()?, recommendations: pairs(&v[2]), changes: pairs(&v[3]), ..Autoscaler::default() };
        Some((v[0].as_u64()?, memory))
    };
    value.as_array().into_iter().flatten().filter_map(one).collect()
}

impl Cluster {
    /// An autoscaler, or what one may scale, has changed: it looks again in time.
    pub(super) fn watch_scaling(&mut self, change: &Change) {
        let object = &change.object;
        let uid = object.meta.uid;
        if change.operation == Operation::Deleted {
            self.autoscalers.remove(&uid);
            return;
        }
        if change.old.as_ref().is_some_and(|o| o.spec == object.spec && o.meta.annotations == object.meta.annotations) {
            return;
        }
        let name = (object.kind.as_str(), object.meta.name.as_str());
        let scales = |h: &&Arc<Object>| {
            let target = at(&h.spec, &["scaleTargetRef"]);
            h.meta.namespace == object.meta.namespace && (text(target, &["kind"]), text(target, &["name"])) == name
        };
        let concerned: Vec<Uid> = if object.kind == "HorizontalPodAutoscaler" {
            vec![uid]
        } else {
            self.plane.api.list("HorizontalPodAutoscaler").filter(scales).map(|h| h.meta.uid).collect()
        };
        let now = self.now();
        for uid in concerned {
            self.autoscalers.entry(uid).or_insert_with(|| Autoscaler { began: now, ..Autoscaler::default() });
            self.nodes.add_once(now + autoscale::PERIOD, uid, Task::Autoscale);
        }
    }

    /// An autoscaler looks at its metrics.
    pub(super) fn autoscale(&mut self, object: &Arc<Object>) {
        let uid = object.meta.uid;
        let now = self.now();
        let mut memory = self.autoscalers.remove(&uid).unwrap_or_else(|| Autoscaler { began: now, ..Autoscaler::default() });
        memory.script = autoscale::script_of(object).and_then(|told| autoscale::parse(told).ok()).unwrap_or_default();
        // What is older than any window does not count any more.
        let recent = |all: &mut Vec<(Nanos, i64)>| all.retain(|(at, _)| now - at <= 3600 * SECOND);
        recent(&mut memory.recommendations);
        recent(&mut memory.changes);
        let look = autoscale::reconcile(&mut self.plane, object, &mut memory);
        self.write_status(object, look.as_ref());
        if !memory.script.is_empty() {
            self.nodes.add_once(now + autoscale::PERIOD, uid, Task::Autoscale);
        }
        self.autoscalers.insert(uid, memory);
    }

    /// upstream: setStatus, setCondition
    fn write_status(&mut self, object: &Arc<Object>, look: Option<&autoscale::Look>) {
        let now = self.now() / SECOND * SECOND;
        let target = at(&object.spec, &["scaleTargetRef"]);
        let (kind, name) = (text(target, &["kind"]).to_owned(), text(target, &["name"]).to_owned());
        let there = self.plane.api.find(&kind, &object.meta.namespace, &name).map(|o| (o.replicas(), o.count("replicas")));
        let mut status = if object.status.is_object() { Value::clone(&object.status) } else { json!({}) };
        let Some((replicas, running)) = there else {
            let why = format!("{} \"{name}\" not found", self.qualified(text(target, &["apiVersion"]), &kind));
            let message = format!("the HPA controller was unable to get the target's current scale: {why}");
            condition(&mut status, "AbleToScale", "False", "FailedGetScale", &message, now);
            self.tell(object, "", true, "FailedGetScale", why, ("horizontal-pod-autoscaler", ""));
            self.plane.api.edit(object.meta.uid, |o| o.status = status.into());
            return;
        };
        let message = "the HPA controller was able to get the target's current scale";
        condition(&mut status, "AbleToScale", "True", "SucceededGetScale", message, now);
        let bounds = (int(&object.spec, &["minReplicas"]).unwrap_or(1), int(&object.spec, &["maxReplicas"]).unwrap_or(1));
        match look {
            None => {
                let message = "scaling is disabled since the replica count of the target is zero";
                condition(&mut status, "ScalingActive", "False", "ScalingDisabled", message, now);
                status["desiredReplicas"] = 0.into();
            }
            Some(look) if look.measured.is_none() && look.current == look.desired => {
                let message = format!("the HPA was unable to compute the replica count: {NO_METRICS}");
                condition(&mut status, "ScalingActive", "False", "FailedGetResourceMetric", &message, now);
                status["desiredReplicas"] = int(&status, &["desiredReplicas"]).unwrap_or(0).into();
                self.tell(object, "", true, "FailedGetResourceMetric", NO_METRICS.to_owned(), ("horizontal-pod-autoscaler", ""));
                let message =
                    format!("invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: {NO_METRICS}");
                self.tell(object, "", true, "FailedComputeMetricsReplicas", message, ("horizontal-pod-autoscaler", ""));
            }
            Some(look) => {
                if let Some((wanted, average, percentage)) = look.measured {
                    let message =
                        "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)";
                    condition(&mut status, "ScalingActive", "True", "ValidMetricFound", message, now);
                    let limit = match wanted {
                        n if n > bounds.1 => {
                            ("True", "TooManyReplicas", "the desired replica count is more than the maximum replica count")
                        }
                        n if n < bounds.0 => ("True", "TooFewReplicas", "the desired replica count is less than the minimum replica count"),
                        _ => ("False", "DesiredWithinRange", "the desired count is within the acceptable range"),
                    };
                    condition(&mut status, "ScalingLimited", limit.0, limit.1, limit.2, now);
                    let mut current = json!({"averageValue": format!("{average}m")});
                    if let Some(percentage) = percentage {
                        current["averageUtilization"] = percentage.into();
                    }
                    status["currentMetrics"] = json!([{"type": "Resource", "resource": {"name": "cpu", "current": current}}]);
                }
                status["desiredReplicas"] = look.desired.into();
                if look.desired == look.current {
                    let message = "recommended size matches current size";
                    condition(&mut status, "AbleToScale", "True", "ReadyForNewScale", message, now);
                } else {
                    let message = format!("the HPA controller was able to update the target scale to {}", look.desired);
                    condition(&mut status, "AbleToScale", "True", "SucceededRescale", &message, now);
                    status["lastScaleTime"] = now.into();
                }
            }
        }
        status["currentReplicas"] = if look.is_some() { running } else { replicas }.into();
        self.plane.api.edit(object.meta.uid, |o| o.status = status.into());
    }
}

/// Sets a condition; the time of its last change stays while its status does.
fn condition(status: &mut Value, kind: &str, holds: &str, reason: &str, message: &str, now: Nanos) {
    let old = list(status, &["conditions"]).iter().find(|c| text(c, &["type"]) == kind && text(c, &["status"]) == holds);
    let since = old.map_or_else(|| now.into(), |c| c["lastTransitionTime"].clone());
    let new = json!({"type": kind, "status": holds, "reason": reason, "message": message, "lastTransitionTime": since});
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(all) = status["conditions"].as_array_mut() else { return };
    match all.iter_mut().find(|c| text(c, &["type"]) == kind) {
        Some(slot) => *slot = new,
        None => all.push(new),
    }
}
