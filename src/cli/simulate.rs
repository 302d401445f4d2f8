//! `kval simulate placement`, `drain` and `capacity`: what a scheduler and a drain do with the pods of charts and
//! manifests on given nodes, and what would change if the cluster were another.

use clap::ArgMatches;
use serde_json::Value;

use super::args::{on, string, strings};
use super::error::Error;
use super::lint::{examine_pieces, formats, print};
use super::options;
use super::output::Output;
use super::world::RealWorld;
use crate::diagnostic::FailOn;
use crate::pipeline;
use crate::pipeline::ClusterError;
use crate::pipeline::Outcome;
use crate::simulate::answer::{Answer, Block};
use crate::simulate::piece;
use crate::simulate::piece::Piece;
use crate::simulate::placement;
use crate::simulate::placement::{Prediction, Setting};
use crate::simulate::present;
use crate::simulate::replay::{Keep, Run};
use crate::simulate::scheduler::config;
use crate::simulate::scheduler::profile::Profiles;
use crate::simulate::whatif;

/// The line whose output `--cluster` reads.
pub(super) const CAPTURE: &str = "kubectl get nodes,pods,persistentvolumes,persistentvolumeclaims,storageclasses,csinodes,csidrivers,\
csistoragecapacities,volumeattachments,poddisruptionbudgets,priorityclasses,runtimeclasses,namespaces,resourcequotas,limitranges,services,\
deployments,replicasets,replicationcontrollers,statefulsets,daemonsets,jobs --all-namespaces -o yaml > cluster.yaml";

/// What to add where pods claim devices.
pub(super) const CAPTURE_DEVICES: &str =
    "# with claims for devices also: deviceclasses,resourceslices,resourceclaims,resourceclaimtemplates";

/// What is to be simulated.
struct Scene {
    cluster: Vec<Piece>,
    objects: Vec<Piece>,
    outcome: Outcome,
    namespace: String,
    /// What the changes did by themselves.
    told: Vec<String>,
}

impl Scene {
    fn read(matches: &ArgMatches) -> Result<Self, Error> {
        let template = options::template(matches)?;
        let world = options::world(matches)?;
        let mut cluster = pieces(&world, &strings(matches, "cluster"))?;
        let outcome = examine_pieces(matches, &world, &template)?;
        let mut objects: Vec<Piece> = Vec::new();
        for unit in &outcome.units {
            objects.extend(unit.pieces.iter().map(|(piece, _)| piece.clone()));
            if unit.pieces.is_empty() {
                objects.extend(unit.objects.iter().map(|o| Piece::from(o.value.clone())));
            }
        }
        let told = whatif::change(&mut cluster, &mut objects, &changes(matches)?).map_err(Error::unusable)?;
        let namespace = string(matches, "namespace").unwrap_or_else(|| "default".to_owned());
        Ok(Self { cluster, objects, outcome, namespace, told })
    }

    fn setting(&self) -> Setting {
        Setting::new(&self.cluster, &self.objects, &self.namespace)
    }
}

/// What the flags of "What if" change.
pub(super) fn changes(matches: &ArgMatches) -> Result<Vec<whatif::Change>, Error> {
    let mut changes = Vec::new();
    for flag in ["scale", "add-nodes", "cordon", "taint", "remove-node", "lose-zone"] {
        for value in strings(matches, flag) {
            changes.push(whatif::parse_change(flag, &value).map_err(|e| Error::unusable(format!("--{flag}: {e}")))?);
        }
    }
    Ok(changes)
}

/// The profiles of `--scheduler-config`, or the default one.
pub(super) fn profiles(matches: &ArgMatches) -> Result<Profiles, Error> {
    let Some(file) = string(matches, "scheduler-config") else { return Ok(Profiles::default()) };
    let world = options::world(matches)?;
    let documents = pipeline::documents(&world, &file).map_err(unreadable)?;
    let configuration = documents.iter().find(|d| d["kind"] == "KubeSchedulerConfiguration");
    let configuration = configuration.ok_or_else(|| Error::unusable(format!("{file}: there is no KubeSchedulerConfiguration")))?;
    config::profiles(configuration).map_err(|e| Error::unusable(format!("{file}: {e}")))
}

pub(super) fn placement(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let profiles = profiles(matches)?;
    let mut scene = Scene::read(matches)?;
    let setting = scene.setting();
    let seed = matches.get_one::<u64>("seed").copied();
    let choices = placement::Options {
        seed: seed.unwrap_or_default(),
        chosen: seed.is_some(),
        namespace: scene.namespace.clone(),
        ..placement::Options::default()
    };
    let (prediction, run) = placement::predict_in(&setting, &profiles, &choices);
    add_findings(&mut scene.outcome, &prediction, &run, &profiles);
    // Programs want each pod and node; people would not read them.
    let whole = formats(matches)?.0.iter().any(|f| !matches!(f.as_str(), "text" | "concise" | "markdown" | "html" | "svg"));
    let mut answer = present::answer(&prediction, &run, &profiles, whole);
    if let Some(pod) = string(matches, "explain") {
        if setting.expanded.nodes.len() > MAX_EXPLAINED {
            return Err(Error::unusable(format!("--explain: more than {MAX_EXPLAINED} nodes are too many to print")));
        }
        let whole = setting.run(&profiles, Keep::All);
        let advice = answer.blocks.iter().position(|b| *b == Block::Heading("What would help".to_owned()));
        let advice: Vec<Block> = advice.map(|i| answer.blocks[i..i + 2].to_vec()).unwrap_or_default();
        answer = present::explain(&whole, &profiles, &pod).ok_or_else(|| {
            Error::unusable(format!(
                "--explain: there is no pod {pod:?}; name a pod, namespace/pod or kind/workload: {}",
                present::workload_names(&prediction)
            ))
        })?;
        answer.blocks.extend(advice);
    }
    if let Some(kind) = string(matches, "how-many-more-nodes") {
        let found = whatif::how_many_more_nodes(&scene.cluster, &scene.objects, &scene.namespace, &profiles, &kind)
            .map_err(|e| Error::unusable(format!("--how-many-more-nodes: {e}")))?;
        let text = match found {
            Some(0) => "nothing is pending: no more nodes are needed".to_owned(),
            Some(1) => format!("1 more node of {kind} is needed until nothing is pending"),
            Some(n) => format!("{n} more nodes of {kind} are needed until nothing is pending"),
            None => format!("no number of nodes of {kind} helps: something else keeps pods pending"),
        };
        answer.json["moreNodes"] = found.into();
        answer.blocks.extend([Block::Heading("More nodes".to_owned()), Block::Lines(vec![text])]);
    }
    if profiles.0.len() > 1 {
        let compared = whatif::compare(&setting, profiles);
        answer.blocks.extend(compared.blocks);
        answer.json["profiles"] = compared.json;
    }
    finish(matches, &scene, &setting, ("prediction", answer), output)
}

/// More nodes than this are not explained one by one.
const MAX_EXPLAINED: usize = 500;

pub(super) fn drain(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let profiles = profiles(matches)?;
    let scene = Scene::read(matches)?;
    let setting = scene.setting();
    let mut run = setting.run(&profiles, Keep::Failures);
    let nodes: Vec<String> = string(matches, "node").unwrap_or_default().split(',').map(|n| n.trim().to_owned()).collect();
    let flags = whatif::DrainFlags {
        ignore_daemon_sets: on(matches, "ignore-daemonsets"),
        delete_empty_dir_data: on(matches, "delete-emptydir-data"),
        force: on(matches, "force"),
    };
    let drained = whatif::drain(&mut run, &profiles, &nodes, flags).map_err(Error::unusable)?;
    let stuck = !drained.refused.is_empty() || !drained.blocked.is_empty() || drained.moved.iter().any(|m| m.2.is_none());
    let answer = whatif::drain_answer(&setting, &run, &nodes, &drained);
    let code = finish(matches, &scene, &setting, ("drain", answer), output)?;
    Ok(if stuck && code == super::CLEAN && options::fail_on(matches) != Some(FailOn::Never) { super::FINDINGS } else { code })
}

pub(super) fn capacity(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let profiles = profiles(matches)?;
    let scene = Scene::read(matches)?;
    let setting = scene.setting();
    let answer = whatif::capacity(&setting, &profiles, matches.get_one::<usize>("most").copied());
    finish(matches, &scene, &setting, ("capacity", answer), output)
}

fn finish(
    matches: &ArgMatches,
    scene: &Scene,
    setting: &Setting,
    (name, mut answer): (&str, Answer),
    output: &mut Output,
) -> Result<u8, Error> {
    let told: Vec<String> = scene.told.iter().chain(&setting.told).cloned().collect();
    if !told.is_empty() {
        answer.json["changes"] = told.clone().into();
        answer.blocks.splice(0..0, [Block::Heading("Changes".to_owned()), Block::Lines(present::cut(told, "changes"))]);
    }
    print(matches, &scene.outcome, Some((name, &answer)), output)
}

/// Each unit gets the findings about its own objects, whose numbers start anew there.
fn add_findings(outcome: &mut Outcome, prediction: &Prediction, run: &Run, profiles: &Profiles) {
    let mut first = 0;
    for unit in &mut outcome.units {
        let (found, count) = pipeline::pending(unit, first, prediction, run, profiles);
        unit.findings.extend(found);
        first += count;
    }
}

/// The nodes (and what runs there) of `--cluster`; three plain ones where it is not given.
pub(super) fn pieces(world: &RealWorld, clusters: &[String]) -> Result<Vec<Piece>, Error> {
    pipeline::cluster(world, clusters).map_err(unreadable)
}

/// As [`pieces`], whole.
pub(super) fn nodes(world: &RealWorld, clusters: &[String]) -> Result<Vec<Value>, Error> {
    Ok(piece::whole(&pieces(world, clusters)?))
}

fn unreadable(why: ClusterError) -> Error {
    match why {
        ClusterError::World(error) => error.into(),
        ClusterError::Wrong(why) => Error::unusable(why),
    }
}
