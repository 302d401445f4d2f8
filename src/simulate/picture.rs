//! Nodes as boxes, filled by their pods in proportion to the resource of which the node gives most away.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::answer::escape;
use super::placement::{NodePrediction, Prediction};

/// More nodes than this are not drawn one by one.
const MAX_NODES: usize = 120;
/// The most boxes in one row.
const COLUMNS: usize = 6;
/// How wide an entry of the legend is.
const ENTRY: usize = 340;
const WIDTH: usize = 170;
const HEIGHT: usize = 190;
const INNER: f64 = 140.0;

/// Colours that stay apart for people who see few.
const COLORS: [&str; 10] = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#ee7733", "#009988", "#997700"];

/// The share of a node that some amounts take: of CPU or memory, whichever is more.
fn share(cpu: i64, memory: i64, node: &NodePrediction) -> f64 {
    let part = |used: i64, there: i64| if there > 0 { used as f64 / there as f64 } else { 0.0 };
    part(cpu, node.cpu.1).max(part(memory, node.memory.1)).min(1.0)
}

/// Draws the nodes of a prediction; pods of one workload have one colour, pods that ask for nothing a thin line.
pub fn svg(prediction: &Prediction) -> String {
    let shown = prediction.nodes.len().min(MAX_NODES);
    let mut sources: Vec<&str> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for pod in prediction.nodes.iter().take(shown).flat_map(|n| &n.filling) {
        places.entry(&pod.source).or_insert_with(|| {
            sources.push(&pod.source);
            sources.len() - 1
        });
    }
    let color = |source: &str| COLORS[places.get(source).copied().unwrap_or(0) % COLORS.len()];
    // Few nodes make a narrow picture, which phones show whole.
    let columns = shown.clamp(2, COLUMNS);
    let rows = shown.div_ceil(columns).max(1);
    let width = columns * WIDTH + 20;
    let entries = (width / ENTRY).max(1);
    let legend = sources.len().min(40).div_ceil(entries) * 18 + 30;
    let height = rows * HEIGHT + legend + 20;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"system-ui,sans-serif\" font-size=\"11\" role=\"img\"><title>Pods on nodes</title>\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (i, node) in prediction.nodes.iter().take(shown).enumerate() {
        let (x, y) = ((i % columns) * WIDTH + 15, (i / columns) * HEIGHT + 15);
        let cut: String = node.name.chars().take(24).collect();
        let used = share(node.cpu.0, node.memory.0, node) * 100.0;
        let _ = writeln!(
            out,
            "<g transform=\"translate({x},{y})\"><text y=\"10\" fill=\"#1b1f24\">{}</text>\
             <rect y=\"16\" width=\"150\" height=\"{INNER}\" fill=\"#f6f8fa\" stroke=\"#8c959f\"/>",
            escape(&cut)
        );
        let mut bottom = 16.0 + INNER;
        for pod in &node.filling {
            let tall = (share(pod.cpu, pod.memory, node) * INNER).max(2.0).min(bottom - 16.0);
            bottom -= tall;
            let _ = writeln!(
                out,
                "<rect x=\"1\" y=\"{bottom:.1}\" width=\"148\" height=\"{:.1}\" fill=\"{}\" stroke=\"#ffffff\" stroke-width=\"0.5\">\
                 <title>{}: {}m CPU, {} MiB</title></rect>",
                tall,
                color(&pod.source),
                escape(&pod.name),
                pod.cpu,
                pod.memory >> 20
            );
        }
        let _ = writeln!(
            out,
            "<text y=\"{}\" fill=\"#57606a\">{}/{} pods, {used:.0}% asked for</text></g>",
            16.0 + INNER + 13.0,
            node.pods.len(),
            node.max_pods
        );
    }
    let top = rows * HEIGHT + 20;
    for (i, source) in sources.iter().take(40).enumerate() {
        let (x, y) = ((i % entries) * ENTRY + 15, top + (i / entries) * 18);
        let cut: String = source.chars().take(48).collect();
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"12\" height=\"12\" fill=\"{}\"/><text x=\"{}\" y=\"{}\" fill=\"#1b1f24\">{}</text>",
            color(source),
            x + 18,
            y + 10,
            escape(&cut)
        );
    }
    let pending = prediction.pods.iter().filter(|p| p.node.is_none()).count();
    let more = prediction.nodes.len() - shown;
    let note = format!("{pending} pods pending{}", if more > 0 { format!("; {more} more nodes not drawn") } else { String::new() });
    let _ = writeln!(out, "<text x=\"15\" y=\"{}\" fill=\"#57606a\">{note}</text>\n</svg>", height - 8);
    out
}
