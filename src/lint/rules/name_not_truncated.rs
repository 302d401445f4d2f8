//! `name-not-truncated`: reports a name built from the name of the release that may be longer than 63 characters.

use crate::lint::context::Context;
use crate::source::Span;

/// The longest name of a release.
const LONGEST: usize = 53;

/// Kinds whose names become no label and no host name.
const LONG: &[&str] =
    &["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "CustomResourceDefinition", "ServiceAccount", "PriorityClass"];

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for object in cx.objects().filter(|o| !LONG.contains(&o.object.id.kind.as_str())) {
        let Some(name) = object.get("metadata.name") else { continue };
        let Some(text) = name.str() else { continue };
        let span = object.object.span(&name.path());
        let Some(map) = &cx.input.sources.get(span.file).map else { continue };
        let parts = map.within(span.range());
        let release = parts.iter().filter(|s| s.action).find(|s| {
            let action = cx.input.sources.slice(s.template);
            action.contains(".Release.Name") && !action.contains("trunc") && !action.contains("include")
        });
        let Some(release) = release.filter(|s| chart.templates.iter().any(|t| t.file == s.template.file && !t.is_partial())) else {
            continue;
        };
        // The rest of the name stays as it is, the release's part may grow.
        let written = cx.input.sources.slice(Span::new(span.file, release.start as usize, release.end as usize)).len();
        let longest = text.len() - written.min(text.len()) + LONGEST;
        let direct = cx.input.sources.slice(release.template).trim_matches(['{', '}', '-', ' ']) == ".Release.Name"
            || cx.input.sources.slice(release.template).contains("printf");
        if longest > 63 && direct {
            cx.report(name, format!("the name has up to {longest} characters"), "pipe it through trunc 63 | trimSuffix \"-\"");
        }
    }
}
