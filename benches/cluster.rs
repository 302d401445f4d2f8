//! The bars of the simulated cluster, each measured as a user would, one process a command:
//!
//! - `cargo bench --bench cluster -- corpus DIR [COUNT]`: charts installed, upgraded, rolled back and uninstalled.
//!   DIR holds `charts/SOURCE-NAME-VERSION.tgz` and may hold `values/SOURCE/NAME/*.yaml`.
//! - `cargo bench --bench cluster -- kills [COUNT]`: `install` and `apply` killed at that many moments each.
//! - `cargo bench --bench cluster -- pods`: what a command takes on a cluster of 1,000 pods.
//!
//! `KVAL` names another program to measure.

#![allow(clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A command that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(20);

fn program() -> PathBuf {
    std::env::var_os("KVAL")
        .map(PathBuf::from)
        .or_else(|| option_env!("CARGO_BIN_EXE_kval").map(PathBuf::from))
        .expect("KVAL names the program")
}

/// How a command ended.
struct Ended {
    /// Nothing when it was killed for taking too long, or by a signal.
    code: Option<i32>,
    stdout: String,
    stderr: String,
    took: Duration,
}

fn kval(state: &Path, words: &[&str]) -> Ended {
    let began = Instant::now();
    let (out, err) = (state.with_extension("out"), state.with_extension("err"));
    let file = |p: &Path| fs::File::create(p).expect("writable");
    let mut child = Command::new(program())
        .args(words)
        .env("KVAL_STATE", state)
        .stdin(Stdio::null())
        .stdout(file(&out))
        .stderr(file(&err))
        .spawn()
        .expect("the program runs");
    let code = loop {
        match child.try_wait().expect("a child of ours") {
            Some(status) => break status.code(),
            None if began.elapsed() > LONGEST => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            None => std::thread::sleep(Duration::from_micros(500)),
        }
    };
    let read = |p: &Path| String::from_utf8_lossy(&fs::read(p).unwrap_or_default()).into_owned();
    Ended { code, stdout: read(&out), stderr: read(&err), took: began.elapsed() }
}

/// The processor time of all children so far, in hundredths of a second.
fn spent() -> u64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit_once(')').map_or("", |r| r.1).split_whitespace().collect();
    [13, 14].iter().filter_map(|i| fields.get(*i)?.parse::<u64>().ok()).sum()
}

fn scratch(name: &str) -> PathBuf {
    let state = std::env::temp_dir().join(format!("kval-bench-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&state);
    fs::create_dir_all(&state).expect("writable");
    state
}

/// An object of a stored cluster.
struct Stored {
    uid: u64,
    owners: Vec<u64>,
    kept: bool,
    name: String,
    kind: String,
    deleted: bool,
    spec: Value,
}

/// What a stored cluster holds, by kind, namespace and name.
fn inventory(state: &Path) -> BTreeMap<String, Stored> {
    let text = fs::read_to_string(state.join("default.cluster")).expect("the cluster is stored");
    let mut out = BTreeMap::new();
    // Objects stand behind the second empty line, before the sum: what they are about, specification, status and the rest
    // behind tabs.
    let objects = text.lines().skip_while(|line| !line.is_empty()).skip(1).skip_while(|line| !line.is_empty()).skip(1);
    for line in objects.filter(|line| line.starts_with('[')) {
        let mut parts = line.split('\t').map(|part| serde_json::from_str::<Value>(part).unwrap_or_default());
        // Kind and API version; identity; names; deletion; labels and annotations; finalizers; owners.
        let about = parts.next().unwrap_or_default();
        let spec = parts.next().unwrap_or_default();
        let word = |v: &Value| v.as_str().unwrap_or("").to_owned();
        let kind = word(&about[0][0]);
        let annotations = &about[4][1];
        let kept = ["helm.sh/hook", "helm.sh/resource-policy"].iter().any(|a| !annotations[a].is_null())
            // What Helm does not uninstall: definitions, and what the control plane made of a claim template.
            || matches!(kind.as_str(), "CustomResourceDefinition" | "PersistentVolumeClaim" | "PersistentVolume" | "Namespace");
        let owners = about[6].as_array().into_iter().flatten().filter_map(|o| o[3].as_u64()).collect();
        let (name, namespace) = (word(&about[2][0]), word(&about[2][2]));
        let uid = about[1][0].as_u64().expect("every object has an identity");
        assert!(!kind.is_empty() && !name.is_empty(), "an object without a name: {about}");
        out.insert(format!("{kind} {namespace}/{name}"), Stored { uid, owners, kept, name, kind, deleted: !about[3].is_null(), spec });
    }
    // A new cluster has nodes and namespaces.
    assert!(out.len() > 5, "the cluster holds {} objects", out.len());
    out
}

/// What is there of which nothing tells that it may be.
fn left_behind(before: &BTreeMap<String, Stored>, after: &BTreeMap<String, Stored>) -> Vec<String> {
    let mut allowed: BTreeSet<u64> = after.values().filter(|s| s.kept).map(|s| s.uid).collect();
    loop {
        let more: Vec<u64> =
            after.values().filter(|s| !allowed.contains(&s.uid) && s.owners.iter().any(|o| allowed.contains(o))).map(|s| s.uid).collect();
        if more.is_empty() {
            break;
        }
        allowed.extend(more);
    }
    let claims: Vec<&Stored> = after.values().filter(|s| s.kind == "PersistentVolumeClaim").collect();
    let orphaned = |s: &Stored| s.kind == "PersistentVolume" && !claims.iter().any(|c| s.spec["claimRef"]["name"] == c.name.as_str());
    after
        .iter()
        .filter(|(key, s)| !before.contains_key(*key) && (!allowed.contains(&s.uid) || orphaned(s) || s.deleted))
        .map(|(key, _)| key.clone())
        .collect()
}

/// Kind and name of the objects of a manifest.
fn named(manifest: &str) -> BTreeSet<(String, String)> {
    let one = |document: &str| {
        let after = |start: &str| document.lines().find_map(|l| l.strip_prefix(start)).map(|v| v.trim().trim_matches('"').to_owned());
        let about: String =
            document.split("\nmetadata:\n").nth(1)?.lines().take_while(|l| l.starts_with(' ')).map(|l| format!("{l}\n")).collect();
        let name = about.lines().find_map(|l| l.strip_prefix("  name:")).map(|v| v.trim().trim_matches('"').to_owned());
        Some((after("kind:")?, name?))
    };
    manifest.split("\n---").filter_map(|d| one(&format!("\n{d}"))).collect()
}

/// What Helm itself leaves: an update that fails deletes nothing that the new revision no longer has, and an uninstall
/// deletes what the last revision has. upstream: helm/pkg/kube.Client.update, pkg/action.Uninstall
fn left_by_failure(state: &Path) -> BTreeSet<(String, String)> {
    let history: Value = serde_json::from_str(&kval(state, &["history", "rel", "-o", "json"]).stdout).unwrap_or_default();
    let revisions: Vec<(String, &str)> =
        history.as_array().into_iter().flatten().map(|r| (r["revision"].to_string(), r["status"].as_str().unwrap_or(""))).collect();
    let Some(((last, "failed"), before)) = revisions.split_last() else { return BTreeSet::new() };
    let of = |revision: &str| named(&kval(state, &["get", "manifest", "rel", "--revision", revision]).stdout);
    let kept = of(last);
    before.iter().flat_map(|(revision, _)| of(revision)).filter(|object| !kept.contains(object)).collect()
}

/// The values files of a chart other than its own.
fn values_of(directory: &Path, source: &str, name: &str) -> Vec<PathBuf> {
    let folder = directory.join("values").join(source);
    let mut out: Vec<PathBuf> = fs::read_dir(folder.join(name)).into_iter().flatten().flatten().map(|e| e.path()).collect();
    out.sort();
    out
}

fn corpus(directory: &Path, count: usize) {
    let mut charts: Vec<PathBuf> = fs::read_dir(directory.join("charts"))
        .expect("DIR holds charts")
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "tgz"))
        .collect();
    charts.sort();
    let only = std::env::var("ONLY").unwrap_or_default();
    charts.retain(|c| c.to_string_lossy().contains(&only));
    let sources: Vec<String> = fs::read_dir(directory.join("values"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    let (mut walked, mut hung, mut broken, mut dirty, mut all_well) = (0, 0, 0, 0, 0);
    let mut times: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    let mut verdicts: BTreeMap<(&str, i32), usize> = BTreeMap::new();
    for (i, chart) in charts.iter().take(count).enumerate() {
        let file = chart.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let source = sources.iter().filter(|s| file.starts_with(&format!("{s}-"))).max_by_key(|s| s.len()).cloned().unwrap_or_default();
        let rest = file.strip_prefix(&format!("{source}-")).unwrap_or(&file);
        let name = rest.rsplit_once('-').map_or(rest, |r| r.0);
        let values = values_of(directory, &source, name);
        let state = scratch("corpus");
        kval(&state, &["cluster", "create", "--nodes", "4x16cpu,64Gi"]);
        let before = inventory(&state);
        let path = chart.to_string_lossy().into_owned();
        let other = values.get(i % values.len().max(1)).map(|v| v.to_string_lossy().into_owned());
        let changed = "replicaCount=2,replicas=2,image.tag=changed,podAnnotations.changed=yes,nameOverride=";
        let mut upgrade = vec!["upgrade", "rel", &path, "--timeout", "5m"];
        match &other {
            Some(values) => upgrade.extend(["-f", values.as_str()]),
            None => upgrade.extend(["--set", changed]),
        }
        if i % 2 == 0 {
            upgrade.push("--wait");
        }
        if i % 5 == 0 {
            upgrade.push("--rollback-on-failure");
        }
        let steps: [(&str, Vec<&str>); 6] = [
            ("install", vec!["install", "rel", &path, "--wait", "--timeout", "5m"]),
            ("upgrade", upgrade),
            ("rollback", vec!["rollback", "rel", "1", "--wait", "--timeout", "5m"]),
            ("list", vec!["list", "-a"]),
            ("uninstall", vec!["uninstall", "rel", "--wait", "--timeout", "5m"]),
            ("advance", vec!["cluster", "advance", "5m"]),
        ];
        walked += 1;
        let mut well = true;
        let mut told = Vec::new();
        let mut excused = BTreeSet::new();
        for (step, words) in steps {
            if step == "uninstall" {
                excused = left_by_failure(&state);
            }
            let ended = kval(&state, &words);
            times.entry(step).or_default().push(ended.took);
            *verdicts.entry((step, ended.code.unwrap_or(-1))).or_default() += 1;
            if ended.took > LONGEST {
                hung += 1;
                well = false;
                told.push(format!("{step} hangs"));
            } else if !matches!(ended.code, Some(0 | 1))
                || (ended.code == Some(1) && ended.stderr.is_empty())
                || ended.stderr.contains("panic")
            {
                broken += 1;
                well = false;
                told.push(format!("{step} exit {:?}: {}", ended.code, ended.stderr.lines().last().unwrap_or("")));
            } else if ended.code == Some(1) {
                let line = ended.stderr.lines().find(|l| l.contains("Error:")).unwrap_or("");
                told.push(format!("{step}: {}", line.chars().take(220).collect::<String>()));
            }
            if ended.took > Duration::from_secs(2) {
                told.push(format!("{step} took {:.1} s", ended.took.as_secs_f64()));
            }
            let _ = &ended.stdout;
        }
        let mut after = inventory(&state);
        for stored in after.values_mut() {
            stored.kept |= excused.contains(&(stored.kind.clone(), stored.name.clone()));
        }
        let left = left_behind(&before, &after);
        if !left.is_empty() {
            dirty += 1;
            well = false;
            told.push(format!("left behind: {}", left.join(", ")));
        }
        all_well += usize::from(well);
        if !told.is_empty() {
            println!("{file}{}", if other.is_some() { " (values)" } else { "" });
            told.iter().for_each(|t| println!("    {t}"));
        }
        let _ = fs::remove_dir_all(&state);
    }
    println!(
        "{walked} charts: {all_well} well, {hung} commands hung, {broken} ended without a verdict, {dirty} charts left something behind"
    );
    for (step, mut took) in times {
        took.sort();
        let at = |part: usize| took[(took.len() - 1) * part / 100].as_millis();
        let codes: Vec<String> = verdicts.iter().filter(|((s, _), _)| *s == step).map(|((_, c), n)| format!("exit {c}: {n}")).collect();
        println!("{step:>10}: median {} ms, 95 % {} ms, longest {} ms; {}", at(50), at(95), at(100), codes.join(", "));
    }
}

/// One command, killed at moments spread over its run and over its write: how often the old and how often the new content
/// was found.
fn killed(state: &Path, words: &[&str], moments: u32) -> Result<(usize, usize), String> {
    let [file, temporary, before] = ["", ".tmp", ".before"].map(|end| state.join(format!("default.cluster{end}")));
    let base = fs::read(&file).expect("the cluster is stored");
    let began = Instant::now();
    let whole = kval(state, words);
    let length = began.elapsed();
    if whole.code != Some(0) {
        return Err(format!("{words:?}: {}", whole.stderr));
    }
    let new = fs::read(&file).expect("the cluster is stored");
    let (mut olds, mut news) = (0, 0);
    for moment in 0..moments {
        fs::write(&file, &base).expect("writable");
        let _ = (fs::remove_file(&temporary), fs::remove_file(&before));
        let mut child = Command::new(program())
            .args(words)
            .env("KVAL_STATE", state)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs");
        let part = moment * 7919 % moments;
        if moment % 2 == 0 {
            std::thread::sleep(length * part / moments * 12 / 10);
        } else {
            while !temporary.exists() && child.try_wait().expect("a child of ours").is_none() {
                std::hint::spin_loop();
            }
            std::thread::sleep(Duration::from_millis(4) * part / moments);
        }
        let _ = child.kill();
        let _ = child.wait();
        // Between the two steps of writing, what it was before is the cluster.
        let after = fs::read(&file).or_else(|_| fs::read(&before)).unwrap_or_default();
        match (after == base, after == new) {
            (true, _) => olds += 1,
            (_, true) => news += 1,
            _ => return Err(format!("{words:?}: neither old nor new after kill {moment}")),
        }
        let open = kval(state, &["list", "-q"]);
        if open.code != Some(0) || open.took > Duration::from_secs(5) {
            return Err(format!("{words:?}: does not open after kill {moment}: {}", open.stderr));
        }
    }
    fs::write(&file, &base).expect("writable");
    Ok((olds, news))
}

/// A manifest of many deployments.
fn manifest(deployments: usize, replicas: usize) -> String {
    let one = |i: usize| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{i:02}\n  labels: {{tier: t{}}}\nspec:\n  replicas: {replicas}\n  selector:\n    matchLabels: {{app: app-{i:02}}}\n  template:\n    metadata:\n      labels: {{app: app-{i:02}}}\n    spec:\n      containers:\n      - name: main\n        image: registry.example/app-{i:02}:1.0\n        ports: [{{containerPort: 8080}}]\n        env: [{{name: MODE, value: production}}]\n        resources:\n          requests: {{cpu: 50m, memory: 64Mi}}\n          limits: {{memory: 128Mi}}\n        readinessProbe:\n          httpGet: {{path: /ready, port: 8080}}\n        livenessProbe:\n          httpGet: {{path: /live, port: 8080}}\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: app-{i:02}\nspec:\n  selector: {{app: app-{i:02}}}\n  ports: [{{port: 80, targetPort: 8080}}]\n---\n",
            i % 3
        )
    };
    (0..deployments).map(one).collect()
}

fn kills(moments: u32) {
    let state = scratch("kills");
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/walkthrough/charts/nginx").to_string_lossy().into_owned();
    let file = state.join("many.yaml").to_string_lossy().into_owned();
    fs::write(&file, manifest(20, 5)).expect("writable");
    kval(&state, &["cluster", "create", "--nodes", "4x16cpu,64Gi"]);
    for words in [vec!["install", "web", &chart, "--wait"], vec!["kubectl", "apply", "-f", &file]] {
        match killed(&state, &words, moments) {
            Ok((olds, news)) => println!("{}: {moments} kills, {olds} times the old content, {news} times the new", words[..2].join(" ")),
            Err(why) => println!("FAILED {why}"),
        }
    }
    let _ = fs::remove_dir_all(&state);
}

fn pods() {
    let state = scratch("pods");
    let file = state.join("many.yaml").to_string_lossy().into_owned();
    fs::write(&file, manifest(50, 20)).expect("writable");
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/walkthrough/charts/nginx").to_string_lossy().into_owned();
    let one = state.join("one.yaml").to_string_lossy().into_owned();
    fs::write(&one, manifest(1, 20).replace("1.0", "2.0")).expect("writable");
    let others = state.join("others.yaml").to_string_lossy().into_owned();
    fs::write(&others, manifest(50, 20).replace("1.0", "2.0")).expect("writable");
    kval(&state, &["cluster", "create", "--nodes", "20x16cpu,64Gi"]);
    for words in [vec!["kubectl", "apply", "-f", &file], vec!["cluster", "advance", "until", "stable"]] {
        let ended = kval(&state, &words);
        println!("{:>6} ms  {} ({:?})", ended.took.as_millis(), words[..2].join(" "), ended.code);
    }
    println!("state: {} KB", fs::metadata(state.join("default.cluster")).map_or(0, |m| m.len() / 1024));
    let base = fs::read(state.join("default.cluster")).expect("the cluster is stored");
    let pod = kval(&state, &["kubectl", "get", "pods", "-o", "name"]).stdout.lines().next().unwrap_or("").to_owned();
    let nodes = (1..=20).map(|i| format!("node-{i}")).collect::<Vec<_>>().join(" ");
    let lines = format!(
        "kubectl get pods
kubectl get pods -o wide
kubectl get pods -o yaml
kubectl get pods -o json
kubectl get pods -l app=app-07 --show-labels
kubectl get pods --field-selector status.phase=Running --sort-by .metadata.name
kubectl get all -A
kubectl get events
kubectl get {pod} -o jsonpath={{.status.phase}}
kubectl describe {pod}
kubectl describe deployment app-07
kubectl describe nodes
kubectl describe pods
kubectl get deployment app-07 -o yaml
kubectl apply -f {one}
kubectl apply --server-side --force-conflicts -f {one}
kubectl apply -f {file}
kubectl diff -f {one}
kubectl delete {pod}
kubectl delete deployment app-07
kubectl scale deployment app-07 --replicas 30
kubectl set image deployment/app-07 main=registry.example/app:3
kubectl rollout restart deployment app-07
kubectl rollout status deployment app-07
kubectl rollout history deployment app-07
kubectl rollout undo deployment app-07 --dry-run=server
kubectl label pods --all x=y
kubectl annotate deployment app-07 x=y
kubectl taint nodes node-1 a=b:NoSchedule
kubectl cordon node-1
kubectl drain node-1 --ignore-daemonsets
kubectl expose deployment app-07 --name other --port 80
kubectl autoscale deployment app-07 --max 30
kubectl run one --image nginx
kubectl create deployment two --image nginx
kubectl explain pods
kubectl api-resources
install web {chart}
install web {chart} --wait
list
cluster info
cluster events
cluster advance 30s
cluster advance until stable
kubectl wait --for=condition=Ready pods --all
kubectl describe replicasets
kubectl events
kubectl get events -o yaml
kubectl annotate pods --all x=y
kubectl label nodes --all x=y
kubectl label deployments --all x=y
kubectl taint nodes --all a=b:NoSchedule
kubectl taint nodes node-1 a=b:NoExecute
kubectl delete node node-1
kubectl delete pods --all
kubectl delete deployments --all
kubectl delete -f {file}
kubectl diff -f {others}
kubectl apply -f {others}
kubectl apply --server-side --force-conflicts -f {others}
kubectl replace -f {others}
kubectl rollout restart deployment
kubectl set image deployment --all main=registry.example/app:3
kubectl set env deployment --all A=b
kubectl scale deployment --all --replicas 10
kubectl scale deployment --all --replicas 30
kubectl drain node-1 node-2 --ignore-daemonsets
kubectl drain node-1 node-2 node-3 node-4 --ignore-daemonsets
kubectl drain {nodes} --ignore-daemonsets
kubectl replace --force -f {others}
kubectl describe all
kubectl delete replicasets --all
kubectl set resources deployment --all --limits=cpu=1
kubectl set serviceaccount deployment --all default
kubectl rollout pause deployment
kubectl scale deployment --all --replicas 0
kubectl scale deployment --all --replicas 40
cluster reset --nodes 20x16cpu,64Gi => kubectl apply -f {file}
cluster reset --nodes 20x16cpu,64Gi => kubectl apply -f {file} => cluster advance until stable
kubectl set image deployment --all main=registry.example/app:3 => cluster advance 10s
kubectl set image deployment --all main=registry.example/app:3 => cluster advance until stable
kubectl set image deployment --all main=registry.example/app:3 => kubectl rollout status deployment app-07
kubectl delete pods --all --wait=false => cluster advance until stable
kubectl scale deployment --all --replicas 0 => cluster advance until stable
kubectl drain {nodes} --ignore-daemonsets => kubectl uncordon {nodes}"
    );
    let mut slow = 0;
    let mut count = 0;
    for line in lines.lines() {
        // What stands before an arrow is done first, and not timed.
        let mut steps: Vec<Vec<&str>> = line.split(" => ").map(|step| step.split(' ').collect()).collect();
        let words = steps.pop().unwrap_or_default();
        fs::write(state.join("default.cluster"), &base).expect("writable");
        for step in &steps {
            kval(&state, step);
        }
        let base = fs::read(state.join("default.cluster")).expect("the cluster is stored");
        let mut took = Vec::new();
        let mut code = Some(0);
        let before = spent();
        for _ in 0..5 {
            fs::write(state.join("default.cluster"), &base).expect("writable");
            let ended = kval(&state, &words);
            took.push(ended.took);
            code = ended.code;
        }
        took.sort();
        count += 1;
        slow += usize::from(took[2] > Duration::from_millis(100));
        let shown: String = line.replace(state.to_string_lossy().as_ref(), "").replace(env!("CARGO_MANIFEST_DIR"), "");
        println!(
            "{:>6.1} ms (least {:>6.1}, {:>3} ms of processor)  {shown}{}",
            took[2].as_secs_f64() * 1e3,
            took[0].as_secs_f64() * 1e3,
            (spent() - before) * 2,
            code.map_or(" (killed)".to_owned(), |c| if c == 0 { String::new() } else { format!(" (exit {c})") })
        );
    }
    println!("{slow} of {count} commands take longer than 100 ms (medians of 5)");
    let _ = fs::remove_dir_all(&state);
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let number = |i: usize, default: u32| words.get(i).and_then(|w| w.parse::<u32>().ok()).unwrap_or(default);
    match words.first().map(String::as_str) {
        Some("corpus") => corpus(Path::new(words.get(1).map_or(".", String::as_str)), number(2, 200) as usize),
        Some("kills") => kills(number(1, 200)),
        Some("pods") => pods(),
        _ => println!("say `corpus DIR [COUNT]`, `kills [COUNT]` or `pods`"),
    }
}
