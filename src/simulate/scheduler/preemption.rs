//! Which pods would have to go so that a more important one fits.
//! upstream: framework/plugins/defaultpreemption, framework/preemption

use std::cmp::Reverse;
use std::sync::Arc;

use serde_json::Value;

use super::api::Pod;
use super::cycle::{Cycle, Rejection, fit_error};
use super::framework::{Code, Reasons, Status};
use super::json::{at, int, namespace};
use super::selector::Selector;

/// What preemption decided.
#[derive(Clone, Debug)]
pub enum Preemption {
    /// It does not help; why.
    Refused(String),
    /// Something is wrong with an object; what.
    Failed(String),
    /// These pods of this node go, the most important first.
    Victims {
        /// The index of the node.
        node: usize,
        /// The pods.
        pods: Vec<Arc<Pod>>,
    },
}

/// What a pod that may not preempt is told.
pub const NEVER: &str = "not eligible due to preemptionPolicy=Never.";

/// What a filter that cannot answer is told as.
pub fn failure(wrong: &Rejection) -> String {
    format!("running {:?} filter plugin: {}", wrong.plugin, wrong.status.reasons.iter().collect::<Vec<_>>().join(", "))
}

/// Priority first, then who started earlier.
fn importance(pod: &Pod) -> (Reverse<i64>, StartTime) {
    (Reverse(pod.priority), start_time(pod))
}

/// Orders pods by when they started; those that do not tell are the youngest, in order of arrival.
type StartTime = (bool, String, usize);

fn start_time(pod: &Pod) -> StartTime {
    let unknown = pod.start_time.is_empty();
    (unknown, pod.start_time.clone(), if unknown { pod.arrival } else { 0 })
}

/// Splits pods into those whose removal breaks a budget and the others. upstream: filterPodsWithPDBViolation
fn split_by_budget(pods: Vec<Arc<Pod>>, budgets: &[Value]) -> (Vec<Arc<Pod>>, Vec<Arc<Pod>>) {
    let mut allowed: Vec<i64> = budgets.iter().map(|b| int(b, &["status", "disruptionsAllowed"]).unwrap_or(0)).collect();
    pods.into_iter().partition(|pod| {
        let mut violated = false;
        for (budget, left) in budgets.iter().zip(&mut allowed) {
            let selector = Selector::new(at(budget, &["spec", "selector"]));
            let listed = !at(budget, &["status", "disruptedPods", &pod.name]).is_null();
            if pod.labels.is_empty()
                || namespace(budget) != pod.namespace
                || selector.is_empty()
                || !selector.matches(&pod.labels)
                || listed
            {
                continue;
            }
            *left -= 1;
            violated |= *left < 0;
        }
        violated
    })
}

struct Candidate {
    node: usize,
    victims: Vec<Arc<Pod>>,
    violations: usize,
}

/// upstream: SelectVictimsOnNode
fn select_victims(cycle: &Cycle<'_>, index: usize) -> Result<Candidate, Rejection> {
    let mut potential: Vec<Arc<Pod>> =
        cycle.cluster.nodes[index].pods.iter().filter(|p| p.priority < cycle.pod.priority).cloned().collect();
    if potential.is_empty() {
        return Err(Rejection { plugin: "", status: Status::unresolvable("No preemption victims found for incoming pod") });
    }
    let mut node = cycle.cluster.nodes[index].clone();
    let mut state = cycle.state.filter.clone();
    for pod in &potential {
        node.remove_pod(pod);
        cycle.update(&mut state, pod, &node, -1);
    }
    cycle.filter(&state, &node)?;
    potential.sort_by_key(|p| importance(p));
    let (violating, others) = split_by_budget(potential, &cycle.cluster.listers.budgets);
    let both = !violating.is_empty() && !others.is_empty();
    let border = violating.len();
    let mut victims = Vec::new();
    let mut violations = 0;
    for (i, pod) in violating.into_iter().chain(others).enumerate() {
        node.add_pod(&pod);
        cycle.update(&mut state, &pod, &node, 1);
        if cycle.filter(&state, &node).is_err() {
            node.remove_pod(&pod);
            cycle.update(&mut state, &pod, &node, -1);
            violations += usize::from(i < border);
            victims.push(pod);
        }
    }
    if both {
        victims.sort_by_key(|p| importance(p));
    }
    Ok(Candidate { node: index, victims, violations })
}

/// Lower is better. upstream: pickOneNodeForPreemption
fn rank(candidate: &Candidate) -> (usize, i64, i64, usize) {
    let highest = candidate.victims.first().map_or(0, |p| p.priority);
    let sum = candidate.victims.iter().map(|p| p.priority + i64::from(i32::MAX) + 1).sum();
    (candidate.violations, highest, sum, candidate.victims.len())
}

/// When the most important victims started, the earliest of them; later is better, unknown is latest.
fn earliest_start(candidate: &Candidate) -> StartTime {
    let highest = candidate.victims.iter().map(|p| p.priority).max().unwrap_or(0);
    let times = candidate.victims.iter().filter(|p| p.priority == highest);
    times.map(|p| start_time(p)).min().unwrap_or_default()
}

/// Looks for the node where the least harm is done.
pub fn preempt(cycle: &Cycle<'_>, infeasible: &[(usize, Rejection)]) -> Preemption {
    if cycle.pod.never_preempts {
        return Preemption::Refused(NEVER.to_owned());
    }
    let mut candidates = Vec::new();
    let mut reasons: Vec<Reasons> = Vec::new();
    let mut wrong: Vec<String> = Vec::new();
    for (index, rejection) in infeasible {
        if rejection.status.code == Code::UnschedulableAndUnresolvable {
            reasons.push(Reasons::One("Preemption is not helpful for scheduling"));
            continue;
        }
        match select_victims(cycle, *index) {
            Ok(candidate) if !candidate.victims.is_empty() => candidates.push(candidate),
            Ok(_) => {}
            Err(r) if r.status.code == Code::Error => {
                let told = failure(&r);
                if !wrong.contains(&told) {
                    wrong.push(told);
                }
            }
            Err(more) => reasons.push(more.status.reasons),
        }
    }
    if candidates.is_empty() && !wrong.is_empty() {
        return Preemption::Failed(if let [one] = wrong.as_slice() { one.clone() } else { format!("[{}]", wrong.join(", ")) });
    }
    if candidates.is_empty() {
        return Preemption::Refused(fit_error(cycle.cluster.nodes.len(), reasons.iter().flat_map(Reasons::iter)));
    }
    // As upstream, budget violators are only tried when no other candidate exists: the rank says so first.
    candidates.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| earliest_start(b).cmp(&earliest_start(a))));
    let best = candidates.swap_remove(0);
    Preemption::Victims { node: best.node, pods: best.victims }
}
