//! A cluster as bytes and back: objects, clock, counters, events, field managers, and what is due later.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;

use rayon::prelude::*;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Cluster;
use super::Kubelet;
use super::autoscale;
use super::event::Events;
use super::fields::Managers;
use super::fields::Owned;
use crate::simulate::apiserver::ApiServer;
use crate::simulate::apiserver::Counters;
use crate::simulate::apiserver::Meta;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Owner;
use crate::simulate::apiserver::Uid;
use crate::simulate::controllers::ControlPlane;
use crate::simulate::controllers::Controller;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::strings;
use crate::simulate::scheduler::json::text;
use crate::simulate::scheduler::json::words;

/// The form of the bytes; a cluster of another form is not read.
const FORMAT: i64 = 2;

/// So many objects are worth the help of other threads.
const MANY: usize = 200;

/// The lines a cluster was read from: an object that has not changed since is written as it was.
#[derive(Debug, Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    /// Version and place of each object's line.
    places: BTreeMap<Uid, (u64, Range<usize>)>,
}

/// The cluster as bytes: a line of what is not an object, then one line for each event, for each object's managers and for
/// each object. A reader finds its way.
pub fn encode(cluster: &mut Cluster) -> Vec<u8> {
    cluster.batch = false;
    cluster.settle();
    cluster.events.forget(cluster.plane.api.now);
    let api = &cluster.plane.api;
    let counters = api.counters();
    let head = json!({
        "format": FORMAT,
        "now": api.now,
        "counters": [counters.last_uid, counters.version, counters.random],
        "kubelet": match cluster.nodes.kubelet {
            Kubelet::Timed => "timed",
            Kubelet::Instant => "instant",
            Kubelet::Absent => "absent",
        },
        "later": cluster.plane.later().map(|(at, c, uid)| json!([at, Controller::ALL.iter().position(|k| *k == c), uid])).collect::<Value>(),
        "nodes": cluster.nodes.encode(),
        "unschedulable": cluster.unschedulable.iter().map(|(uid, why)| json!([uid, why])).collect::<Value>(),
        "terminating": cluster.terminating,
        "autoscalers": autoscale::encode(&cluster.autoscalers),
    });
    let mut out = Vec::with_capacity(cluster.lines.bytes.len() + 4096);
    let mut line = |value: &dyn Fn(&mut Vec<u8>)| {
        value(&mut out);
        out.push(b'\n');
    };
    line(&|out| out.extend(head.to_string().into_bytes()));
    cluster.events.write(&mut line);
    line(&|_| {});
    match cluster.managers.get() {
        Read::Not(bytes) => bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).for_each(|l| line(&|out| out.extend_from_slice(l))),
        Read::Yes(all) => {
            for (uid, managers) in all {
                line(&|out| out.extend(json!([uid, encode_managers(managers)]).to_string().into_bytes()));
            }
        }
    }
    line(&|_| {});
    for object in api.all() {
        match cluster.lines.places.get(&object.meta.uid) {
            Some((version, place)) if *version == object.meta.version => {
                line(&|out| out.extend_from_slice(cluster.lines.bytes.get(place.clone()).unwrap_or_default()));
            }
            _ => line(&|out| encode_object(object, out)),
        }
    }
    out
}

/// The cluster that [`encode`] wrote; otherwise what is wrong with the bytes.
pub fn decode(bytes: Vec<u8>) -> Result<Cluster, String> {
    if bytes.is_empty() {
        return Err("the state is empty".to_owned());
    }
    let wrong = |e: serde_json::Error| format!("the state is not readable: {e}");
    // The two empty lines part events, managers and objects.
    let mut starts = Vec::new();
    let mut places: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    for end in memchr::memchr_iter(b'\n', &bytes).chain([bytes.len()]) {
        if end == from && end < bytes.len() {
            starts.push((from, places.len()));
        } else if end > from {
            places.push(from..end);
        }
        from = end + 1;
    }
    let first = places.first().cloned().unwrap_or_default();
    let head: Value = serde_json::from_slice(bytes.get(first.clone()).unwrap_or_default()).map_err(wrong)?;
    let format = int(&head, &["format"]).unwrap_or(0);
    if format != FORMAT {
        return Err(format!("the state has the form {format}; this kval reads the form {FORMAT}"));
    }
    let [(events_end, _), (managers_end, objects)] = starts.as_slice() else {
        return Err("the state is not readable: it ends too early".to_owned());
    };
    let part = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default().to_vec();
    let events = part(first.end + 1, *events_end);
    let managers = part(events_end + 1, *managers_end);
    places.drain(..*objects);
    let read = |place: &Range<usize>| -> Result<Object, serde_json::Error> {
        serde_json::from_slice(bytes.get(place.clone()).unwrap_or_default()).map(decode_object)
    };
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
    out.terminating = list(&head, &["terminating"]).iter().filter_map(Value::as_u64).collect();
    out.autoscalers = autoscale::decode(at(&head, &["autoscalers"]));
    out.events = Events::of(events);
    out.managers = Late::of(managers, |bytes| lines(bytes).filter_map(|m| Some((m[0].as_u64()?, decode_managers(&m[1])))).collect());
    out.lines = Lines { bytes, places: known };
    Ok(out)
}

/// The values of lines of JSON.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = Value> {
    bytes.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}

/// Something that is read when it is needed first.
#[derive(Debug)]
pub(super) struct Late<T> {
    bytes: Vec<u8>,
    read: fn(&[u8]) -> T,
    value: OnceLock<T>,
}

/// Whether it was needed.
pub(super) enum Read<'a, T> {
    /// Not yet.
    Not(&'a [u8]),
    /// It was.
    Yes(&'a T),
}

impl<T: Default> Default for Late<T> {
    fn default() -> Self {
        Self { bytes: Vec::new(), read: |_| T::default(), value: OnceLock::from(T::default()) }
    }
}

impl<T> Late<T> {
    pub(super) fn of(bytes: Vec<u8>, read: fn(&[u8]) -> T) -> Self {
        Self { bytes, read, value: OnceLock::new() }
    }

    pub(super) fn get(&self) -> Read<'_, T> {
        self.value.get().map_or(Read::Not(&self.bytes), Read::Yes)
    }

    pub(super) fn value(&self) -> &T {
        self.value.get_or_init(|| (self.read)(&self.bytes))
    }

    pub(super) fn change(&mut self) -> &mut T {
        self.value();
        self.value.get_mut().expect("it was read just now")
    }
}

/// An object as it is written.
#[derive(serde::Serialize)]
struct Line<'a> {
    k: &'a str,
    m: Value,
    rest: &'a Map<String, Value>,
    spec: &'a Value,
    status: &'a Value,
    v: &'a str,
}

fn encode_object(object: &Object, out: &mut Vec<u8>) {
    let meta = &object.meta;
    let mut m = Map::new();
    let mut set = |key: &str, value: Value| drop(m.insert(key.to_owned(), value));
    set("id", json!([meta.uid, meta.version, meta.generation, meta.created]));
    set("name", meta.name.as_str().into());
    for (key, value) in [("generate", &meta.generate_name), ("namespace", &meta.namespace)] {
        if !value.is_empty() {
            set(key, value.as_str().into());
        }
    }
    if let Some(deletion) = meta.deletion {
        set("deletion", json!([deletion, meta.deletion_grace]));
    }
    for (key, value) in [("labels", &meta.labels), ("annotations", &meta.annotations)] {
        if !value.is_empty() {
            set(key, json!(value));
        }
    }
    if !meta.finalizers.is_empty() {
        set("finalizers", json!(meta.finalizers));
    }
    if !meta.owners.is_empty() {
        let owner = |o: &Owner| json!([o.api_version, o.kind, o.name, o.uid, o.controller, o.block_deletion]);
        set("owners", meta.owners.iter().map(owner).collect());
    }
    let line =
        Line { k: &object.kind, m: m.into(), rest: &object.rest, spec: &object.spec, status: &object.status, v: &object.api_version };
    // Writing to memory does not fail.
    drop(serde_json::to_writer(out, &line));
}

fn decode_object(mut value: Value) -> Object {
    let mut take = |key: &str| value.get_mut(key).map(Value::take).unwrap_or_default();
    let (spec, status, rest, m) = (take("spec"), take("status"), take("rest"), take("m"));
    let id = |i: usize| at(&m, &["id"]).get(i).and_then(Value::as_i64).unwrap_or(0);
    let owner = |o: &Value| Owner {
        api_version: o[0].as_str().unwrap_or_default().to_owned(),
        kind: o[1].as_str().unwrap_or_default().to_owned(),
        name: o[2].as_str().unwrap_or_default().to_owned(),
        uid: o[3].as_u64().unwrap_or_default(),
        controller: o[4] == true,
        block_deletion: o[5] == true,
    };
    let deletion = at(&m, &["deletion"]);
    Object {
        api_version: text(&value, &["v"]).to_owned(),
        kind: text(&value, &["k"]).to_owned(),
        meta: Meta {
            name: text(&m, &["name"]).to_owned(),
            generate_name: text(&m, &["generate"]).to_owned(),
            namespace: text(&m, &["namespace"]).to_owned(),
            uid: id(0) as Uid,
            version: id(1) as u64,
            generation: id(2),
            created: id(3),
            deletion: deletion.get(0).and_then(Value::as_i64),
            deletion_grace: deletion.get(1).and_then(Value::as_i64),
            labels: strings(&m, &["labels"]),
            annotations: strings(&m, &["annotations"]),
            owners: list(&m, &["owners"]).iter().map(owner).collect(),
            finalizers: words(&m, &["finalizers"]),
        },
        spec: Arc::new(spec),
        status,
        rest: match rest {
            Value::Object(map) => map,
            _ => Map::new(),
        },
    }
}

fn encode_managers(managers: &Managers) -> Value {
    managers.iter().map(|(name, o)| json!([name, o.applied, o.subresource, o.api_version, o.paths])).collect()
}

fn decode_managers(value: &Value) -> Managers {
    let one = |m: &Value| {
        let word = |i: usize| m[i].as_str().unwrap_or_default().to_owned();
        let paths = m[4].as_array().into_iter().flatten().filter_map(|p| p.as_str().map(str::to_owned)).collect();
        (word(0), Owned { applied: m[1] == true, subresource: word(2), api_version: word(3), paths })
    };
    value.as_array().into_iter().flatten().map(one).collect::<BTreeMap<_, _>>()
}
