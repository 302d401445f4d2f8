//! The scheduler: framework, plugins, scheduling cycle and preemption, with the integers of kube-scheduler v1.36.

pub mod allocator;
pub mod api;
pub mod config;
pub mod cycle;
pub mod devices;
pub mod framework;
pub mod json;
pub mod plugins;
pub mod preemption;
pub mod profile;
pub mod resource;
pub mod selector;
pub mod snapshot;
