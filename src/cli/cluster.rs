//! `kval cluster`: making, describing and letting run simulated clusters.

use clap::ArgMatches;

use super::CLEAN;
use super::args::string;
use super::args::strings;
use super::error::Error;
use super::options;
use super::output::Output;
use super::simulate::CAPTURE;
use super::simulate::CAPTURE_DEVICES;
use super::state;
use crate::cluster::Cluster;
use crate::cluster::present::rfc3339;
use crate::simulate::apiserver::SECOND;
use crate::simulate::controllers::phase;
use crate::simulate::controllers::pods;
use crate::sprig::Duration;

/// How long `advance until stable` lets a cluster run at most.
const LONGEST: i64 = 24 * 3600 * SECOND;

pub(super) fn run(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    match matches.subcommand() {
        Some(("create", matches)) => create(matches, false, output),
        Some(("reset", matches)) => create(matches, true, output),
        Some(("delete", matches)) => {
            let place = target(matches)?;
            let _lock = place.lock()?;
            if !place.exists() {
                return Err(Error::unusable(format!("there is no cluster {:?}", place.name())));
            }
            place.remove()?;
            output.line(&format!("cluster {:?} deleted", place.name()));
            Ok(CLEAN)
        }
        Some(("list", matches)) => {
            let place = state::place(matches)?;
            place.all().iter().for_each(|name| output.line(name));
            Ok(CLEAN)
        }
        Some(("info", matches)) => {
            let opened = state::open(matches)?;
            output.line(&format!("name: {}", state::place(matches)?.name()));
            info(&opened.cluster).iter().for_each(|line| output.line(line));
            Ok(CLEAN)
        }
        Some(("advance", matches)) => advance(matches, output),
        Some(("events", matches)) => {
            let opened = state::open(matches)?;
            for event in opened.cluster.events() {
                let (_, kind, _, name, _) = &event.about;
                let word = if event.warning { "Warning" } else { "Normal" };
                let times = if event.count > 1 { format!(" (x{})", event.count) } else { String::new() };
                output.line(&format!("{} {word} {kind}/{name} {}: {}{times}", rfc3339(event.last), event.reason, event.message));
            }
            Ok(CLEAN)
        }
        _ => {
            output.line(CAPTURE);
            output.line(CAPTURE_DEVICES);
            Ok(CLEAN)
        }
    }
}

/// The cluster named as an argument, or by `--context`.
fn target(matches: &ArgMatches) -> Result<state::Place, Error> {
    let place = state::place(matches)?;
    string(matches, "name").map_or(Ok(place.clone()), |name| place.named(&name))
}

fn create(matches: &ArgMatches, again: bool, output: &mut Output) -> Result<u8, Error> {
    let world = options::world(matches)?;
    let place = target(matches)?;
    let _lock = place.lock()?;
    if place.exists() && !again {
        let reset = format!("kval cluster reset {}", place.name());
        return Err(Error::unusable(format!("the cluster {:?} exists; `{reset}` begins it anew", place.name())));
    }
    let (mut cluster, refused) = state::fresh(matches, &world)?;
    place.write(&mut cluster)?;
    refused.iter().for_each(|why| output.note(&format!("left out: {why}")));
    let nodes = cluster.nodes().count();
    let word = if again { "reset" } else { "created" };
    output.line(&format!(
        "cluster {:?} {word}: {nodes} {}, {}",
        place.name(),
        if nodes == 1 { "node" } else { "nodes" },
        rfc3339(cluster.now())
    ));
    Ok(CLEAN)
}

fn info(cluster: &Cluster) -> Vec<String> {
    let api = cluster.api();
    let pods: Vec<_> = api.list("Pod").collect();
    let ready = pods.iter().filter(|p| pods::is_ready(p)).count();
    let pending = pods.iter().filter(|p| phase(p) == "Pending").count();
    let releases = cluster.list("Secret", "");
    let releases: std::collections::BTreeSet<String> = releases
        .iter()
        .filter(|s| s["metadata"]["labels"]["owner"] == "helm")
        .map(|s| s["metadata"]["labels"]["name"].to_string())
        .collect();
    let next = cluster
        .next()
        .map_or_else(|| "nothing is due".to_owned(), |at| format!("something is due in {}", Duration((at - cluster.now()).max(0)).text()));
    vec![
        format!("time: {} ({next})", rfc3339(cluster.now())),
        format!("version: {}", crate::cluster::boot::VERSION),
        format!("nodes: {}", cluster.nodes().count()),
        format!("namespaces: {}", api.list("Namespace").count()),
        format!("objects: {}", api.all().count()),
        format!("pods: {} ({ready} ready, {pending} pending)", pods.len()),
        format!("releases: {}", releases.len()),
        format!("events: {}", cluster.events().count()),
    ]
}

fn advance(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let wanted = strings(matches, "time").join(" ");
    let until_stable = matches!(wanted.as_str(), "until stable" | "stable");
    let time = if until_stable { 0 } else { state::duration(&wanted)? };
    let limit = string(matches, "timeout").map_or(Ok(LONGEST), |t| state::duration(&t))?;
    let mut opened = state::open(matches)?;
    let began = opened.cluster.now();
    let rests = if until_stable {
        opened.cluster.advance_until_stable(began + limit)
    } else {
        opened.cluster.advance_to(began + time);
        true
    };
    opened.save()?;
    if !rests {
        output.note("the cluster does not come to rest");
    }
    let passed = Duration(opened.cluster.now() - began).text();
    output.line(&format!("{} ({passed} later)", rfc3339(opened.cluster.now())));
    Ok(if rests { CLEAN } else { super::FINDINGS })
}
