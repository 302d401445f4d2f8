//! `exposed-credential`: reports a text in the format of a known credential.

use std::sync::LazyLock;

use regex::Regex;

use crate::lint::context::Context;
use crate::lint::field::Field;
use serde_json::Value;

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        // Secrets are where keys belong; what they hold has a rule of its own.
        if object.object.id.kind != "Secret" && MAYBE.is_match(cx.input.sources.slice(object.object.node.span)) {
            walk(cx, &object, 0);
        }
    }
}

/// What every credential holds: most texts have nothing of it.
static MAYBE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("-----BEGIN |AKIA|ASIA|gh[opsur]_|github_pat_|xox[abps]-|AIza|glpat-").expect("the expression is one")
});

fn walk(cx: &Context, field: &Field, depth: usize) {
    if depth > 100 {
        return;
    }
    match field.value {
        Value::String(text) => {
            if let Some(what) = credential(text) {
                cx.report(field, format!("the text holds {what}"), "revoke it, and use a Secret");
            }
        }
        Value::Array(_) => field.list().iter().for_each(|f| walk(cx, f, depth + 1)),
        Value::Object(map) => map.keys().filter_map(|k| field.key(k)).for_each(|f| walk(cx, &f, depth + 1)),
        _ => {}
    }
}

fn credential(text: &str) -> Option<&'static str> {
    if !MAYBE.is_match(text) {
        return None;
    }
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    if text.len() < 20 {
        return None;
    }
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')));
    words.into_iter().find_map(|w| {
        let upper = |s: &str| s.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if (w.starts_with("AKIA") || w.starts_with("ASIA")) && w.len() == 20 && upper(w) {
            Some("an AWS access key")
        } else if ["ghp_", "gho_", "ghs_", "ghu_", "ghr_"].iter().any(|p| w.starts_with(p)) && w.len() >= 36
            || w.starts_with("github_pat_") && w.len() > 40
        {
            Some("a GitHub token")
        } else if ["xoxb-", "xoxp-", "xoxa-", "xoxs-"].iter().any(|p| w.starts_with(p)) && w.len() > 20 {
            Some("a Slack token")
        } else if w.starts_with("AIza") && w.len() == 39 {
            Some("a Google API key")
        } else if w.starts_with("glpat-") && w.len() >= 26 {
            Some("a GitLab token")
        } else {
            None
        }
    })
}
