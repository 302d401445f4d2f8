//! Which pod the kubelet evicts first when a node runs short. upstream: pkg/kubelet/eviction/helpers.go

use std::cmp::Ordering;

use serde_json::Value;

use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::resource::pod_requests;

/// What a pod uses; `None` in [`Candidate`] when the kubelet has no figures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Working set in bytes.
    pub memory: i64,
    /// Writable layers of all containers in bytes.
    pub rootfs: i64,
    /// Logs of all containers in bytes.
    pub logs: i64,
    /// Bytes of each local volume.
    pub local_volume: i64,
    /// Processes.
    pub processes: i64,
}

/// A pod that may be evicted.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// The pod.
    pub pod: &'a Value,
    /// What it uses.
    pub usage: Option<Usage>,
}

/// How the node's file systems are laid out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout {
    /// Images have a file system of their own.
    pub image_fs: bool,
    /// Writable layers are not on that of the images.
    pub container_fs_split: bool,
}

/// The figures that count for one kind of disk.
#[derive(Clone, Copy, Debug)]
struct Disk {
    rootfs: bool,
    logs: bool,
    volumes: bool,
}

/// Local volumes: of the host, or emptied with the pod.
fn local_volumes(pod: &Value) -> i64 {
    let local = |v: &&Value| {
        !at(v, &["hostPath"]).is_null()
            || !at(v, &["gitRepo"]).is_null()
            || !at(v, &["configMap"]).is_null()
            || (!at(v, &["emptyDir"]).is_null() && at(v, &["emptyDir", "medium"]).as_str().unwrap_or("").is_empty())
    };
    list(pod, &["spec", "volumes"]).iter().filter(local).count() as i64
}

impl Disk {
    /// upstream: buildSignalToRankFunc
    fn of(signal: &str, layout: Layout) -> Self {
        let images = signal.starts_with("imagefs");
        let containers = signal.starts_with("containerfs");
        match (layout.image_fs, layout.container_fs_split) {
            (false, _) => Self { rootfs: true, logs: true, volumes: true },
            (true, false) if images || containers => Self { rootfs: true, logs: false, volumes: false },
            (true, false) => Self { rootfs: false, logs: true, volumes: true },
            (true, true) if images => Self { rootfs: false, logs: false, volumes: false },
            (true, true) => Self { rootfs: true, logs: true, volumes: true },
        }
    }

    fn usage(self, pod: &Value, usage: &Usage) -> i64 {
        let count = |yes: bool, amount: i64| if yes { amount } else { 0 };
        count(self.rootfs, usage.rootfs) + count(self.logs, usage.logs) + count(self.volumes, usage.local_volume * local_volumes(pod))
    }
}

/// Sorts candidates, first to go first. `signal` is such as `memory.available`.
pub fn rank(candidates: &mut [Candidate<'_>], signal: &str, layout: Layout) {
    let priority = |c: &Candidate<'_>| int(c.pod, &["spec", "priority"]).unwrap_or(0);
    if signal.starts_with("pid") {
        let processes = |c: &Candidate<'_>| c.usage.map(|u| u.processes);
        candidates.sort_by(|a, b| priority(a).cmp(&priority(b)).then_with(|| more_first(processes(a), processes(b))));
        return;
    }
    let disk = (!signal.contains("memory")).then(|| Disk::of(signal, layout));
    let inodes = signal.contains("inodes");
    let over = |c: &Candidate<'_>| {
        let usage = c.usage?;
        let requests = pod_requests(at(c.pod, &["spec"])).requests;
        Some(match disk {
            None => usage.memory - requests.memory,
            // No pod asks for inodes, and their figures are not modelled.
            Some(_) if inodes => 0,
            Some(disk) => disk.usage(c.pod, &usage) - requests.ephemeral_storage,
        })
    };
    candidates.sort_by(|a, b| {
        let (x, y) = (over(a), over(b));
        let exceeds = match (x, y) {
            (Some(x), Some(y)) => (y > 0).cmp(&(x > 0)),
            _ => y.is_none().cmp(&x.is_none()),
        };
        exceeds.then_with(|| priority(a).cmp(&priority(b))).then_with(|| more_first(x, y))
    });
}

/// Pods without figures go first, then those with more.
fn more_first(a: Option<i64>, b: Option<i64>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => b.cmp(&a),
        _ => b.is_none().cmp(&a.is_none()),
    }
}
