//! `kubectl create role|clusterrole|rolebinding|clusterrolebinding`. upstream: kubectl/pkg/cmd/create

use serde_json::{Value, json};

use super::super::flags::Flags;
use super::super::resources::Resource;
use super::super::session::{Fault, Session};
use super::create::named;

/// The verbs of resources. upstream: validResourceVerbs
const RESOURCE_VERBS: [&str; 14] = [
    "*",
    "get",
    "delete",
    "list",
    "create",
    "update",
    "patch",
    "watch",
    "proxy",
    "deletecollection",
    "use",
    "bind",
    "escalate",
    "impersonate",
];

/// The verbs of URLs. upstream: validNonResourceVerbs
const URL_VERBS: [&str; 8] = ["*", "get", "post", "put", "delete", "patch", "head", "options"];

/// Verbs that only some resources know: the verb, groups and resources. upstream: specialVerbs
const SPECIAL: [(&str, &[(&str, &str)]); 4] = [
    ("use", &[("policy", "podsecuritypolicies"), ("extensions", "podsecuritypolicies")]),
    ("bind", &[("rbac.authorization.k8s.io", "roles"), ("rbac.authorization.k8s.io", "clusterroles")]),
    ("escalate", &[("rbac.authorization.k8s.io", "roles"), ("rbac.authorization.k8s.io", "clusterroles")]),
    ("impersonate", &[("", "users"), ("", "serviceaccounts"), ("", "groups"), ("authentication.k8s.io", "userextras")]),
];

/// The resource a word names; what nobody serves stays as it was written.
fn found(session: &Session<'_>, head: &str) -> Resource {
    session.resource(head).unwrap_or_else(|_| {
        let (name, group) = head.split_once('.').unwrap_or((head, ""));
        Resource { name: name.to_owned(), group: group.to_owned(), ..Resource::default() }
    })
}

/// upstream: validateResource
fn check_resource(session: &Session<'_>, given: &str, verbs: &[String]) -> Result<(), Fault> {
    let head = given.split('/').next().unwrap_or_default();
    if head.is_empty() {
        return Err(Fault::error("resource must be specified if apiGroup/subresource specified"));
    }
    let resource = found(session, head);
    let mut known = session.resource(head).is_ok();
    for verb in verbs {
        let Some((_, special)) = SPECIAL.iter().find(|(v, _)| v == verb) else { continue };
        if !special.contains(&(resource.group.as_str(), resource.name.as_str())) {
            return Err(Fault::error(format!("can not perform '{verb}' on '{}' in group '{}'", resource.name, resource.group)));
        }
        known = true;
    }
    if known {
        return Ok(());
    }
    let place = if resource.group.is_empty() { String::new() } else { format!(" in group \"{}\"", resource.group) };
    Err(Fault::plain(format!("the server doesn't have a resource type \"{}\"{place}", resource.name)))
}

fn check_urls(urls: &[String], verbs: &[String]) -> Result<(), Fault> {
    if let Some(verb) = verbs.iter().find(|v| !URL_VERBS.contains(&v.as_str())) {
        return Err(Fault::error(format!("invalid verb: '{verb}' for nonResourceURL")));
    }
    for url in urls.iter().filter(|u| *u != "*") {
        if !url.starts_with('/') {
            return Err(Fault::error("nonResourceURL should start with /"));
        }
        if url.strip_suffix('*').unwrap_or(url).contains('*') {
            return Err(Fault::error("nonResourceURL only supports wildcard matches when '*' is at the end"));
        }
    }
    Ok(())
}

pub(super) fn role(session: &mut Session<'_>, flags: &Flags, generator: &str, skip: usize) -> Result<Value, Fault> {
    let (name, _) = named(flags, generator, skip)?;
    let kind = if generator == "role" { "Role" } else { "ClusterRole" };
    let mut verbs: Vec<String> = Vec::new();
    for verb in flags.list("verb") {
        if verb == "*" {
            verbs = vec![verb];
            break;
        }
        if !verbs.contains(&verb) {
            verbs.push(verb);
        }
    }
    let mut urls: Vec<String> = Vec::new();
    for url in flags.list("non-resource-url") {
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    let aggregated = flags.text("aggregation-rule");
    if kind == "ClusterRole" && !aggregated.is_empty() {
        if !urls.is_empty() || !verbs.is_empty() || flags.given("resource") || flags.given("resource-name") {
            return Err(Fault::error("aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames"));
        }
        let labels = super::run::labels(&[aggregated.to_owned()])?;
        return Ok(json!({"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": labels}]},
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "rules": null}));
    }
    if verbs.is_empty() {
        return Err(Fault::error("at least one verb must be specified"));
    }
    if flags.list("resource").is_empty() && urls.is_empty() {
        return Err(Fault::error(if generator == "role" {
            "at least one resource must be specified"
        } else {
            "one of resource or nonResourceURL must be specified"
        }));
    }
    if kind == "Role" || flags.given("resource") {
        for verb in verbs.iter().filter(|v| !RESOURCE_VERBS.contains(&v.as_str())) {
            session.warn(&format!("Warning: '{verb}' is not a standard resource verb"));
        }
    }
    let mut wanted = flags.list("resource");
    if wanted.iter().any(|r| r == "*") {
        wanted = vec!["*".to_owned()];
    }
    wanted.iter().take_while(|r| !r.starts_with('*')).try_for_each(|given| check_resource(session, given, &verbs))?;
    if !urls.is_empty() {
        check_urls(&urls, &verbs)?;
    }
    // Resources of a group share a rule, in the order in which groups are met.
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for given in wanted {
        let (head, sub) = given.split_once('/').map_or((given.as_str(), None), |(h, s)| (h, Some(s)));
        let resource = found(session, head);
        let full = sub.map_or_else(|| resource.name.clone(), |s| format!("{}/{s}", resource.name));
        match groups.iter_mut().find(|(g, _)| *g == resource.group) {
            Some((_, all)) if all.contains(&full) => {}
            Some((_, all)) => all.push(full),
            None => groups.push((resource.group.clone(), vec![full])),
        }
    }
    groups.sort_by(|a, b| a.0.cmp(&b.0));
    let mut rules: Vec<Value> = Vec::new();
    for (group, resources) in groups {
        let mut rule = json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
        let mut names: Vec<String> = Vec::new();
        flags.all("resource-name").iter().for_each(|n| {
            if !names.contains(n) {
                names.push(n.clone());
            }
        });
        if !names.is_empty() {
            rule["resourceNames"] = names.into();
        }
        rules.push(rule);
    }
    if !urls.is_empty() {
        rules.push(json!({"nonResourceURLs": urls, "verbs": verbs}));
    }
    Ok(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "rules": rules}))
}

pub(super) fn binding(flags: &Flags, generator: &str, skip: usize) -> Result<Value, Fault> {
    let (name, _) = named(flags, generator, skip)?;
    let (role, cluster) = (flags.text("role"), flags.text("clusterrole"));
    let kind = if generator == "rolebinding" { "RoleBinding" } else { "ClusterRoleBinding" };
    let reference = match (role.is_empty(), cluster.is_empty()) {
        (false, true) if generator == "rolebinding" => json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}),
        (true, false) => json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": cluster}),
        _ if generator == "rolebinding" => return Err(Fault::error("exactly one of clusterrole or role must be specified")),
        _ => return Err(Fault::error("required flag(s) \"clusterrole\" not set")),
    };
    let mut object = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "roleRef": reference});
    let subjects = super::set::subjects(flags)?;
    if !subjects.is_empty() {
        object["subjects"] = subjects.into();
    }
    Ok(object)
}
