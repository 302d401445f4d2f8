//! Disks and claims that only one pod may use.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::simulate::scheduler::api::Pod;
use crate::simulate::scheduler::framework::{FilterState, Plugin, PreFilter, Status};
use crate::simulate::scheduler::json::{at, text, words};
use crate::simulate::scheduler::snapshot::{NodeInfo, Snapshot};

/// upstream: plugins/volumerestrictions
pub struct VolumeRestrictions;

/// The pod's claims that only one pod may use, and how many pods use them.
#[derive(Clone, Debug, Default)]
pub struct RestrictionState {
    exclusive: BTreeSet<String>,
    conflicts: i64,
}

/// Kinds of volume, the fields that make two the same, and whether reading together is allowed.
const DISKS: [(&str, &[&str], bool); 4] = [
    ("gcePersistentDisk", &["pdName"], true),
    ("awsElasticBlockStore", &["volumeID"], false),
    ("iscsi", &["iqn"], true),
    ("rbd", &["pool", "image"], true),
];

fn conflict(a: &Value, b: &Value) -> bool {
    DISKS.iter().any(|(kind, fields, readers)| {
        let (a, b) = (at(a, &[kind]), at(b, &[kind]));
        let read_only = |v: &Value| at(v, &["readOnly"]).as_bool() == Some(true);
        let default = |field: &str, v: &Value| match text(v, &[field]) {
            "" if field == "pool" => "rbd".to_owned(),
            other => other.to_owned(),
        };
        let monitors = || {
            let (a, b) = (words(a, &["monitors"]), words(b, &["monitors"]));
            *kind != "rbd" || a.iter().any(|m| b.contains(m))
        };
        a.is_object()
            && b.is_object()
            && fields.iter().all(|f| default(f, a) == default(f, b))
            && !(*readers && read_only(a) && read_only(b))
            && monitors()
    })
}

fn needs_check(volume: &Value) -> bool {
    DISKS.iter().any(|(kind, ..)| at(volume, &[kind]).is_object())
}

impl Plugin for VolumeRestrictions {
    fn name(&self) -> &'static str {
        "VolumeRestrictions"
    }

    fn counts(&self) -> bool {
        true
    }

    fn pre_filter(&self, cluster: &Snapshot, state: &mut FilterState, pod: &Pod) -> PreFilter {
        let mut exclusive = BTreeSet::new();
        for (claim_name, ephemeral) in pod.claims() {
            if ephemeral {
                continue;
            }
            let Some(claim) = cluster.listers.claims.get(&(pod.namespace.clone(), claim_name.clone())) else {
                return PreFilter::Reject(Status::told(format!("persistentvolumeclaim {claim_name:?} not found")));
            };
            if words(claim, &["spec", "accessModes"]).iter().any(|m| m == "ReadWriteOncePod") {
                exclusive.insert(claim_name);
            }
        }
        let used = |name: &&String| {
            let pods = cluster.nodes.iter().flat_map(|n| &n.pods).filter(|p| p.namespace == pod.namespace);
            pods.flat_map(|p| p.claims()).any(|(other, _)| other == **name)
        };
        let conflicts = exclusive.iter().filter(used).count() as i64;
        if conflicts == 0 && !pod.volumes.iter().any(needs_check) {
            return PreFilter::Skip;
        }
        state.restrictions = RestrictionState { exclusive, conflicts };
        PreFilter::All
    }

    fn filter(&self, _cluster: &Snapshot, state: &FilterState, pod: &Pod, node: &NodeInfo) -> Result<(), Status> {
        let clash = |v: &&Value| node.pods.iter().flat_map(|p| p.volumes.iter()).any(|other| conflict(v, other));
        if pod.volumes.iter().filter(|v| needs_check(v)).any(|v| clash(&v)) {
            return Err(Status::unschedulable("node(s) had no available disk"));
        }
        if state.restrictions.conflicts > 0 {
            return Err(Status::unschedulable(
                "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
            ));
        }
        Ok(())
    }

    fn update(&self, _cluster: &Snapshot, state: &mut FilterState, pod: &Pod, other: &Pod, _node: &NodeInfo, by: i64) {
        if state.restrictions.exclusive.is_empty() || other.volumes.is_empty() || other.namespace != pod.namespace {
            return;
        }
        let s = &mut state.restrictions;
        s.conflicts += by * other.claims().iter().filter(|(name, _)| s.exclusive.contains(name)).count() as i64;
    }
}
