//! HorizontalPodAutoscalers whose metrics are told by a script.
//!
//! The annotation `simulate.kval.dev/load` of an autoscaler tells the load that all ready pods share, as phrases separated
//! by commas: `500m until 60s, 2 until 5m, 200m`. Without it there are no metrics, and only the bounds count.
//! upstream: pkg/controller/podautoscaler

use super::cluster::Cluster;
use super::node::Task;
use crate::kube::quantity;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::SECOND;
use crate::simulate::controllers::ControlPlane;
use crate::simulate::controllers::hpa;
use crate::simulate::controllers::phase;
use crate::simulate::controllers::pods;
use crate::simulate::controllers::selector_of;
use crate::simulate::kubelet::behaviour::ANNOTATION;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;
use crate::simulate::scheduler::resource::milli_value;
use crate::simulate::scheduler::resource::pod_requests;
use crate::sprig::Duration;

/// How often an autoscaler looks.
pub const PERIOD: Nanos = 15 * SECOND;
/// How much a metric may differ from its target without consequence.
const TOLERANCE: f64 = 0.1;

/// The load over time: until when it is how many thousandths.
pub type Script = Vec<(Nanos, i64)>;

/// An autoscaler's script and memory.
#[derive(Clone, Debug, Default)]
pub struct Autoscaler {
    /// When it began.
    pub began: Nanos,
    /// The load; empty when there are no metrics.
    pub script: Script,
    /// When it recommended how many.
    pub recommendations: Vec<(Nanos, i64)>,
    /// When it changed the size by how many.
    pub changes: Vec<(Nanos, i64)>,
}

/// What one look of an autoscaler came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// The size it found.
    pub current: i64,
    /// The size it wants; the target has it now.
    pub desired: i64,
    /// What the metrics asked for before bounds and behavior, with their average and percentage; nothing without metrics.
    pub measured: Option<(i64, i64, Option<i64>)>,
}

/// The phrases of the annotation; `Err` is the one that is not understood.
pub fn parse(phrases: &str) -> Result<Script, String> {
    let mut out = Script::new();
    for phrase in phrases.split([',', ';']).map(str::trim).filter(|p| !p.is_empty()) {
        let parts: Vec<&str> = phrase.split_whitespace().collect();
        let until = match parts.as_slice() {
            [_] => Nanos::MAX,
            [_, "until", time] => Duration::parse(time).map_err(|_| phrase.to_owned())?.0,
            _ => return Err(phrase.to_owned()),
        };
        let load = quantity::parse(parts[0]).map_err(|_| phrase.to_owned())?;
        out.push((until, load.milli_value()));
    }
    Ok(out)
}

impl Cluster {
    pub(super) fn begin_autoscaling(&mut self, object: &Object) {
        let own = script_of(object).map(String::as_str);
        let script = match self.scenario.load(&object.meta.name).or(own).map(parse) {
            Some(Err(phrase)) => {
                let name = format!("HorizontalPodAutoscaler/{}", object.meta.name);
                self.step(name, format!("annotation {ANNOTATION}load: {phrase:?} is not understood and not heeded"));
                Script::new()
            }
            Some(Ok(script)) => script,
            None => Script::new(),
        };
        let now = self.plane.api.now;
        let last = script.iter().map(|(until, _)| *until).filter(|u| *u < Nanos::MAX).max();
        // Scaling down takes five more minutes.
        if let Some(last) = last {
            self.busy_until = self.busy_until.max(now + last + 330 * SECOND);
        }
        self.autoscalers.insert(object.meta.uid, Autoscaler { began: now, script, ..Autoscaler::default() });
        self.later(PERIOD, object.meta.uid, Task::Autoscale);
    }

    pub(super) fn autoscale(&mut self, object: &Object) {
        let uid = object.meta.uid;
        let Some(mut memory) = self.autoscalers.remove(&uid) else { return };
        reconcile(&mut self.plane, object, &mut memory);
        // Without a script nothing changes but by hand.
        if !memory.script.is_empty() {
            self.later(PERIOD, uid, Task::Autoscale);
        }
        self.autoscalers.insert(uid, memory);
    }
}

/// The load script of an autoscaler's annotation.
pub fn script_of(object: &Object) -> Option<&String> {
    object.meta.annotations.get(&format!("{ANNOTATION}load"))
}

/// Looks at the metrics and scales the target; nothing when there is no target or it is switched off.
/// upstream: reconcileAutoscaler
pub fn reconcile(plane: &mut ControlPlane, object: &Object, memory: &mut Autoscaler) -> Option<Look> {
    let target = at(&object.spec, &["scaleTargetRef"]);
    let found = plane.api.find(text(target, &["kind"]), &object.meta.namespace, text(target, &["name"])).cloned();
    let scaled = found?;
    let now = plane.api.now;
    let current = scaled.replicas();
    let (min, max) = (int(&object.spec, &["minReplicas"]).unwrap_or(1), int(&object.spec, &["maxReplicas"]).unwrap_or(1));
    let mut reason = String::new();
    let mut metrics = None;
    let desired = match current {
        0 => return None,
        n if n > max => max,
        n if n < min => min,
        _ => {
            let Some(found) = measured(plane, object, &scaled, memory, current) else {
                return Some(Look { current, desired: current, measured: None });
            };
            let (wanted, why) = (found.0, found.3);
            metrics = Some((found.0, found.1, found.2));
            reason = why;
            let ago = |(at, value): &(Nanos, i64)| hpa::Past { value: *value, ago: (now - at) as f64 / 1e9 };
            let changed =
                |up: bool| memory.changes.iter().filter(|c| (c.1 > 0) == up).map(|c| hpa::Past { value: c.1.abs(), ..ago(c) }).collect();
            let history = hpa::History {
                recommendations: memory.recommendations.iter().map(ago).collect(),
                scale_ups: changed(true),
                scale_downs: changed(false),
            };
            let wish = hpa::Wish { current, desired: wanted, min, max };
            let behavior = at(&object.spec, &["behavior"]);
            let decision =
                if behavior.is_object() { hpa::with_behavior(wish, behavior, &history) } else { hpa::without_behavior(wish, &history) };
            memory.recommendations.push((now, wanted));
            decision.replicas
        }
    };
    if desired != current {
        memory.changes.push((now, desired - current));
        let reason = if reason.is_empty() {
            if desired == max {
                "Current number of replicas above Spec.MaxReplicas"
            } else {
                "Current number of replicas below Spec.MinReplicas"
            }
        } else {
            &reason
        };
        plane.api.event(object, false, "SuccessfulRescale", format!("New size: {desired}; reason: {reason}"));
        plane.api.edit(scaled.meta.uid, |o| o.spec_mut()["replicas"] = desired.into());
    }
    Some(Look { current, desired, measured: metrics })
}

/// The replicas that the script's load asks for, the average and the percentage it comes to, and why.
fn measured(
    plane: &ControlPlane,
    object: &Object,
    scaled: &Object,
    memory: &Autoscaler,
    current: i64,
) -> Option<(i64, i64, Option<i64>, String)> {
    let at_time = plane.api.now - memory.began;
    let load = memory.script.iter().find(|(until, _)| at_time < *until).or(memory.script.last())?.1;
    let metric = list(&object.spec, &["metrics"]).iter().find(|m| text(m, &["resource", "name"]) == "cpu");
    let percent = metric.and_then(|m| int(m, &["resource", "target", "averageUtilization"]));
    let average = metric.map_or("", |m| text(m, &["resource", "target", "averageValue"]));
    let target = match (percent.or(int(&object.spec, &["targetCPUUtilizationPercentage"])), average) {
        (Some(percent), _) => hpa::Target::Utilization(percent),
        (None, "") => hpa::Target::Utilization(80),
        (None, value) => hpa::Target::Average(milli_value(value)),
    };
    let selector = selector_of(scaled);
    let own: Vec<_> = plane.api.list_in("Pod", &object.meta.namespace).filter(|p| selector.matches(&p.meta.labels)).collect();
    let ready = own.iter().filter(|p| pods::is_ready(p)).count().max(1) as i64;
    let sample = |pod: &&std::sync::Arc<Object>| hpa::PodSample {
        state: match phase(pod) {
            _ if pod.meta.is_deleted() => hpa::PodState::Ignored,
            "Failed" => hpa::PodState::Ignored,
            "Pending" | "" => hpa::PodState::Pending,
            _ if pods::is_ready(pod) => hpa::PodState::Ready,
            _ => hpa::PodState::Unready,
        },
        request: pod_requests(&pod.spec).requests.milli_cpu,
        usage: Some(if pods::is_ready(pod) { load / ready } else { 0 }),
    };
    let samples: Vec<hpa::PodSample> = own.iter().map(sample).collect();
    let found = hpa::replicas(current, target, TOLERANCE, &samples).ok()?;
    let side = if found.replicas > current { "above" } else { "below" };
    let requested: i64 = samples.iter().filter(|s| s.state == hpa::PodState::Ready).map(|s| s.request).sum();
    let percentage = (requested > 0).then(|| load * 100 / requested);
    Some((found.replicas, load / ready, percentage, format!("cpu resource utilization (percentage of request) {side} target")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts() {
        assert_eq!(parse("500m until 60s, 2"), Ok(vec![(60 * SECOND, 500), (Nanos::MAX, 2000)]));
        assert_eq!(parse("much until noon"), Err("much until noon".to_owned()));
    }
}
