//! An in-memory cluster: what the scheduler would do with the user's objects, predicted with its own arithmetic.
//!
//! [`cluster`] reads the description of a cluster, [`expand`] turns workloads into the pods their controllers would
//! create, [`scheduler`] places them, [`placement`] is the prediction users see and [`replay`] the full trace.
//! [`nodes`] plays what the control plane does about failing and tainted nodes over time.

pub mod apiserver;
pub mod advice;
pub mod answer;
pub mod captured;
pub mod cluster;
pub mod controllers;
pub mod expand;
pub mod kubelet;
pub mod listing;
pub mod nodes;
pub mod piece;
pub mod picture;
pub mod placement;
pub mod present;
pub mod replay;
pub mod resources;
pub mod rollout;
pub mod scheduler;
pub mod whatif;
