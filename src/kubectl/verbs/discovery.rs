//! `api-resources`, `api-versions`, `cluster-info`, `version`. upstream: kubectl/pkg/cmd/apiresources, clusterinfo, version

use super::super::flags::Flags;
use super::super::resources::Resource;
use super::super::session::{Fault, Session};
use super::super::tabwriter;
use super::Ended;

pub(super) fn resources(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let output = flags.text("output");
    if !matches!(output, "" | "wide" | "name") {
        return Err(Fault::error(format!(
            "unable to match a printer suitable for the output format \"{output}\", allowed formats are: json,kyaml,name,wide,yaml"
        ))
        .into());
    }
    if !flags.args.is_empty() {
        return Err(Fault::usage("api-resources", format!("unexpected arguments: [{}]", flags.args.join(" "))).into());
    }
    let verbs = flags.list("verbs");
    let categories = flags.list("categories");
    let mut all: Vec<Resource> = session.resources.iter().filter(|r| r.preferred).cloned().collect();
    all.retain(|r| {
        (!flags.given("api-group") || r.group == flags.text("api-group"))
            && (!flags.given("namespaced") || r.namespaced == flags.on("namespaced"))
            && verbs.iter().all(|v| r.can(v))
            && categories.iter().all(|c| r.categories.contains(c))
    });
    match flags.text("sort-by") {
        "" => all.sort_by(|a, b| a.group.cmp(&b.group).then_with(|| a.name.cmp(&b.name))),
        "name" => all.sort_by(|a, b| a.name.cmp(&b.name)),
        "kind" => all.sort_by(|a, b| a.kind.cmp(&b.kind)),
        _ => return Err(Fault::error("--sort-by accepts only name or kind").into()),
    }
    if output == "name" {
        all.iter().for_each(|r| session.say(&r.qualified()));
        return Ok(());
    }
    let wide = output == "wide";
    let mut lines = String::new();
    if !flags.on("no-headers") {
        lines.push_str("NAME\tSHORTNAMES\tAPIVERSION\tNAMESPACED\tKIND");
        lines.push_str(if wide { "\tVERBS\tCATEGORIES\n" } else { "\n" });
    }
    for r in &all {
        lines.push_str(&format!("{}\t{}\t{}\t{}\t{}", r.name, r.short.join(","), r.api_version(), r.namespaced, r.kind));
        if wide {
            lines.push_str(&format!("\t{}\t{}", r.verbs.join(","), r.categories.join(",")));
        }
        lines.push('\n');
    }
    session.out.push_str(&tabwriter::align(&lines, 6, 3));
    Ok(())
}

pub(super) fn versions(session: &mut Session<'_>, flags: &Flags) -> Ended {
    if !flags.args.is_empty() {
        return Err(Fault::usage("api-versions", format!("unexpected arguments: [{}]", flags.args.join(" "))).into());
    }
    let mut all: Vec<String> = session.resources.iter().map(Resource::api_version).collect();
    all.sort();
    all.dedup();
    all.iter().for_each(|v| session.say(v));
    Ok(())
}

pub(super) fn cluster_info(session: &mut Session<'_>) -> Ended {
    let line = format!("Kubernetes control plane is running at {}", session.server);
    session.say(&line);
    session.say("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.");
    Ok(())
}

pub(super) fn version(session: &mut Session<'_>, flags: &Flags) -> Ended {
    if !flags.args.is_empty() {
        return Err(Fault::error(format!("extra arguments: [{}]", flags.args.join(" "))).into());
    }
    match flags.text("output") {
        "" => {}
        "yaml" | "json" => return Err(Fault::error("kval tells the version as text only").into()),
        _ => return Err(Fault::error("--output must be 'yaml' or 'json'").into()),
    }
    let server = session.api.version();
    // kval speaks as the kubectl of the server's release.
    session.say(&format!("Client Version: {server}"));
    session.say("Kustomize Version: v5.8.1");
    if !flags.on("client") {
        session.say(&format!("Server Version: {server}"));
    }
    Ok(())
}
