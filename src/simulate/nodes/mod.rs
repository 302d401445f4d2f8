//! What the control plane does about nodes over time: [`lifecycle`] watches heartbeats and taints nodes that fail,
//! [`taint_eviction`] deletes the pods that do not tolerate it.

pub mod lifecycle;
pub mod taint_eviction;

pub use lifecycle::{Row, Scenario, run};
