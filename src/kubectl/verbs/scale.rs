//! `kubectl scale`. upstream: kubectl/pkg/cmd/scale

use serde_json::json;

use super::super::api::{PatchKind, Status, Target};
use super::super::flags::Flags;
use super::super::select::Wish;
use super::super::session::{Fault, Session};
use super::change::options;
use super::{DryRun, Ended, dry, ended};
use crate::simulate::scheduler::json::{int, text};

/// Whether a resource has a scale subresource.
pub(super) fn scales(group: &str, resource: &str) -> bool {
    matches!((group, resource), ("", "replicationcontrollers") | ("apps", "deployments" | "replicasets" | "statefulsets"))
}

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let how = dry(flags)?;
    let Some(replicas) = flags.number("replicas") else {
        return Err(Fault::error("required flag(s) \"replicas\" not set").into());
    };
    if replicas < 0 {
        return Err(Fault::error("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0").into());
    }
    let chosen = session.select(flags, &flags.args, Wish { latest: true, ..Wish::default() })?;
    let mut faults = chosen.faults;
    if chosen.found.is_empty() && faults.is_empty() {
        return Err(Fault::error("no objects passed to scale").into());
    }
    let several = chosen.found.len() > 1;
    if several && (flags.given("resource-version")) {
        return Err(Fault::error("cannot use --resource-version with multiple resources").into());
    }
    for one in chosen.found {
        if !scales(&one.resource.group, &one.resource.name) {
            faults.push(Status::new(404, "NotFound", "the server could not find the requested resource").into());
            continue;
        }
        let current = int(&one.object, &["spec", "replicas"]).unwrap_or(0);
        if let Some(wanted) = flags.number("current-replicas").filter(|w| *w >= 0 && *w != current) {
            faults.push(Fault::error(format!("Expected replicas to be {wanted}, was {current}")));
            continue;
        }
        let version = flags.text("resource-version");
        if !version.is_empty() && version != text(&one.object, &["metadata", "resourceVersion"]) {
            let was = text(&one.object, &["metadata", "resourceVersion"]);
            faults.push(Fault::error(format!("Expected resource version to be {version}, was {was}")));
            continue;
        }
        let mut object = one.object.clone();
        object["spec"]["replicas"] = replicas.into();
        if how != DryRun::Client {
            let options = options(flags, how, "kubectl");
            let target = Target { resource: &one.resource, namespace: &one.namespace, name: &one.name };
            let patch = json!({"spec": {"replicas": replicas}});
            let options = super::super::api::WriteOptions { subresource: "scale".to_owned(), ..options };
            let done = session
                .may("patch", &one.resource, &one.namespace, &one.name)
                .and_then(|()| session.api.patch(&target, PatchKind::Merge, &patch, &options));
            session.hear();
            if let Err(refused) = done {
                faults.push(refused.into());
                continue;
            }
        }
        session.tell(flags, &one.resource, &object, "scaled", how)?;
    }
    ended(faults)
}
