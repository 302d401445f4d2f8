//! Labels and the selectors that match them.

use std::collections::BTreeMap;

use super::field::Field;

/// Labels of one object; values that are not strings are left out.
pub(super) type Labels<'a> = BTreeMap<&'a str, &'a str>;

/// The labels below a dotted path.
pub(super) fn labels<'a>(field: &Field<'a>, dotted: &str) -> Labels<'a> {
    field.entries(dotted).into_iter().filter_map(|(k, v)| Some((k, v.str()?))).collect()
}

/// Whether every pair of `wanted` is among `labels`.
pub(super) fn subset(wanted: &Labels, labels: &Labels) -> bool {
    wanted.iter().all(|(k, v)| labels.get(k) == Some(v))
}

/// A LabelSelector, read once for many labels.
pub(super) struct Selector<'a> {
    pairs: Labels<'a>,
    expressions: Vec<Field<'a>>,
}

impl<'a> Selector<'a> {
    /// The selector in a field.
    pub(super) fn of(field: &Field<'a>) -> Self {
        Self { pairs: labels(field, "matchLabels"), expressions: field.items("matchExpressions") }
    }

    /// Whether it matches; an empty one matches everything. upstream: metav1.LabelSelectorAsSelector
    pub(super) fn matches(&self, labels: &Labels) -> bool {
        subset(&self.pairs, labels)
            && self.expressions.iter().all(|e| {
                let have = e.text("key").and_then(|k| labels.get(k));
                let among = e.items("values").iter().any(|v| v.str().is_some() && v.str() == have.copied());
                match e.text("operator") {
                    Some("In") => have.is_some() && among,
                    Some("NotIn") => !among,
                    Some("Exists") => have.is_some(),
                    Some("DoesNotExist") => have.is_none(),
                    _ => false,
                }
            })
    }
}

/// Whether a LabelSelector matches.
pub(super) fn matches(selector: &Field, labels: &Labels) -> bool {
    Selector::of(selector).matches(labels)
}

/// Whether a LabelSelector names nothing and so matches everything.
pub(super) fn is_empty(selector: &Field) -> bool {
    selector.entries("matchLabels").is_empty() && selector.items("matchExpressions").is_empty()
}

/// The part of a selector that fails best explains a mismatch: the only wrong pair, else the selector itself.
pub(super) fn culprit<'a>(selector: &Field<'a>, pairs: &str, labels: &Labels) -> Field<'a> {
    let entries = if pairs.is_empty() {
        let serde_json::Value::Object(map) = selector.value else { return *selector };
        map.keys().filter_map(|k| Some((k.as_str(), selector.key(k)?))).collect()
    } else {
        selector.entries(pairs)
    };
    let mut wrong = entries.into_iter().filter(|(k, v)| v.str().is_none() || labels.get(k).copied() != v.str());
    match (wrong.next(), wrong.next()) {
        (Some((_, field)), None) => field,
        _ => *selector,
    }
}

/// Of several label sets, the one that shares the most pairs with `wanted`, and then the most keys.
pub(super) fn nearest<'l, 'a: 'l>(wanted: &Labels, sets: impl IntoIterator<Item = &'l Labels<'a>>) -> Option<&'l Labels<'a>> {
    let score = |set: &Labels| {
        let pairs = wanted.iter().filter(|(k, v)| set.get(*k) == Some(*v)).count();
        (pairs, wanted.keys().filter(|k| set.contains_key(*k)).count())
    };
    let mut best: Option<(&Labels<'a>, (usize, usize))> = None;
    for set in sets {
        let s = score(set);
        if s > (0, 0) && best.as_ref().is_none_or(|(_, b)| s > *b) {
            best = Some((set, s));
        }
    }
    best.map(|(set, _)| set)
}

/// Labels of nodes that have other names now.
const OF_NODES: &[(&str, &str)] = &[
    ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
    ("beta.kubernetes.io/os", "kubernetes.io/os"),
    ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
    ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
    ("node-role.kubernetes.io/master", "node-role.kubernetes.io/control-plane"),
];

/// The name that a label of nodes has now, when it had another.
pub(super) fn of_nodes_now(label: &str) -> Option<&'static str> {
    OF_NODES.iter().find(|(old, _)| *old == label).map(|(_, new)| *new)
}
