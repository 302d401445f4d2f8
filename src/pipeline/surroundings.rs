//! What is known beside the objects of a run: definitions from `--crds` and from charts, JSON schemas from where they lie.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::inputs::discover;
use super::run::Checks;
use crate::diagnostic::Severity;
use crate::helm;
use crate::helm::values::Logs;
use crate::kube;
use crate::kube::Object;
use crate::kube::Surroundings;
use crate::kube::ValidateOptions;
use crate::source::FileId;
use crate::source::World;
use crate::source::WorldError;
use crate::yaml;

/// Where kubeconform finds a schema below a directory.
const TEMPLATE: &str = "{{ .NormalizedKubernetesVersion }}-standalone{{ .StrictSuffix }}/{{ .ResourceKind }}{{ .KindSuffix }}.json";

/// What all units of a run share.
///
/// # Errors
/// When something that `--crds` names cannot be read.
pub(super) fn common(world: &dyn World, checks: &Checks) -> Result<Surroundings, WorldError> {
    let inputs = discover(world, &checks.crds)?;
    let mut definitions = Vec::new();
    for path in inputs.named.iter().chain(&inputs.found) {
        definitions.extend(definitions_in(&String::from_utf8_lossy(&world.read(path)?), None));
    }
    for chart in &inputs.charts {
        definitions.extend(of_chart(world, chart));
    }
    let unchecked = if checks.fail_on_unchecked { Some(Severity::Error) } else { (!checks.judge).then_some(Severity::Info) };
    let definitions = Arc::new(definitions);
    Ok(Surroundings { definitions, pod_security: checks.pod_security.clone(), unchecked, ..Surroundings::default() })
}

/// The definitions in a text, as far as they are about `instances` where those are all that is held against them.
pub(super) fn definitions_in(text: &str, instances: Option<kube::Instances<'_>>) -> Vec<Value> {
    let file = FileId::default();
    let mut out = Vec::new();
    yaml::outline_each(text, file, &mut |parsed| {
        let short = match &parsed {
            yaml::Parsed::Outline(outline) => kube::undescribed(outline, instances),
            yaml::Parsed::Document(_) => None,
        };
        let document = short.unwrap_or_else(|| parsed.document());
        let objects = kube::light_objects(file, &document).into_iter();
        out.extend(objects.filter(|o| o.id.kind == "CustomResourceDefinition").map(|o| o.whole().value));
    });
    out
}

/// The definitions in the `crds` folders of a chart and of the charts below it. What cannot be read is told by rendering.
fn of_chart(world: &dyn World, chart: &str) -> Vec<Value> {
    let files = helm::load::read(world, chart, &mut Logs::default()).unwrap_or_default();
    let in_crds = |name: &str| name.split('/').rev().skip(1).any(|folder| folder == "crds");
    files.iter().filter(|(name, _)| in_crds(name)).flat_map(|(_, bytes)| definitions_in(&String::from_utf8_lossy(bytes), None)).collect()
}

/// What is known about the objects of a chart, or of the plain manifests.
pub(super) fn of_unit(world: &dyn World, common: &Surroundings, objects: &[Object], chart: Option<&str>, checks: &Checks) -> Surroundings {
    let mut around = common.clone();
    let unknown = |around: &Surroundings| -> BTreeSet<(String, String)> {
        let custom = objects.iter().filter(|o| kube::is_custom(o) && !around.knows(objects, &o.id.api_version, &o.id.kind));
        custom.map(|o| (o.id.api_version.clone(), o.id.kind.clone())).collect()
    };
    if let Some(chart) = chart.filter(|_| !unknown(&around).is_empty()) {
        Arc::make_mut(&mut around.definitions).extend(of_chart(world, chart));
    }
    if checks.schema_locations.is_empty() {
        return around;
    }
    let version = checks.kube_version.clone().unwrap_or_else(|| ValidateOptions::default().kube_version);
    let dumps = dumps(world, &checks.schema_locations);
    for (api_version, kind) in unknown(&around) {
        let mut places = checks
            .schema_locations
            .iter()
            .flat_map(|place| ["-strict", ""].map(|strict| expand(place, &version, &api_version, &kind, strict)));
        let read = |path: String| serde_json::from_slice(&world.read(&path).ok()?).ok();
        let schema = dumps.iter().find_map(|dump| kube::openapi::schema_in(dump, &api_version, &kind));
        if let Some(schema) = schema.or_else(|| places.find_map(read)) {
            around.schemas.push((api_version, kind, schema));
        }
    }
    around
}

/// The files among the places: OpenAPI dumps, v2 or v3.
fn dumps(world: &dyn World, places: &[String]) -> Vec<Value> {
    let files = places.iter().filter(|place| place.ends_with(".json") && !place.contains("{{"));
    files.filter_map(|file| serde_json::from_slice(&world.read(file).ok()?).ok()).collect()
}

/// The path of a kind's schema, as kubeconform spells it.
fn expand(place: &str, version: &str, api_version: &str, kind: &str, strict: &str) -> String {
    let (group, own) = api_version.split_once('/').unwrap_or(("", api_version));
    let text = if place.contains("{{") {
        place.to_owned()
    } else if place == "default" {
        // The built-in kinds are known without.
        return String::new();
    } else {
        format!("{}/{TEMPLATE}", place.trim_end_matches('/'))
    };
    let version = version.trim_start_matches('v');
    let patch = if version.matches('.').count() == 1 { ".0" } else { "" };
    let short = group.split('.').next().unwrap_or("");
    let suffix = if short.is_empty() { format!("-{own}") } else { format!("-{short}-{own}") };
    let known = [
        ("NormalizedKubernetesVersion", format!("v{version}{patch}")),
        ("StrictSuffix", strict.to_owned()),
        ("ResourceKind", kind.to_lowercase()),
        ("ResourceAPIVersion", own.to_owned()),
        ("Group", group.to_owned()),
        ("KindSuffix", suffix.to_lowercase()),
    ];
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else { break };
        out.push_str(before);
        let name = name.trim().trim_start_matches('.');
        out.push_str(known.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_schemas() {
        let of = |place: &str| expand(place, "1.33", "monitoring.coreos.com/v1", "ServiceMonitor", "-strict");
        assert_eq!(of("schemas"), "schemas/v1.33.0-standalone-strict/servicemonitor-monitoring-v1.json");
        let template = "crds/{{ .Group }}/{{.ResourceKind}}_{{ .ResourceAPIVersion }}.json";
        assert_eq!(of(template), "crds/monitoring.coreos.com/servicemonitor_v1.json");
        assert_eq!(of("default"), "");
    }
}
