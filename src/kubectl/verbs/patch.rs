//! `kubectl patch`. upstream: kubectl/pkg/cmd/patch

use serde_json::Value;

use super::super::api::{PatchKind, Status, Target};
use super::super::flags::Flags;
use super::super::select::Wish;
use super::super::session::{Fault, Session};
use super::change::options;
use super::{DryRun, Ended, dry, ended};
use crate::kube::json_patch;
use crate::simulate::apiserver;

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let how = dry(flags)?;
    let kind = match flags.text("type").to_lowercase().as_str() {
        "" | "strategic" => PatchKind::Strategic,
        "merge" => PatchKind::Merge,
        "json" => PatchKind::Json,
        other => {
            return Err(Fault::error(format!(
                "--type must be one of [json merge strategic], not {}",
                crate::value::quote(other.as_bytes())
            ))
            .into());
        }
    };
    if flags.given("patch") && flags.given("patch-file") {
        return Err(Fault::error("cannot specify --patch and --patch-file together").into());
    }
    let given = match (flags.text("patch"), flags.text("patch-file")) {
        ("", "") => return Err(Fault::error("must specify --patch or --patch-file containing the contents of the patch").into()),
        ("", file) => {
            let bytes = session.world.read(file).map_err(|e| Fault::error(format!("unable to read patch file: {}", e.message)))?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
        (text, _) => text.to_owned(),
    };
    let local = flags.on("local");
    if local && !flags.args.is_empty() {
        return Err(Fault::error("cannot specify --local and server resources").into());
    }
    let body = if local { local_patch(&given, kind)? } else { parse(&given)? };
    let chosen = session.select(flags, &flags.args, Wish { latest: !local, ..Wish::default() })?;
    let mut faults = chosen.faults;
    for one in chosen.found {
        if local {
            match patched(&one.object, kind, &body) {
                Ok(object) => {
                    let verb = if object == one.object { "patched (no change)" } else { "patched" };
                    session.tell(flags, &one.resource, &object, verb, how)?;
                }
                Err(why) => faults.push(Fault::error(why)),
            }
            continue;
        }
        let target = Target { resource: &one.resource, namespace: &one.namespace, name: &one.name };
        let mut options = options(flags, if how == DryRun::Client { DryRun::Server } else { how }, "kubectl-patch");
        flags.text("subresource").clone_into(&mut options.subresource);
        let done =
            session.may("patch", &one.resource, &one.namespace, &one.name).and_then(|()| session.api.patch(&target, kind, &body, &options));
        session.hear();
        match done {
            Ok(object) => {
                let strip = |o: &Value| {
                    let mut o = o.clone();
                    if let Some(meta) = o.get_mut("metadata").and_then(Value::as_object_mut) {
                        meta.remove("resourceVersion");
                        meta.remove("generation");
                        meta.remove("managedFields");
                    }
                    o
                };
                let verb = if strip(&object) == strip(&one.object) { "patched (no change)" } else { "patched" };
                session.tell(flags, &one.resource, &object, verb, how)?;
            }
            Err(refused) => faults.push(Fault::from(refused)),
        }
    }
    ended(faults)
}

/// An object that nobody serves, patched; otherwise why it cannot be. upstream: getPatchedJSON
fn patched(object: &Value, kind: PatchKind, patch: &Value) -> Result<Value, String> {
    let mut out = object.clone();
    match kind {
        PatchKind::Json => {
            return json_patch::apply(object, patch).map_err(|e| match e {
                json_patch::Failure::Test => "testing value failed".to_owned(),
                json_patch::Failure::Other(why) => why,
            });
        }
        PatchKind::Strategic => apiserver::patch::strategic_merge(&mut out, patch),
        _ => apiserver::patch::json_merge(&mut out, patch),
    }
    Ok(out)
}

/// A patch of what nobody serves; what looks like JSON must be JSON.
fn local_patch(given: &str, kind: PatchKind) -> Result<Value, Fault> {
    if given.trim_start().starts_with('{') {
        return serde_json::from_str(given).map_err(|_| match kind {
            PatchKind::Strategic => Fault::error("invalid JSON document"),
            PatchKind::Merge => Fault::error("Invalid JSON Patch"),
            _ => Fault::error(crate::value::json::from_json(given.as_bytes()).err().unwrap_or_default()),
        });
    }
    let quoted = crate::value::quote(given.as_bytes());
    let value = crate::yaml::decode(given.as_bytes()).map_err(|e| Fault::error(format!("unable to parse {quoted}: {e}")))?;
    Ok(super::super::files::to_json(&value))
}

/// The patch as JSON; YAML is taken too.
fn parse(given: &str) -> Result<Value, Fault> {
    if given.trim_start().starts_with(['{', '[']) {
        if let Ok(value) = serde_json::from_str(given) {
            return Ok(value);
        }
        if let Ok(value) = crate::yaml::decode(given.as_bytes()) {
            return Ok(super::super::files::to_json(&value));
        }
        let message = crate::value::json::from_json(given.as_bytes()).err().unwrap_or_else(|| "unexpected end of JSON input".to_owned());
        return Err(Status::new(400, "BadRequest", message).into());
    }
    let value = crate::yaml::decode(given.as_bytes()).map_err(|e| Fault::error(format!("unable to parse \"{given}\": {e}")))?;
    Ok(super::super::files::to_json(&value))
}
