//! `KubeSchedulerConfiguration`: profiles, enabled and disabled plugins, weights and arguments.
//! upstream: pkg/scheduler/apis/config, framework/runtime

use std::collections::BTreeSet;

use serde_json::Value;

use super::api::{SpreadConstraint, Weighted};
use super::framework::Plugin;
use super::json::{at, int, list, text, words};
use super::plugins::inter_pod_affinity::InterPodAffinity;
use super::plugins::node_affinity::NodeAffinity;
use super::plugins::node_resources::{BalancedAllocation, Fit, Strategy};
use super::plugins::pod_topology_spread::PodTopologySpread;
use super::profile::{Entry, Profile, Profiles};
use super::selector::{Labels, NodeSelectorTerm, node_selector};

const TOP_FIELDS: [&str; 14] = [
    "apiVersion",
    "kind",
    "parallelism",
    "leaderElection",
    "clientConnection",
    "healthzBindAddress",
    "metricsBindAddress",
    "enableProfiling",
    "enableContentionProfiling",
    "percentageOfNodesToScore",
    "podInitialBackoffSeconds",
    "podMaxBackoffSeconds",
    "profiles",
    "extenders",
];

/// Plugins that exist but are not modelled as such: they neither filter nor score here.
const OTHERS: [&str; 8] = [
    "SchedulingGates",
    "PrioritySort",
    "DefaultPreemption",
    "DefaultBinder",
    "NodeDeclaredFeatures",
    "GangScheduling",
    "TopologyPlacementGenerator",
    "PodGroupPodsCount",
];

/// Reads a configuration; the error is what the scheduler says when it refuses it.
pub fn profiles(configuration: &Value) -> Result<Profiles, String> {
    let version = text(configuration, &["apiVersion"]);
    if version != "kubescheduler.config.k8s.io/v1" {
        let scheme = "in scheme \"pkg/runtime/scheme.go:111\"";
        return Err(format!("no kind \"KubeSchedulerConfiguration\" is registered for version {version:?} {scheme}"));
    }
    let unknown: Vec<String> = configuration
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| !TOP_FIELDS.contains(&key.as_str()))
        .map(|(key, _)| format!("unknown field {key:?}"))
        .collect();
    if !unknown.is_empty() {
        return Err(format!("strict decoding error: {}", unknown.join(", ")));
    }
    let mut errors = Vec::new();
    let percentage = int(configuration, &["percentageOfNodesToScore"]);
    let check = |path: String, percentage: Option<i64>, errors: &mut Vec<String>| {
        if let Some(p) = percentage.filter(|p| !(0..=100).contains(p)) {
            errors.push(format!("{path}: Invalid value: {p}: not in valid range [0-100]"));
        }
    };
    check("percentageOfNodesToScore".to_owned(), percentage, &mut errors);
    let given = list(configuration, &["profiles"]);
    let mut names: Vec<String> = Vec::new();
    for (i, profile) in given.iter().enumerate() {
        let named = at(profile, &["schedulerName"]);
        let only = given.len() == 1 && named.is_null();
        let name = if only { "default-scheduler" } else { named.as_str().unwrap_or("") };
        if name.is_empty() {
            errors.push(format!("profiles[{i}].schedulerName: Required value"));
        } else if names.iter().any(|n| n == name) {
            errors.push(format!("profiles[{i}].schedulerName: Duplicate value: {{}}"));
        }
        check(format!("profiles[{i}].percentageOfNodesToScore"), int(profile, &["percentageOfNodesToScore"]), &mut errors);
        validate_args(profile, i, &mut errors);
        names.push(name.to_owned());
    }
    match errors.as_slice() {
        [] => {}
        [one] => return Err(one.clone()),
        many => return Err(format!("[{}]", many.join(", "))),
    }
    if given.is_empty() {
        let profile = Profile { percentage_of_nodes_to_score: percentage.unwrap_or(0), ..Profile::default() };
        return Ok(Profiles(vec![("default-scheduler".to_owned(), profile)]));
    }
    let mut out = Vec::new();
    for (profile, name) in given.iter().zip(names) {
        let mut built = build(profile).map_err(|e| format!("initializing profiles: creating profile for scheduler name {name}: {e}"))?;
        built.percentage_of_nodes_to_score = int(profile, &["percentageOfNodesToScore"]).or(percentage).unwrap_or(0);
        out.push((name, built));
    }
    Ok(Profiles(out))
}

fn args<'a>(profile: &'a Value, plugin: &str) -> &'a Value {
    list(profile, &["pluginConfig"]).iter().find(|c| text(c, &["name"]) == plugin).map_or(&Value::Null, |c| at(c, &["args"]))
}

/// upstream: apis/config/validation/validation_pluginargs.go, those arguments checked with the configuration itself
fn validate_args(profile: &Value, i: usize, errors: &mut Vec<String>) {
    for (j, config) in list(profile, &["pluginConfig"]).iter().enumerate() {
        let path = format!("profiles[{i}].pluginConfig[{j}].args");
        let arguments = at(config, &["args"]);
        let mut range = |field: &str, high: i64| {
            if let Some(v) = int(arguments, &[field]).filter(|v| !(0..=high).contains(v)) {
                errors.push(format!("{path}.{field}: Invalid value: {v}: not in valid range [0, {high}]"));
            }
        };
        if text(config, &["name"]) == "DefaultPreemption" {
            range("minCandidateNodesPercentage", 100);
        }
    }
}

/// One extension point of a profile: what is enabled (name and weight) and disabled there.
struct Point<'a> {
    enabled: Vec<(&'a str, i64)>,
    disabled: BTreeSet<&'a str>,
}

fn point<'a>(profile: &'a Value, name: &str) -> Point<'a> {
    let set = at(profile, &["plugins", name]);
    let enabled = list(set, &["enabled"]).iter().map(|p| (text(p, &["name"]), int(p, &["weight"]).unwrap_or(0))).collect();
    let disabled = list(set, &["disabled"]).iter().map(|p| text(p, &["name"])).collect();
    Point { enabled, disabled }
}

impl Point<'_> {
    fn disables(&self, plugin: &str) -> bool {
        self.disabled.contains("*") || self.disabled.contains(plugin)
    }

    fn has(&self, plugin: &str) -> bool {
        self.enabled.iter().any(|(name, _)| *name == plugin)
    }
}

fn build(profile: &Value) -> Result<Profile, String> {
    let defaults = Profile::default();
    let known = |name: &str| OTHERS.contains(&name) || defaults.plugins.iter().any(|e| e.plugin.name() == name);
    let multi = point(profile, "multiPoint");
    let everywhere = |name: &str| multi.has(name) || !multi.disables(name);
    // A point's own list wins over the list for all points.
    let at_point = |point: &Point<'_>, name: &str| point.has(name) || (!point.disables(name) && everywhere(name));
    let (pre_filter, filter, score) = (point(profile, "preFilter"), point(profile, "filter"), point(profile, "score"));
    let post_filter = point(profile, "postFilter");
    for (kind, own) in
        [("PreFilterPlugin", &pre_filter), ("FilterPlugin", &filter), ("PostFilterPlugin", &post_filter), ("ScorePlugin", &score)]
    {
        let mut seen = BTreeSet::new();
        for (name, _) in &own.enabled {
            if !known(name) {
                return Err(format!("{kind} {name:?} does not exist"));
            }
            if !seen.insert(name) {
                return Err(format!("plugin {name:?} already registered as {kind:?}"));
            }
        }
    }
    if let Some((name, _)) = multi.enabled.iter().find(|(name, _)| !known(name)) {
        return Err(format!("multipoint plugin {name:?} does not exist"));
    }
    let mut plugins = Vec::new();
    let preemption = at_point(&post_filter, "DefaultPreemption");
    for entry in defaults.plugins {
        let name = entry.plugin.name();
        let own = |list: &Point<'_>| list.enabled.iter().find(|(n, _)| *n == name).map(|(_, w)| *w);
        let weight = match own(&score) {
            Some(weight) => weight.max(1),
            None if !at_point(&score, name) => 0,
            None => match own(&multi) {
                Some(weight) => weight.max(1),
                None => entry.weight,
            },
        };
        let pre_filters = entry.pre_filters && at_point(&pre_filter, name);
        let filters = entry.filters && at_point(&filter, name);
        if weight > 0 || pre_filters || filters {
            let plugin = configured(profile, entry.plugin).map_err(|e| format!("initializing plugin {name:?}: {e}"))?;
            plugins.push(Entry { plugin, weight: if plugin_scores(entry.weight) { weight } else { 0 }, pre_filters, filters });
        }
    }
    // Plugins that the list for all points replaces as a whole come in the order of that list.
    if multi.disabled.contains("*") {
        let place = |e: &Entry| multi.enabled.iter().position(|(n, _)| *n == e.plugin.name()).unwrap_or(usize::MAX);
        plugins.sort_by_key(place);
    }
    Ok(Profile { plugins, preemption, percentage_of_nodes_to_score: 0 })
}

/// A plugin that weighs nothing by default has no scores to weigh.
fn plugin_scores(default_weight: i64) -> bool {
    default_weight > 0
}

fn resources(list: &[Value]) -> Vec<(String, i64)> {
    let read = |r: &Value| (text(r, &["name"]).to_owned(), int(r, &["weight"]).filter(|w| *w != 0).unwrap_or(1));
    match list {
        [] => Fit::default().resources,
        list => list.iter().map(read).collect(),
    }
}

fn configured(profile: &Value, plugin: Box<dyn Plugin>) -> Result<Box<dyn Plugin>, String> {
    let args = args(profile, plugin.name());
    if !args.is_object() {
        return Ok(plugin);
    }
    Ok(match plugin.name() {
        "NodeResourcesFit" => Box::new(fit(args)?),
        "NodeResourcesBalancedAllocation" => Box::new(BalancedAllocation { resources: resources(list(args, &["resources"])) }),
        "InterPodAffinity" => Box::new(InterPodAffinity {
            hard_weight: int(args, &["hardPodAffinityWeight"]).unwrap_or(1),
            ignore_existing: at(args, &["ignorePreferredTermsOfExistingPods"]).as_bool() == Some(true),
        }),
        "NodeAffinity" => {
            let added = at(args, &["addedAffinity"]);
            Box::new(NodeAffinity {
                added_required: node_selector(at(added, &["requiredDuringSchedulingIgnoredDuringExecution"])),
                added_preferred: list(added, &["preferredDuringSchedulingIgnoredDuringExecution"])
                    .iter()
                    .map(|t| Weighted { weight: int(t, &["weight"]).unwrap_or(0), term: NodeSelectorTerm::new(at(t, &["preference"])) })
                    .collect(),
            })
        }
        "PodTopologySpread" if text(args, &["defaultingType"]) == "List" => Box::new(PodTopologySpread {
            defaults: list(args, &["defaultConstraints"]).iter().map(|c| SpreadConstraint::new(c, &Labels::new())).collect(),
            system: false,
        }),
        _ => plugin,
    })
}

/// upstream: apis/config/validation/validation_pluginargs.go ValidateNodeResourcesFitArgs
fn fit(args: &Value) -> Result<Fit, String> {
    let strategy = at(args, &["scoringStrategy"]);
    let mut errors = Vec::new();
    let resources = resources(list(strategy, &["resources"]));
    for (i, (name, weight)) in resources.iter().enumerate() {
        if !(1..=100).contains(weight) {
            errors.push(format!(
                "scoringStrategy.resources[{i}].weight: Invalid value: {weight}: resource weight of {name} not in valid range (0, 100]"
            ));
        }
    }
    let kind = match text(strategy, &["type"]) {
        "" | "LeastAllocated" => Strategy::LeastAllocated,
        "MostAllocated" => Strategy::MostAllocated,
        "RequestedToCapacityRatio" => {
            let ratio = at(strategy, &["requestedToCapacityRatio"]);
            if ratio.is_null() {
                errors.push(
                    "scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio"
                        .to_owned(),
                );
            }
            let shape = list(ratio, &["shape"]);
            let points: Vec<(i64, i64)> =
                shape.iter().map(|p| (int(p, &["utilization"]).unwrap_or(0), int(p, &["score"]).unwrap_or(0))).collect();
            validate_shape(ratio, &points, &mut errors);
            // Scores of a shape go to 10, those of nodes to 100.
            Strategy::RequestedToCapacityRatio(points.into_iter().map(|(at, score)| (at, score * 10)).collect())
        }
        other => {
            errors.push(format!(
                "scoringStrategy.type: Unsupported value: {other:?}: supported values: \"LeastAllocated\", \"MostAllocated\", \"RequestedToCapacityRatio\""
            ));
            Strategy::LeastAllocated
        }
    };
    match errors.as_slice() {
        [] => {}
        [one] => return Err(one.clone()),
        many => return Err(format!("[{}]", many.join(", "))),
    }
    Ok(Fit {
        strategy: kind,
        resources,
        ignored: words(args, &["ignoredResources"]).into_iter().collect(),
        ignored_groups: words(args, &["ignoredResourceGroups"]).into_iter().collect(),
    })
}

fn validate_shape(ratio: &Value, points: &[(i64, i64)], errors: &mut Vec<String>) {
    let path = "scoringStrategy.requestedToCapacityRatio.shape";
    if points.is_empty() && !ratio.is_null() {
        errors.push(format!("{path}: Required value: at least one point must be specified"));
    }
    for (i, (at, score)) in points.iter().enumerate() {
        if !(0..=100).contains(at) {
            errors.push(format!("{path}[{i}].utilization: Invalid value: {at}: not in valid range [0-100]"));
        }
        if i > 0 && points[i - 1].0 >= *at {
            errors.push(format!("{path}[{i}].utilization: Invalid value: {at}: values must be sorted in increasing order"));
        }
        if !(0..=10).contains(score) {
            errors.push(format!("{path}[{i}].score: Invalid value: {score}: not in valid range [0-10]"));
        }
    }
}
