//! A chart with several sets of values: its defaults, those of its `ci/` folder and those of the configuration, each
//! checked, with what they have in common told once.

use std::collections::BTreeMap;

use super::config::{Settings, Variant};
use super::run::{Checks, Unit};
use crate::diagnostic::Fingerprint;
use crate::diagnostic::fingerprint;
use crate::helm::TemplateOptions;
use crate::lint;
use crate::source::World;

/// How the values as they are on the command line, or the chart's own, are called.
const DEFAULT: &str = "default values";

/// The sets of values of a chart, the plain one first.
pub(super) fn of(world: &dyn World, chart: &str, settings: &Settings, checks: &Checks) -> Vec<Variant> {
    let mut out = vec![Variant { name: DEFAULT.to_owned(), ..Variant::default() }];
    if !checks.matrix {
        return out;
    }
    let folder = format!("{}/ci", chart.trim_end_matches('/'));
    for entry in world.read_dir(&folder).unwrap_or_default() {
        if entry.name.ends_with("values.yaml") || entry.name.ends_with("values.yml") {
            let values = vec![format!("{folder}/{}", entry.name)];
            out.push(Variant { name: format!("ci/{}", entry.name), values, ..Variant::default() });
        }
    }
    out.extend(settings.variants.iter().cloned());
    out
}

/// The options of rendering with a set of values.
pub(super) fn template(template: &TemplateOptions, variant: &Variant) -> TemplateOptions {
    let mut out = template.clone();
    out.value_files.extend(variant.values.iter().cloned());
    out.set.extend(variant.set.iter().cloned());
    out
}

/// Leaves each finding in the first unit that has it, and says in which variants it is when it is not in all.
pub(super) fn merge(variants: &[Variant], units: &mut [Unit]) {
    let mut seen: BTreeMap<(Fingerprint, String), Vec<usize>> = BTreeMap::new();
    for (number, unit) in units.iter().enumerate() {
        for finding in &unit.findings {
            let places = seen.entry((fingerprint(&unit.sources, finding), finding.message.clone())).or_default();
            if places.last() != Some(&number) {
                places.push(number);
            }
        }
    }
    let all = variants.len();
    for (number, unit) in units.iter_mut().enumerate() {
        let sources = &unit.sources;
        unit.findings.retain_mut(|finding| {
            let Some(places) = seen.get(&(fingerprint(sources, finding), finding.message.clone())) else { return true };
            // A comment is of use when any variant needs it.
            if places.first() != Some(&number) || finding.code == lint::UNUSED_IGNORE && places.len() < all {
                return false;
            }
            if places.len() < all {
                let names: Vec<&str> = places.iter().map(|i| variants[*i].name.as_str()).collect();
                let line = if finding.help.is_empty() { "" } else { "\n" };
                finding.help.push_str(&format!("{line}in {} of {all} variants: {}", places.len(), names.join(", ")));
            }
            true
        });
    }
}
