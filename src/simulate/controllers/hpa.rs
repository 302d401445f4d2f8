//! How many replicas a HorizontalPodAutoscaler wants: the replica calculator on pods and their metrics, stabilisation
//! windows and scaling policies. upstream: pkg/controller/podautoscaler

use std::cmp::Ordering;

use serde_json::Value;

use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// How the calculator sees a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodState {
    /// Counts.
    Ready,
    /// Running but not ready (where the resource is CPU), and so counted as idle when scaling up.
    Unready,
    /// Not running yet, the same whether it has metrics or not.
    Pending,
    /// Failed or terminating.
    Ignored,
}

/// A pod with its request and usage, both in thousandths.
#[derive(Clone, Copy, Debug)]
pub struct PodSample {
    /// Its state.
    pub state: PodState,
    /// The request of the resource.
    pub request: i64,
    /// The usage, when the metrics server knows it.
    pub usage: Option<i64>,
}

/// What the metric should be.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// Per cent of the requests.
    Utilization(i64),
    /// Thousandths per pod.
    Average(i64),
}

/// What the calculator answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calculation {
    /// Replicas to have.
    pub replicas: i64,
    /// Current utilization in per cent, for a utilization target.
    pub utilization: Option<i64>,
    /// Current average in thousandths.
    pub average: i64,
}

struct Ratio {
    of_target: f64,
    utilization: Option<i64>,
    average: i64,
}

/// upstream: GetResourceUtilizationRatio, GetMetricUsageRatio
fn ratio(samples: &[(i64, i64)], target: Target) -> Result<Ratio, &'static str> {
    let count = samples.len() as i64;
    let usage: i64 = samples.iter().map(|s| s.0).sum();
    let requests: i64 = samples.iter().map(|s| s.1).sum();
    match target {
        Target::Utilization(target) => {
            if requests == 0 {
                return Err("no metrics returned matched known pods");
            }
            let current = usage * 100 / requests;
            Ok(Ratio { of_target: current as f64 / target as f64, utilization: Some(current), average: usage / count })
        }
        Target::Average(target) => {
            let current = usage / count;
            Ok(Ratio { of_target: current as f64 / target as f64, utilization: None, average: current })
        }
    }
}

/// The replicas that bring the metric to its target. upstream: ReplicaCalculator.GetResourceReplicas,
/// GetRawResourceReplicas
pub fn replicas(current: i64, target: Target, tolerance: f64, pods: &[PodSample]) -> Result<Calculation, &'static str> {
    if pods.is_empty() {
        return Err("no pods returned by selector while calculating replica count");
    }
    let mut samples = Vec::new();
    let mut missing = Vec::new();
    let mut unready = Vec::new();
    for pod in pods {
        match (pod.state, pod.usage) {
            (PodState::Ignored, _) => {}
            (PodState::Pending, _) | (PodState::Unready, Some(_)) => unready.push(pod.request),
            (_, None) => missing.push(pod.request),
            (PodState::Ready, Some(usage)) => samples.push((usage, pod.request)),
        }
    }
    if samples.is_empty() {
        return Err("did not receive metrics for targeted pods (pods might be unready)");
    }
    let ready = samples.len() as f64;
    let first = ratio(&samples, target)?;
    let answer = |replicas: i64| Ok(Calculation { replicas, utilization: first.utilization, average: first.average });
    let within = |ratio: f64| (1.0 - tolerance..=1.0 + tolerance).contains(&ratio);
    let up_with_unready = !unready.is_empty() && first.of_target > 1.0;
    if !up_with_unready && missing.is_empty() {
        return answer(if within(first.of_target) { current } else { (first.of_target * ready).ceil() as i64 });
    }
    for request in missing {
        // Scaling down, pods without metrics are taken as busy; scaling up, as idle.
        if first.of_target < 1.0 {
            let usage = match target {
                Target::Utilization(target) => request * target.max(100) / 100,
                Target::Average(target) => target,
            };
            samples.push((usage, request));
        } else if first.of_target > 1.0 {
            samples.push((0, request));
        }
    }
    if up_with_unready {
        samples.extend(unready.iter().map(|request| (0, *request)));
    }
    let second = ratio(&samples, target)?.of_target;
    if within(second) || (first.of_target < 1.0 && second > 1.0) || (first.of_target > 1.0 && second < 1.0) {
        return answer(current);
    }
    let wanted = (second * samples.len() as f64).ceil() as i64;
    if (second < 1.0 && wanted > current) || (second > 1.0 && wanted < current) {
        return answer(current);
    }
    answer(wanted)
}

/// A change of the replicas or an earlier recommendation, and how many seconds ago it was.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    /// The recommendation, or by how many pods the scale changed.
    pub value: i64,
    /// Seconds before now.
    pub ago: f64,
}

/// What is remembered of an autoscaler.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Earlier recommendations.
    pub recommendations: Vec<Past>,
    /// Earlier scale-ups.
    pub scale_ups: Vec<Past>,
    /// Earlier scale-downs.
    pub scale_downs: Vec<Past>,
}

#[derive(Clone, Debug)]
struct Policy {
    percent: bool,
    value: i64,
    period: i64,
}

#[derive(Clone, Debug)]
struct Rules {
    select: String,
    window: i64,
    policies: Vec<Policy>,
}

/// The seconds of `--horizontal-pod-autoscaler-downscale-stabilization`.
const DOWNSCALE_STABILIZATION: i64 = 300;

impl Rules {
    /// upstream: GenerateHPAScaleUpRules, GenerateHPAScaleDownRules, maybeInitScaleDownStabilizationWindow
    fn new(rules: &Value, up: bool) -> Self {
        let read = |p: &Value| Policy {
            percent: text(p, &["type"]) == "Percent",
            value: int(p, &["value"]).unwrap_or(0),
            period: int(p, &["periodSeconds"]).unwrap_or(0),
        };
        let all = Policy { percent: true, value: 100, period: 15 };
        let policies = match at(rules, &["policies"]).is_array() {
            true => list(rules, &["policies"]).iter().map(read).collect(),
            false if up => vec![Policy { percent: false, value: 4, period: 15 }, all],
            false => vec![all],
        };
        Self {
            select: text(rules, &["selectPolicy"]).to_owned(),
            window: int(rules, &["stabilizationWindowSeconds"]).unwrap_or(if up { 0 } else { DOWNSCALE_STABILIZATION }),
            policies,
        }
    }

    /// How far the policies allow to go. upstream: calculateScaleUpLimitWithScalingRules,
    /// calculateScaleDownLimitWithBehaviors
    fn limit(&self, current: i64, history: &History, up: bool) -> i64 {
        if self.select == "Disabled" {
            return current;
        }
        let within = |past: &[Past], period: i64| past.iter().filter(|p| p.ago < period as f64).map(|p| p.value).sum::<i64>();
        let proposals = self.policies.iter().map(|policy| {
            let start = current - within(&history.scale_ups, policy.period) + within(&history.scale_downs, policy.period);
            let share = policy.value as f64 / 100.0;
            match (policy.percent, up) {
                (false, true) => start + policy.value,
                (false, false) => start - policy.value,
                (true, true) => (start as f64 * (1.0 + share)).ceil() as i64,
                (true, false) => (start as f64 * (1.0 - share)) as i64,
            }
        });
        // "Max" is the largest change, which is the smallest number when scaling down.
        let largest = (self.select == "Min") != up;
        let limit = if largest { proposals.max() } else { proposals.min() };
        limit.unwrap_or(if largest { i64::from(i32::MIN) } else { i64::from(i32::MAX) })
    }
}

/// The size that an autoscaler sets, and its conditions as `Type=Status Reason: message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Replicas.
    pub replicas: i64,
    /// `AbleToScale` and `ScalingLimited`.
    pub conditions: [String; 2],
}

/// The bounds and the present of one decision.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Replicas now.
    pub current: i64,
    /// Replicas that the metrics ask for.
    pub desired: i64,
    /// `minReplicas`.
    pub min: i64,
    /// `maxReplicas`.
    pub max: i64,
}

const READY: &str = "AbleToScale=True ReadyForNewScale: recommended size matches current size";
const UP_LIMIT: &str = "ScaleUpLimit: the desired replica count is increasing faster than the maximum scale rate";
const DOWN_LIMIT: &str = "ScaleDownLimit: the desired replica count is decreasing faster than the maximum scale rate";
const TOO_MANY: &str = "TooManyReplicas: the desired replica count is more than the maximum replica count";
const TOO_FEW: &str = "TooFewReplicas: the desired replica count is less than the minimum replica count";
const WITHIN: &str = "DesiredWithinRange: the desired count is within the acceptable range";

fn limited(stabilized: i64, replicas: i64, why: &str) -> String {
    format!("ScalingLimited={} {why}", if replicas == stabilized { "False" } else { "True" })
}

/// With `spec.behavior`. upstream: normalizeDesiredReplicasWithBehaviors
pub fn with_behavior(wish: Wish, behavior: &Value, history: &History) -> Decision {
    let (up, down) = (Rules::new(at(behavior, &["scaleUp"]), true), Rules::new(at(behavior, &["scaleDown"]), false));
    let newer = |seconds: i64| history.recommendations.iter().filter(move |r| r.ago < seconds as f64).map(|r| r.value);
    let lowest = newer(up.window).fold(wish.desired, i64::min);
    let highest = newer(down.window).fold(wish.desired, i64::max);
    let stabilized = wish.current.max(lowest).min(highest);
    let able = if stabilized == wish.desired {
        READY.to_owned()
    } else if wish.desired >= wish.current {
        "AbleToScale=True ScaleUpStabilized: recent recommendations were lower than current one, applying the lowest recent recommendation"
            .to_owned()
    } else {
        "AbleToScale=True ScaleDownStabilized: recent recommendations were higher than current one, applying the highest recent recommendation"
            .to_owned()
    };
    let (replicas, why) = match stabilized.cmp(&wish.current) {
        Ordering::Greater => {
            let limit = up.limit(wish.current, history, true).max(wish.current);
            let (allowed, why) = if wish.max > limit { (limit, UP_LIMIT) } else { (wish.max, TOO_MANY) };
            if stabilized > allowed { (allowed, why) } else { (stabilized, WITHIN) }
        }
        Ordering::Less => {
            let limit = down.limit(wish.current, history, false).min(wish.current);
            let (allowed, why) = if wish.min < limit { (limit, DOWN_LIMIT) } else { (wish.min, TOO_FEW) };
            if stabilized < allowed { (allowed, why) } else { (stabilized, WITHIN) }
        }
        Ordering::Equal => (stabilized, WITHIN),
    };
    Decision { replicas, conditions: [able, limited(stabilized, replicas, why)] }
}

/// Without `spec.behavior`. upstream: normalizeDesiredReplicas
pub fn without_behavior(wish: Wish, history: &History) -> Decision {
    let recent = history.recommendations.iter().filter(|r| r.ago <= DOWNSCALE_STABILIZATION as f64).map(|r| r.value);
    let stabilized = recent.fold(wish.desired, i64::max);
    let able = if stabilized == wish.desired {
        READY.to_owned()
    } else {
        "AbleToScale=True ScaleDownStabilized: recent recommendations were higher than current one, applying the highest recent recommendation"
            .to_owned()
    };
    let up_limit = (2 * wish.current).max(4);
    let (most, why) = if wish.max > up_limit { (up_limit, UP_LIMIT) } else { (wish.max, TOO_MANY) };
    let (replicas, why) = if stabilized < wish.min {
        (wish.min, TOO_FEW)
    } else if stabilized > most {
        (most, why)
    } else {
        (stabilized, WITHIN)
    };
    Decision { replicas, conditions: [able, limited(stabilized, replicas, why)] }
}
