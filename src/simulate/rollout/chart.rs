//! The rollout as pictures: the availability of each workload over time and a bar a pod, as SVG and in characters.

use std::fmt::Write;

use super::Glimpse;
use super::Lane;
use super::Prediction;
use super::Workload;
use super::report::time;
use crate::simulate::answer::Answer;
use crate::simulate::answer::Block;
use crate::simulate::answer::columns;
use crate::simulate::answer::escape;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::SECOND;

/// More pods than this are not drawn one by one.
const MAX_BARS: usize = 100;
/// More pods than this are not drawn in a terminal.
const MAX_LINES: usize = 40;
/// Characters of a terminal's bar.
const CELLS: usize = 60;
/// More workloads than this get no curve.
const MAX_CURVES: usize = 12;

const LEFT: f64 = 250.0;
const WIDTH: f64 = 1060.0;
const BAR: f64 = 16.0;
const CURVE: f64 = 90.0;

/// What a pod does, as far as it is drawn: its character, its colour and its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    mark: char,
    color: &'static str,
    word: &'static str,
}

const READY: Look = Look { mark: '#', color: "#228833", word: "ready" };
const RUNNING: Look = Look { mark: '=', color: "#ccbb44", word: "running, not ready" };
const STARTING: Look = Look { mark: '-', color: "#66ccee", word: "starting" };
const INIT: Look = Look { mark: 'i', color: "#4477aa", word: "initializing" };
const PENDING: Look = Look { mark: '.', color: "#bbbbbb", word: "pending" };
const FAILING: Look = Look { mark: 'x', color: "#ee6677", word: "failing" };
const DONE: Look = Look { mark: '+', color: "#009988", word: "completed" };
const STOPPING: Look = Look { mark: '~', color: "#aa3377", word: "terminating" };
const LOOKS: [Look; 8] = [PENDING, STARTING, INIT, RUNNING, READY, DONE, FAILING, STOPPING];

fn look(glimpse: &Glimpse, bound: bool) -> Option<Look> {
    let status = glimpse.printed.status.as_str();
    Some(match status {
        "" => return None,
        "Terminating" => STOPPING,
        _ if glimpse.ready => READY,
        "Running" | "NotReady" => RUNNING,
        "Completed" | "Succeeded" => DONE,
        "Pending" | "SchedulingGated" if !bound => PENDING,
        "Pending" | "ContainerCreating" | "PodInitializing" => STARTING,
        _ if status.starts_with("Init:") && status.contains('/') => INIT,
        _ => FAILING,
    })
}

/// The pieces of a pod's bar: from, to, look.
fn pieces(lane: &Lane, end: Nanos) -> Vec<(Nanos, Nanos, Look)> {
    let mut out: Vec<(Nanos, Nanos, Look)> = Vec::new();
    for (i, glimpse) in lane.glimpses.iter().enumerate() {
        let until = lane.glimpses.get(i + 1).map_or(end, |g| g.at).min(end);
        let Some(found) = look(glimpse, !lane.node.is_empty()) else { continue };
        match out.last_mut() {
            Some(last) if last.2 == found && last.1 == glimpse.at => last.1 = until,
            _ if until > glimpse.at => out.push((glimpse.at, until, found)),
            _ => {}
        }
    }
    out
}

/// Until when there is something to see.
fn end(prediction: &Prediction) -> Nanos {
    let last = prediction.pods.iter().filter_map(|l| l.glimpses.last()).map(|g| g.at).max().unwrap_or(0);
    let done = prediction.workloads.iter().filter_map(|w| w.complete_at).max().unwrap_or(0);
    let end = last.max(done).max(prediction.quiet_at).max(SECOND);
    end + end / 20
}

/// Pods by owner and in order of appearance.
fn lanes(prediction: &Prediction) -> Vec<&Lane> {
    let mut all: Vec<&Lane> = prediction.pods.iter().filter(|l| !l.glimpses.is_empty()).collect();
    all.sort_by_key(|l| (l.owner.as_str(), l.glimpses[0].at));
    all
}

/// Adds the pictures of a rollout.
pub(super) fn add(answer: &mut Answer, prediction: &Prediction) {
    let end = end(prediction);
    let lanes = lanes(prediction);
    if lanes.is_empty() {
        return;
    }
    answer.heading("Pods over time");
    let lines = terminal(&lanes, end);
    if !lines.is_empty() {
        let shown = LOOKS.iter().filter(|l| lines.iter().any(|row| row[1].contains(l.mark)));
        let legend: Vec<String> = shown.map(|l| format!("{} {}", l.mark, l.word)).collect();
        let header = ["POD".to_owned(), format!("0s to {}", time(end))];
        let mut sketch: Vec<String> = columns(&header, &lines).lines().map(str::to_owned).collect();
        sketch.extend([String::new(), legend.join("   ")]);
        answer.blocks.push(Block::Sketch(sketch));
    }
    answer.blocks.push(Block::Picture(svg(prediction, &lanes, end)));
}

/// A line of characters a pod.
fn terminal(lanes: &[&Lane], end: Nanos) -> Vec<Vec<String>> {
    if lanes.len() > MAX_LINES {
        return Vec::new();
    }
    let line = |lane: &&Lane| {
        let mut cells = vec![' '; CELLS];
        let cell = |at: Nanos| (at as f64 / end as f64 * CELLS as f64) as usize;
        for (from, until, look) in pieces(lane, end) {
            let (a, b) = (cell(from), cell(until).max(cell(from) + 1).min(CELLS));
            cells.iter_mut().take(b).skip(a).for_each(|c| *c = look.mark);
        }
        vec![lane.name.clone(), cells.into_iter().collect::<String>().trim_end().to_owned()]
    };
    lanes.iter().map(line).collect()
}

/// A step that divides the time into four to ten parts.
fn tick(end: Nanos) -> Nanos {
    let steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400];
    steps.iter().map(|s| s * SECOND).find(|s| end / s <= 10).unwrap_or(end / 8)
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { format!("{}…", text.chars().take(most - 1).collect::<String>()) }
}

fn svg(prediction: &Prediction, lanes: &[&Lane], end: Nanos) -> String {
    let x = |at: Nanos| LEFT + at as f64 / end as f64 * (WIDTH - LEFT - 20.0);
    let curves: Vec<&Workload> =
        prediction.workloads.iter().filter(|w| !w.curve.is_empty() && w.kind != "CronJob").take(MAX_CURVES).collect();
    let shown = &lanes[..lanes.len().min(MAX_BARS)];
    let bars_top = 30.0 + curves.len() as f64 * (CURVE + 34.0);
    let bars_end = bars_top + 20.0 + shown.len() as f64 * (BAR + 4.0);
    let height = bars_end + 62.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"system-ui,sans-serif\" font-size=\"11\" role=\"img\"><title>Rollout over time</title>\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    let step = tick(end);
    for i in 0..=end / step {
        let at = x(i * step);
        let _ = writeln!(
            out,
            "<line x1=\"{at:.1}\" y1=\"20\" x2=\"{at:.1}\" y2=\"{bars_end}\" stroke=\"#eaeef2\"/>\
             <text x=\"{at:.1}\" y=\"14\" text-anchor=\"middle\" fill=\"#57606a\">{}</text>",
            time(i * step)
        );
    }
    for (i, workload) in curves.iter().enumerate() {
        curve(&mut out, workload, 36.0 + i as f64 * (CURVE + 34.0), end, &x);
    }
    for (i, lane) in shown.iter().enumerate() {
        let y = bars_top + 14.0 + i as f64 * (BAR + 4.0);
        let name = escape(&cut(&lane.name, 38));
        let _ = writeln!(out, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#1b1f24\">{name}</text>", LEFT - 8.0, y + 12.0);
        for (from, until, look) in pieces(lane, end) {
            let wide = (x(until) - x(from)).max(1.0);
            let _ = writeln!(
                out,
                "<rect x=\"{:.1}\" y=\"{y}\" width=\"{wide:.1}\" height=\"{BAR}\" fill=\"{}\"><title>{} {}: {} to {}{}</title></rect>",
                x(from),
                look.color,
                escape(&lane.name),
                look.word,
                time(from),
                time(until),
                if lane.node.is_empty() { String::new() } else { format!(" on {}", escape(&lane.node)) },
            );
        }
    }
    for (i, look) in LOOKS.iter().enumerate() {
        let (left, top) = (LEFT + (i % 4) as f64 * 190.0, bars_end + 14.0 + (i / 4) as f64 * 18.0);
        let _ = writeln!(
            out,
            "<rect x=\"{left}\" y=\"{top}\" width=\"12\" height=\"12\" fill=\"{}\"/><text x=\"{}\" y=\"{}\" fill=\"#1b1f24\">{}</text>",
            look.color,
            left + 18.0,
            top + 10.0,
            look.word
        );
    }
    if lanes.len() > shown.len() {
        let _ = writeln!(
            out,
            "<text x=\"15\" y=\"{}\" fill=\"#57606a\">{} more pods not drawn</text>",
            height - 8.0,
            lanes.len() - shown.len()
        );
    }
    out + "</svg>\n"
}

/// Available pods as an area, all pods as a line, what is promised as a dashed line.
fn curve(out: &mut String, workload: &Workload, top: f64, end: Nanos, x: &impl Fn(Nanos) -> f64) {
    let most = workload.curve.iter().map(|c| c.1.max(c.2)).chain([workload.desired, 1]).max().unwrap_or(1);
    let y = |n: i64| top + CURVE - n as f64 / most as f64 * (CURVE - 8.0);
    let steps = |value: &dyn Fn(&(Nanos, i64, i64)) -> i64| {
        let mut path = String::new();
        for (i, point) in workload.curve.iter().enumerate() {
            let until = workload.curve.get(i + 1).map_or(end, |p| p.0).min(end);
            let _ = write!(path, "{:.1},{:.1} {:.1},{:.1} ", x(point.0), y(value(point)), x(until), y(value(point)));
        }
        path
    };
    let first = workload.curve.first().map_or(0, |p| p.0);
    let name = escape(&cut(&format!("{}/{}", workload.kind, workload.name), 38));
    let _ = writeln!(
        out,
        "<text x=\"{0}\" y=\"{1}\" text-anchor=\"end\" fill=\"#1b1f24\" font-weight=\"600\">{name}</text>\
         <text x=\"{0}\" y=\"{2}\" text-anchor=\"end\" fill=\"#57606a\">{3}</text>\
         <polygon points=\"{4:.1},{5:.1} {6}{7:.1},{5:.1}\" fill=\"#228833\" fill-opacity=\"0.35\"/>\
         <polyline points=\"{8}\" fill=\"none\" stroke=\"#57606a\"/>",
        LEFT - 8.0,
        top + 14.0,
        top + 30.0,
        workload.verdict().name(),
        x(first),
        y(0),
        steps(&|p| p.1),
        x(end),
        steps(&|p| p.2),
    );
    let mut mark = |n: i64, color: &str, word: &str, below: bool| {
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT}\" y1=\"{0:.1}\" x2=\"{1:.1}\" y2=\"{0:.1}\" stroke=\"{color}\" stroke-dasharray=\"4 3\"/>\
             <text x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\" fill=\"{color}\">{n} {word}</text>",
            y(n),
            x(end),
            LEFT - 8.0,
            if below { top + 62.0 } else { top + 46.0 }
        );
    };
    mark(workload.desired, "#57606a", "wanted", false);
    if workload.promised > 0 {
        mark(workload.promised, "#cc3311", "promised", true);
    }
}
