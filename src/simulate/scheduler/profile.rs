//! Which plugins run, in which order, and what their scores weigh.

use super::framework::Plugin;
use super::plugins::dynamic_resources::DynamicResources;
use super::plugins::image_locality::ImageLocality;
use super::plugins::inter_pod_affinity::InterPodAffinity;
use super::plugins::node_affinity::NodeAffinity;
use super::plugins::node_resources::{BalancedAllocation, Fit};
use super::plugins::node_volume_limits::NodeVolumeLimits;
use super::plugins::pod_topology_spread::PodTopologySpread;
use super::plugins::simple::{NodeName, NodePorts, NodeUnschedulable};
use super::plugins::taint_toleration::TaintToleration;
use super::plugins::volume_binding::VolumeBinding;
use super::plugins::volume_restrictions::VolumeRestrictions;
use super::plugins::volume_zone::VolumeZone;

/// A plugin of a profile.
pub struct Entry {
    /// The plugin.
    pub plugin: Box<dyn Plugin>,
    /// What its normalised score is multiplied by; 0 when it does not score.
    pub weight: i64,
    /// Whether it looks at the pod before any node.
    pub pre_filters: bool,
    /// Whether it judges nodes.
    pub filters: bool,
}

impl Entry {
    /// Whether it scores, and by the node alone.
    pub fn scores_locally(&self) -> bool {
        self.weight > 0 && self.plugin.scores() && self.plugin.is_local()
    }
}

/// One profile of the scheduler.
pub struct Profile {
    /// The plugins in order.
    pub plugins: Vec<Entry>,
    /// Whether a pod may preempt others.
    pub preemption: bool,
    /// How many percent of the nodes must be found feasible before the search stops; 0 adapts to the size.
    pub percentage_of_nodes_to_score: i64,
}

impl Default for Profile {
    /// The built-in profile. upstream: apis/config/v1/default_plugins.go
    fn default() -> Self {
        let entry = |plugin: Box<dyn Plugin>, weight: i64, filters: bool| Entry { plugin, weight, pre_filters: filters, filters };
        Self {
            plugins: vec![
                entry(Box::new(NodeUnschedulable), 0, true),
                entry(Box::new(NodeName), 0, true),
                entry(Box::new(TaintToleration), 3, true),
                entry(Box::<NodeAffinity>::default(), 2, true),
                entry(Box::new(NodePorts), 0, true),
                entry(Box::<Fit>::default(), 1, true),
                entry(Box::new(VolumeRestrictions), 0, true),
                entry(Box::new(NodeVolumeLimits), 0, true),
                entry(Box::new(VolumeBinding), 0, true),
                entry(Box::new(VolumeZone), 0, true),
                entry(Box::<PodTopologySpread>::default(), 2, true),
                entry(Box::<InterPodAffinity>::default(), 2, true),
                entry(Box::new(DynamicResources), 2, true),
                entry(Box::<BalancedAllocation>::default(), 1, false),
                entry(Box::new(ImageLocality), 1, false),
            ],
            preemption: true,
            percentage_of_nodes_to_score: 0,
        }
    }
}

/// The profiles of a scheduler by name.
pub struct Profiles(pub Vec<(String, Profile)>);

impl Default for Profiles {
    fn default() -> Self {
        Self(vec![("default-scheduler".to_owned(), Profile::default())])
    }
}

impl Profiles {
    /// The profile that places pods of this scheduler name.
    pub fn get(&self, name: &str) -> Option<&Profile> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, p)| p)
    }
}
