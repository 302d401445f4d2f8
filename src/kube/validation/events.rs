//! Events of both groups. upstream: pkg/apis/core/validation/events.go

use serde_json::Value;

use super::super::field::At;
use super::super::names;
use super::{Errors, get, int, meta, text, update};

/// What creating an object of the group is refused for.
pub(super) fn create(errors: &mut Errors, version: &str, kind: &str, object: &Value) {
    if kind != "Event" {
        return;
    }
    let event = Event::new(object);
    legacy(errors, &event, version == "core");
    if version != "v1" {
        return;
    }
    meta::object_meta(errors, object, names::dns1123_subdomain);
    series(errors, object);
    if !event.is_new {
        errors.required(&At::new("eventTime"), "");
    }
    let kind = text(object, "type");
    if kind != "Normal" && kind != "Warning" {
        errors.invalid(&At::new("type"), "", &format!("has invalid value: {kind}"));
    }
    for (field, shown) in [("deprecatedFirstTimestamp", "firstTimestamp"), ("deprecatedLastTimestamp", "lastTimestamp")] {
        if get(object, field).is_some() {
            errors.invalid(&At::new(shown), "", "needs to be unset");
        }
    }
    if int(object, "deprecatedCount").unwrap_or(0) != 0 {
        errors.invalid(&At::new("count"), "", "needs to be unset");
    }
    let source = get(object, "deprecatedSource").unwrap_or(&Value::Null);
    if !text(source, "component").is_empty() || !text(source, "host").is_empty() {
        errors.invalid(&At::new("source"), "", "needs to be unset");
    }
}

/// What replacing an object of the group is refused for.
pub(super) fn update(errors: &mut Errors, version: &str, kind: &str, object: &Value, old: &Value) {
    if kind != "Event" {
        return;
    }
    legacy(errors, &Event::new(object), version == "core");
    if version != "v1" {
        return;
    }
    if !update::same(get(object, "series"), get(old, "series")) {
        series(errors, object);
    }
    errors.immutable_as(&At::new("involvedObject"), get(object, "regarding"), get(old, "regarding"), "core.ObjectReference");
    for (field, shown) in [("reason", "reason"), ("note", "message")] {
        errors.immutable(&At::new(shown), text(object, field), text(old, field));
    }
    errors.immutable_as(&At::new("source"), get(object, "deprecatedSource"), get(old, "deprecatedSource"), "core.EventSource");
    for (field, shown) in [("deprecatedFirstTimestamp", "firstTimestamp"), ("deprecatedLastTimestamp", "lastTimestamp")] {
        errors.immutable_value(&At::new(shown), get(object, field), get(old, field));
    }
    let count = |o: &Value| int(o, "deprecatedCount").unwrap_or(0);
    errors.immutable(&At::new("count"), count(object), count(old));
    errors.immutable(&At::new("type"), text(object, "type"), text(old, "type"));
    errors.immutable_value(&At::new("eventTime"), get(object, "eventTime"), get(old, "eventTime"));
    errors.immutable(&At::new("action"), text(object, "action"), text(old, "action"));
    errors.immutable_as(&At::new("related"), get(object, "related"), get(old, "related"), "*core.ObjectReference");
    for field in ["reportingController", "reportingInstance"] {
        errors.immutable(&At::new(field), text(object, field), text(old, field));
    }
}

/// What both groups call by different names.
pub(super) struct Event<'a> {
    object: &'a Value,
    namespace: &'a str,
    about: &'a str,
    controller: &'a str,
    message: &'a str,
    is_new: bool,
}

impl<'a> Event<'a> {
    fn new(object: &'a Value) -> Self {
        let namespace = get(object, "metadata").map_or("", |m| text(m, "namespace"));
        let regarding = get(object, "regarding").or_else(|| get(object, "involvedObject"));
        let either = |a, b| if text(object, a).is_empty() { text(object, b) } else { text(object, a) };
        Self {
            object,
            namespace: if namespace.is_empty() { "default" } else { namespace },
            about: regarding.map_or("", |r| text(r, "namespace")),
            controller: either("reportingController", "reportingComponent"),
            message: either("note", "message"),
            is_new: get(object, "eventTime").is_some(),
        }
    }
}

/// upstream: legacyValidateEvent
pub(super) fn legacy(errors: &mut Errors, version_object: &Event<'_>, core: bool) {
    let event = version_object;
    let at = At::new("involvedObject.namespace");
    let mismatch = "does not match event.namespace";
    if event.is_new {
        if event.about.is_empty() && !["default", "kube-system"].contains(&event.namespace) {
            errors.invalid(&at, event.about, mismatch);
        }
        let at = At::new(if core { "reportingComponent" } else { "reportingController" });
        if event.controller.is_empty() {
            errors.required(&at, "");
        }
        errors.invalid_each(&at, event.controller, names::qualified_name(event.controller));
        for (field, limit) in [("reportingInstance", 128), ("action", 128), ("reason", 128)] {
            let value = text(event.object, field);
            if value.is_empty() {
                errors.required(&At::new(field), "");
            }
            if value.len() > limit {
                errors.invalid(&At::new(field), "", &format!("can have at most {limit} characters"));
            }
        }
        if event.message.len() > 1024 {
            errors.invalid(&At::new("message"), "", "can have at most 1024 characters");
        }
    } else {
        let fits = if event.about.is_empty() { event.namespace == "default" } else { event.about == event.namespace };
        if !fits {
            errors.invalid(&at, event.about, mismatch);
        }
    }
    errors.invalid_each(&At::new("namespace"), event.namespace, names::dns1123_subdomain(event.namespace));
}

/// upstream: validateV1EventSeries
fn series(errors: &mut Errors, object: &Value) {
    let Some(series) = get(object, "series") else { return };
    if int(series, "count").unwrap_or(0) < 2 {
        errors.invalid(&At::new("series.count"), "", "should be at least 2");
    }
    if get(series, "lastObservedTime").is_none() {
        errors.required(&At::new("series.lastObservedTime"), "");
    }
}

/// An event of the core group. upstream: ValidateEventCreate
pub(super) fn core_event(errors: &mut Errors, object: &Value) {
    legacy(errors, &Event::new(object), true);
}
