//! A cluster as bytes and back: objects, clock, counters, events, field managers, and what is due later.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Cluster;
use super::Kubelet;
use super::autoscale;
use super::event::Events;
use super::held::Held;
use crate::simulate::apiserver::ApiServer;
use crate::simulate::apiserver::Counters;
use crate::simulate::apiserver::Meta;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Owner;
use crate::simulate::apiserver::Shared;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::object::Labels;
use crate::simulate::controllers::ControlPlane;
use crate::simulate::controllers::Controller;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// The form of the bytes; a cluster of another form is not read.
const FORMAT: i64 = 4;

/// So many objects are worth the help of other threads.
const MANY: usize = 200;

/// The lines a cluster was read from: an object that has not changed since is written as it was.
#[derive(Debug, Default)]
pub(super) struct Lines {
    bytes: Arc<Vec<u8>>,
    /// Version and place of each object's line.
    places: BTreeMap<Uid, (u64, Range<usize>)>,
}

/// The cluster as bytes: a line of what is not an object, then a line for each object's events, for each object's managers
/// and for each object. A reader finds its way. The first line ends with the sum of the rest.
pub fn encode(cluster: &mut Cluster) -> Vec<u8> {
    cluster.batch = false;
    cluster.settle();
    cluster.events.forget(cluster.plane.api.now);
    let api = &cluster.plane.api;
    let mut rest = Vec::with_capacity(cluster.lines.bytes.len() + 4096);
    cluster.events.write(&mut rest);
    rest.push(b'\n');
    cluster.managers.write(&mut rest);
    rest.push(b'\n');
    for object in api.all() {
        match cluster.lines.places.get(&object.meta.uid) {
            Some((version, place)) if *version == object.meta.version => {
                rest.extend_from_slice(cluster.lines.bytes.get(place.clone()).unwrap_or_default());
            }
            _ => write_object(object, &mut rest),
        }
        rest.push(b'\n');
    }
    let counters = api.counters();
    let head = json!({
        "format": FORMAT,
        "now": api.now,
        "counters": [counters.last_uid, counters.version, counters.random, cluster.events.last()],
        "kubelet": match cluster.nodes.kubelet {
            Kubelet::Timed => "timed",
            Kubelet::Instant => "instant",
            Kubelet::Absent => "absent",
        },
        "later": cluster.plane.later().map(|(at, c, uid)| json!([at, Controller::ALL.iter().position(|k| *k == c), uid])).collect::<Value>(),
        "nodes": cluster.nodes.encode(),
        "unbound": cluster.unbound,
        "unschedulable": cluster.unschedulable.iter().map(|(uid, why)| json!([uid, why])).collect::<Value>(),
        "terminating": cluster.terminating,
        "autoscalers": autoscale::encode(&cluster.autoscalers),
        "sum": sum(&rest),
    });
    let mut out = head.to_string().into_bytes();
    out.push(b'\n');
    out.append(&mut rest);
    out
}

/// A number that differs when bytes do, but for rare chances; it takes eight bytes a step.
fn sum(bytes: &[u8]) -> u64 {
    let mix = |h: u64, word: u64| (h ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let (words, rest) = bytes.as_chunks::<8>();
    let whole = words.iter().fold(bytes.len() as u64, |h, w| mix(h, u64::from_le_bytes(*w)));
    rest.iter().fold(whole, |h, b| mix(h, u64::from(*b)))
}

/// The cluster that [`encode`] wrote; otherwise what is wrong with the bytes.
pub fn decode(bytes: Vec<u8>) -> Result<Cluster, String> {
    if bytes.is_empty() {
        return Err("the state is empty".to_owned());
    }
    let wrong = |e: serde_json::Error| format!("the state is not readable: {e}");
    let bytes = Arc::new(bytes);
    let first = memchr::memchr(b'\n', &bytes).unwrap_or(bytes.len());
    let head: Value = serde_json::from_slice(bytes.get(..first).unwrap_or_default()).map_err(wrong)?;
    let format = int(&head, &["format"]).unwrap_or(0);
    if format != FORMAT {
        return Err(format!("the state has the form {format}; this kval reads the form {FORMAT}"));
    }
    let rest = bytes.get(first + 1..).unwrap_or_default();
    if at(&head, &["sum"]) != sum(rest) {
        return Err("the state is not readable: it was cut short or changed".to_owned());
    }
    // The two empty lines part events, managers and objects.
    let mut parts: [Vec<Range<usize>>; 3] = Default::default();
    let (mut part, mut from) = (0, first + 1);
    for end in memchr::memchr_iter(b'\n', rest).map(|end| end + first + 1) {
        if end == from {
            part += 1;
        } else if let Some(lines) = parts.get_mut(part) {
            lines.push(from..end);
        }
        from = end + 1;
    }
    let [events, managers, places] = parts;
    let read = |place: &Range<usize>| read_object(&bytes, place);
    let read: Result<Vec<Object>, _> =
        if places.len() > MANY { places.par_iter().map(read).collect() } else { places.iter().map(read).collect() };
    let objects = read.map_err(wrong)?;
    let known = objects.iter().zip(places).map(|(o, place)| (o.meta.uid, (o.meta.version, place))).collect();
    let now = int(&head, &["now"]).unwrap_or(0);
    let number = |i: usize| at(&head, &["counters"]).get(i).and_then(Value::as_u64).unwrap_or(0);
    let counters = Counters { last_uid: number(0), version: number(1), random: number(2) };
    let api = ApiServer::resume(now, counters, objects);
    let later = list(&head, &["later"]).iter().filter_map(|l| {
        let controller = *Controller::ALL.get(usize::try_from(l[1].as_u64()?).ok()?)?;
        Some((l[0].as_i64()?, controller, l[2].as_u64()?))
    });
    let mut out = Cluster { plane: ControlPlane::resume(api, later), ..Cluster::default() };
    out.nodes = super::kubelet::Nodes::decode(at(&head, &["nodes"]));
    out.nodes.kubelet = match text(&head, &["kubelet"]) {
        "instant" => Kubelet::Instant,
        "absent" => Kubelet::Absent,
        _ => Kubelet::Timed,
    };
    let refused = |v: &Value| Some((v[0].as_u64()?, v[1].as_str()?.to_owned()));
    out.unschedulable = list(&head, &["unschedulable"]).iter().filter_map(refused).collect();
    out.unbound = list(&head, &["unbound"]).iter().filter_map(Value::as_u64).collect();
    out.terminating = list(&head, &["terminating"]).iter().filter_map(Value::as_u64).collect();
    out.autoscalers = autoscale::decode(at(&head, &["autoscalers"]));
    out.events = Events::of(Held::of(&bytes, &events), number(3) as i64);
    out.managers = Held::of(&bytes, &managers);
    out.lines = Lines { bytes, places: known };
    Ok(out)
}

/// What of an object's line is read at once; specification, status and the other fields follow, each behind a tab.
/// Of the texts `S`, labels `L` and finalizers `F`: kind and API version; uid, version, generation and time of creation; name,
/// generated name and namespace; since when and with what grace it is deleted; labels and annotations; finalizers; owners.
type About<S, L, F> = ((S, S), (Uid, u64, i64, Nanos), (S, S, S), Option<(Nanos, Option<i64>)>, (L, L), F, Vec<OwnerLine<S>>);

/// API version, kind and name of an owner, its uid, whether it controls and whether it blocks deletion.
type OwnerLine<S> = (S, S, S, Uid, bool, bool);

fn write_object(object: &Object, out: &mut Vec<u8>) {
    let meta = &object.meta;
    let about: About<&str, &Labels, &[String]> = (
        (&object.kind, &object.api_version),
        (meta.uid, meta.version, meta.generation, meta.created),
        (&meta.name, &meta.generate_name, &meta.namespace),
        meta.deletion.map(|at| (at, meta.deletion_grace)),
        (&meta.labels, &meta.annotations),
        &meta.finalizers,
        meta.owners.iter().map(|o| (&*o.api_version, &*o.kind, &*o.name, o.uid, o.controller, o.block_deletion)).collect(),
    );
    // Writing to memory does not fail.
    drop(serde_json::to_writer(&mut *out, &about));
    for value in [&object.spec, &object.status] {
        out.push(b'\t');
        match value.text() {
            Some(text) => out.extend_from_slice(text),
            None if value.is_null() => {}
            None => drop(serde_json::to_writer(&mut *out, &**value)),
        }
    }
    out.push(b'\t');
    if !object.rest.is_empty() {
        drop(serde_json::to_writer(&mut *out, &object.rest));
    }
}

fn read_object(bytes: &Arc<Vec<u8>>, line: &Range<usize>) -> Result<Object, serde_json::Error> {
    let text = bytes.get(line.clone()).unwrap_or_default();
    let mut ends = memchr::memchr_iter(b'\t', text).map(|at| line.start + at);
    let mut next = || ends.next().unwrap_or(line.end);
    let (about, spec, status) = (next(), next(), next());
    let of = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default();
    let shared = |from: usize, to: usize| if from < to { Shared::of_text(bytes, from..to) } else { Shared::default() };
    let (
        (kind, api_version),
        (uid, version, generation, created),
        (name, generate_name, namespace),
        deletion,
        (labels, annotations),
        finalizers,
        owners,
    ): About<String, Labels, Vec<String>> = serde_json::from_slice(of(line.start, about))?;
    let rest = of((status + 1).min(line.end), line.end);
    let owner = |(api_version, kind, name, uid, controller, block_deletion): OwnerLine<String>| Owner {
        api_version,
        kind,
        name,
        uid,
        controller,
        block_deletion,
    };
    Ok(Object {
        api_version,
        kind,
        meta: Meta {
            name,
            generate_name,
            namespace,
            uid,
            version,
            generation,
            created,
            deletion: deletion.map(|d| d.0),
            deletion_grace: deletion.and_then(|d| d.1),
            labels,
            annotations,
            owners: owners.into_iter().map(owner).collect(),
            finalizers,
        },
        spec: shared(about + 1, spec),
        status: shared(spec + 1, status),
        rest: if rest.is_empty() { Map::new() } else { serde_json::from_slice(rest)? },
    })
}
