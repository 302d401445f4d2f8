//! Recorded command lines, played one after the other on a simulated cluster that begins as the recorded one did.

use std::collections::BTreeMap;

use kval::cluster::Cluster;
use kval::cluster::Kubelet;
use kval::cluster::boot;
use kval::cluster::server::Deletion;
use kval::cluster::server::Write;
use kval::kubectl;
use kval::kubectl::Context;
use kval::simulate::apiserver::patch::strategic_merge;
use kval::source::MemoryWorld;
use serde_json::Value as Json;

use super::kubectl::alike;
use super::kubectl::shell_words;
use super::kubectl::steps_of_all;
use crate::Outcome;

/// `kubectl-cluster`: each command line is run on the cluster as the ones before it left it.
pub(crate) fn cluster(_name: &str) -> Option<(bool, Vec<Outcome>)> {
    steps_of_all(play)
}

/// The namespace that was recorded as `default`; the name is as long.
const HOME: &str = "homebox";

fn nanos(step: &Json) -> i64 {
    (step["now"].as_f64().unwrap_or(0.0) * 1e9) as i64
}

fn play(record: &Json) -> Vec<Json> {
    let name = record["name"].as_str().unwrap_or("?");
    let steps = record["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(first) = steps.iter().find(|s| s["cmd"].is_string()) else { return Vec::new() };
    let described: Vec<Json> =
        first["state_delta"]["set"].as_array().into_iter().flatten().filter(|o| o["kind"] == "Node").cloned().collect();
    let (mut cluster, _) = boot::boot(&described, nanos(first) - 60_000_000_000, 1);
    let _ = cluster.create(&boot::namespace(HOME), &Write::by("kubectl"));
    let _ = cluster.delete("storage.k8s.io/v1", "StorageClass", "", "standard", Deletion::default());
    cluster.set_kubelet(if record["kubelet"] == "manual" { Kubelet::Absent } else { Kubelet::Instant });
    let mut world = MemoryWorld::default();
    let mut pods = Names::default();
    let mut out = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        if let Some(file) = step["file"].as_str() {
            world.files.insert(file.to_owned(), step["content"].as_str().unwrap_or("").as_bytes().to_vec());
        }
        if let Some(action) = step["action"].as_str() {
            act(&mut cluster, action, step, steps.iter().skip(i).find(|s| s["state_delta"].is_object()));
        }
        let Some(command) = step["cmd"].as_str() else { continue };
        if record["kubelet"] == "manual" && command.contains("rollout status") && !command.contains("--") {
            // Somebody made the pods ready while this one waited.
            all_ready(&mut cluster);
        }
        cluster.advance_to(nanos(step));
        pods.learn(&step["state_delta"]);
        pods.meet(&cluster);
        world.stdin = step["stdin"].as_str().unwrap_or("").as_bytes().to_vec();
        let failure = failure(&mut cluster, &world, step, &pods.ours(command), &mut pods);
        out.push(serde_json::json!([format!("{name}/{i} {command}"), failure]));
    }
    out
}

/// What the driver of the recording did to pods, nodes and metrics.
fn act(cluster: &mut Cluster, action: &str, step: &Json, next: Option<&Json>) {
    cluster.settle();
    let words: Vec<&str> = action.split([' ', ':']).filter(|w| !w.is_empty()).collect();
    if let Some(job) = words.iter().position(|w| *w == "job").and_then(|i| words.get(i + 1)).copied() {
        let code = i64::from(action.contains("exits 1") || action.contains("exit 1"));
        end_pods(cluster, job, 1, code);
        return;
    }
    if action.contains("all running pods of pi") {
        end_pods(cluster, "pi", usize::MAX, 0);
        return;
    }
    let mut write = |kind: &str, name: &str, change: &dyn Fn(&mut Json)| write(cluster, kind, name, change);
    if step["status_patch"].is_object() {
        let name = words.iter().position(|w| *w == "pod").and_then(|i| words.get(i + 1)).copied().unwrap_or("");
        write("Pod", name, &|pod| strategic_merge(pod, &serde_json::json!({"status": step["status_patch"]})));
        return;
    }
    for object in next.and_then(|s| s["state_delta"]["set"].as_array()).into_iter().flatten() {
        let (kind, name) = (object["kind"].as_str().unwrap_or(""), object["metadata"]["name"].as_str().unwrap_or(""));
        if matches!(kind, "Node" | "HorizontalPodAutoscaler") {
            write(kind, name, &|o| o["status"] = object["status"].clone());
        }
    }
}

fn write(cluster: &mut Cluster, kind: &str, name: &str, change: &dyn Fn(&mut Json)) {
    let namespace = if kind == "Node" { "" } else { HOME };
    if let Some(mut object) = cluster.get(kind, namespace, name) {
        change(&mut object);
        if let Some(meta) = object["metadata"].as_object_mut() {
            meta.remove("resourceVersion");
        }
        let _ = cluster.replace(&object, &Write { subresource: "status", ..Write::by("kubelet") });
    }
}

/// Running pods of a job end.
fn end_pods(cluster: &mut Cluster, job: &str, most: usize, code: i64) {
    let mut own = cluster.list("Pod", HOME);
    own.retain(|p| p["metadata"]["labels"]["batch.kubernetes.io/job-name"] == *job && p["status"]["phase"] == "Running");
    own.sort_by_key(|p| p["metadata"]["uid"].as_str().map(str::to_owned));
    for pod in own.iter().take(most) {
        let ended = serde_json::json!({"exitCode": code, "reason": if code == 0 { "Completed" } else { "Error" },
            "startedAt": pod["status"]["startTime"], "finishedAt": pod["status"]["startTime"]});
        write(cluster, "Pod", pod["metadata"]["name"].as_str().unwrap_or(""), &|pod| {
            pod["status"]["phase"] = if code == 0 { "Succeeded" } else { "Failed" }.into();
            for status in pod["status"]["containerStatuses"].as_array_mut().into_iter().flatten() {
                status["ready"] = false.into();
                status["state"] = serde_json::json!({"terminated": ended});
            }
            for condition in pod["status"]["conditions"].as_array_mut().into_iter().flatten() {
                if condition["type"] == "Ready" || condition["type"] == "ContainersReady" {
                    condition["status"] = "False".into();
                }
            }
        });
    }
}

/// All pods run and are ready, until none is left that is not.
fn all_ready(cluster: &mut Cluster) {
    for _ in 0..100 {
        cluster.settle();
        let waits = |p: &Json| {
            p["status"]["phase"] == "Pending" && p["spec"]["nodeName"].is_string() && p["spec"]["containers"][0]["image"] != "nginx:bad"
        };
        let Some(pod) = cluster.list("Pod", HOME).into_iter().find(waits) else { return };
        write(cluster, "Pod", pod["metadata"]["name"].as_str().unwrap_or(""), &|pod| {
            let one = |kind: &str| serde_json::json!({"type": kind, "status": "True", "lastTransitionTime": pod["metadata"]["creationTimestamp"]});
            let all = [one("Initialized"), one("Ready"), one("ContainersReady"), one("PodScheduled")];
            let containers: Vec<Json> = pod["spec"]["containers"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|c| {
                    serde_json::json!({"name": c["name"],
                "image": c["image"], "imageID": "", "ready": true, "started": true, "restartCount": 0,
                "state": {"running": {"startedAt": pod["metadata"]["creationTimestamp"]}}})
                })
                .collect();
            let status = &mut pod["status"];
            status["phase"] = "Running".into();
            status["conditions"] = all.to_vec().into();
            status["containerStatuses"] = containers.into();
        });
    }
}

/// Which recorded name with random letters is which of ours: both in order of creation.
#[derive(Default)]
struct Names {
    recorded: BTreeMap<String, Vec<String>>,
    ours: BTreeMap<String, Vec<String>>,
}

fn note(map: &mut BTreeMap<String, Vec<String>>, object: &Json) {
    let meta = &object["metadata"];
    if let (Some(prefix), Some(name)) = (meta["generateName"].as_str(), meta["name"].as_str()) {
        let names = map.entry(prefix.to_owned()).or_default();
        if !names.iter().any(|n| n == name) {
            names.push(name.to_owned());
        }
    }
}

impl Names {
    fn learn(&mut self, delta: &Json) {
        let mut all: Vec<&Json> = delta["set"].as_array().into_iter().flatten().filter(|o| o["kind"] == "Pod").collect();
        all.sort_by_key(|o| o["metadata"]["resourceVersion"].as_str().and_then(|v| v.parse::<u64>().ok()));
        all.into_iter().for_each(|o| note(&mut self.recorded, o));
    }

    fn meet(&mut self, cluster: &Cluster) {
        let mut all = cluster.list("Pod", "");
        all.sort_by_key(|o| o["metadata"]["uid"].as_str().map(str::to_owned));
        all.iter().for_each(|o| note(&mut self.ours, o));
    }

    /// A command line with our names for the recorded ones.
    fn ours(&self, command: &str) -> String {
        let mut out = command.to_owned();
        for (prefix, names) in &self.recorded {
            for (name, own) in names.iter().zip(self.ours.get(prefix).into_iter().flatten()) {
                out = out.replace(name, own);
            }
        }
        out
    }

    /// A text in which random letters, identities and versions stand for themselves only.
    fn plain(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for (prefix, names) in self.recorded.iter().chain(&self.ours) {
            for name in names {
                out = out.replace(name, &format!("{prefix}_____"));
            }
        }
        let mut plain = String::new();
        let mut rest = out.as_str();
        while let Some(at) = rest.find("00000000-0000-0000-0000-") {
            plain.push_str(&rest[..at]);
            plain.push_str("<uid>");
            rest = rest.get(at + 36..).unwrap_or("");
        }
        plain.push_str(rest);
        let plain = plain.replace(HOME, "default");
        // Nodes among which the scheduler picked at random, addresses, and how wide that made columns.
        let lines: Vec<String> = plain.lines().map(|l| l.split_whitespace().map(anonymous).collect::<Vec<_>>().join(" ")).collect();
        lines.join("\n")
    }
}

/// A word without what is random in it.
fn anonymous(word: &str) -> String {
    let mut word = word.to_owned();
    if let Some(at) = word.find("kube-api-access-") {
        word.replace_range(at + 16..(at + 21).min(word.len()), "_____");
    }
    if word.starts_with("10.244.") && word.split('.').count() == 4 {
        return "<pod>".to_owned();
    }
    for node in ["node1", "node2", "node3"] {
        word = word.replace(node, "node_");
    }
    if word.starts_with("node_/") {
        return "node_/".to_owned();
    }
    let random = |part: &str| part.len() == 5 && part.chars().all(|c| "bcdfghjklmnpqrstvwxz2456789".contains(c));
    let bare = word.trim_end_matches(['"', '\'', ',']).to_owned();
    match bare.rsplit_once('-') {
        Some((front, last)) if random(last) && front.contains('-') => word.replace(&bare, &format!("{front}-_____")),
        _ => word,
    }
}

fn failure(cluster: &mut Cluster, world: &MemoryWorld, step: &Json, command: &str, pods: &mut Names) -> Option<String> {
    let mut words = shell_words(command);
    if words.first().is_some_and(|w| w == "kubectl") {
        words.remove(0);
    }
    let context = Context { namespace: HOME.to_owned(), name: "x".to_owned() };
    let got = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| kubectl::run(cluster, world, &context, &words)));
    let Ok(got) = got else { return Some("PANIC".to_owned()) };
    pods.meet(cluster);
    let compare = |what: &str, got: &str| alike(what, &pods.plain(step[what].as_str().unwrap_or("")), &pods.plain(got));
    let out = compare("stdout", &got.stdout);
    // A command that was stopped from outside told no error of its own.
    let err = if step["exit"].is_null() { Ok(()) } else { compare("stderr", &got.stderr) };
    let result = out.and(err).and_then(|()| match step["exit"].as_u64() {
        Some(exit) if exit != u64::from(got.exit) => Err(format!("exit: want {exit} got {}", got.exit)),
        _ => Ok(()),
    });
    result.err()
}
