//! Predictions and explanations as answers: tables of workloads, pods and nodes, and what keeps pods pending.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::advice::advice;
use super::answer::{Answer, Block, text};
use super::picture;
use super::placement::{NodePrediction, PodPrediction, Prediction};
use super::replay::Run;
use super::scheduler::cycle::judge;
use super::scheduler::profile::Profiles;
use super::whatif::shorten;

/// More pods than this are only counted by workload.
const MAX_PODS_SHOWN: usize = 200;
/// More nodes than this are only summed up.
const MAX_NODES_SHOWN: usize = 200;
/// More workloads than this are only summed up, those with pending pods last.
const MAX_WORKLOADS_SHOWN: usize = 100;
/// More pods without a controller than this are one row.
const MAX_PLAIN_SHOWN: usize = 20;
/// Pods on more nodes than this are only counted.
const MAX_NODES_NAMED: usize = 8;
/// More lines about one thing than this nobody reads.
const MAX_LINES: usize = 30;

/// The first lines; how many more there are of `what` is told behind them.
pub fn cut(mut lines: Vec<String>, what: &str) -> Vec<String> {
    if lines.len() > MAX_LINES {
        let more = lines.len() - MAX_LINES;
        lines.truncate(MAX_LINES);
        lines.push(format!("and {more} more {what}"));
    }
    lines
}

/// Bytes in GiB.
pub fn gibibytes(bytes: i64) -> String {
    format!("{:.1}Gi", bytes as f64 / f64::from(1_u32 << 30))
}

fn cells(row: &[&str]) -> Vec<String> {
    row.iter().map(|c| (*c).to_owned()).collect()
}

/// Pods that are counted together.
struct Row<'p> {
    name: String,
    pods: Vec<&'p PodPrediction>,
}

impl Row<'_> {
    fn pending(&self) -> usize {
        self.pods.iter().filter(|p| p.node.is_none()).count()
    }

    fn cells(&self) -> Vec<String> {
        let pending = self.pending();
        let mut nodes: BTreeMap<&str, usize> = BTreeMap::new();
        self.pods.iter().filter_map(|p| p.node.as_deref()).for_each(|n| *nodes.entry(n).or_insert(0) += 1);
        let spread: Vec<String> = match (nodes.len(), nodes.values().min(), nodes.values().max()) {
            (many, Some(least), Some(most)) if many > MAX_NODES_NAMED => {
                vec![if least == most {
                    format!("{least} on each of {many} nodes")
                } else {
                    format!("{least} to {most} on each of {many} nodes")
                }]
            }
            _ => nodes.iter().map(|(n, count)| format!("{n}: {count}")).collect(),
        };
        let spread = if spread.is_empty() { "<none>".to_owned() } else { spread.join(", ") };
        vec![self.name.clone(), self.pods.len().to_string(), (self.pods.len() - pending).to_string(), pending.to_string(), spread]
    }
}

fn workloads(prediction: &Prediction) -> Vec<Vec<String>> {
    let mut places: BTreeMap<&(String, String), usize> = BTreeMap::new();
    let mut rows: Vec<Row<'_>> = Vec::new();
    for pod in &prediction.pods {
        let place = *places.entry(&pod.source).or_insert_with(|| {
            rows.push(Row { name: format!("{}/{}", pod.source.0, pod.source.1), pods: Vec::new() });
            rows.len() - 1
        });
        rows[place].pods.push(pod);
    }
    let is_plain = |row: &Row<'_>| row.pods.first().is_some_and(|p| p.source.0 == "Pod");
    if rows.iter().filter(|r| is_plain(r)).count() > MAX_PLAIN_SHOWN {
        let (plain, mut others): (Vec<_>, Vec<_>) = rows.into_iter().partition(|r| is_plain(r));
        let pods: Vec<&PodPrediction> = plain.into_iter().flat_map(|r| r.pods).collect();
        others.push(Row { name: format!("{} plain pods", pods.len()), pods });
        rows = others;
    }
    if rows.len() > MAX_WORKLOADS_SHOWN {
        let (mut shown, mut placed): (Vec<_>, Vec<_>) = rows.into_iter().partition(|r| r.pending() > 0);
        shown.append(&mut placed);
        let rest = shown.split_off(MAX_WORKLOADS_SHOWN);
        let name = format!("{} more workloads", rest.len());
        shown.push(Row { name, pods: rest.into_iter().flat_map(|r| r.pods).collect() });
        rows = shown;
    }
    rows.iter().map(Row::cells).collect()
}

/// The workloads of a prediction, some of them where there are many.
pub fn workload_names(prediction: &Prediction) -> String {
    let mut seen = BTreeSet::new();
    let all = prediction.pods.iter().filter(|p| seen.insert(&p.source));
    let names: Vec<String> = all.map(|p| format!("{}/{}", p.source.0, p.source.1)).collect();
    format!("there are {}", shorten(&names))
}

fn node_row(node: &NodePrediction) -> Vec<String> {
    let percent = |(used, there): (i64, i64)| if there > 0 { format!(" ({}%)", used * 100 / there) } else { String::new() };
    vec![
        node.name.clone(),
        format!("{}/{}", node.pods.len(), node.max_pods),
        format!("{}m/{}m{}", node.cpu.0, node.cpu.1, percent(node.cpu)),
        format!("{}/{}{}", gibibytes(node.memory.0), gibibytes(node.memory.1), percent(node.memory)),
        format!("{}m, {}", node.cpu.1 - node.cpu.0, gibibytes(node.memory.1 - node.memory.0)),
    ]
}

/// What keeps pods pending: pods of one workload usually wait for the same reason, which is told once; so do plain pods.
pub fn pending(prediction: &Prediction) -> Vec<String> {
    // Where the line of a reason is, by the workload, which plain pods have none of, and the reason.
    let mut places: BTreeMap<(Option<&(String, String)>, &str), usize> = BTreeMap::new();
    let mut told: Vec<(&PodPrediction, &str, usize)> = Vec::new();
    for pod in &prediction.pods {
        let Some(message) = &pod.message else { continue };
        let workload = (pod.source.0 != "Pod").then_some(&pod.source);
        let place = *places.entry((workload, message)).or_insert_with(|| {
            told.push((pod, message, 0));
            told.len() - 1
        });
        told[place].2 += 1;
    }
    let line = |(pod, message, n): &(&PodPrediction, &str, usize)| {
        let (kind, name) = &pod.source;
        let more = if kind == "Pod" && *n > 1 { format!(" and {} more", n - 1) } else { String::new() };
        format!("{kind}/{name}{more}: {n} pending: {message}")
    };
    cut(told.iter().map(line).collect(), "reasons")
}

/// Tables of a prediction, without advice and picture.
fn tables(prediction: &Prediction, whole: bool) -> Answer {
    let mut out = Answer::default();
    out.heading("Workloads");
    out.table(&["WORKLOAD", "PODS", "PLACED", "PENDING", "NODES"], workloads(prediction));
    if prediction.pods.len() <= MAX_PODS_SHOWN {
        let row = |pod: &PodPrediction| {
            let node = pod.node.clone().unwrap_or_else(|| "<pending>".to_owned());
            let possible = match pod.possible_nodes.as_slice() {
                [] => "<none>".to_owned(),
                [first, second, .., _] if pod.possible_nodes.len() > 4 => {
                    format!("{first},{second} and {} more", pod.possible_nodes.len() - 2)
                }
                names => names.join(","),
            };
            vec![format!("{}/{}", pod.namespace, pod.name), node, possible]
        };
        out.heading("Pods");
        out.table(&["POD", "NODE", "POSSIBLE NODES"], prediction.pods.iter().map(row).collect());
    } else {
        out.lines(vec![format!("the {} pods are not listed one by one: --format json names the node of each", prediction.pods.len())]);
    }
    let mut lines = pending(prediction);
    let preempting = prediction.pods.iter().filter(|p| !p.victims.is_empty());
    let driven = preempting.map(|pod| format!("{}/{} drives away {}", pod.namespace, pod.name, pod.victims.join(", "))).collect();
    lines.extend(cut(driven, "pods that drive others away"));
    if !lines.is_empty() {
        out.heading("Pending");
    }
    out.lines(lines);
    out.heading("Nodes");
    let mut rows: Vec<Vec<String>> = prediction.nodes.iter().take(MAX_NODES_SHOWN).map(node_row).collect();
    if prediction.nodes.len() > MAX_NODES_SHOWN {
        let sum = |f: fn(&NodePrediction) -> i64| prediction.nodes.iter().map(f).sum::<i64>();
        rows = vec![node_row(&NodePrediction {
            name: format!("all {} nodes", prediction.nodes.len()),
            pods: prediction.nodes.iter().flat_map(|n| n.pods.iter().cloned()).collect(),
            filling: Vec::new(),
            cpu: (sum(|n| n.cpu.0), sum(|n| n.cpu.1)),
            memory: (sum(|n| n.memory.0), sum(|n| n.memory.1)),
            max_pods: sum(|n| n.max_pods),
        })];
    }
    out.table(&["NODE", "PODS", "CPU", "MEMORY", "FREE"], rows);
    out.json = if whole { to_json(prediction) } else { json!({}) };
    out
}

/// The prediction as tables for people.
pub fn table(prediction: &Prediction) -> String {
    text(&tables(prediction, false))
}

/// The prediction with what would make pending pods fit, and a picture of the nodes; `whole` with each pod and node for
/// programs.
pub fn answer(prediction: &Prediction, run: &Run, profiles: &Profiles, whole: bool) -> Answer {
    let mut out = tables(prediction, whole);
    let advice = advice(run, profiles);
    out.json["advice"] = advice.iter().map(|(pod, text)| json!({"workload": pod, "advice": text})).collect();
    let place = out.blocks.iter().position(|b| *b == Block::Heading("Nodes".to_owned())).unwrap_or(out.blocks.len());
    if !advice.is_empty() {
        let lines = advice.into_iter().map(|(pod, text)| format!("{pod}: {text}")).collect();
        out.blocks.splice(place..place, [Block::Heading("What would help".to_owned()), Block::Lines(lines)]);
    }
    out.blocks.push(Block::Picture(picture::svg(prediction)));
    out
}

/// The prediction for programs.
pub fn to_json(prediction: &Prediction) -> Value {
    let pod = |p: &PodPrediction| {
        json!({
            "namespace": p.namespace, "name": p.name, "kind": p.source.0, "owner": p.source.1, "node": p.node,
            "possibleNodes": p.possible_nodes, "message": p.message, "refused": p.refused, "victims": p.victims,
        })
    };
    let node = |n: &NodePrediction| {
        json!({
            "name": n.name, "pods": n.pods, "cpuMilli": {"requested": n.cpu.0, "allocatable": n.cpu.1},
            "memoryBytes": {"requested": n.memory.0, "allocatable": n.memory.1}, "maxPods": n.max_pods,
        })
    };
    json!({
        "pods": prediction.pods.iter().map(pod).collect::<Vec<_>>(),
        "nodes": prediction.nodes.iter().map(node).collect::<Vec<_>>(),
        "determined": prediction.determined,
    })
}

/// Explains the last attempt of a pod in a run with all scores: each node's verdict and the scores of each plugin. The
/// pod is named as `pod`, `namespace/pod` or `kind/workload`; `None` when there is none.
pub fn explain(run: &Run, profiles: &Profiles, wanted: &str) -> Option<Answer> {
    let (first, second) = wanted.split_once('/').map_or((None, wanted), |(a, b)| (Some(a), b));
    let names = |i: &usize| {
        let pod = &run.pods[*i];
        let kind = |k: &str| k.eq_ignore_ascii_case(&pod.source.kind) || pod.source.kind.to_lowercase().starts_with(&k.to_lowercase());
        match first {
            None => pod.name == second || pod.source.name == second,
            Some(scope) => (scope == pod.namespace || kind(scope)) && (pod.name == second || (kind(scope) && pod.source.name == second)),
        }
    };
    let all: Vec<usize> = (0..run.pods.len()).filter(names).collect();
    // Of a workload the pod that has trouble is the one asked about.
    let pod = all.iter().copied().find(|i| run.placement[*i].is_none()).or(all.first().copied())?;
    let attempt = run.last_attempt(pod);
    let mut out = Answer::default();
    let shown = format!("{}/{}", run.pods[pod].namespace, run.pods[pod].name);
    out.heading(&format!("Pod {shown}"));
    let name_of = |i: usize| run.cluster.nodes[i].node.name.clone();
    let Some(profile) = profiles.get(&run.pods[pod].scheduler_name) else {
        out.lines(vec![format!("{shown}: no scheduler {:?} runs here", run.pods[pod].scheduler_name)]);
        return Some(out);
    };
    let mut lines = Vec::new();
    let mut verdicts: Vec<(usize, Vec<(String, String)>)> = Vec::new();
    let placed = run.placement[pod];
    if let (Some(node), Some(attempt)) = (placed, attempt) {
        lines.push(format!("{shown} goes to {}", name_of(node)));
        for (i, r) in &attempt.outcome.infeasible {
            verdicts.push((*i, vec![(r.plugin.to_owned(), r.status.reasons.iter().collect::<Vec<_>>().join(", "))]));
        }
        verdicts.extend(attempt.outcome.feasible.iter().map(|i| (*i, Vec::new())));
    } else {
        lines.push(format!("{shown} stays pending"));
        lines.extend(attempt.and_then(|a| a.outcome.message.clone()));
        let judged = judge(&run.cluster, profile, &run.pods[pod]);
        if let Some((plugin, reason)) = &judged.prefilter {
            lines.push(format!("{plugin} refuses the pod before any node is looked at: {reason}"));
        }
        for (i, all) in judged.rejections.iter().enumerate() {
            let told =
                |r: &super::scheduler::cycle::Rejection| (r.plugin.to_owned(), r.status.reasons.iter().collect::<Vec<_>>().join(", "));
            verdicts.push((i, all.iter().map(told).collect()));
        }
    }
    verdicts.sort_by_key(|(i, _)| *i);
    let json_verdicts: Vec<Value> = verdicts
        .iter()
        .map(|(i, all)| json!({"node": name_of(*i), "fits": all.is_empty(), "rejections": all.iter().map(|(p, r)| json!({"plugin": p, "reason": r})).collect::<Vec<_>>()}))
        .collect();
    out.lines(lines);
    let verdict = |(i, all): &(usize, Vec<(String, String)>)| {
        let text = match all.as_slice() {
            [] => "fits".to_owned(),
            all => all.iter().map(|(plugin, reason)| format!("{plugin}: {reason}")).collect::<Vec<_>>().join("; "),
        };
        vec![name_of(*i), text]
    };
    out.heading("Filters");
    out.table(&["NODE", "VERDICT"], verdicts.iter().map(verdict).collect());
    let mut json_scores = serde_json::Map::new();
    if let Some(attempt) = attempt.filter(|a| placed.is_some() && !a.outcome.scores.is_empty()) {
        let scored: Vec<_> = attempt.outcome.feasible.iter().zip(&attempt.outcome.scores).collect();
        let plugins: Vec<&str> = scored.first().map(|(_, s)| s.plugins.iter().map(|(p, _)| *p).collect()).unwrap_or_default();
        let mut header = cells(&["NODE", "TOTAL"]);
        header.extend(plugins.iter().map(|p| (*p).to_owned()));
        let mut rows = Vec::new();
        for (i, score) in scored {
            let mut row = vec![name_of(*i), score.total.to_string()];
            row.extend(score.plugins.iter().map(|(_, s)| s.to_string()));
            rows.push((score.total, row));
            let parts: BTreeMap<&str, i64> = score.plugins.iter().copied().collect();
            json_scores.insert(name_of(*i), json!({"total": score.total, "plugins": parts}));
        }
        rows.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        out.heading("Scores");
        out.blocks.push(Block::Table { header, rows: rows.into_iter().map(|(_, row)| row).collect() });
        if attempt.outcome.top.len() > 1 {
            let top: Vec<String> = attempt.outcome.top.iter().map(|i| name_of(*i)).collect();
            out.lines(vec![format!("equally good, one is picked at random: {}", top.join(", "))]);
        }
    } else if placed.is_some() {
        out.lines(vec!["only one node fits, so nothing is scored".to_owned()]);
    }
    out.json = json!({"pod": shown, "node": placed.map(name_of), "verdicts": json_verdicts, "scores": json_scores,
        "message": attempt.and_then(|a| a.outcome.message.clone())});
    Some(out)
}
