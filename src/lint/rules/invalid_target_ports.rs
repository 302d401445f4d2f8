//! `invalid-target-ports`: reports a name of a port that is no valid one: at most 15 lower-case letters, digits and
//! single dashes, with a letter among them.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for service in cx.all("Service") {
        for port in service.items("spec.ports") {
            // Numbers as text are numbers here.
            if let Some(target) = port.get("targetPort").filter(|t| t.str().is_some()) {
                name(cx, &target);
            }
        }
    }
    for (_, container) in cx.containers() {
        for port in container.field.items("ports") {
            if let Some(field) = port.get("name") {
                name(cx, &field);
            }
        }
    }
}

fn name(cx: &Context, field: &Field) {
    let Some(text) = field.str().filter(|t| !t.is_empty()) else { return };
    let valid = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let why = if text.len() > 15 {
        "must be no more than 15 characters"
    } else if !text.bytes().all(valid) {
        "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
    } else if !text.bytes().any(|b| b.is_ascii_lowercase()) {
        "must contain at least one letter (a-z)"
    } else if text.contains("--") {
        "must not contain consecutive hyphens"
    } else if text.starts_with('-') || text.ends_with('-') {
        "must not begin or end with a hyphen"
    } else {
        return;
    };
    cx.report(field, format!("the port name `{text}` {why}"), "shorten or respell it");
}
