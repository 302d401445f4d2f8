//! What a known cluster would make of a unit's objects, as findings of the rules about it: the scheduler places the pods,
//! nodes are drained, and the workloads are rolled out twice, all with the code that `kval simulate` runs.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use super::run::Unit;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::kube;
use crate::kube::Object;
use crate::kube::field::Path;
use crate::kube::field::Step;
use crate::lint;
use crate::simulate::advice;
use crate::simulate::advice::Cause;
use crate::simulate::piece;
use crate::simulate::piece::Piece;
use crate::simulate::placement;
use crate::simulate::placement::{PodPrediction, Prediction, Setting};
use crate::simulate::replay::{Keep, Run};
use crate::simulate::rollout;
use crate::simulate::scheduler::api::Pod;
use crate::simulate::scheduler::json::{at, int, list, strings, text};
use crate::simulate::scheduler::plugins::dynamic_resources;
use crate::simulate::scheduler::profile::Profiles;
use crate::simulate::scheduler::selector::Selector;
use crate::simulate::whatif;
use crate::source::Span;
use crate::yaml;

/// The rules about nodes, on which the real scheduler has the last word.
pub(super) const PREDICTED: [&str; 16] = [
    "daemonset-not-on-all-nodes",
    "drain-blocked",
    "host-port-conflict",
    "hpa-exceeds-capacity",
    "preempts-other-workloads",
    "pvc-unbindable",
    "rollout-deadlock-host-port",
    "rollout-deadlock-quota",
    "statefulset-start-blocked",
    "unschedulable-anti-affinity",
    "unschedulable-capacity",
    "unschedulable-node-selector",
    "unschedulable-pod-affinity",
    "unschedulable-resources",
    "unschedulable-taints",
    "unschedulable-topology-spread",
];

/// Larger clusters are not drained node by node and not rolled out on.
const MAX_NODES: usize = 500;
/// More objects of the cluster, or pods of the user, than this are not rolled out.
const MAX_OBJECTS: usize = 20_000;
const MAX_PODS: usize = 2_000;

struct Predictor<'a> {
    objects: &'a [Object],
    cluster: &'a [Piece],
    profiles: &'a Profiles,
    rules: &'a lint::Options,
    out: Vec<Diagnostic>,
}

/// What a cluster would make of objects; those in `refused` the server does not even take.
pub(super) fn findings(objects: &[Object], cluster: &[Piece], refused: &BTreeSet<usize>, rules: &lint::Options) -> Vec<Diagnostic> {
    let profiles = Profiles::default();
    let mut this = Predictor { objects, cluster, profiles: &profiles, rules, out: Vec::new() };
    let taken: Vec<usize> = (0..objects.len()).filter(|i| !refused.contains(i)).collect();
    // Hooks run before or after the rest, each by itself.
    let hook = |i: &usize| !text(&objects[*i].value, &["metadata", "annotations", "helm.sh/hook"]).is_empty();
    let makes_pods = |i: &usize| spec_path(&objects[*i]).is_some();
    let (hooks, main): (Vec<usize>, Vec<usize>) = taken.iter().copied().partition(hook);
    this.together(&main);
    for one in hooks.iter().copied().filter(makes_pods) {
        let around = taken.iter().copied().filter(|i| !makes_pods(i) || *i == one).collect::<Vec<_>>();
        let setting = this.setting(&around);
        let (prediction, run) = placement::predict_in(&setting, this.profiles, &options());
        this.pending(&around, &prediction, &run);
    }
    this.out
}

/// Findings about the pods of a placement that stay pending: those of a unit, whose objects are those from `first` on; gives
/// how many these are too. Of plain pods that are told the same only a few are named.
pub fn pending(unit: &Unit, first: usize, prediction: &Prediction, run: &Run, profiles: &Profiles) -> (Vec<Diagnostic>, usize) {
    let count = if unit.pieces.is_empty() { unit.objects.len() } else { unit.pieces.len() };
    let of_unit = |p: &PodPrediction| p.object.and_then(|i| i.checked_sub(first)).filter(|i| *i < count);
    let mut alike: BTreeMap<&str, usize> = BTreeMap::new();
    let mut left_out: BTreeMap<usize, usize> = BTreeMap::new();
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wanted: BTreeSet<usize> = BTreeSet::new();
    for pod in prediction.pods.iter().filter(|p| p.node.is_none()) {
        let (Some(object), Some(message)) = (of_unit(pod), &pod.message) else { continue };
        let told = alike.entry(message).or_default();
        *told += usize::from(run.pods[pod.index].source.kind == "Pod");
        if *told <= MAX_ALIKE {
            wanted.insert(object);
            last.insert(message, object);
        } else if let Some(last) = last.get(message.as_str()) {
            *left_out.entry(*last).or_default() += 1;
        }
    }
    if wanted.is_empty() {
        return (Vec::new(), count);
    }
    // The objects that findings are about: pods that were let go are read again.
    let by_place: BTreeMap<Span, usize> = unit.objects.iter().enumerate().map(|(i, o)| (o.node.span, i)).collect();
    let spans = wanted.iter().filter_map(|i| unit.pieces.get(*i)).map(|(_, span)| *span);
    let again = read_again(unit, &spans.filter(|span| !by_place.contains_key(span)).collect());
    let object = |i: usize| match unit.pieces.get(i) {
        None => unit.objects.get(i).cloned(),
        Some((_, span)) => by_place.get(span).map(|i| &unit.objects[*i]).or_else(|| again.get(span)).cloned(),
    };
    let (places, mut objects): (Vec<usize>, Vec<Object>) = wanted.iter().filter_map(|i| Some((*i, object(*i)?))).unzip();
    let mut which = vec![usize::MAX; first + count];
    places.iter().enumerate().for_each(|(place, i)| which[first + i] = place);
    // What a claim asks for is told where the claim is.
    objects.extend(unit.objects.iter().filter(|o| o.id.kind.starts_with("ResourceClaim")).cloned());
    let rules = lint::Options::default();
    let mut this = Predictor { objects: &objects, cluster: &[], profiles, rules: &rules, out: Vec::new() };
    this.waiting(&which, prediction, run, false);
    for (object, n) in left_out {
        let more = format!("; {n} more pods stay pending for the same reason");
        let about = places.iter().position(|p| *p == object).map(|place| &objects[place].id);
        this.out.iter_mut().filter(|f| f.object.as_ref() == about).for_each(|f| f.help += &more);
    }
    (this.out, count)
}

/// Of plain pods that wait for the same reason no more are named.
const MAX_ALIKE: usize = 5;

/// The objects at places of a unit's texts.
fn read_again(unit: &Unit, spans: &BTreeSet<Span>) -> BTreeMap<Span, Object> {
    let mut out = BTreeMap::new();
    for file in spans.iter().map(|span| span.file).collect::<BTreeSet<_>>() {
        yaml::outline_each(&unit.sources.get(file).text, file, &mut |parsed| {
            if let yaml::Parsed::Outline(outline) = &parsed
                && spans.range(Span { end: 0, ..outline.span() }..).next().is_none_or(|s| s.start >= outline.span().end)
            {
                return;
            }
            let found = kube::light_objects(file, &parsed.document()).into_iter().filter(|o| spans.contains(&o.node.span));
            out.extend(found.map(|o| (o.node.span, o.whole())));
        });
    }
    out
}

fn options() -> placement::Options {
    placement::Options { alternatives: 4, ..placement::Options::default() }
}

/// Where the pod of a workload is described.
fn spec_path(object: &Object) -> Option<Path> {
    let words: &[&str] = match object.id.kind.as_str() {
        "Pod" => &["spec"],
        "Deployment" | "ReplicaSet" | "ReplicationController" | "StatefulSet" | "DaemonSet" | "Job" => &["spec", "template", "spec"],
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        _ => return None,
    };
    Some(Path(words.iter().map(|w| Step::Field((*w).to_owned())).collect()))
}

fn pod_spec(object: &Object) -> &Value {
    let words: &[&str] = match object.id.kind.as_str() {
        "Pod" => &["spec"],
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        _ => &["spec", "template", "spec"],
    };
    at(&object.value, words)
}

/// The container that asks for most of a resource, and the list that says so.
fn asks_most(spec: &Value, resource: &str) -> Option<(usize, &'static str)> {
    let amount = |c: &Value, list: &str| {
        let told = at(c, &["resources", list, resource]);
        let told = told.as_str().map_or_else(|| told.to_string(), str::to_owned);
        crate::kube::quantity::parse(&told).ok().map(|q| q.nanos)
    };
    let each = list(spec, &["containers"]).iter().enumerate().filter_map(|(i, c)| {
        let (list, amount) = amount(c, "requests").map(|a| ("requests", a)).or_else(|| amount(c, "limits").map(|a| ("limits", a)))?;
        Some((amount, i, list))
    });
    each.max_by_key(|(amount, i, _)| (*amount, std::cmp::Reverse(*i))).map(|(_, i, list)| (i, list))
}

impl Predictor<'_> {
    fn values(&self, which: &[usize]) -> Vec<Value> {
        which.iter().map(|i| self.objects[*i].value.clone()).collect()
    }

    fn setting(&self, which: &[usize]) -> Setting {
        let pieces: Vec<Piece> = which.iter().map(|i| self.objects[*i].value.clone().into()).collect();
        Setting::new(self.cluster, &pieces, "default")
    }

    /// Reports under a rule, unless it is off.
    fn report(&mut self, code: &'static str, object: usize, path: &Path, message: String, help: String) {
        let rule = lint::rules().iter().find(|r| r.id == code);
        if rule.is_some() && !lint::runs(code, self.rules) {
            return;
        }
        let severity = rule.map_or(Severity::Error, |r| r.severity);
        let object = &self.objects[object];
        let finding = Diagnostic::new(code, severity, message);
        self.out.push(finding.at(object.place(path)).on(object.id.clone(), path.to_string()).help(help));
    }

    fn together(&mut self, main: &[usize]) {
        let setting = self.setting(main);
        let (prediction, run) = placement::predict_in(&setting, self.profiles, &options());
        let pending = self.pending(main, &prediction, &run);
        self.preempting(main, &prediction);
        self.daemons(main, &prediction, &run);
        self.autoscaled(main, &prediction);
        if run.cluster.nodes.len() <= MAX_NODES {
            self.drains(main, &setting);
            if self.cluster.len() <= MAX_OBJECTS && run.pods.len() <= MAX_PODS {
                self.rolled_out(main, &pending);
            }
        }
    }

    /// Pods that stay pending; gives the objects they come from.
    fn pending(&mut self, which: &[usize], prediction: &Prediction, run: &Run) -> BTreeSet<usize> {
        self.waiting(which, prediction, run, true)
    }

    /// As above; `sure` leaves out pods that another choice among equal nodes would place.
    fn waiting(&mut self, which: &[usize], prediction: &Prediction, run: &Run, sure: bool) -> BTreeSet<usize> {
        let mut by_object: BTreeMap<usize, Vec<&PodPrediction>> = BTreeMap::new();
        for pod in prediction.pods.iter().filter(|p| p.node.is_none() && (p.always_pending || !sure)) {
            if let Some(object) = pod.object.and_then(|i| which.get(i)).filter(|o| **o < self.objects.len()) {
                by_object.entry(*object).or_default().push(pod);
            }
        }
        for (object, pods) in &by_object {
            let total = prediction.pods.iter().filter(|p| p.object.and_then(|i| which.get(i)) == Some(object)).count();
            let Some((pod, message)) = pods.iter().find_map(|p| Some((*p, p.message.clone()?))) else { continue };
            // Who makes room for others was placed once.
            if message == "has to go" && sure {
                continue;
            }
            let before = self.out.len();
            self.stays_pending(*object, run, pod.index, message, (pods.len(), total));
            if pods.iter().any(|p| !p.always_pending) {
                for finding in &mut self.out[before..] {
                    finding.severity = Severity::Warning;
                    finding.help += ", unless the scheduler picks other nodes among equally good ones";
                }
            }
        }
        by_object.into_keys().collect()
    }

    fn stays_pending(&mut self, object: usize, run: &Run, index: usize, message: String, (pending, total): (usize, usize)) {
        let pod: &Pod = &run.pods[index];
        let this = &self.objects[object];
        let Some(base) = spec_path(this) else { return };
        let spec = pod_spec(this).clone();
        let profiles = self.profiles;
        let profile = profiles.get(&pod.scheduler_name);
        let ways = profile.as_ref().map(|p| advice::of_pod(run, p, pod)).unwrap_or_default();
        let told = message.to_lowercase();
        let volumes = told.contains("persistentvolume") || told.contains("persistent volume") || told.contains("volume node affinity");
        let cause = profile.as_ref().map_or(Cause::Other, |p| advice::cause(run, p, pod));
        let resource = message.split("Insufficient ").nth(1).map_or("cpu", |r| r.split(['.', ',', ' ']).next().unwrap_or("cpu"));
        // Names of extended resources have dots of their own.
        let resource = list(&spec, &["containers"])
            .iter()
            .flat_map(|c| at(c, &["resources", "requests"]).as_object().into_iter().flatten().map(|(k, _)| k.as_str()))
            .find(|k| message.contains(&format!("Insufficient {k}")))
            .unwrap_or(resource)
            .to_owned();
        let affinity = |kind: &str| base.child("affinity").child(kind);
        let (code, path) = match cause {
            _ if !pod.gates.is_empty() => ("unschedulable-pod", base.child("schedulingGates")),
            _ if volumes => ("pvc-unbindable", self.claims_path(object, &base, &spec)),
            Cause::TooLarge => {
                let path = match asks_most(&spec, &resource) {
                    Some((i, list)) => base.child("containers").index(i).child("resources").child(list).key(&resource),
                    None => base.child("containers"),
                };
                ("unschedulable-resources", path)
            }
            Cause::Full if this.id.kind == "Pod" => ("unschedulable-capacity", base.child("containers")),
            Cause::Full => {
                let field = if this.id.kind == "Job" { "parallelism" } else { "replicas" };
                ("unschedulable-capacity", Path::new("spec").child(field))
            }
            Cause::Taints => ("unschedulable-taints", base.child("tolerations")),
            Cause::NodeAffinity => {
                let absent = strings(&spec, &["nodeSelector"])
                    .into_iter()
                    .find(|(k, v)| !run.cluster.nodes.iter().any(|n| n.node.labels.get(k) == Some(v)));
                let path = match absent {
                    Some((key, _)) => base.child("nodeSelector").key(&key),
                    None if at(&spec, &["affinity", "nodeAffinity"]).is_object() => affinity("nodeAffinity"),
                    None => base.child("nodeSelector"),
                };
                ("unschedulable-node-selector", path)
            }
            Cause::AntiAffinity => ("unschedulable-anti-affinity", affinity("podAntiAffinity")),
            Cause::PodAffinity => ("unschedulable-pod-affinity", affinity("podAffinity")),
            Cause::Spread => ("unschedulable-topology-spread", base.child("topologySpreadConstraints")),
            Cause::HostPorts => ("host-port-conflict", ports_path(&base, &spec)),
            Cause::Devices => ("unschedulable-devices", base.child("resourceClaims")),
            Cause::Other => ("unschedulable-pod", base.clone()),
        };
        let mut help = format!("{pending} of {total} pods stay pending in this cluster");
        if !ways.is_empty() {
            help += &format!("; {}", ways.join("; or "));
        }
        let lack = if cause == Cause::Devices { dynamic_resources::lack(&run.cluster, pod) } else { None };
        let (blamed, path) = lack.map_or((object, path), |lack| self.claim_path(object, &base, &lack));
        if blamed != object {
            let id = &self.objects[object].id;
            help = format!("{} {}: {help}", id.kind, id.name);
        }
        self.report(code, blamed, &path, message, help);
        let this = &self.objects[object];
        let ordered = this.id.kind == "StatefulSet" && text(&this.value, &["spec", "podManagementPolicy"]) != "Parallel";
        let start = int(&this.value, &["spec", "ordinals", "start"]).unwrap_or(0);
        if ordered && total > 1 && pod.name == format!("{}-{start}", this.id.name) {
            let message = format!("the pod {} does not start, and so none of the {} after it", pod.name, total - 1);
            self.report("statefulset-start-blocked", object, &base, message, "mend what keeps the first pod pending".to_owned());
        }
    }

    /// The claim for devices that cannot be met: its own request where it is among the objects, else where the pod names it.
    fn claim_path(&self, object: usize, base: &Path, lack: &dynamic_resources::Lack) -> (usize, Path) {
        let home = crate::simulate::scheduler::json::namespace(&self.objects[object].value);
        let (kind, name, requests) = match &lack.template {
            Some(template) => ("ResourceClaimTemplate", template, Path::new("spec").child("spec")),
            None => ("ResourceClaim", &lack.claim, Path::new("spec")),
        };
        let requests = requests.child("devices").child("requests");
        let named = |o: &Object| o.id.kind == kind && o.id.name == *name && crate::simulate::scheduler::json::namespace(&o.value) == home;
        match (self.objects.iter().position(named), &lack.request) {
            (Some(claim), Some((i, _))) => (claim, requests.index(*i)),
            (Some(claim), None) => (claim, requests),
            (None, _) => (object, base.child("resourceClaims").index(lack.place)),
        }
    }

    fn claims_path(&self, object: usize, base: &Path, spec: &Value) -> Path {
        if !list(&self.objects[object].value, &["spec", "volumeClaimTemplates"]).is_empty() {
            return Path::new("spec").child("volumeClaimTemplates").index(0);
        }
        let claims = |v: &Value| at(v, &["persistentVolumeClaim"]).is_object() || at(v, &["ephemeral"]).is_object();
        match list(spec, &["volumes"]).iter().position(claims) {
            Some(i) => base.child("volumes").index(i),
            None => base.child("volumes"),
        }
    }

    fn preempting(&mut self, which: &[usize], prediction: &Prediction) {
        let mut told = BTreeSet::new();
        for pod in prediction.pods.iter().filter(|p| !p.victims.is_empty()) {
            let Some(object) = pod.object.and_then(|i| which.get(i)).copied().filter(|o| told.insert(*o)) else { continue };
            let Some(base) = spec_path(&self.objects[object]) else { continue };
            let message = format!("there is no room for all: {} drives away {}", pod.name, pod.victims.join(", "));
            self.report(
                "preempts-other-workloads",
                object,
                &base.child("priorityClassName"),
                message,
                "add nodes, or use preemptionPolicy: Never".to_owned(),
            );
        }
    }

    fn daemons(&mut self, which: &[usize], prediction: &Prediction, run: &Run) {
        for (place, object) in which.iter().copied().enumerate() {
            let this = &self.objects[object];
            if this.id.kind != "DaemonSet" {
                continue;
            }
            let Some(base) = spec_path(this) else { continue };
            let here: BTreeSet<&str> =
                prediction.pods.iter().filter(|p| p.object == Some(place)).filter_map(|p| p.node.as_deref()).collect();
            let model = Pod::new(
                &serde_json::json!({"metadata": {"name": this.id.name}, "spec": pod_spec(this)}),
                crate::simulate::scheduler::api::Owner { kind: this.id.kind.clone(), name: this.id.name.clone() },
                0,
            );
            // Nodes that the selector leaves out are left out on purpose.
            let missed: Vec<&str> = run
                .cluster
                .nodes
                .iter()
                .filter(|n| model.may_use(&n.node) && !here.contains(n.node.name.as_str()))
                .map(|n| n.node.name.as_str())
                .collect();
            if missed.is_empty() || prediction.pods.iter().any(|p| p.object == Some(place) && p.node.is_none()) {
                continue;
            }
            let all = run.cluster.nodes.len();
            let some = missed.iter().take(3).copied().collect::<Vec<_>>().join(", ");
            let more = if missed.len() > 3 { ", …" } else { "" };
            let message = format!(
                "the DaemonSet reaches {} of {all} nodes: {} have taints that it does not tolerate ({some}{more})",
                here.len(),
                missed.len()
            );
            self.report(
                "daemonset-not-on-all-nodes",
                object,
                &base.child("tolerations"),
                message,
                "add tolerations, when it belongs on these nodes".to_owned(),
            );
        }
    }

    fn autoscaled(&mut self, which: &[usize], prediction: &Prediction) {
        for scaler in which.iter().copied() {
            let this = &self.objects[scaler].value;
            if text(this, &["kind"]) != "HorizontalPodAutoscaler" {
                continue;
            }
            let (kind, name) = (text(this, &["spec", "scaleTargetRef", "kind"]), text(this, &["spec", "scaleTargetRef", "name"]));
            let Some(most) = int(this, &["spec", "maxReplicas"]) else { continue };
            let target = which.iter().position(|i| self.objects[*i].id.kind == kind && self.objects[*i].id.name == name);
            let Some(target) = target else { continue };
            if prediction.pods.iter().any(|p| p.object == Some(target) && p.node.is_none()) || !(1..=MAX_PODS as i64).contains(&most) {
                continue;
            }
            let mut values = self.values(which);
            values[target]["spec"]["replicas"] = most.into();
            let pieces: Vec<Piece> = values.into_iter().map(Piece::from).collect();
            let setting = Setting::new(self.cluster, &pieces, "default");
            let after = setting.prediction(&setting.run(self.profiles, Keep::Failures));
            let waiting: Vec<&PodPrediction> = after.pods.iter().filter(|p| p.object == Some(target) && p.node.is_none()).collect();
            if let Some(message) = waiting.iter().find_map(|p| p.message.clone()) {
                let fit = most - waiting.len() as i64;
                let message = format!("{fit} of at most {most} pods fit on the nodes: {message}");
                self.report(
                    "hpa-exceeds-capacity",
                    scaler,
                    &Path::new("spec").child("maxReplicas"),
                    message,
                    "lower maxReplicas, or add nodes".to_owned(),
                );
            }
        }
    }

    /// Budgets that keep a node from ever being drained.
    fn drains(&mut self, which: &[usize], setting: &Setting) {
        let budgets: Vec<usize> = which.iter().copied().filter(|i| self.objects[*i].id.kind == "PodDisruptionBudget").collect();
        if budgets.is_empty() || !lint::runs("drain-blocked", self.rules) {
            return;
        }
        let run = setting.run(self.profiles, Keep::Failures);
        let flags = whatif::DrainFlags { ignore_daemon_sets: true, delete_empty_dir_data: true, force: true };
        for budget in budgets {
            let this = &self.objects[budget].value;
            let selector = Selector::new(at(this, &["spec", "selector"]));
            let namespace = crate::simulate::scheduler::json::namespace(this);
            let name = self.objects[budget].id.name.clone();
            let field = if at(this, &["spec", "minAvailable"]).is_null() { "maxUnavailable" } else { "minAvailable" };
            let covered = |p: &Pod| p.namespace == namespace && selector.matches(&p.labels);
            let nodes: Vec<String> =
                run.cluster.nodes.iter().filter(|n| n.pods.iter().any(|p| covered(p))).map(|n| n.node.name.clone()).collect();
            let stuck = nodes.iter().find_map(|node| {
                let mut trial = run.clone();
                let drained = whatif::drain(&mut trial, self.profiles, std::slice::from_ref(node), flags).ok()?;
                let why = drained.blocked.into_iter().find(|(_, why)| why.contains(&format!("budget {name} needs")))?;
                Some((node.clone(), why.1))
            });
            if let Some((node, why)) = stuck {
                let message = format!("the node `{node}` cannot be drained: {why}");
                let help = "allow one more pod to be unavailable, or add nodes".to_owned();
                self.report("drain-blocked", budget, &Path::new("spec").child(field), message, help);
            }
        }
    }

    /// The objects are installed, and then every template changes.
    fn rolled_out(&mut self, which: &[usize], pending: &BTreeSet<usize>) {
        let values = self.values(which);
        let cluster = piece::whole(self.cluster);
        let options = rollout::Options::default();
        let mut stuck: BTreeSet<usize> = pending.clone();
        self.stalls(which, &rollout::predict(&cluster, &[], &values, &options), false, &mut stuck);
        let mut changed = values.clone();
        let mut rolls = false;
        for (object, value) in which.iter().zip(&mut changed) {
            let kind = self.objects[*object].id.kind.as_str();
            let template = &mut value["spec"]["template"];
            if matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet") && template.is_object() && !stuck.contains(object) {
                if !template["metadata"].is_object() {
                    template["metadata"] = serde_json::json!({});
                }
                if !template["metadata"]["annotations"].is_object() {
                    template["metadata"]["annotations"] = serde_json::json!({});
                }
                template["metadata"]["annotations"]["kval.dev/changed"] = "yes".into();
                rolls = true;
            }
        }
        if rolls {
            self.stalls(which, &rollout::predict(&cluster, &values, &changed, &options), true, &mut stuck);
        }
    }

    fn stalls(&mut self, which: &[usize], prediction: &rollout::Prediction, update: bool, stuck: &mut BTreeSet<usize>) {
        for workload in &prediction.workloads {
            let Some(object) = which.get(workload.object).copied() else { continue };
            let Some(why) = workload.hindrance.as_ref().filter(|_| workload.complete_at.is_none()) else { continue };
            // What containers do is not known here.
            if !matches!(why.reason, "Unschedulable" | "FailedCreate" | "FailedAttachVolume") || !stuck.insert(object) {
                continue;
            }
            let Some(path) = workload.field_to_change(&self.objects[object].value) else { continue };
            let alone = why.message.contains("free ports") || why.message.contains("anti-affinity");
            let code = match (update, why.reason) {
                (true, "FailedCreate") => "rollout-deadlock-quota",
                (true, "Unschedulable") if alone => "rollout-deadlock-host-port",
                (false, "FailedCreate") if why.message.contains("exceeded quota") => "quota-exceeded",
                (false, "FailedCreate") if why.message.contains("failed quota") => "quota-requires-requests",
                (false, "FailedCreate") if why.message.contains("violates PodSecurity") => "pod-security-violation",
                (false, "FailedCreate") if why.message.contains("usage per") => "limit-range-violation",
                _ => "rollout-stuck",
            };
            let what = if update { "an update never ends" } else { "the rollout does not complete" };
            let message = format!("{what}: {}: {}", why.reason, why.message);
            let help = format!("{} of {} pods are available", workload.available, workload.desired);
            self.report(code, object, &path, message, help);
        }
    }
}

/// The first port that a node can give once only.
fn ports_path(base: &Path, spec: &Value) -> Path {
    for (i, container) in list(spec, &["containers"]).iter().enumerate() {
        let held = |p: &Value| int(p, &["hostPort"]).is_some_and(|n| n > 0);
        if let Some(port) = list(container, &["ports"]).iter().position(held) {
            return base.child("containers").index(i).child("ports").index(port).child("hostPort");
        }
    }
    base.child("hostNetwork")
}
