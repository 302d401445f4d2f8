//! How long a rollout takes to predict: `cargo bench --bench rollout`. The bar: 1,000 replicas on 500 nodes below a second.

#![allow(clippy::print_stdout)]

use std::time::Instant;

use kval::simulate::cluster::parse_argument;
use kval::simulate::rollout::{Options, predict};
use serde_json::{Value, json};

fn deployment(replicas: usize, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{
                    "name": "web",
                    "image": image,
                    "resources": {"requests": {"cpu": "200m", "memory": "128Mi"}},
                    "readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 2},
                }]},
            },
        },
    })
}

fn main() {
    for (nodes, replicas) in [(50, 100), (500, 1_000), (1_000, 5_000)] {
        let cluster = parse_argument(&format!("{nodes}x8cpu,32Gi")).expect("nodes");
        let (old, new) = (deployment(replicas, "web:v1"), deployment(replicas, "web:v2"));
        let mut best = f64::INFINITY;
        for _ in 0..3 {
            let start = Instant::now();
            let prediction = predict(&cluster, std::slice::from_ref(&old), std::slice::from_ref(&new), &Options::default());
            best = best.min(start.elapsed().as_secs_f64());
            assert_eq!(prediction.workloads[0].available, replicas as i64);
        }
        println!("{replicas} replicas on {nodes} nodes: {best:.3} s");
    }
}
