//! The controllers of kube-controller-manager as functions on an in-memory API server, under upstream's names.
//! upstream: pkg/controller

pub mod cronjob_schedule;
pub mod hpa;
