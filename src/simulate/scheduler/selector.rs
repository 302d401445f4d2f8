//! Selectors of labels and nodes, and tolerations of taints.

use std::collections::BTreeMap;

use serde_json::Value;

use super::api::{Node, Taint, Toleration};
use super::json::{at, list, strings, text, words};

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// How a requirement compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The value is one of these.
    In,
    /// The value is none of these, or absent.
    NotIn,
    /// The key is there.
    Exists,
    /// The key is not there.
    DoesNotExist,
    /// The value is an integer above this one.
    Gt,
    /// The value is an integer below this one.
    Lt,
}

/// One condition on one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// The comparison; `None` for an operator nobody knows, which matches nothing.
    pub operator: Option<Operator>,
    /// What it is compared to.
    pub values: Vec<String>,
}

impl Requirement {
    /// From a `LabelSelectorRequirement` or `NodeSelectorRequirement`.
    pub fn new(value: &Value) -> Self {
        let operator = match text(value, &["operator"]) {
            "In" => Some(Operator::In),
            "NotIn" => Some(Operator::NotIn),
            "Exists" => Some(Operator::Exists),
            "DoesNotExist" => Some(Operator::DoesNotExist),
            "Gt" => Some(Operator::Gt),
            "Lt" => Some(Operator::Lt),
            _ => None,
        };
        Self { key: text(value, &["key"]).to_owned(), operator, values: words(value, &["values"]) }
    }

    /// "The value is one of these."
    pub fn is_in(key: &str, values: Vec<String>) -> Self {
        Self { key: key.to_owned(), operator: Some(Operator::In), values }
    }

    /// Whether the value of the key (absent: `None`) satisfies this. upstream: apimachinery/pkg/labels/selector.go
    pub fn matches_value(&self, value: Option<&String>) -> bool {
        let number = |text: &str| text.parse::<i64>().ok();
        let compare = |f: fn(&i64, &i64) -> bool| {
            let (Some(value), [bound]) = (value, self.values.as_slice()) else { return false };
            matches!((number(value), number(bound)), (Some(a), Some(b)) if f(&a, &b))
        };
        match self.operator {
            Some(Operator::In) => value.is_some_and(|v| self.values.contains(v)),
            Some(Operator::NotIn) => value.is_none_or(|v| !self.values.contains(v)),
            Some(Operator::Exists) => value.is_some(),
            Some(Operator::DoesNotExist) => value.is_none(),
            Some(Operator::Gt) => compare(i64::gt),
            Some(Operator::Lt) => compare(i64::lt),
            None => false,
        }
    }

    /// Whether these labels satisfy this.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matches_value(labels.get(&self.key))
    }
}

/// A label selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Matches nothing: there was no selector.
    Nothing,
    /// All of these must hold; none means everything matches.
    All(Vec<Requirement>),
}

impl Selector {
    /// From a `LabelSelector`. upstream: metav1.LabelSelectorAsSelector
    pub fn new(value: &Value) -> Self {
        if !value.is_object() {
            return Self::Nothing;
        }
        let mut all = Self::from_labels(&strings(value, &["matchLabels"]));
        for expression in list(value, &["matchExpressions"]) {
            all.add(Requirement::new(expression));
        }
        all
    }

    /// "These labels, exactly."
    pub fn from_labels(labels: &Labels) -> Self {
        Self::All(labels.iter().map(|(k, v)| Requirement::is_in(k, vec![v.clone()])).collect())
    }

    /// Adds a requirement; nothing stays nothing.
    pub fn add(&mut self, requirement: Requirement) {
        if let Self::All(all) = self {
            all.push(requirement);
        }
    }

    /// Whether it has no requirement (and so matches everything).
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::All(all) if all.is_empty())
    }

    /// A label with its value that all that matches has; nothing when there is none that is as plain.
    pub fn one_label(&self) -> Option<(&str, &str)> {
        let Self::All(all) = self else { return None };
        let plain = |r: &&Requirement| r.operator == Some(Operator::In) && r.values.len() == 1;
        all.iter().find(plain).and_then(|r| Some((r.key.as_str(), r.values.first()?.as_str())))
    }

    /// Whether all that has the label of [`Selector::one_label`] matches.
    pub fn is_one_label(&self) -> bool {
        matches!(self, Self::All(all) if all.len() == 1) && self.one_label().is_some()
    }

    /// Whether labels match.
    pub fn matches(&self, labels: &Labels) -> bool {
        match self {
            Self::Nothing => false,
            Self::All(all) => all.iter().all(|r| r.matches(labels)),
        }
    }
}

/// One term of a node selector; an empty one matches nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSelectorTerm {
    /// On labels.
    pub match_expressions: Vec<Requirement>,
    /// On fields; only `metadata.name` exists.
    pub match_fields: Vec<Requirement>,
}

impl NodeSelectorTerm {
    /// From its JSON form.
    pub fn new(value: &Value) -> Self {
        let read = |key| list(value, &[key]).iter().map(Requirement::new).collect();
        Self { match_expressions: read("matchExpressions"), match_fields: read("matchFields") }
    }

    /// Whether nothing is required.
    pub fn is_empty(&self) -> bool {
        self.match_expressions.is_empty() && self.match_fields.is_empty()
    }

    /// Whether a node satisfies it. upstream: component-helpers/scheduling/corev1/nodeaffinity
    pub fn matches(&self, node: &Node) -> bool {
        !self.is_empty()
            && self.match_expressions.iter().all(|r| r.matches(&node.labels))
            && self.match_fields.iter().all(|r| r.key == "metadata.name" && r.matches_value(Some(&node.name)))
    }
}

/// The terms of a `NodeSelector`; one must match.
pub fn node_selector(value: &Value) -> Option<Vec<NodeSelectorTerm>> {
    value.is_object().then(|| list(value, &["nodeSelectorTerms"]).iter().map(NodeSelectorTerm::new).collect())
}

/// Whether a toleration covers a taint. upstream: v1.Toleration.ToleratesTaint
pub fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    if !toleration.effect.is_empty() && toleration.effect != taint.effect {
        return false;
    }
    if !toleration.key.is_empty() && toleration.key != taint.key {
        return false;
    }
    match toleration.operator.as_str() {
        "" | "Equal" => toleration.value == taint.value,
        "Exists" => true,
        _ => false,
    }
}

/// The first taint with one of the effects that no toleration covers.
pub fn untolerated<'a>(taints: &'a [Taint], tolerations: &[Toleration], effects: &[&str]) -> Option<&'a Taint> {
    taints.iter().find(|t| effects.contains(&t.effect.as_str()) && !tolerations.iter().any(|x| tolerates(x, t)))
}

/// The topology terms of a StorageClass: one must match, none means all do.
pub fn topology_terms_match(terms: &[Value], labels: &Labels) -> bool {
    terms.is_empty()
        || terms.iter().any(|term| {
            let expressions = list(term, &["matchLabelExpressions"]);
            !expressions.is_empty()
                && expressions.iter().all(|e| {
                    labels.get(text(e, &["key"])).is_some_and(|v| at(e, &["values"]).as_array().is_some_and(|l| l.iter().any(|x| x == v)))
                })
        })
}
