//! A picture of objects and their references: who names stands left of what is named.

use std::fmt::Write;

use super::escape::xml;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::kube::Object;
use crate::lint;

/// Larger sets make no picture that anybody could read.
const MOST: usize = 150;

const WIDTH: usize = 220;
const HEIGHT: usize = 44;
const GAP_X: usize = 90;
const GAP_Y: usize = 16;

/// The column of a kind, from the outside to what is used.
fn column(kind: &str) -> usize {
    match kind {
        "Ingress" | "HTTPRoute" | "GRPCRoute" | "TCPRoute" | "TLSRoute" | "UDPRoute" | "HorizontalPodAutoscaler" | "ScaledObject" => 0,
        "PodDisruptionBudget" | "NetworkPolicy" | "RoleBinding" | "ClusterRoleBinding" => 0,
        "Service" | "Gateway" => 1,
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "CronJob" | "Pod" | "ReplicaSet" | "ReplicationController" | "Rollout" => 2,
        _ => 3,
    }
}

/// The first finding about an object (by its number on the page), how many there are, and the worst.
fn about(object: &Object, findings: &[(usize, &Diagnostic)]) -> Option<(usize, usize, Severity)> {
    let own: Vec<_> = findings.iter().filter(|(_, f)| f.object.as_ref() == Some(&object.id)).collect();
    let (first, _) = own.first()?;
    Some((*first, own.len(), own.iter().map(|(_, f)| f.severity).max()?))
}

fn short(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit { text.to_owned() } else { text.chars().take(limit - 1).chain(['…']).collect() }
}

/// The picture as SVG; empty when there is nothing to show.
pub(super) fn svg(objects: &[Object], findings: &[(usize, &Diagnostic)]) -> String {
    let references = lint::references(objects);
    let shown: Vec<usize> = (0..objects.len()).filter(|i| !objects[*i].id.kind.is_empty()).collect();
    if references.is_empty() || shown.len() > MOST {
        return String::new();
    }
    let mut columns: [Vec<usize>; 4] = Default::default();
    for i in &shown {
        columns[column(&objects[*i].id.kind)].push(*i);
    }
    let used: Vec<&Vec<usize>> = columns.iter().filter(|c| !c.is_empty()).collect();
    let rows = used.iter().map(|c| c.len()).max().unwrap_or(0);
    let (width, height) = (used.len() * (WIDTH + GAP_X) - GAP_X + 20, rows * (HEIGHT + GAP_Y) + 20);
    let mut place = vec![None; objects.len()];
    for (x, column) in used.iter().enumerate() {
        for (y, i) in column.iter().enumerate() {
            place[*i] = Some((10 + x * (WIDTH + GAP_X), 10 + y * (HEIGHT + GAP_Y)));
        }
    }
    let label = format!("{} objects and {} references among them", shown.len(), references.len());
    let mut out =
        format!("<svg role=\"group\" aria-label=\"{label}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n");
    out.push_str("<g class=\"edges\" aria-hidden=\"true\">");
    for reference in &references {
        let (Some((x1, y1)), Some((x2, y2))) = (place[reference.from], place[reference.to]) else { continue };
        let (y1, y2) = (y1 + HEIGHT / 2, y2 + HEIGHT / 2);
        // Within a column, and back, the line leaves and arrives on the right.
        let (x1, x2, bend1, bend2) = if x1 < x2 {
            let middle = usize::midpoint(x1 + WIDTH, x2);
            (x1 + WIDTH, x2, middle, middle)
        } else {
            (x1 + WIDTH, x2 + WIDTH, x1 + WIDTH + GAP_X / 2, x2 + WIDTH + GAP_X / 2)
        };
        let _ = write!(out, "<path d=\"M{x1} {y1}C{bend1} {y1} {bend2} {y2} {x2} {y2}\"/>");
    }
    out.push_str("</g>\n");
    for i in shown {
        let Some((x, y)) = place[i] else { continue };
        let id = &objects[i].id;
        let found = about(&objects[i], findings);
        let class = found.map_or("none", |(_, _, worst)| worst.name());
        let count = found.map_or(String::new(), |(_, n, worst)| format!(" · {n} ({})", worst.name()));
        let (kind, name) = (xml(&short(&format!("{}{count}", id.kind), 32)), xml(&short(&id.name, 28)));
        let node = format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/><text x=\"{tx}\" y=\"{ty}\" class=\"kind\">{kind}</text>\
             <text x=\"{tx}\" y=\"{ny}\">{name}</text>",
            tx = x + 12,
            ty = y + 17,
            ny = y + 35
        );
        let _ = match found {
            Some((first, ..)) => writeln!(out, "<a href=\"#f{first}\" class=\"node {class}\">{node}</a>"),
            None => writeln!(out, "<g class=\"node {class}\">{node}</g>"),
        };
    }
    out.push_str("</svg>\n");
    out
}
