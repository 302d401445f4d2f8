//! A cluster as bytes and back: objects, clock, counters, events, field managers, and what is due later.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Cluster;
use super::Kubelet;
use super::event::Record;
use super::fields::Managers;
use super::fields::Owned;
use super::kubelet::Task;
use crate::simulate::apiserver::ApiServer;
use crate::simulate::apiserver::Counters;
use crate::simulate::apiserver::Meta;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Owner;
use crate::simulate::apiserver::Uid;
use crate::simulate::controllers::ControlPlane;
use crate::simulate::controllers::Controller;
use crate::simulate::kubelet::prober::Event;
use crate::simulate::kubelet::prober::ProbeKind;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::strings;
use crate::simulate::scheduler::json::text;
use crate::simulate::scheduler::json::words;

/// The form of the bytes; a cluster of another form is not read.
const FORMAT: i64 = 1;

/// The cluster as bytes.
pub fn encode(cluster: &mut Cluster) -> Vec<u8> {
    cluster.settle();
    cluster.forget_events();
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
        "tasks": cluster.nodes.tasks.iter().map(|((at, _), (uid, task))| json!([at, uid, encode_task(*task)])).collect::<Value>(),
        "images": cluster.nodes.images,
        "addresses": cluster.nodes.addresses,
        "unschedulable": cluster.unschedulable.iter().map(|(uid, why)| json!([uid, why])).collect::<Value>(),
        "terminating": cluster.terminating,
        "events": cluster.events.iter().map(encode_event).collect::<Value>(),
        "managers": cluster.managers.iter().map(|(uid, m)| json!([uid, encode_managers(m)])).collect::<Value>(),
    });
    let mut out = head.to_string().into_bytes();
    // One object a line: a reader finds its way.
    for object in api.all() {
        out.push(b'\n');
        out.extend(encode_object(object).to_string().into_bytes());
    }
    out.push(b'\n');
    out
}

/// The cluster that [`encode`] wrote; otherwise what is wrong with the bytes.
pub fn decode(bytes: &[u8]) -> Result<Cluster, String> {
    let mut stream = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    let wrong = |e: serde_json::Error| format!("the state is not readable: {e}");
    let head = stream.next().ok_or("the state is empty")?.map_err(wrong)?;
    let format = int(&head, &["format"]).unwrap_or(0);
    if format != FORMAT {
        return Err(format!("the state has the form {format}; this kval reads the form {FORMAT}"));
    }
    let mut objects = Vec::new();
    for value in stream {
        objects.push(decode_object(value.map_err(wrong)?));
    }
    let now = int(&head, &["now"]).unwrap_or(0);
    let number = |i: usize| at(&head, &["counters"]).get(i).and_then(Value::as_u64).unwrap_or(0);
    let counters = Counters { last_uid: number(0), version: number(1), random: number(2) };
    let api = ApiServer::resume(now, counters, objects);
    let later = list(&head, &["later"]).iter().filter_map(|l| {
        let controller = *Controller::ALL.get(usize::try_from(l[1].as_u64()?).ok()?)?;
        Some((l[0].as_i64()?, controller, l[2].as_u64()?))
    });
    let mut out = Cluster { plane: ControlPlane::resume(api, later), ..Cluster::default() };
    out.nodes.kubelet = match text(&head, &["kubelet"]) {
        "instant" => Kubelet::Instant,
        "absent" => Kubelet::Absent,
        _ => Kubelet::Timed,
    };
    for task in list(&head, &["tasks"]) {
        if let (Some(at), Some(uid), Some(task)) = (task[0].as_i64(), task[1].as_u64(), decode_task(&task[2])) {
            out.nodes.sequence += 1;
            out.nodes.tasks.insert((at, out.nodes.sequence), (uid, task));
        }
    }
    let pair = |v: &Value| Some((v[0].as_str()?.to_owned(), v[1].as_str()?.to_owned()));
    out.nodes.images = list(&head, &["images"]).iter().filter_map(pair).collect();
    let addresses = at(&head, &["addresses"]).as_object().into_iter().flatten();
    out.nodes.addresses = addresses.filter_map(|(k, v)| Some((k.clone(), v.as_u64()?))).collect();
    let refused = |v: &Value| Some((v[0].as_u64()?, v[1].as_str()?.to_owned()));
    out.unschedulable = list(&head, &["unschedulable"]).iter().filter_map(refused).collect();
    out.terminating = list(&head, &["terminating"]).iter().filter_map(Value::as_u64).collect();
    out.events = list(&head, &["events"]).iter().map(decode_event).collect();
    out.managers = list(&head, &["managers"]).iter().filter_map(|m| Some((m[0].as_u64()?, decode_managers(&m[1])))).collect();
    Ok(out)
}

fn encode_object(object: &Object) -> Value {
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
    json!({"v": object.api_version, "k": object.kind, "m": m, "spec": *object.spec, "status": object.status, "rest": object.rest})
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

fn encode_task(task: Task) -> Value {
    match task {
        Task::Sandbox => json!(["sandbox"]),
        Task::InitStart(i) => json!(["init", i]),
        Task::InitEnd(i, code) => json!(["done", i, code]),
        Task::ImageMissing(i, init) => json!(["image", i, init]),
        Task::Stopped => json!(["stopped"]),
        Task::More(horizon, pull) => json!(["more", horizon, pull]),
        Task::Container(i, event) => match event {
            Event::Start(n) => json!(["start", i, n]),
            Event::Started(on) => json!(["started", i, on]),
            Event::Ready(on) => json!(["ready", i, on]),
            Event::Kill(kind, grace) => json!(["kill", i, kind.name(), grace]),
            Event::Exit(code) => json!(["exit", i, code]),
            Event::BackOff(wait) => json!(["backoff", i, wait]),
        },
    }
}

fn decode_task(value: &Value) -> Option<Task> {
    let i = || value[1].as_u64().and_then(|n| usize::try_from(n).ok());
    let n = |k: usize| value[k].as_i64();
    let on = value[2] == true;
    Some(match value[0].as_str()? {
        "sandbox" => Task::Sandbox,
        "init" => Task::InitStart(i()?),
        "done" => Task::InitEnd(i()?, n(2)?),
        "image" => Task::ImageMissing(i()?, on),
        "stopped" => Task::Stopped,
        "more" => Task::More(n(1)?, n(2)?),
        "start" => Task::Container(i()?, Event::Start(u32::try_from(n(2)?).ok()?)),
        "started" => Task::Container(i()?, Event::Started(on)),
        "ready" => Task::Container(i()?, Event::Ready(on)),
        "kill" => {
            let kinds = [ProbeKind::Liveness, ProbeKind::Readiness, ProbeKind::Startup];
            let kind = kinds.into_iter().find(|k| value[2] == k.name())?;
            Task::Container(i()?, Event::Kill(kind, n(3)?))
        }
        "exit" => Task::Container(i()?, Event::Exit(n(2)?)),
        "backoff" => Task::Container(i()?, Event::BackOff(n(2)?)),
        _ => return None,
    })
}

fn encode_event(e: &Record) -> Value {
    let (api_version, kind, namespace, name, uid) = &e.about;
    json!([
        [api_version, kind, namespace, name, uid],
        [e.field, e.warning, e.reason, e.message, e.component, e.host],
        [e.first, e.last, e.count, e.version],
    ])
}

fn decode_event(v: &Value) -> Record {
    let word = |i: usize, k: usize| v[i][k].as_str().unwrap_or_default().to_owned();
    let number = |k: usize| -> Nanos { v[2][k].as_i64().unwrap_or_default() };
    Record {
        about: (word(0, 0), word(0, 1), word(0, 2), word(0, 3), v[0][4].as_u64().unwrap_or_default()),
        field: word(1, 0),
        warning: v[1][1] == true,
        reason: word(1, 2),
        message: word(1, 3),
        component: word(1, 4),
        host: word(1, 5),
        first: number(0),
        last: number(1),
        count: number(2),
        version: number(3) as u64,
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
