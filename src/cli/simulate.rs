//! `kval simulate placement`: where the scheduler puts the pods of charts and manifests on given nodes.

use clap::ArgMatches;
use serde_json::Value;

use super::args::{string, strings};
use super::error::Error;
use super::lint::{examine, print};
use super::options;
use super::output::Output;
use super::world::RealWorld;
use crate::kube::Object;
use crate::pipeline::Outcome;
use crate::simulate::cluster;
use crate::simulate::placement;
use crate::simulate::placement::{PodPrediction, Prediction};
use crate::source::FileId;
use crate::source::World;
use crate::yaml;

pub(super) fn placement(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let template = options::template(matches)?;
    let world = options::world(matches)?;
    let nodes = nodes(&world, &strings(matches, "cluster"))?;
    let mut outcome = examine(matches, &world, &template, &["."], false)?;
    let objects: Vec<Value> = outcome.units.iter().flat_map(|u| u.objects.iter().map(|o| o.value.clone())).collect();
    let namespace = string(matches, "namespace").unwrap_or_else(|| "default".to_owned());
    let choices = placement::Options {
        seed: matches.get_one::<u64>("seed").copied().unwrap_or_default(),
        namespace,
        ..placement::Options::default()
    };
    let prediction = placement::predict(&nodes, &objects, &choices);
    add_findings(&mut outcome, &prediction);
    let table = placement::table(&prediction);
    print(matches, &outcome, &[("prediction", &table, placement::to_json(&prediction))], output)
}

/// Each unit gets the findings about its own objects, whose numbers start anew there.
fn add_findings(outcome: &mut Outcome, prediction: &Prediction) {
    let mut first = 0;
    for unit in &mut outcome.units {
        let objects: &[Object] = &unit.objects;
        let own = |pod: &PodPrediction| {
            let object = pod.object?.checked_sub(first).filter(|i| *i < objects.len())?;
            Some(PodPrediction { object: Some(object), ..pod.clone() })
        };
        let own = Prediction { pods: prediction.pods.iter().filter_map(own).collect(), ..prediction.clone() };
        unit.findings.extend(placement::diagnostics(&own, objects));
        first += objects.len();
    }
}

/// The nodes (and what runs there) of `--cluster`: files of manifests or short forms, or `3x4cpu,16Gi`.
fn nodes(world: &RealWorld, clusters: &[String]) -> Result<Vec<Value>, Error> {
    if clusters.is_empty() {
        return Ok(cluster::default_nodes());
    }
    let mut out = Vec::new();
    for name in clusters {
        if world.kind(name).is_err() {
            if let Ok(nodes) = cluster::parse_argument(name) {
                out.extend(nodes);
                continue;
            }
        }
        let bytes = world.read(name)?;
        let documents = yaml::parse(&String::from_utf8_lossy(&bytes), FileId::default());
        if let Some(error) = documents.iter().find_map(|d| d.error.as_ref()) {
            return Err(Error::unusable(format!("{name}: {error}")));
        }
        let values: Vec<Value> = documents.iter().filter_map(|d| d.root.as_ref()).map(|r| r.to_json()).collect();
        out.extend(cluster::from_documents(&values).map_err(|e| Error::unusable(format!("{name}: {e}")))?);
    }
    Ok(out)
}
