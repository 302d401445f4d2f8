//! `kubectl apply`, `replace` and `diff`. upstream: kubectl/pkg/cmd/apply, replace, diff

use serde_json::{Map, Value};

use super::super::api::{PatchKind, Refused, WriteOptions};
use super::super::flags::Flags;
use super::super::select::{Found, NOTHING_NAMED, Wish};
use super::super::session::{Fault, Session};
use super::change::{TOGETHER, is_empty, map_mut, merge_diff, options};
use super::{DryRun, Ended, dry, ended};
use crate::kube::merge_key::merge_key;
use crate::simulate::scheduler::json::{at, text};

/// What was applied last, as kubectl remembers it.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What the object becomes: what is set is set, what is no longer is removed, the rest stays. upstream:
/// strategicpatch.CreateThreeWayMergePatch
pub(super) fn three_way<'a>(original: &Value, modified: &'a Value, current: &Value, path: &mut Vec<&'a str>) -> Value {
    match (modified, current) {
        (Value::Object(new), Value::Object(live)) if path.len() < 200 => {
            let mut out: Map<String, Value> = live.clone();
            for key in at(original, &[]).as_object().into_iter().flat_map(Map::keys).filter(|k| !new.contains_key(*k)) {
                out.remove(key);
            }
            for (key, value) in new {
                path.push(key);
                if value.is_null() {
                    out.remove(key);
                } else {
                    let was = live.get(key).unwrap_or(&Value::Null);
                    out.insert(key.clone(), three_way(at(original, &[key]), value, was, path));
                }
                path.pop();
            }
            Value::Object(out)
        }
        (Value::Array(new), Value::Array(live)) => {
            let parent = path.len().checked_sub(2).and_then(|i| path.get(i)).copied().unwrap_or("");
            let key = path.last().and_then(|field| merge_key(field, parent));
            let Some(id) = key else { return modified.clone() };
            let same = |a: &Value, b: &Value| !a[id].is_null() && a[id] == b[id];
            let dropped: Vec<&Value> = original.as_array().into_iter().flatten().filter(|o| !new.iter().any(|n| same(n, o))).collect();
            path.push("[]");
            let mut out = Vec::new();
            for item in new {
                let before = original.as_array().into_iter().flatten().find(|o| same(o, item)).unwrap_or(&Value::Null);
                out.push(match live.iter().find(|l| same(l, item)) {
                    Some(found) => three_way(before, item, found, path),
                    None => item.clone(),
                });
            }
            path.pop();
            out.extend(live.iter().filter(|l| !new.iter().any(|n| same(n, l)) && !dropped.iter().any(|d| same(d, l))).cloned());
            Value::Array(out)
        }
        _ => modified.clone(),
    }
}

/// JSON as Go writes it, with a line break.
fn go_json(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026") + "\n"
}

/// The object with a note of itself. upstream: util.GetModifiedConfiguration
pub(super) fn annotated(object: &Value) -> Value {
    let mut bare = object.clone();
    if let Some(annotations) = map_mut(&mut bare, &["metadata", "annotations"]) {
        annotations.remove(LAST_APPLIED);
    }
    let note = go_json(&bare);
    if let Some(annotations) = map_mut(&mut bare, &["metadata", "annotations"]) {
        annotations.insert(LAST_APPLIED.to_owned(), note.into());
    }
    bare
}

fn read(session: &mut Session<'_>, flags: &Flags, verb: &str) -> Result<(Vec<Found>, Vec<Fault>), Fault> {
    if !flags.args.is_empty() {
        return Err(Fault::usage(verb, format!("Unexpected args: [{}]", flags.args.join(" "))));
    }
    if !flags.given("filename") && !flags.given("kustomize") {
        return Err(Fault::error("must specify one of -f and -k"));
    }
    let validate = !matches!(flags.text("validate"), "false" | "ignore");
    let mut faults = Vec::new();
    if validate {
        let documents = session.documents(flags)?;
        for document in &documents {
            let missing: Vec<&str> = [("apiVersion", "apiVersion not set"), ("kind", "kind not set")]
                .into_iter()
                .filter(|(key, _)| text(&document.object, &[key]).is_empty())
                .map(|(_, sentence)| sentence)
                .collect();
            if !missing.is_empty() {
                let what = if missing.len() == 1 { missing.concat() } else { format!("[{}]", missing.join(", ")) };
                faults.push(Fault::error(format!(
                    "error validating \"{}\": error validating data: {what}; if you choose to ignore these errors, turn validation off with --validate=false",
                    document.source
                )));
            }
        }
        if !faults.is_empty() {
            return Ok((Vec::new(), faults));
        }
        session.documents = Some(documents);
    }
    let chosen = session.select(flags, &[], Wish::default())?;
    Ok((chosen.found, chosen.faults))
}

pub(super) fn apply(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let how = dry(flags)?;
    session.format(flags, false)?;
    if flags.on("server-side") && how == DryRun::Client {
        return Err(Fault::error("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)").into());
    }
    match flags.args.first().map(String::as_str) {
        Some("view-last-applied") => return last_applied(session, flags),
        Some(what @ ("set-last-applied" | "edit-last-applied")) => {
            if flags.args.len() == 1 && !flags.given("filename") {
                return Err(Fault::error(NOTHING_NAMED).into());
            }
            return Err(Fault::error(format!("kval does not know how to play apply {what}")).into());
        }
        _ => {}
    }
    if flags.on("force-conflicts") && !flags.on("server-side") {
        return Err(Fault::error("--force-conflicts only works with --server-side").into());
    }
    if flags.on("force") && flags.on("server-side") {
        return Err(Fault::error("--force cannot be used with --server-side").into());
    }
    if flags.on("prune") && flags.text("selector").is_empty() && !flags.on("all") {
        return Err(Fault::error(PRUNES_ALL).into());
    }
    let (found, mut faults) = read(session, flags, "apply")?;
    if found.is_empty() && faults.is_empty() {
        return Err(Fault::error("no objects passed to apply").into());
    }
    let mut visited: Vec<Found> = Vec::new();
    let mut left = found.into_iter();
    while !left.as_slice().is_empty() {
        let some: Vec<Found> = left.by_ref().take(TOGETHER).collect();
        let plans = if how == DryRun::No { announce(session, flags, &some) } else { Vec::new() };
        let mut plans = plans.into_iter();
        for one in some {
            match apply_one(session, flags, &one, plans.next().flatten(), how) {
                Ok(Some(object)) => visited.push(Found { object, ..one }),
                Ok(None) => {}
                Err(fault) => faults.push(fault),
            }
        }
    }
    if flags.on("prune") && faults.is_empty() {
        prune(session, flags, &visited, how)?;
    }
    ended(faults)
}

/// Tells the server what is about to be applied; what was worked out for that, for each.
fn announce(session: &mut Session<'_>, flags: &Flags, some: &[Found]) -> Vec<Option<Plan>> {
    if flags.on("server-side") {
        session.announce(Some(PatchKind::Apply), &server_side(flags, DryRun::No), some.iter().map(|one| (one, &one.object)));
        return Vec::new();
    }
    if some.len() == 1 {
        return Vec::new();
    }
    // Who is refused, or finds nothing, is told in turn.
    let plan = |one: &Found| session.get(&one.resource, &one.namespace, &one.name).ok().map(|live| Plan::new(&one.object, live));
    let plans: Vec<Option<Plan>> = some.iter().map(plan).collect();
    let patches = some.iter().zip(&plans).filter_map(|(one, plan)| Some((one, &plan.as_ref()?.patch)));
    session.announce(Some(PatchKind::Merge), &client_side(flags, DryRun::No), patches.filter(|(_, patch)| !is_empty(patch)));
    plans
}

/// What a client applies to an object that is there.
struct Plan {
    live: Value,
    result: Value,
    patch: Value,
}

impl Plan {
    fn new(object: &Value, live: Value) -> Self {
        let note = text(&live, &["metadata", "annotations", LAST_APPLIED]);
        let original: Value = serde_json::from_str(note).unwrap_or(Value::Null);
        let result = three_way(&original, &annotated(object), &live, &mut Vec::new());
        let patch = merge_diff(&live, &result);
        Self { live, result, patch }
    }

    /// Whether the object is still as it was.
    fn holds(&self, session: &Session<'_>, one: &Found) -> bool {
        let version = session.api.resource_version(&one.resource, &one.namespace, &one.name);
        version.is_some_and(|version| text(&self.live, &["metadata", "resourceVersion"]) == version)
    }
}

fn server_side(flags: &Flags, how: DryRun) -> WriteOptions {
    WriteOptions { force: flags.on("force-conflicts"), ..options(flags, how, "kubectl") }
}

fn client_side(flags: &Flags, how: DryRun) -> WriteOptions {
    options(flags, how, "kubectl-client-side-apply")
}

fn apply_one(session: &mut Session<'_>, flags: &Flags, one: &Found, plan: Option<Plan>, how: DryRun) -> Result<Option<Value>, Fault> {
    if flags.on("server-side") {
        let options = server_side(flags, how);
        session.may("patch", &one.resource, &one.namespace, &one.name)?;
        let done = session.api.patch(&one.target(), PatchKind::Apply, &one.object, &options);
        session.hear();
        let object = done.map_err(|refused| conflict(&refused))?;
        session.tell(flags, &one.resource, &object, "serverside-applied", how)?;
        return Ok(Some(object));
    }
    let options = client_side(flags, how);
    let known = plan
        .filter(|plan| plan.holds(session, one))
        .map_or_else(|| session.get(&one.resource, &one.namespace, &one.name).map(|live| Plan::new(&one.object, live)), Ok);
    let Plan { live, result, patch } = match known {
        Ok(plan) => plan,
        Err(refused) if refused.reason == "NotFound" => {
            let modified = annotated(&one.object);
            let context = format!("error when creating \"{}\": ", one.source);
            let object = session.make(&one.resource, &one.namespace, &modified, &options, how).map_err(|r| Fault::at(&r, &context))?;
            session.tell(flags, &one.resource, &object, "created", how)?;
            return Ok(Some(object));
        }
        Err(refused) => {
            let context = format!(
                "error when retrieving current configuration of:\nResource: \"{}\"\nfrom server for: \"{}\": ",
                one.label(),
                one.source
            );
            return Err(Fault::at(&refused, &context));
        }
    };
    let note = text(&live, &["metadata", "annotations", LAST_APPLIED]);
    if note.is_empty() {
        session.warn(&format!(
            "Warning: resource {}/{} is missing the {LAST_APPLIED} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.",
            one.resource.name, one.name
        ));
    }
    if how == DryRun::Client {
        // Nothing is compared on a client's dry run.
        session.tell(flags, &one.resource, &result, "configured", how)?;
        return Ok(Some(result));
    }
    if is_empty(&patch) {
        session.tell(flags, &one.resource, &live, "unchanged", how)?;
        return Ok(Some(live));
    }
    session.may("patch", &one.resource, &one.namespace, &one.name)?;
    let done = session.api.patch(&one.target(), PatchKind::Merge, &patch, &options);
    session.hear();
    let object = done.map_err(|refused| {
        let context = format!(
            "error when applying patch:\n{patch}\nto:\nResource: \"{}, Resource={}\", GroupVersionKind: \"{}, Kind={}\"\nName: \"{}\", Namespace: \"{}\"\nfor: \"{}\": error when patching \"{}\": ",
            one.resource.api_version(),
            one.resource.name,
            one.resource.api_version(),
            one.resource.kind,
            one.name,
            one.namespace,
            one.source,
            one.source
        );
        Fault::at(&refused, &context)
    })?;
    let verb = if at(&object, &["metadata", "resourceVersion"]) == at(&live, &["metadata", "resourceVersion"]) && object == live {
        "unchanged"
    } else {
        "configured"
    };
    session.tell(flags, &one.resource, &object, verb, how)?;
    Ok(Some(object))
}

/// The advice that follows a conflict of server-side apply.
fn conflict(refused: &Refused) -> Fault {
    if refused.reason != "Conflict" {
        return Fault::at(refused, "");
    }
    Fault::error(format!(
        "{}\nPlease review the fields above--they currently have other managers. Here\nare the ways you can resolve this warning:\n* If you intend to manage all of these fields, please re-run the apply\n  command with the `--force-conflicts` flag.\n* If you do not intend to manage all of the fields, please edit your\n  manifest to remove references to the fields that should keep their\n  current managers.\n* You may co-own fields by updating your manifest to match the existing\n  value; in this case, you'll become the manager if the other manager(s)\n  stop managing the field (remove it from their configuration).\nSee https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts",
        refused.message
    ))
}

const PRUNES_ALL: &str = "all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector";

/// Prints what was applied last. upstream: kubectl/pkg/cmd/apply/apply_view_last_applied.go
fn last_applied(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let wish = Wish { all: flags.on("all"), latest: true, ..Wish::default() };
    let chosen = session.select(flags, flags.args.get(1..).unwrap_or_default(), wish)?;
    ended(chosen.faults)?;
    for one in chosen.found {
        let note = text(&one.object, &["metadata", "annotations", LAST_APPLIED]);
        if note.is_empty() {
            continue;
        }
        let wrong = |why: String| Fault::error(why);
        match flags.text("output") {
            "" | "yaml" => {
                let value: Value = serde_json::from_str(note).map_err(|e| wrong(e.to_string()))?;
                session.out.push_str(&String::from_utf8_lossy(&crate::yaml::json_to_yaml(&value).map_err(wrong)?));
            }
            "json" => {
                let value: Value = serde_json::from_str(note).map_err(|e| wrong(e.to_string()))?;
                let text = serde_json::to_string_pretty(&value).map_err(|e| wrong(e.to_string()))?;
                session.say(&text);
            }
            other => {
                let why = format!("Unexpected -o output mode: {other}, the flag 'output' must be one of yaml|json");
                return Err(Fault::usage("apply view-last-applied", why).into());
            }
        }
    }
    Ok(())
}

/// Deletes what was applied before with the same labels and is no longer in the files.
fn prune(session: &mut Session<'_>, flags: &Flags, visited: &[Found], how: DryRun) -> Result<(), Fault> {
    const KINDS: &[&str] = &[
        "ConfigMap",
        "Endpoints",
        "Namespace",
        "PersistentVolumeClaim",
        "PersistentVolume",
        "Pod",
        "ReplicationController",
        "Secret",
        "Service",
        "Job",
        "CronJob",
        "Ingress",
        "DaemonSet",
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
    ];
    let selector = flags.text("selector").to_owned();
    let namespace = session.namespace(flags);
    for kind in KINDS {
        let Some(resource) = session.resources.iter().find(|r| r.kind == *kind && r.preferred).cloned() else { continue };
        for object in session.choose(&resource, &namespace, &selector, "")? {
            let name = text(&object, &["metadata", "name"]).to_owned();
            let kept = visited.iter().any(|v| *v.resource == resource && v.name == name);
            if kept || text(&object, &["metadata", "annotations", LAST_APPLIED]).is_empty() {
                continue;
            }
            if how != DryRun::Client {
                let own = text(&object, &["metadata", "namespace"]).to_owned();
                session.api.delete(
                    &resource,
                    &own,
                    &name,
                    &super::super::api::DeleteOptions { dry_run: how == DryRun::Server, ..Default::default() },
                )?;
            }
            session.say(&format!("{} pruned{}", resource.named(&name), how.suffix()));
        }
    }
    Ok(())
}

pub(super) fn replace(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let how = dry(flags)?;
    if !flags.given("filename") && !flags.given("kustomize") {
        return Err(Fault::error("must specify one of -f and -k").into());
    }
    let (found, mut faults) = read(session, flags, "replace")?;
    if found.is_empty() && faults.is_empty() {
        return Err(Fault::error("no objects passed to replace").into());
    }
    let options = options(flags, how, "kubectl-replace");
    for some in found.chunks(TOGETHER) {
        let object_of = |one: &Found| if flags.on("save-config") { annotated(&one.object) } else { one.object.clone() };
        let objects: Vec<Value> = some.iter().map(object_of).collect();
        if how == DryRun::No && !flags.on("force") {
            session.announce(None, &options, some.iter().zip(&objects));
        }
        for (one, object) in some.iter().zip(objects) {
            let done = replace_one(session, flags, one, object, &options, how);
            session.hear();
            match done {
                Ok(object) => session.tell(flags, &one.resource, &object, "replaced", how)?,
                Err(refused) => faults.push(Fault::at(&refused, &format!("error when replacing \"{}\": ", one.source))),
            }
        }
    }
    ended(faults)
}

fn replace_one(
    session: &mut Session<'_>,
    flags: &Flags,
    one: &Found,
    object: Value,
    options: &WriteOptions,
    how: DryRun,
) -> Result<Value, Refused> {
    if flags.on("force") {
        let gone = session.api.delete(&one.resource, &one.namespace, &one.name, &super::super::api::DeleteOptions::default());
        if gone.is_ok() {
            super::delete::wait_gone(session, one, None);
            let shown = super::delete::deleted_line(one, "deleted", "");
            session.say(&shown);
        }
        return session.make(&one.resource, &one.namespace, &object, options, how);
    }
    if how == DryRun::Client {
        return Ok(object);
    }
    session.may("update", &one.resource, &one.namespace, &one.name)?;
    session.api.update(&one.resource, &one.namespace, &one.name, &object, options)
}

/// What applying would change, as a unified text; exit 1 where anything would.
pub(super) fn diff(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let (found, faults) = read(session, flags, "diff")?;
    let mut changed = false;
    for one in found {
        // The note of what was applied is not compared.
        let mut modified = one.object.clone();
        map_mut(&mut modified, &["metadata", "annotations"]);
        let options = options(flags, DryRun::Server, "kubectl-client-side-apply");
        let live = session.get(&one.resource, &one.namespace, &one.name).ok();
        let merged = match &live {
            None => session.api.create(&one.resource, &one.namespace, &modified, &options),
            Some(live) => {
                let original = serde_json::from_str(text(live, &["metadata", "annotations", LAST_APPLIED])).unwrap_or(Value::Null);
                let mut path = Vec::new();
                let result = three_way(&original, &modified, live, &mut path);
                session.api.patch(&one.target(), PatchKind::Merge, &merge_diff(live, &result), &options)
            }
        }
        .map_err(Fault::from)?;
        let yaml = |v: &Value| {
            let bytes = crate::yaml::to_yaml(&super::super::files::from_json(v)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let (old, new) = (live.as_ref().map(yaml).unwrap_or_default(), yaml(&merged));
        if old != new {
            changed = true;
            let api = one.resource.api_version().replace('/', ".");
            let file = format!("{api}.{}.{}.{}", one.resource.kind, one.namespace, one.name);
            session.say(&format!("diff -u -N LIVE/{file} MERGED/{file}\n--- LIVE/{file}\n+++ MERGED/{file}"));
            let (a, b): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
            let shown = unified(&a, &b);
            session.out.push_str(&shown);
        }
    }
    if changed && faults.is_empty() { Err(Fault::silent().into()) } else { ended(faults) }
}

/// The changed lines with three lines around them, as `diff -u` shows them.
fn unified(a: &[&str], b: &[&str]) -> String {
    let mut length = vec![vec![0_u32; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            length[i][j] = if a[i] == b[j] { length[i + 1][j + 1] + 1 } else { length[i + 1][j].max(length[i][j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut steps: Vec<(char, &str)> = Vec::new();
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            steps.push((' ', a[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < a.len() && (j == b.len() || length[i + 1][j] >= length[i][j + 1]) {
            steps.push(('-', a[i]));
            i += 1;
        } else {
            steps.push(('+', b[j]));
            j += 1;
        }
    }
    let shown: Vec<bool> = (0..steps.len()).map(|k| steps.iter().enumerate().any(|(m, s)| s.0 != ' ' && m.abs_diff(k) <= 3)).collect();
    let mut out = String::new();
    let (mut left, mut right, mut k) = (1, 1, 0);
    while k < steps.len() {
        if !shown[k] {
            left += usize::from(steps[k].0 != '+');
            right += usize::from(steps[k].0 != '-');
            k += 1;
            continue;
        }
        let end = (k..steps.len()).find(|m| !shown[*m]).unwrap_or(steps.len());
        let hunk = &steps[k..end];
        let (old, new) = (hunk.iter().filter(|s| s.0 != '+').count(), hunk.iter().filter(|s| s.0 != '-').count());
        let range = |from: usize, count: usize| match count {
            1 => from.to_string(),
            0 => format!("{},0", from - 1),
            n => format!("{from},{n}"),
        };
        out.push_str(&format!("@@ -{} +{} @@\n", range(left, old), range(right, new)));
        hunk.iter().for_each(|(mark, line)| out.push_str(&format!("{mark}{line}\n")));
        (left, right, k) = (left + old, right + new, end);
    }
    out
}
