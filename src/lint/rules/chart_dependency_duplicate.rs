//! `chart-dependency-duplicate`: reports two dependencies with one name or alias.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(about) = cx.about() else { return };
    let mut seen: Vec<&str> = Vec::new();
    for dependency in about.items("dependencies") {
        let alias = dependency.get("alias").filter(|a| a.str().is_some_and(|t| !t.is_empty()));
        let Some(field) = alias.or_else(|| dependency.get("name")) else { continue };
        let Some(name) = field.str() else { continue };
        if seen.contains(&name) {
            cx.report(field, format!("two dependencies are called `{name}`: it occurs twice"), "give one an alias");
        }
        seen.push(name);
    }
}
