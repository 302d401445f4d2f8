//! The kubelet as functions: probes and restarts over time, grace periods, the order of evictions, and the state of a
//! pod as its status tells it. upstream: pkg/kubelet

pub mod actions;
pub mod behaviour;
pub mod eviction;
pub mod grace;
pub mod observe;
pub mod pod_life;
pub mod printed;
pub mod prober;
mod program;
pub mod runtime;
pub mod status;
