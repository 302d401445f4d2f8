//! Nodes that already have the images are liked.

use crate::simulate::scheduler::api::Pod;
use crate::simulate::scheduler::framework::{CycleState, MAX_NODE_SCORE, Plugin};
use crate::simulate::scheduler::snapshot::{NodeInfo, Snapshot};

/// upstream: plugins/imagelocality
pub struct ImageLocality;

const MIN_THRESHOLD: i64 = 23 * 1024 * 1024;
const MAX_CONTAINER_THRESHOLD: i64 = 1000 * 1024 * 1024;

fn normalized(image: &str) -> String {
    if image.rfind(':') <= image.rfind('/') { format!("{image}:latest") } else { image.to_owned() }
}

impl Plugin for ImageLocality {
    fn name(&self) -> &'static str {
        "ImageLocality"
    }

    fn scores(&self) -> bool {
        true
    }

    fn score(&self, cluster: &Snapshot, _state: &CycleState, pod: &Pod, node: &NodeInfo) -> i64 {
        let total = cluster.nodes.len() as f64;
        let scaled = |image: &String| {
            let image = normalized(image);
            let present = node.node.images.iter().any(|(names, _)| names.contains(&image));
            let (size, nodes) = cluster.image(&image).filter(|_| present)?;
            Some((size as f64 * (nodes as f64 / total)) as i64)
        };
        let sum: i64 = pod.images.iter().chain(&pod.volume_images).filter_map(scaled).sum();
        let max = MAX_CONTAINER_THRESHOLD * pod.images.len() as i64;
        if max <= MIN_THRESHOLD {
            return 0;
        }
        let sum = if sum < MIN_THRESHOLD { MIN_THRESHOLD } else { sum.min(max) };
        MAX_NODE_SCORE * (sum - MIN_THRESHOLD) / (max - MIN_THRESHOLD)
    }
}
