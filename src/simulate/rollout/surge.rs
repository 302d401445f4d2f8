//! What a rolling update needs beside what runs: the pods of its surge against free capacity and quotas.

use super::cluster::Cluster;
use crate::kube::quantity;
use crate::simulate::apiserver::Object;
use crate::simulate::controllers::deployment;
use crate::simulate::controllers::template_of;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::text;
use crate::simulate::scheduler::resource::pod_requests;

/// The pods that a strategy makes beside those wanted, and whether there is room for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surge {
    /// How many pods.
    pub pods: i64,
    /// CPU that one asks for, in thousandths.
    pub cpu: i64,
    /// Memory that one asks for, in bytes.
    pub memory: i64,
    /// How many of them the nodes have room for, by CPU, memory and number of pods.
    pub fit: i64,
    /// The quota that allows fewer, and how many it allows.
    pub quota: Option<(String, i64)>,
}

/// How many times an amount goes into what is free.
fn times(free: i64, one: i64) -> i64 {
    if one <= 0 { i64::MAX } else { free.max(0) / one }
}

/// What the surge of a Deployment needs.
pub(super) fn of(cluster: &Cluster, object: &Object) -> Option<Surge> {
    let rolling = object.kind == "Deployment" && text(&object.spec, &["strategy", "type"]) != "Recreate";
    let pods = deployment::max_surge(object);
    if !rolling || pods <= 0 {
        return None;
    }
    let asked = pod_requests(at(template_of(object), &["spec"])).requests;
    let room = |node: &crate::simulate::scheduler::snapshot::NodeInfo| {
        let (all, used) = (&node.node.allocatable, &node.requested);
        let slots = all.allowed_pod_number.max(0) - node.pods.len() as i64;
        let room = times(all.milli_cpu - used.milli_cpu, asked.milli_cpu).min(times(all.memory - used.memory, asked.memory));
        if node.node.unschedulable { 0 } else { room.min(slots).max(0) }
    };
    let fit = cluster.nodes.nodes.iter().map(room).fold(0i64, i64::saturating_add).min(pods);
    Some(Surge { pods, cpu: asked.milli_cpu, memory: asked.memory, fit, quota: quota(cluster, object, &asked, pods) })
}

/// The quota that leaves the least, when that is less than the surge.
fn quota(cluster: &Cluster, object: &Object, asked: &crate::simulate::scheduler::resource::Resource, pods: i64) -> Option<(String, i64)> {
    let api = &cluster.plane.api;
    let mut least: Option<(String, i64)> = None;
    for quota in api.list_in("ResourceQuota", &object.meta.namespace) {
        let status = crate::simulate::apiserver::admission::quota_status(api, quota);
        let left = |name: &str| {
            let amount = |which: &str| quantity::parse(text(&status, &[which, name])).ok();
            Some((amount("hard")?, amount("used")?))
        };
        let milli = |name: &str| left(name).map(|(hard, used)| hard.milli_value() - used.milli_value());
        let allowed = [
            milli("pods").map(|free| times(free, 1000)),
            milli("requests.cpu").or_else(|| milli("cpu")).map(|free| times(free, asked.milli_cpu)),
            milli("requests.memory").or_else(|| milli("memory")).map(|free| times(free, asked.memory.saturating_mul(1000))),
        ];
        let allowed = allowed.into_iter().flatten().min().unwrap_or(i64::MAX);
        if allowed < pods && least.as_ref().is_none_or(|(_, n)| allowed < *n) {
            least = Some((quota.meta.name.clone(), allowed));
        }
    }
    least
}
