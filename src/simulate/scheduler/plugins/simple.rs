//! Plugins of a few lines: NodeUnschedulable, NodeName and NodePorts.

use crate::simulate::scheduler::api::{Pod, Taint};
use crate::simulate::scheduler::framework::{FilterState, Plugin, PreFilter, Status};
use crate::simulate::scheduler::selector::tolerates;
use crate::simulate::scheduler::snapshot::{NodeInfo, Snapshot};

/// Cordoned nodes take only pods that tolerate it.
pub struct NodeUnschedulable;

impl Plugin for NodeUnschedulable {
    fn name(&self) -> &'static str {
        "NodeUnschedulable"
    }

    fn is_local(&self) -> bool {
        true
    }

    fn filter(&self, _cluster: &Snapshot, _state: &FilterState, pod: &Pod, node: &NodeInfo) -> Result<(), Status> {
        if !node.node.unschedulable {
            return Ok(());
        }
        let taint = Taint { key: "node.kubernetes.io/unschedulable".to_owned(), value: String::new(), effect: "NoSchedule".to_owned() };
        if pod.tolerations.iter().any(|t| tolerates(t, &taint)) {
            return Ok(());
        }
        Err(Status::unresolvable("node(s) were unschedulable"))
    }
}

/// A pod may name its node.
pub struct NodeName;

impl Plugin for NodeName {
    fn name(&self) -> &'static str {
        "NodeName"
    }

    fn is_local(&self) -> bool {
        true
    }

    fn filter(&self, _cluster: &Snapshot, _state: &FilterState, pod: &Pod, node: &NodeInfo) -> Result<(), Status> {
        if pod.node_name.is_empty() || pod.node_name == node.node.name {
            return Ok(());
        }
        Err(Status::unresolvable("node(s) didn't match the requested node name"))
    }
}

/// Host ports are free.
pub struct NodePorts;

impl Plugin for NodePorts {
    fn name(&self) -> &'static str {
        "NodePorts"
    }

    fn is_local(&self) -> bool {
        true
    }

    fn pre_filter(&self, _cluster: &Snapshot, _state: &mut FilterState, pod: &Pod) -> PreFilter {
        if pod.host_ports.is_empty() { PreFilter::Skip } else { PreFilter::All }
    }

    fn filter(&self, _cluster: &Snapshot, _state: &FilterState, pod: &Pod, node: &NodeInfo) -> Result<(), Status> {
        if node.port_conflict(&pod.host_ports) {
            return Err(Status::unschedulable("node(s) didn't have free ports for the requested pod ports"));
        }
        Ok(())
    }
}
