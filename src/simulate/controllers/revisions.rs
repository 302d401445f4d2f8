//! ControllerRevisions: the history of StatefulSets and DaemonSets. upstream: pkg/controller/history

use std::sync::Arc;

use serde_json::Value;

use crate::simulate::apiserver::ApiServer;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Propagation;

/// The number of a revision.
pub fn number(revision: &Object) -> i64 {
    revision.rest.get("revision").and_then(Value::as_i64).unwrap_or(0)
}

/// The data of a revision.
pub fn data(revision: &Object) -> &Value {
    revision.rest.get("data").unwrap_or(&Value::Null)
}

/// The template a revision holds.
pub fn template(revision: &Object) -> Value {
    let mut template = data(revision).pointer("/spec/template").cloned().unwrap_or_default();
    if let Some(map) = template.as_object_mut() {
        map.remove("$patch");
    }
    template
}

/// The revisions of a workload, oldest first.
pub fn of(api: &ApiServer, workload: &Object) -> Vec<Arc<Object>> {
    let own = |o: &&Arc<Object>| o.kind == "ControllerRevision";
    let mut all: Vec<Arc<Object>> = api.dependents(workload.meta.uid).filter(own).cloned().collect();
    all.sort_by(|a, b| number(a).cmp(&number(b)).then(a.meta.created.cmp(&b.meta.created)).then_with(|| a.meta.name.cmp(&b.meta.name)));
    all
}

/// A revision of a workload, not created yet.
pub fn new(workload: &Object, hash: &str, data: Value, number: i64) -> Object {
    let name = format!("{}-{hash}", workload.meta.name);
    let mut revision = Object::new("apps/v1", "ControllerRevision", &workload.meta.namespace, &name);
    revision.meta.owners = vec![workload.as_controller()];
    revision.meta.labels = crate::simulate::scheduler::json::strings(super::template_of(workload), &["metadata", "labels"]);
    revision.meta.labels.insert("controller-revision-hash".to_owned(), hash.to_owned());
    revision.rest_mut().insert("data".to_owned(), data);
    revision.rest_mut().insert("revision".to_owned(), number.into());
    revision
}

/// Gives a revision a new number.
pub fn renumber(api: &mut ApiServer, revision: &Object, number: i64) -> Option<Arc<Object>> {
    api.edit(revision.meta.uid, |r| drop(r.rest_mut().insert("revision".to_owned(), number.into())))
}

/// Deletes the oldest revisions that nothing uses, beyond a limit.
pub fn truncate(api: &mut ApiServer, all: &[Arc<Object>], live: impl Fn(&Object) -> bool, limit: i64) {
    let unused: Vec<&Arc<Object>> = all.iter().filter(|r| !live(r)).collect();
    let surplus = (unused.len() as i64 - limit).max(0) as usize;
    for revision in unused.into_iter().take(surplus) {
        api.delete(revision.meta.uid, Propagation::Background);
    }
}
