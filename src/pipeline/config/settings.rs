//! What all configuration files together say about one path.

use std::sync::Arc;

use super::read::{Layer, Part};
use crate::diagnostic::FailOn;
use crate::lint;

/// A set of values a chart is checked with besides its defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// What reports call it.
    pub name: String,
    /// Values files.
    pub values: Vec<String>,
    /// `--set` arguments.
    pub set: Vec<String>,
}

/// What is in force for a path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The files that count, outermost first.
    pub files: Vec<String>,
    /// The profile, where one is named.
    pub profile: Option<String>,
    /// Which rules run and how.
    pub rules: lint::Options,
    /// When not empty, only findings with these codes.
    pub select: Vec<String>,
    /// The API server's version.
    pub kube_version: Option<String>,
    /// From which severity on findings fail the run, where a file says so.
    pub fail_on: Option<FailOn>,
    /// The file of accepted findings.
    pub baseline: Option<String>,
    /// The cluster that all is meant for.
    pub cluster: Option<String>,
    /// Folders of a team's own rules.
    pub custom: Vec<String>,
    /// Whether the path is not looked at.
    pub excluded: bool,
    /// Further sets of values for charts.
    pub variants: Vec<Variant>,
}

/// Joins what the files say about an absolute path.
pub(super) fn of(layers: &[Arc<Layer>], path: &str) -> Settings {
    let mut out = Settings::default();
    for layer in layers {
        out.files.push(layer.path.clone());
        out.kube_version = layer.kube_version.clone().or(out.kube_version);
        out.fail_on = layer.fail_on.or(out.fail_on);
        out.baseline = layer.baseline.clone().or(out.baseline);
        out.cluster = layer.cluster.clone().or(out.cluster);
        out.custom.extend(layer.custom.iter().cloned());
        out.rules.custom.extend(layer.rules.iter().cloned());
        out.excluded |= layer.exclude.as_ref().is_some_and(|globs| globs.matches(path));
        out.variants.retain(|v| layer.variants.iter().all(|w| w.name != v.name));
        out.variants.extend(layer.variants.iter().cloned());
        out.say(&layer.part, path);
        for (globs, part) in &layer.overrides {
            if globs.matches(path) {
                out.say(part, path);
            }
        }
    }
    out
}

fn remove(list: &mut Vec<String>, ids: &[String]) {
    list.retain(|id| !ids.contains(id));
}

impl Settings {
    /// Adds what a nearer voice says.
    fn say(&mut self, part: &Part, path: &str) {
        if let Some(name) = &part.profile {
            let profile = lint::profile(name).unwrap_or_default();
            self.rules.enable = profile.enable;
            self.rules.only = profile.only;
            self.rules.severities = profile.severities;
            self.profile = Some(name.clone());
        }
        if let Some(select) = &part.select {
            self.select.clone_from(select);
        }
        self.switch(&part.enable, true);
        self.switch(&part.ignore, false);
        self.rules.assume.extend(part.assume.iter().cloned());
        for rule in &part.rules {
            if rule.off {
                self.switch(&rule.ids, false);
            }
            if let Some(severity) = rule.severity {
                self.switch(&rule.ids, true);
                self.rules.severities.retain(|(id, _)| !rule.ids.contains(id));
                self.rules.severities.extend(rule.ids.iter().map(|id| (id.clone(), severity)));
            }
            if rule.exclude.as_ref().is_some_and(|globs| globs.matches(path)) {
                self.switch(&rule.ids, false);
            }
            for (name, value) in &rule.params {
                let keys = rule.ids.iter().map(|id| format!("{id}.{name}"));
                self.rules.params.extend(keys.map(|key| (key, value.clone())));
            }
        }
    }

    fn switch(&mut self, ids: &[String], on: bool) {
        let (from, to) =
            if on { (&mut self.rules.disable, &mut self.rules.enable) } else { (&mut self.rules.enable, &mut self.rules.disable) };
        remove(from, ids);
        remove(to, ids);
        to.extend(ids.iter().cloned());
        if on && !self.rules.only.is_empty() {
            remove(&mut self.rules.only, ids);
            self.rules.only.extend(ids.iter().cloned());
        }
    }
}
