//! Nodes that already have the images are liked.

use std::sync::Arc;

use crate::simulate::scheduler::api::Pod;
use crate::simulate::scheduler::framework::{MAX_NODE_SCORE, Plugin, ScoreState};
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

    fn is_local(&self) -> bool {
        true
    }

    fn scores(&self) -> bool {
        true
    }

    fn pre_score(&self, cluster: &Snapshot, state: &mut ScoreState, pod: &Pod, _nodes: &[usize]) -> bool {
        let total = cluster.nodes.len() as f64;
        let worth = |image: &String| {
            let (size, nodes) = cluster.image(&normalized(image))?;
            Some(((*size as f64 * (nodes.len() as f64 / total)) as i64, Arc::clone(nodes)))
        };
        state.images = pod.images.iter().chain(&pod.volume_images).filter_map(worth).collect();
        true
    }

    fn score(&self, _cluster: &Snapshot, state: &ScoreState, pod: &Pod, node: &NodeInfo) -> i64 {
        let max = MAX_CONTAINER_THRESHOLD * pod.images.len() as i64;
        if max <= MIN_THRESHOLD || state.images.is_empty() {
            return 0;
        }
        let there = |nodes: &[u32]| nodes.binary_search(&(node.index as u32)).is_ok();
        let sum: i64 = state.images.iter().filter(|(_, nodes)| there(nodes)).map(|(worth, _)| worth).sum();
        let sum = if sum < MIN_THRESHOLD { MIN_THRESHOLD } else { sum.min(max) };
        MAX_NODE_SCORE * (sum - MIN_THRESHOLD) / (max - MIN_THRESHOLD)
    }
}
