//! Clients of webhooks. upstream: apiserver/pkg/util/webhook/validation.go

use serde_json::Value;

use super::super::field::At;
use super::super::names;
use super::{Errors, get, int, text};
use crate::sprig;

/// upstream: ValidateWebhookURL, with HTTPS required
pub(super) fn url(errors: &mut Errors, url: &str, at: &At<'_>) {
    const FORM: &str = "; desired format: https://host[/path]";
    let parts = match sprig::url_parts(url) {
        Ok(parts) => parts,
        Err(wrong) => return errors.required(at, &format!("url must be a valid URL: {wrong}{FORM}")),
    };
    if parts.scheme != "https" {
        errors.invalid(at, &parts.scheme, &format!("'https' is the only allowed URL scheme{FORM}"));
    }
    if parts.host.is_empty() {
        errors.invalid(at, &parts.host, &format!("host must be specified{FORM}"));
    }
    if let Some(user) = &parts.user {
        errors.invalid(at, user, "user information is not permitted in the URL");
    }
    if !parts.fragment.is_empty() {
        errors.invalid(at, &parts.fragment, "fragments are not permitted in the URL");
    }
    if !parts.query.is_empty() {
        errors.invalid(at, &parts.query, "query parameters are not permitted in the URL");
    }
}

/// upstream: ValidateWebhookService, called with name and namespace in each other's place where `swapped`
pub(super) fn service(errors: &mut Errors, service: &Value, swapped: bool, at: &At<'_>) {
    let (name, namespace) = (text(service, "name"), text(service, "namespace"));
    let (name, namespace) = if swapped { (namespace, name) } else { (name, namespace) };
    if name.is_empty() {
        errors.required(&at.child("name"), "");
    }
    if namespace.is_empty() {
        errors.required(&at.child("namespace"), "");
    }
    let port = int(service, "port").unwrap_or(443);
    let wrong = names::port_number(port);
    if !wrong.is_empty() {
        errors.invalid(&at.child("port"), port, &format!("port is not valid: {}", wrong.join(", ")));
    }
    let Some(path) = get(service, "path").and_then(Value::as_str) else { return };
    let at = at.child("path");
    match path {
        "" | "/" => return,
        "//" => return errors.invalid(&at, path, "segment[0] may not be empty"),
        _ => {}
    }
    if !path.starts_with('/') {
        errors.invalid(&at, path, "must start with a '/'");
    }
    // Upstream drops the first byte whatever it is.
    let mut chars = path.chars();
    chars.next();
    let rest = chars.as_str();
    for (i, step) in rest.strip_suffix('/').unwrap_or(rest).split('/').enumerate() {
        if step.is_empty() {
            errors.invalid(&at, path, &format!("segment[{i}] may not be empty"));
        }
        for wrong in names::dns1123_subdomain(step).iter().filter(|_| !step.is_empty()) {
            errors.invalid(&at, path, &format!("segment[{i}]: {wrong}"));
        }
    }
}
