//! Placement prediction: a cluster, objects, and the table users see.

use std::fs;
use std::path::Path;

use kval::simulate::cluster::from_documents;
use kval::simulate::placement::{Options, predict};
use kval::simulate::present::table;
use kval::source::FileId;
use kval::yaml;

fn documents(path: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(path).expect("a case's file");
    yaml::parse(&text, FileId(0)).into_iter().filter_map(|d| d.root).map(|root| root.to_json()).collect()
}

#[test]
fn placements_are_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/placement");
    let mut folders: Vec<_> = fs::read_dir(root).expect("testdata/placement").map(|e| e.expect("entry").path()).collect();
    folders.sort();
    for folder in folders {
        let cluster = from_documents(&documents(&folder.join("cluster.yaml"))).expect("a good cluster");
        let prediction = predict(&cluster, &documents(&folder.join("objects.yaml")), &Options::default());
        let want = fs::read_to_string(folder.join("expected.txt")).expect("expected.txt");
        assert_eq!(table(&prediction), want, "{}", folder.display());
    }
}

/// However many threads repeat a placement with other choices, the answer is the same.
#[test]
fn threads_change_nothing() {
    let cluster = kval::simulate::cluster::parse_argument("5x4cpu,16Gi").expect("sizes");
    let container = serde_json::json!({"name": "c", "image": "i", "resources": {"requests": {"cpu": "700m", "memory": "1Gi"}}});
    let objects = [serde_json::json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": 23, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}},
    })];
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| format!("{:?}", predict(&cluster, &objects, &Options::default())))
    };
    let one = with(1);
    assert!([2, 3, 8].into_iter().all(|threads| with(threads) == one));
}
