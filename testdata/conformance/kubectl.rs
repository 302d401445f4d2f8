//! What kubectl prints: rows of tables, and recorded command lines.

use std::collections::BTreeMap;

use kval::kube;
use kval::kubectl;
use kval::kubectl::Context;
use kval::kubectl::api::{Api, DeleteOptions, FieldValidation, PatchKind, Refused, Status, Target, WriteOptions};
use kval::kubectl::resources::{self, Resource};
use kval::kubectl::table;
use kval::kubectl::times;
use kval::simulate::apiserver::patch::{json_merge, strategic_merge};
use kval::source::MemoryWorld;
use serde_json::Value as Json;

use super::{each, records};
use crate::Outcome;
use crate::data;

/// `kubectl-columns`: object → cells.
pub(crate) fn columns(_name: &str) -> Option<(bool, Vec<Outcome>)> {
    Some((true, records("kubectl/columns.jsonl", column)?))
}

fn column(record: &Json) -> Result<(), String> {
    let object = &record["object"];
    let text = |v: &Json| v.as_str().unwrap_or("").to_owned();
    let (api_version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let columns = table::columns(&api_version, &kind, None);
    let names: Vec<Json> = columns.iter().map(|c| c.name.clone().into()).collect();
    let wide: Vec<Json> = columns.iter().filter(|c| c.wide).map(|c| c.name.clone().into()).collect();
    if Json::from(names.clone()) != record["columns"] || Json::from(wide) != record["wide_only"] {
        return Err(format!("columns: want {} got {names:?}", record["columns"]));
    }
    let now = (record["now"].as_f64().unwrap_or(0.0) * 1e9) as i64;
    let mut last = String::new();
    // The answer took a moment: the clock may have moved on by up to a second.
    for shift in [0, 500_000_000, 1_000_000_000, -1_000_000_000] {
        let row = table::row(object, now + shift, None);
        let want = record["cells"].as_array().map(Vec::as_slice).unwrap_or_default();
        let same = |(w, g): (&Json, &Json)| w == g || *w == "<age>";
        let cells = want.len() == row.cells.len() && want.iter().zip(&row.cells).all(same);
        let met = record.get("rowConditions").and_then(|c| c[0]["reason"].as_str());
        if cells && met == row.completed.map(|c| c.0) {
            return Ok(());
        }
        last = format!("want {} got {}", record["cells"], Json::from(row.cells));
    }
    Err(last)
}

/// `kubectl-transcripts`: recorded command lines, each run on the recorded state before it.
pub(crate) fn transcripts(_name: &str) -> Option<(bool, Vec<Outcome>)> {
    steps_of_all(play)
}

/// The steps of all transcripts, as one of them is played: its steps' names and failures.
pub(super) fn steps_of_all(play: fn(&Json) -> Vec<Json>) -> Option<(bool, Vec<Outcome>)> {
    let folder = data::find("kubectl/transcripts")?;
    let mut files: Vec<_> = std::fs::read_dir(&folder).ok()?.filter_map(Result::ok).map(|e| e.path()).collect();
    files.retain(|p| !p.to_string_lossy().contains("kubectl-v1."));
    files.sort();
    let played = each(
        files,
        |p| p.to_string_lossy().into_owned(),
        |p| {
            let record: Json = serde_json::from_slice(&data::read(p)).map_err(|e| e.to_string())?;
            // The steps' outcomes travel as one text, so that the files run side by side.
            Err(Json::from(play(&record)).to_string())
        },
    );
    let steps = played.into_iter().flat_map(|outcome| {
        match serde_json::from_str::<Vec<(String, Option<String>)>>(outcome.failure.as_deref().unwrap_or("")) {
            Ok(steps) => steps.into_iter().map(|(id, failure)| Outcome { id, failure }).collect(),
            Err(_) => vec![outcome],
        }
    });
    Some((true, steps.collect()))
}

fn play(record: &Json) -> Vec<Json> {
    let name = record["name"].as_str().unwrap_or("?");
    let mut world = MemoryWorld::default();
    let mut store = Store::default();
    let steps = record["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut out = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        if let Some(file) = step["file"].as_str() {
            world.files.insert(file.to_owned(), step["content"].as_str().unwrap_or("").as_bytes().to_vec());
        }
        let Some(command) = step["cmd"].as_str() else { continue };
        if let Some(delta) = step.get("state_delta") {
            store.set(delta);
        }
        world.stdin = step["stdin"].as_str().unwrap_or("").as_bytes().to_vec();
        let time = |s: &Json| (s["now"].as_f64().unwrap_or(0.0) * 1e9) as i64;
        let later = steps.iter().skip(i + 1).filter_map(|s| Some((time(s), s.get("state_delta")?.clone()))).collect();
        let (failure, after) = step_failure(&store, &world, step, command, later);
        // The record holds no access rules of the whole cluster and nothing of other namespaces: what commands make there is kept.
        let unseen = |k: &(String, String, String)| k.0.starts_with("ClusterRole") || !matches!(k.1.as_str(), "" | "default");
        store.objects.retain(|k, _| !unseen(k));
        store.objects.extend(after.objects.into_iter().filter(|(k, _)| unseen(k)));
        out.push(serde_json::json!([format!("{name}/{i} {command}"), failure]));
    }
    out
}

fn step_failure(store: &Store, world: &MemoryWorld, step: &Json, command: &str, later: Vec<(i64, Json)>) -> (Option<String>, Store) {
    let mut words = shell_words(command);
    if words.first().is_some_and(|w| w == "kubectl") {
        words.remove(0);
    }
    let now = (step["now"].as_f64().unwrap_or(0.0) * 1e9) as i64;
    let context = Context { namespace: "default".to_owned(), name: "x".to_owned() };
    let text = |key: &str| step[key].as_str().unwrap_or("");
    let mut first = None;
    let mut after = Store::default();
    // Ages move on while a command runs.
    for shift in [0, 200_000_000, 500_000_000, 1_000_000_000, -500_000_000, -1_000_000_000] {
        let mut api = store.clone();
        api.now = now + shift;
        api.later.clone_from(&later);
        let got = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| kubectl::run(&mut api, world, &context, &words)));
        let Ok(got) = got else { return (Some("PANIC".to_owned()), store.clone()) };
        if shift == 0 {
            after = api;
        }
        let out = if step["raw"].is_string() && got.stdout == text("raw") { Ok(()) } else { alike("stdout", text("stdout"), &got.stdout) };
        // A command that was stopped from outside told no error of its own.
        let err = if step["exit"].is_null() { Ok(()) } else { alike("stderr", text("stderr"), &got.stderr) };
        let result = out.and(err).and_then(|()| match step["exit"].as_u64() {
            Some(exit) if exit != u64::from(got.exit) => Err(format!("exit: want {exit} got {}", got.exit)),
            _ => Ok(()),
        });
        match result {
            Ok(()) => return (None, after),
            Err(difference) => first = first.or(Some(difference)),
        }
    }
    (first, after)
}

/// Compares texts line by line; what was normalised in the record matches anything, and cells are compared, not padding.
pub(super) fn alike(what: &str, want: &str, got: &str) -> Result<(), String> {
    // The documentation texts of explain are not compared, nor how many paragraphs they have.
    let prose = want.contains("<text>");
    let kept = |l: &&str| !(is_log(l) || prose && is_prose(l));
    let lines = |t: &str| -> Vec<String> { t.lines().filter(kept).map(str::to_owned).collect() };
    let (w, g) = (lines(want), lines(got));
    // Rows of pods with random names come in the order of the names: any order is theirs.
    if w.len() == g.len() && w.iter().zip(&g).any(|(a, b)| a != b) && w.len() < 1000 {
        let mut left = g.clone();
        let found = |line: &String, left: &mut Vec<String>| {
            let at = left.iter().position(|o| o == line).or_else(|| left.iter().position(|o| matches_cells(line, o)));
            at.map(|i| left.remove(i)).is_some()
        };
        if w.iter().all(|line| found(line, &mut left)) {
            return Ok(());
        }
    }
    for (i, line) in w.iter().enumerate() {
        let Some(other) = g.get(i) else { return Err(format!("{what} line {}: want {line:?} got the end", i + 1)) };
        if line != other && !matches_cells(line, other) {
            return Err(format!("{what} line {}: want {line:?} got {other:?}", i + 1));
        }
    }
    match g.get(w.len()) {
        Some(extra) => Err(format!("{what} line {}: want the end got {extra:?}", w.len() + 1)),
        None => Ok(()),
    }
}

fn is_prose(line: &str) -> bool {
    matches!(line.trim(), "" | "<text>" | "<kval has no documentation texts>")
}

fn is_log(line: &str) -> bool {
    let mut chars = line.chars();
    matches!(chars.next(), Some('W' | 'E' | 'I')) && chars.take(4).filter(char::is_ascii_digit).count() == 4
}

const HOLES: [&str; 8] = ["<age>", "<time>", "<date>", "<rv>", "<ip1>", "<ip2>", "<nodePort>", "<server>"];

fn matches_cells(want: &str, got: &str) -> bool {
    if !HOLES.iter().any(|h| want.contains(h)) {
        return false;
    }
    let squeeze = |t: &str| t.split_whitespace().collect::<Vec<_>>().join(" ");
    let want = squeeze(want);
    let mut rest = squeeze(got);
    let mut pattern = want.as_str();
    loop {
        let Some((at, hole)) = HOLES.iter().filter_map(|h| pattern.find(h).map(|i| (i, *h))).min() else { return rest == pattern };
        let Some(tail) = rest.strip_prefix(&pattern[..at]) else { return false };
        pattern = &pattern[at + hole.len()..];
        let next = HOLES.iter().filter_map(|h| pattern.find(h)).min().unwrap_or(pattern.len());
        let literal = &pattern[..next];
        let Some(end) = (if literal.is_empty() { Some(tail.len()) } else { tail.find(literal) }) else { return false };
        rest = tail[end..].to_owned();
    }
}

pub(super) fn shell_words(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                let word = word.get_or_insert_default();
                chars.by_ref().take_while(|c| *c != '\'').for_each(|c| word.push(c));
            }
            '"' => {
                let word = word.get_or_insert_default();
                chars.by_ref().take_while(|c| *c != '"').for_each(|c| word.push(c));
            }
            c if c.is_whitespace() => out.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    out
}

/// The recorded state as a server that takes requests, but where nothing happens by itself.
#[derive(Clone, Debug, Default)]
struct Store {
    now: i64,
    objects: BTreeMap<(String, String, String), Json>,
    later: Vec<(i64, Json)>,
    warnings: Vec<String>,
}

fn meta<'a>(object: &'a Json, key: &str) -> &'a str {
    object["metadata"][key].as_str().unwrap_or("")
}

fn key_of(kind: &str, namespace: &str, name: &str) -> (String, String, String) {
    (kind.to_owned(), namespace.to_owned(), name.to_owned())
}

impl Store {
    fn set(&mut self, delta: &Json) {
        for object in delta["set"].as_array().into_iter().flatten() {
            let kind = object["kind"].as_str().unwrap_or("");
            self.objects.insert(key_of(kind, meta(object, "namespace"), meta(object, "name")), object.clone());
        }
        for gone in delta["gone"].as_array().into_iter().flatten() {
            let (kind, name) = (gone[0].as_str().unwrap_or(""), gone[1].as_str().unwrap_or(""));
            self.objects.retain(|k, _| !(k.0 == kind && (k.2 == name || format!("{}/{}", k.1, k.2) == name)));
        }
    }

    fn judged(&mut self, resource: &Resource, name: &str, verdict: &kube::Verdict) -> Result<(), Refused> {
        if !verdict.rejected {
            return Ok(());
        }
        if verdict.phase == "decode" {
            return Err(Status::new(400, "BadRequest", verdict.message.clone()).into());
        }
        let causes = verdict.causes.iter().map(|c| (c.field.clone(), c.message.clone())).collect();
        Err(Status::invalid(resource, name, causes).into())
    }

    fn store(&mut self, resource: &Resource, namespace: &str, object: Json, options: &WriteOptions) -> Json {
        if !options.dry_run {
            self.objects.insert(key_of(&resource.kind, namespace, meta(&object, "name")), object.clone());
        }
        object
    }
}

impl Api for Store {
    fn now(&self) -> i64 {
        self.now
    }

    fn resources(&self) -> Vec<Resource> {
        resources::built_in()
    }

    fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Result<Json, Refused> {
        let found = self.objects.get(&key_of(&resource.kind, namespace, name));
        found.cloned().ok_or_else(|| Status::not_found(resource, name).into())
    }

    fn list(&self, resource: &Resource, namespace: &str) -> Result<Vec<Json>, Refused> {
        let of = |k: &&(String, String, String)| k.0 == resource.kind && (namespace.is_empty() || k.1 == namespace);
        Ok(self.objects.iter().filter(|(k, _)| of(k)).map(|(_, o)| o.clone()).collect())
    }

    fn create(&mut self, resource: &Resource, namespace: &str, object: &Json, options: &WriteOptions) -> Result<Json, Refused> {
        let mut object = object.clone();
        if resource.namespaced {
            object["metadata"]["namespace"] = namespace.into();
        }
        let name = meta(&object, "name").to_owned();
        let pruned = kube::defaults_of(&object);
        let sent = if options.validation == FieldValidation::Strict { &object } else { &pruned };
        let verdict = kube::admit(sent, kube::schema::NEWEST_VALIDATED);
        if verdict.phase == "decode" {
            self.judged(resource, &name, &verdict)?;
        }
        if resource.namespaced && !self.objects.contains_key(&key_of("Namespace", "", namespace)) && namespace != "default" {
            let spaces = resources::built_in().into_iter().find(|r| r.name == "namespaces").unwrap_or_default();
            return Err(Status::not_found(&spaces, namespace).into());
        }
        self.judged(resource, &name, &verdict)?;
        if self.get(resource, namespace, &name).is_ok() {
            return Err(Status::already_exists(resource, &name).into());
        }
        self.warnings.extend(verdict.warnings.iter().map(|w| w.message.clone()));
        let mut stored = pruned;
        stored["metadata"]["creationTimestamp"] = times::rfc3339(self.now).into();
        Ok(self.store(resource, namespace, stored, options))
    }

    fn update(&mut self, resource: &Resource, namespace: &str, name: &str, object: &Json, options: &WriteOptions) -> Result<Json, Refused> {
        let old = self.get(resource, namespace, name)?;
        let mut new = object.clone();
        for field in ["uid", "creationTimestamp", "resourceVersion"] {
            new["metadata"][field] = old["metadata"][field].clone();
        }
        let verdict = kube::admit_update(&new, &old, kube::schema::NEWEST_VALIDATED);
        self.judged(resource, name, &verdict)?;
        Ok(self.store(resource, namespace, new, options))
    }

    fn patch(&mut self, target: &Target<'_>, kind: PatchKind, patch: &Json, options: &WriteOptions) -> Result<Json, Refused> {
        let Target { resource, namespace, name } = *target;
        let old = match self.get(resource, namespace, name) {
            Err(_) if kind == PatchKind::Apply => return self.create(resource, namespace, patch, options),
            found => found?,
        };
        let mut new = old.clone();
        match kind {
            PatchKind::Strategic => strategic_merge(&mut new, patch),
            PatchKind::Merge | PatchKind::Apply => json_merge(&mut new, patch),
            PatchKind::Json => {
                for operation in patch.as_array().into_iter().flatten() {
                    let path = operation["path"].as_str().unwrap_or("");
                    let (parent, last) = path.rsplit_once('/').unwrap_or(("", path));
                    if let Some(map) = new.pointer_mut(parent).and_then(Json::as_object_mut) {
                        match operation["op"].as_str() {
                            Some("remove") => map.remove(last),
                            _ => map.insert(last.to_owned(), operation["value"].clone()),
                        };
                    }
                }
            }
        }
        self.update(resource, namespace, name, &new, options)
    }

    fn delete(&mut self, resource: &Resource, namespace: &str, name: &str, options: &DeleteOptions) -> Result<(), Refused> {
        self.get(resource, namespace, name)?;
        if !options.dry_run {
            self.objects.remove(&key_of(&resource.kind, namespace, name));
        }
        Ok(())
    }

    fn evict(&mut self, namespace: &str, pod: &str, _options: &DeleteOptions) -> Result<(), Refused> {
        let budgets = self.objects.iter().filter(|(k, _)| k.0 == "PodDisruptionBudget" && k.1 == namespace);
        if budgets.into_iter().any(|(_, b)| b["status"]["disruptionsAllowed"].as_i64().unwrap_or(0) == 0) {
            return Err(Status::new(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.").into());
        }
        self.objects.remove(&key_of("Pod", namespace, pod));
        Ok(())
    }

    fn advance(&mut self, until: i64) -> bool {
        if self.later.first().is_none_or(|(at, _)| *at > until) {
            self.now = self.now.max(until);
            return false;
        }
        let (at, next) = self.later.remove(0);
        self.now = self.now.max(at);
        self.set(&next);
        true
    }

    fn warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}
