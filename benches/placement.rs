//! How many pods a second are placed: `cargo bench --bench placement [-- large]`.
//!
//! The second figure compares with the real scheduler's framework in process (filter, score, assume) on the same kind of
//! machine: pods a second for plain pods, required anti-affinity, topology spread and preferred affinity.

#![allow(clippy::print_stdout)]

use std::time::Instant;

use kval::simulate::expand::expand;
use kval::simulate::replay::{Arrival, Keep, first_by_name, simulate};
use kval::simulate::scheduler::profile::Profiles;
use serde_json::{Value, json};

/// Nodes, pods, and what the real scheduler does a second with each kind of pods.
const SIZES: [(usize, usize, [f64; 4]); 3] =
    [(100, 1_000, [1054.0, 668.0, 728.0, 624.0]), (1_000, 5_000, [350.0, 81.0, 126.0, 106.0]), (5_000, 10_000, [231.0, 63.0, 65.0, 78.0])];

fn node(i: usize) -> Value {
    let amounts = json!({"cpu": "16", "memory": "64Gi", "pods": "110"});
    json!({
        "kind": "Node", "metadata": {"name": format!("node-{i:05}"), "labels": {
            "kubernetes.io/hostname": format!("node-{i:05}"), "topology.kubernetes.io/zone": format!("zone-{}", i % 3),
        }},
        "status": {"allocatable": amounts},
    })
}

fn deployment(i: usize, replicas: usize, kind: usize) -> Value {
    let labels = json!({"app": format!("app-{i}")});
    let selector = json!({"matchLabels": labels});
    let term = |key: &str| json!({"labelSelector": selector, "topologyKey": key});
    let mut spec = json!({"containers": [{"name": "c", "image": "app", "resources": {"requests": {"cpu": "100m", "memory": "200Mi"}}}]});
    match kind {
        1 => {
            spec["affinity"] =
                json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term("kubernetes.io/hostname")]}});
        }
        2 => {
            spec["topologySpreadConstraints"] = ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
                .iter()
                .map(|key| json!({"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector}))
                .collect();
        }
        3 => {
            spec["affinity"] = json!({"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 10, "podAffinityTerm": term("topology.kubernetes.io/zone")}]}});
        }
        _ => {}
    }
    json!({"kind": "Deployment", "metadata": {"name": format!("app-{i}")}, "spec": {
        "replicas": replicas, "selector": selector, "template": {"metadata": {"labels": labels}, "spec": spec},
    }})
}

fn measure(name: &str, nodes: usize, pods: usize, kind: usize, real: Option<f64>) {
    let each = if kind == 1 { nodes.min(500) } else { 500 };
    let mut objects: Vec<Value> = (0..nodes).map(node).collect();
    objects.extend((0..pods / each).map(|i| deployment(i, each, kind)));
    let start = Instant::now();
    let run = simulate(expand(&objects), &Profiles::default(), Arrival::Sequential, Keep::Failures, first_by_name);
    let took = start.elapsed().as_secs_f64();
    let placed = run.placement.iter().flatten().count();
    let rate = placed as f64 / took;
    let ratio = real.map(|r| format!("{:.0}x", rate / r)).unwrap_or_default();
    println!("{name:<22} {nodes:>6} nodes {placed:>7} pods {took:>8.2} s {rate:>9.0}/s {ratio:>7}");
}

fn main() {
    let names = ["plain", "required anti-affinity", "topology spread", "preferred affinity"];
    if std::env::args().any(|a| a == "large") {
        measure(names[0], 15_000, 150_000, 0, None);
        return;
    }
    for (nodes, pods, real) in SIZES {
        for (kind, name) in names.iter().enumerate() {
            measure(name, nodes, pods, kind, Some(real[kind]));
        }
    }
}
