//! A cluster as bytes and back: objects, clock, counters, events, field managers, and what is due later.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap;
use serde_json::Value;

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
use crate::simulate::apiserver::Texts;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::object::Labels;
use crate::simulate::controllers::ControlPlane;
use crate::simulate::controllers::Controller;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// The form of the bytes; a cluster of another form is not read.
const FORMAT: i64 = 7;

/// So many objects are worth the help of other threads.
const MANY: usize = 200;

/// The lines a cluster was read from: an object that has not changed since is written as it was.
#[derive(Debug, Default)]
pub(super) struct Lines {
    bytes: Arc<Vec<u8>>,
    /// Version and place of each object's line.
    places: BTreeMap<Uid, (u64, Range<usize>)>,
}

/// The bytes of a cluster: what was written just now, and places in the bytes it was read from.
#[derive(Debug)]
pub struct Encoded {
    old: Arc<Vec<u8>>,
    new: Vec<Vec<u8>>,
    parts: Vec<Part>,
}

/// A part of the bytes, in order.
#[derive(Debug)]
enum Part {
    Old(Range<usize>),
    /// In which of the new ones, and where.
    New(usize, Range<usize>),
}

impl Encoded {
    /// Nothing yet, of a cluster that was read from these bytes.
    fn of(old: &Arc<Vec<u8>>) -> Self {
        // Room that is not used takes no memory, and more room later would have to be copied into.
        Self { old: Arc::clone(old), new: vec![Vec::with_capacity(old.len())], parts: Vec::new() }
    }

    /// Adds what `write` writes.
    pub(super) fn fresh(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let last = self.new.len() - 1;
        let Some(new) = self.new.last_mut() else { return };
        let from = new.len();
        write(new);
        match self.parts.last_mut() {
            Some(Part::New(piece, place)) if *piece == last => place.end = new.len(),
            _ => self.parts.push(Part::New(last, from..new.len())),
        }
    }

    /// Adds a place of the bytes that the cluster was read from.
    pub(super) fn kept(&mut self, place: Range<usize>) {
        match self.parts.last_mut() {
            Some(Part::Old(last)) if last.end == place.start => last.end = place.end,
            _ => self.parts.push(Part::Old(place)),
        }
    }

    /// Adds other parts of the same cluster.
    fn append(&mut self, more: Self) {
        let before = self.new.len();
        self.new.extend(more.new);
        self.parts.extend(more.parts.into_iter().map(|part| match part {
            Part::New(piece, place) => Part::New(before + piece, place),
            Part::Old(place) => Part::Old(place),
        }));
    }

    /// The parts, in order.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().map(|part| match part {
            Part::Old(place) => self.old.get(place.clone()).unwrap_or_default(),
            Part::New(piece, place) => self.new.get(*piece).and_then(|new| new.get(place.clone())).unwrap_or_default(),
        })
    }

    /// The bytes in one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        self.parts().collect::<Vec<_>>().concat()
    }
}

/// The cluster as bytes: a line of what is not an object, then a line for each object's events, for each object's managers
/// and for each object, at last the sum of all before. A reader finds its way.
pub fn encode(cluster: &mut Cluster) -> Encoded {
    cluster.batch = false;
    cluster.settle();
    cluster.events.forget(cluster.plane.api.now);
    let cluster = &*cluster;
    let (mut out, objects) = if cluster.plane.api.all().count() > MANY {
        rayon::join(|| encode_about(cluster), || encode_objects(cluster))
    } else {
        (encode_about(cluster), encode_objects(cluster))
    };
    out.append(objects);
    let mut sum = Sum::default();
    out.parts().for_each(|part| sum.add(part));
    let sum = sum.end();
    out.fresh(|new| new.extend_from_slice(format!("{sum:0SUM$}\n").as_bytes()));
    out
}

/// What is not an object, as JSON.
struct Head<'a>(&'a Cluster);

impl Serialize for Head<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let cluster = self.0;
        let api = &cluster.plane.api;
        let counters = api.counters();
        let kubelet = match cluster.nodes.kubelet {
            Kubelet::Timed => "timed",
            Kubelet::Instant => "instant",
            Kubelet::Absent => "absent",
        };
        let place = |controller| Controller::ALL.iter().position(|known| *known == controller);
        let later: Vec<_> = cluster.plane.later().map(|(at, controller, uid)| (at, place(controller), uid)).collect();
        let unschedulable: Vec<(&Uid, &String)> = cluster.unschedulable.iter().collect();
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("autoscalers", &autoscale::encode(&cluster.autoscalers))?;
        map.serialize_entry("counters", &(counters.last_uid, counters.version, counters.random, cluster.events.last()))?;
        map.serialize_entry("format", &FORMAT)?;
        map.serialize_entry("kubelet", kubelet)?;
        map.serialize_entry("later", &later)?;
        map.serialize_entry("nodes", &cluster.nodes.kept())?;
        map.serialize_entry("now", &api.now)?;
        map.serialize_entry("terminating", &cluster.terminating)?;
        map.serialize_entry("unbound", &cluster.unbound)?;
        map.serialize_entry("unschedulable", &unschedulable)?;
        map.end()
    }
}

/// The lines before those of the objects.
fn encode_about(cluster: &Cluster) -> Encoded {
    let mut out = Encoded::of(&cluster.lines.bytes);
    out.fresh(|new| {
        // Writing to memory does not fail.
        drop(serde_json::to_writer(&mut *new, &Head(cluster)));
        new.push(b'\n');
    });
    cluster.events.write(&mut out);
    out.fresh(|new| new.push(b'\n'));
    cluster.managers.write(&mut out);
    out.fresh(|new| new.push(b'\n'));
    out
}

/// The lines of the objects.
fn encode_objects(cluster: &Cluster) -> Encoded {
    let mut out = Encoded::of(&cluster.lines.bytes);
    for object in cluster.plane.api.all() {
        match cluster.lines.places.get(&object.meta.uid) {
            // With its line feed.
            Some((version, place)) if *version == object.meta.version => out.kept(place.start..place.end + 1),
            _ => out.fresh(|new| {
                write_object(object, new);
                new.push(b'\n');
            }),
        }
    }
    out
}

/// How many digits the sum has.
const SUM: usize = 20;

/// How many bytes one step of the sum takes.
const STEP: usize = 32;

/// A number that differs when bytes do, but for rare chances. It takes four times eight bytes a step, which do not wait for one
/// another.
#[derive(Default)]
struct Sum {
    mixed: [u64; 4],
    length: usize,
    /// What no step was made for yet.
    rest: [u8; STEP],
    filled: usize,
}

impl Sum {
    fn mix(mixed: u64, word: u64) -> u64 {
        (mixed ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    }

    fn steps(&mut self, all: &[[u8; STEP]]) {
        let [mut a, mut b, mut c, mut d] = self.mixed;
        for step in all {
            if let ([e, f, g, h], _) = step.as_chunks::<8>() {
                a = Self::mix(a, u64::from_le_bytes(*e));
                b = Self::mix(b, u64::from_le_bytes(*f));
                c = Self::mix(c, u64::from_le_bytes(*g));
                d = Self::mix(d, u64::from_le_bytes(*h));
            }
        }
        self.mixed = [a, b, c, d];
    }

    fn add(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len();
        if self.filled > 0 {
            let (head, tail) = bytes.split_at(bytes.len().min(STEP - self.filled));
            self.rest[self.filled..self.filled + head.len()].copy_from_slice(head);
            self.filled += head.len();
            if self.filled < STEP {
                return;
            }
            let whole = self.rest;
            self.steps(&[whole]);
            bytes = tail;
        }
        let (steps, rest) = bytes.as_chunks::<STEP>();
        self.steps(steps);
        self.rest[..rest.len()].copy_from_slice(rest);
        self.filled = rest.len();
    }

    fn end(mut self) -> u64 {
        self.rest[self.filled..].fill(0);
        let last = self.rest;
        self.steps(&[last]);
        self.mixed.iter().fold(self.length as u64, |out, mixed| Self::mix(out, *mixed))
    }
}

/// The bytes without the sum at their end, when it is theirs.
fn summed(bytes: &[u8]) -> Option<&[u8]> {
    let (body, last) = bytes.split_at_checked(bytes.len().checked_sub(SUM + 1)?)?;
    let given: u64 = std::str::from_utf8(last).ok()?.strip_suffix('\n')?.parse().ok()?;
    let mut sum = Sum::default();
    sum.add(body);
    (sum.end() == given).then_some(body)
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
    let Some(body) = summed(&bytes) else {
        return Err("the state is not readable: it was cut short or changed".to_owned());
    };
    let rest = body.get(first + 1..).unwrap_or_default();
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

/// What of an object's line is read at once; specification, status and the other fields follow, each behind a tab, and of a pod
/// what specification and status tell.
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
    let parts = [&object.spec, &object.status, &object.rest];
    for value in parts {
        out.push(b'\t');
        if !value.is_absent() {
            out.extend_from_slice(value.to_text());
        }
    }
    if object.kind == "Pod" {
        for value in &parts[..2] {
            out.push(b'\t');
            value.keep_facts(out);
        }
    }
}

fn read_object(bytes: &Arc<Vec<u8>>, line: &Range<usize>) -> Result<Object, serde_json::Error> {
    let text = bytes.get(line.clone()).unwrap_or_default();
    let mut ends = memchr::memchr_iter(b'\t', text).map(|at| line.start + at);
    let mut next = || ends.next().unwrap_or(line.end);
    let (about, spec, status, rest, facts) = (next(), next(), next(), next(), next());
    let shared = |from: usize, to: usize| if from < to { Shared::of_text(bytes, from..to) } else { Shared::default() };
    // Of what is no pod there are no facts.
    let told = |from: usize, to: usize, facts: Range<usize>| {
        if from < to && !facts.is_empty() { Shared::of_text_and_facts(bytes, from..to, facts) } else { shared(from, to) }
    };
    let (
        (kind, api_version),
        (uid, version, generation, created),
        (name, generate_name, namespace),
        deletion,
        (labels, annotations),
        finalizers,
        owners,
    ): About<String, Labels, Vec<String>> = serde_json::from_slice(bytes.get(line.start..about).unwrap_or_default())?;
    let owner = |(api_version, kind, name, uid, controller, block_deletion): OwnerLine<String>| Owner {
        api_version,
        kind,
        name,
        uid,
        controller,
        block_deletion,
    };
    let owners = owners.into_iter().map(owner).collect();
    let texts = Texts { name, generate_name, namespace, labels, annotations, owners, finalizers };
    Ok(Object {
        api_version,
        kind,
        meta: Meta {
            uid,
            version,
            generation,
            created,
            deletion: deletion.map(|d| d.0),
            deletion_grace: deletion.and_then(|d| d.1),
            ..texts.into()
        },
        spec: told(about + 1, spec, rest + 1..facts),
        status: told(spec + 1, status, facts + 1..line.end),
        rest: shared(status + 1, rest),
    })
}
