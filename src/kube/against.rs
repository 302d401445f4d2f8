//! An object held against the one it replaces, as findings.

use super::Object;
use super::ValidateOptions;
use super::check;
use super::check::Cause;
use crate::diagnostic::Diagnostic;

/// What tells an object from all others of a cluster: group, kind, namespace and name.
pub type Identity = (String, String, String, String);

/// The identity of an object. Its version is no part of it: another version of an API shows the same object.
pub fn identity(object: &Object) -> Identity {
    let group = object.id.api_version.split_once('/').map_or("", |(group, _)| group);
    let id = &object.id;
    let namespace = if id.namespace.is_empty() { "default" } else { &id.namespace };
    (group.to_owned(), id.kind.clone(), namespace.to_owned(), id.name.clone())
}

/// What the API server would refuse about replacing `old` by `new`, as findings in the order the server would tell them.
/// An object of another API version is judged as a new one.
pub fn validate_update(new: &Object, old: &Object, options: &ValidateOptions) -> Vec<Diagnostic> {
    if new.id.api_version != old.id.api_version || new.id.kind != old.id.kind {
        return check::validate(new, options);
    }
    check::findings(new, Some(old), options)
        .into_iter()
        .map(|finding| if changes_fixed(&finding) { finding.help(help(new)) } else { finding })
        .collect()
}

/// Whether the sentence says that the field may not change at all.
fn changes_fixed(finding: &Diagnostic) -> bool {
    const SIGNS: &[&str] = &[
        "field is immutable",
        "is immutable after creation",
        "may not be changed",
        "may not change",
        "are forbidden",
        "cannot change",
        "are forbidden.",
    ];
    SIGNS.iter().any(|sign| finding.message.contains(sign))
}

fn help(object: &Object) -> String {
    match object.id.kind.as_str() {
        "StatefulSet" => "delete it with --cascade=orphan and create it again: its pods and claims stay".to_owned(),
        "PersistentVolumeClaim" | "PersistentVolume" => "give the new one another name: deleting this one may delete its data".to_owned(),
        "Job" | "Pod" => "give the new one another name, or delete the old one first".to_owned(),
        kind => format!("give the new {kind} another name, or delete the old one and create it again"),
    }
}

/// The code of a cause, by its reason.
pub(super) fn code_of(cause: &Cause) -> &'static str {
    match cause.reason {
        "FieldValueRequired" => "missing-required-field",
        "FieldValueNotSupported" => "unsupported-value",
        "FieldValueDuplicate" => "duplicate-value",
        "FieldValueForbidden" => "forbidden-field",
        _ => "invalid-value",
    }
}
