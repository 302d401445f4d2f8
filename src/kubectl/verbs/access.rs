//! `kubectl auth` and `kubectl top`. upstream: kubectl/pkg/cmd/auth, top

use super::super::api::Access;
use super::super::describe;
use super::super::flags::Flags;
use super::super::session::{Fault, Session};
use super::super::tabwriter;
use super::Ended;

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    match flags.args.first().map(String::as_str) {
        Some("can-i") => can_i(session, flags, flags.args.get(1..).unwrap_or_default()),
        Some("whoami") => {
            let user = if session.user.is_empty() { "kubernetes-admin".to_owned() } else { session.user.clone() };
            session.out.push_str(&tabwriter::align(&format!("ATTRIBUTE\tVALUE\nUsername\t{user}\n"), 6, 3));
            Ok(())
        }
        Some(other) => match other {
            "reconcile" => Err(Fault::error("kval does not know how to play auth reconcile").into()),
            _ => Err(super::no_such_command("auth", &flags.args).into()),
        },
        None => Err(super::help::bare(session, "auth").into()),
    }
}

fn can_i(session: &mut Session<'_>, flags: &Flags, args: &[String]) -> Ended {
    let namespace = if flags.on("all-namespaces") { String::new() } else { session.namespace(flags) };
    if flags.on("list") {
        if !args.is_empty() {
            return Err(Fault::error("list option must be specified with no arguments").into());
        }
        let rules = session.api.rules(&session.user, &session.groups, &namespace);
        let mut lines = String::new();
        if !flags.on("no-headers") {
            lines.push_str("Resources\tNon-Resource URLs\tResource Names\tVerbs\n");
        }
        describe::rule_lines(&rules).iter().for_each(|line| lines.push_str(&format!("{line}\n")));
        session.out.push_str(&tabwriter::align(&lines, 6, 3));
        return Ok(());
    }
    let (verb, target, name) = match args {
        [verb, target] => (verb, target, ""),
        [verb, target, name] => (verb, target, name.as_str()),
        _ => return Err(Fault::error("you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.").into()),
    };
    let allowed = if target.starts_with('/') {
        let access = Access { verb, resource: target, non_resource: true, ..Access::default() };
        session.api.allowed(&session.user, &session.groups, &access)
    } else {
        let (kind, own) = target.split_once('/').map_or((target.as_str(), name), |(k, n)| (k, n));
        let found = session.resource(kind).ok();
        if found.is_none() && kind != "*" {
            session.warn(&format!("Warning: the server doesn't have a resource type '{kind}'\n"));
        }
        let (group, plural) = found.as_ref().map_or(("", kind), |r| (r.group.as_str(), r.name.as_str()));
        let namespaced = found.as_ref().is_none_or(|r| r.namespaced);
        if !namespaced {
            session.warn(&format!(
                "Warning: resource '{plural}' is not namespace scoped{}\n",
                if group.is_empty() { String::new() } else { format!(" in group '{group}'") }
            ));
        }
        let namespace = if namespaced { namespace.as_str() } else { "" };
        let access =
            Access { verb, group, resource: plural, subresource: flags.text("subresource"), namespace, name: own, non_resource: false };
        session.api.allowed(&session.user, &session.groups, &access)
    };
    if !flags.on("quiet") {
        session.say(if allowed { "yes" } else { "no" });
    }
    if allowed { Ok(()) } else { Err(Fault::silent().into()) }
}

pub(super) fn top(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let what = match flags.args.first().map(String::as_str) {
        Some("pod" | "pods" | "po") => "pod",
        Some("node" | "nodes" | "no") => "node",
        Some(_) => return Err(super::no_such_command("top", &flags.args).into()),
        None => return Err(super::help::bare(session, "top").into()),
    };
    if flags.args.len() > 2 {
        return Err(Fault::usage(&format!("top {what}"), format!("{what} [NAME | -l label]")).into());
    }
    Err(Fault::error("Metrics API not available").into())
}
