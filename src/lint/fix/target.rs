//! What a fix of an object looks at, and the changes it is made of.

use serde_json::Value;
use serde_json::json;

use super::edit;
use super::locate::{Written, written};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Edit;
use crate::diagnostic::resolve;
use crate::kube::Object;
use crate::kube::field::Path;
use crate::kube::field::Step;
use crate::lint::Input;
use crate::lint::context;
use crate::source::Sources;

/// A finding about an object, and the object.
pub(super) struct Target<'a> {
    /// What is judged.
    pub(super) input: &'a Input<'a>,
    /// The object.
    pub(super) object: &'a Object,
    /// The field of the finding.
    pub(super) path: Path,
    /// The finding.
    pub(super) finding: &'a Diagnostic,
}

impl<'a> Target<'a> {
    pub(super) fn sources(&self) -> &'a Sources {
        self.input.sources
    }

    /// The value at a path.
    pub(super) fn at(&self, path: &Path) -> Option<&'a Value> {
        path.0.iter().try_fold(&self.object.value, |value, step| match step {
            Step::Field(name) | Step::Key(name) => value.get(name),
            Step::Index(i) => value.get(i),
        })
    }

    /// The value of the finding's field.
    pub(super) fn value(&self) -> Option<&'a Value> {
        self.at(&self.path)
    }

    /// The path without its last steps.
    pub(super) fn up(&self, steps: usize) -> Option<Path> {
        Some(Path(self.path.0[..self.path.0.len().checked_sub(steps)?].to_vec()))
    }

    /// The path up to the list item that the field belongs to, counted from the end.
    pub(super) fn item(&self) -> Option<Path> {
        let at = self.path.0.iter().rposition(|s| matches!(s, Step::Index(_)))?;
        Some(Path(self.path.0[..=at].to_vec()))
    }

    /// The path of the pod's spec in a workload.
    pub(super) fn pod_spec(&self) -> Option<Path> {
        let template = context::template_path(self.object)?;
        Some(if template.is_empty() { Path::new("spec") } else { Path::default().child(template).child("spec") })
    }

    /// The path of the container that the field belongs to.
    pub(super) fn container(&self) -> Option<Path> {
        let lists = ["containers", "initContainers", "ephemeralContainers"];
        let at = self.path.0.iter().position(|s| matches!(s, Step::Field(name) if lists.contains(&name.as_str())))?;
        (self.path.0.len() > at + 1).then(|| Path(self.path.0[..at + 2].to_vec()))
    }

    pub(super) fn set(&self, path: &Path, value: &Value) -> Option<Vec<Edit>> {
        edit::set(self.sources(), self.object, path, value)
    }

    pub(super) fn swap(&self, path: &Path, value: &Value) -> Option<Vec<Edit>> {
        edit::swap(self.sources(), self.object, path, value)
    }

    pub(super) fn push(&self, path: &Path, value: &Value) -> Option<Vec<Edit>> {
        edit::push(self.sources(), self.object, path, value)
    }

    pub(super) fn remove(&self, path: &Path) -> Option<Vec<Edit>> {
        edit::remove(self.sources(), self.object, path)
    }

    pub(super) fn rename(&self, path: &Path, name: &str) -> Option<Vec<Edit>> {
        edit::rename(self.sources(), self.object, path, name)
    }

    pub(super) fn append(&self, document: &Value) -> Option<Vec<Edit>> {
        edit::append(self.sources(), self.object, document)
    }

    /// Whether the object stands in a manifest and not in a template.
    pub(super) fn plain(&self) -> bool {
        self.sources().get(self.object.file).map.is_none()
    }

    /// The labels at a path as a fix may write them: as they are where they are written out, by the action that writes
    /// all of them in a template.
    pub(super) fn labels(&self, path: &Path) -> Option<Value> {
        let value = self.at(path).filter(|v| v.as_object().is_some_and(|m| !m.is_empty()))?;
        let node = edit::node(self.object, &path.0)?;
        let crate::yaml::NodeKind::Mapping(entries) = &node.kind else { return None };
        let literal = |span| matches!(written(self.sources(), span), Some(Written::Literal(_)));
        if entries.iter().all(|e| literal(e.key_span) && literal(e.value.span)) {
            return Some(value.clone());
        }
        let action = |span| resolve(self.sources(), span).template.filter(|_| !literal(span)).map(|t| self.sources().slice(t));
        let first = action(entries[0].key_span)?;
        let (before, width) = first.strip_suffix("}}")?.trim_end().rsplit_once("nindent ")?;
        let one = first.starts_with("{{-") && width.trim().bytes().all(|b| b.is_ascii_digit());
        let same = one && entries.iter().all(|e| action(e.key_span) == Some(first));
        same.then(|| json!(format!("{before}nindent 0 }}}}")))
    }

    /// The labels by which the workload finds its pods, as a fix may write them.
    pub(super) fn own_labels(&self) -> Option<Value> {
        let template = context::template_path(self.object)?;
        let of_pod = if template.is_empty() { "metadata.labels".to_owned() } else { format!("{template}.metadata.labels") };
        self.labels(&Path::default().child("spec.selector.matchLabels")).or_else(|| self.labels(&Path::default().child(&of_pod)))
    }

    /// The object of this kind and name in the namespace of this one.
    pub(super) fn beside(&self, kind: &str, name: &str) -> Option<&'a Object> {
        let here = context::namespace(self.object);
        self.input.objects.iter().find(|o| o.id.name == name && context::is_kind(o, kind) && context::namespace(o) == here)
    }

    /// Name and, where the object has one, namespace for a new object that belongs to it.
    pub(super) fn metadata(&self, name: &str) -> Value {
        match self.object.id.namespace.as_str() {
            "" => json!({ "name": name }),
            namespace => json!({ "name": name, "namespace": namespace }),
        }
    }
}

/// Two changes that belong together.
pub(super) fn both(first: Option<Vec<Edit>>, second: Option<Vec<Edit>>) -> Option<Vec<Edit>> {
    let mut out = first?;
    out.extend(second?);
    Some(out)
}

/// The string at a pointer.
pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer)?.as_str()
}
