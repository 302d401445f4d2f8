//! Pods leave nodes with `NoExecute` taints: at once, after the time they tolerate, or never.
//! upstream: pkg/controller/tainteviction

use std::collections::BTreeMap;

use crate::simulate::scheduler::api::{Taint, Toleration};
use crate::simulate::scheduler::selector::tolerates;

/// How long a pod stays on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stay {
    /// A taint is not tolerated: the pod goes at once.
    Leaves,
    /// All taints are tolerated, for so many seconds.
    Seconds(i64),
    /// For ever.
    Forever,
}

/// What a pod with these tolerations does on a node with these taints. Of the tolerations of one taint the first
/// counts, of several taints the shortest time. upstream: GetMatchingTolerations, getMinTolerationTime
pub fn stay(taints: &[Taint], tolerations: &[Toleration]) -> Stay {
    let mut shortest = None;
    for taint in taints.iter().filter(|t| t.effect == "NoExecute") {
        let Some(used) = tolerations.iter().find(|t| tolerates(t, taint)) else { return Stay::Leaves };
        if let Some(seconds) = used.seconds {
            let seconds = seconds.max(0);
            shortest = Some(shortest.map_or(seconds, |s: i64| s.min(seconds)));
        }
    }
    shortest.map_or(Stay::Forever, Stay::Seconds)
}

/// Deletions that wait for their time, by pod. Times are in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Evictions {
    waiting: BTreeMap<usize, (i64, i64)>,
}

impl Evictions {
    /// The pod is gone or the node has no such taint any more.
    pub fn cancel(&mut self, pod: usize) {
        self.waiting.remove(&pod);
    }

    /// Judges a pod of a tainted node; `true` when it is to be deleted now. A deletion that waits is never put off, and
    /// a shorter time found later does not bring it forward. upstream: processPodOnNode
    pub fn judge(&mut self, pod: usize, taints: &[Taint], tolerations: &[Toleration], now: i64) -> bool {
        match stay(taints, tolerations) {
            Stay::Leaves => {
                self.cancel(pod);
                true
            }
            Stay::Forever => {
                self.cancel(pod);
                false
            }
            Stay::Seconds(seconds) => {
                let time = seconds.saturating_mul(1000);
                let start = self.waiting.get(&pod).map_or(now, |(start, _)| *start);
                if start < now {
                    return false;
                }
                self.waiting.insert(pod, (start, now.saturating_add(time)));
                if time == 0 {
                    self.cancel(pod);
                }
                time == 0
            }
        }
    }

    /// When the next deletion is due.
    pub fn next(&self) -> Option<i64> {
        self.waiting.values().map(|(_, at)| *at).min()
    }

    /// Takes out the pods whose time has come.
    pub fn due(&mut self, now: i64) -> Vec<usize> {
        let due: Vec<usize> = self.waiting.iter().filter(|(_, (_, at))| *at <= now).map(|(pod, _)| *pod).collect();
        due.iter().for_each(|pod| self.cancel(*pod));
        due
    }
}
