//! Access rules, configuration and signing requests. upstream: kubectl/pkg/describe

use serde_json::Value;

use super::super::labels;
use super::super::times;
use super::out::{Out, date, or};
use crate::simulate::scheduler::json::{at, int, list, text, words};

/// A rule with at most one group and resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Rule {
    groups: Vec<String>,
    resources: Vec<String>,
    names: Vec<String>,
    urls: Vec<String>,
    verbs: Vec<String>,
}

fn shown(words: &[String]) -> String {
    format!("[{}]", words.join(" "))
}

impl Rule {
    /// As Go prints the message, which is what rules are sorted by.
    fn sort_key(&self) -> String {
        let Self { groups, resources, names, urls, verbs } = self;
        let [groups, resources, names, urls, verbs] = [groups, resources, names, urls, verbs].map(|w| shown(w));
        format!("Verbs:{verbs},APIGroups:{groups},Resources:{resources},ResourceNames:{names},NonResourceURLs:{urls},")
    }

    /// One line of a table of rules.
    pub(in super::super) fn line(&self) -> String {
        format!("{}\t{}\t{}\t{}", self.resource(), shown(&self.urls), shown(&self.names), shown(&self.verbs))
    }

    /// `deployments.apps/scale`. upstream: CombineResourceGroup
    fn resource(&self) -> String {
        let Some(resource) = self.resources.first() else { return String::new() };
        let (name, sub) = resource.split_once('/').map_or((resource.as_str(), None), |(n, s)| (n, Some(s)));
        let mut out = name.to_owned();
        if let Some(group) = self.groups.first().filter(|g| !g.is_empty()) {
            out.push_str(&format!(".{group}"));
        }
        if let Some(sub) = sub {
            out.push_str(&format!("/{sub}"));
        }
        out
    }
}

/// Rules broken down and those of one resource joined, sorted. upstream: rbac.BreakdownRule, CompactRules, SortableRuleSlice
pub(in super::super) fn compact(rules: &[Value]) -> Vec<Rule> {
    let mut simple: Vec<Rule> = Vec::new();
    let mut others: Vec<Rule> = Vec::new();
    for rule in rules {
        let (verbs, names) = (words(rule, &["verbs"]), words(rule, &["resourceNames"]));
        for group in words(rule, &["apiGroups"]) {
            for resource in words(rule, &["resources"]) {
                for verb in &verbs {
                    let each: Vec<Vec<String>> =
                        if names.is_empty() { vec![Vec::new()] } else { names.iter().map(|n| vec![n.clone()]).collect() };
                    for names in each {
                        let same = |r: &&mut Rule| r.groups[0] == group && r.resources[0] == resource && r.names == names;
                        match simple.iter_mut().find(same) {
                            Some(found) if found.verbs.contains(verb) => {}
                            Some(found) => found.verbs.push(verb.clone()),
                            None => simple.push(Rule {
                                groups: vec![group.clone()],
                                resources: vec![resource.clone()],
                                names,
                                verbs: vec![verb.clone()],
                                ..Rule::default()
                            }),
                        }
                    }
                }
            }
        }
        for url in words(rule, &["nonResourceURLs"]) {
            others.extend(verbs.iter().map(|v| Rule { urls: vec![url.clone()], verbs: vec![v.clone()], ..Rule::default() }));
        }
    }
    others.extend(simple);
    others.sort_by_key(Rule::sort_key);
    others
}

fn head(out: &mut Out, o: &Value) {
    out.field(0, "Name", text(o, &["metadata", "name"]));
    out.labels("Labels", at(o, &["metadata", "labels"]));
    out.annotations("Annotations", at(o, &["metadata", "annotations"]));
}

/// upstream: RoleDescriber
pub(super) fn role(out: &mut Out, r: &Value) {
    head(out, r);
    out.line(0, "PolicyRule:");
    out.line(1, "Resources\tNon-Resource URLs\tResource Names\tVerbs");
    out.line(1, "---------\t-----------------\t--------------\t-----");
    compact(list(r, &["rules"])).iter().for_each(|rule| out.line(1, &rule.line()));
}

/// upstream: RoleBindingDescriber
pub(super) fn binding(out: &mut Out, b: &Value) {
    head(out, b);
    out.line(0, "Role:");
    out.field(1, "Kind", text(b, &["roleRef", "kind"]));
    out.field(1, "Name", text(b, &["roleRef", "name"]));
    out.line(0, "Subjects:");
    out.line(1, "Kind\tName\tNamespace");
    out.line(1, "----\t----\t---------");
    for s in list(b, &["subjects"]) {
        out.line(1, &format!("{}\t{}\t{}", text(s, &["kind"]), text(s, &["name"]), text(s, &["namespace"])));
    }
}

fn decoded(value: &Value) -> Vec<u8> {
    value.as_str().and_then(|s| data_encoding::BASE64.decode(s.as_bytes()).ok()).unwrap_or_default()
}

/// upstream: ConfigMapDescriber
pub(super) fn config_map(out: &mut Out, c: &Value) {
    out.head(c);
    out.line(0, "");
    out.line(0, "Data");
    out.line(0, "====");
    for key in at(c, &["data"]).as_object().into_iter().flat_map(serde_json::Map::keys) {
        out.line(0, &format!("{key}:"));
        out.line(0, "----");
        out.line(0, text(c, &["data", key]));
        out.line(0, "");
    }
    out.line(0, "");
    out.line(0, "BinaryData");
    out.line(0, "====");
    for (key, value) in at(c, &["binaryData"]).as_object().into_iter().flatten() {
        out.line(0, &format!("{key}: {} bytes", decoded(value).len()));
    }
    out.line(0, "");
}

/// upstream: describeSecret
pub(super) fn secret(out: &mut Out, s: &Value) {
    out.head(s);
    out.line(0, "");
    out.field(0, "Type", text(s, &["type"]));
    out.line(0, "");
    out.line(0, "Data");
    out.line(0, "====");
    for (key, value) in at(s, &["data"]).as_object().into_iter().flatten() {
        let bytes = decoded(value);
        if key == "token" && text(s, &["type"]) == "kubernetes.io/service-account-token" {
            out.field(0, key, String::from_utf8_lossy(&bytes));
        } else {
            out.field(0, key, format!("{} bytes", bytes.len()));
        }
    }
}

/// upstream: describeServiceAccount
pub(super) fn service_account(out: &mut Out, a: &Value) {
    out.head(a);
    let names: Vec<&str> = list(a, &["imagePullSecrets"]).iter().map(|s| text(s, &["name"])).collect();
    if names.is_empty() {
        out.line(0, "Image pull secrets:\t<none>");
    }
    for (i, name) in names.iter().enumerate() {
        out.line(0, &format!("{}\t{name}", if i == 0 { "Image pull secrets:" } else { "                   " }));
    }
}

/// upstream: describeCertificateSigningRequest; of the request itself, the parts kval reads.
pub(super) fn signing_request(out: &mut Out, r: &Value) {
    let spec = at(r, &["spec"]);
    out.field(0, "Name", text(r, &["metadata", "name"]));
    out.field(0, "Labels", labels::format(at(r, &["metadata", "labels"])));
    out.field(0, "Annotations", labels::format(at(r, &["metadata", "annotations"])));
    out.field(0, "CreationTimestamp", date(at(r, &["metadata", "creationTimestamp"])));
    out.field(0, "Requesting User", text(spec, &["username"]));
    if !text(spec, &["signerName"]).is_empty() {
        out.field(0, "Signer", text(spec, &["signerName"]));
    }
    if let Some(seconds) = int(spec, &["expirationSeconds"]) {
        out.field(0, "Requested Duration", times::human(seconds.saturating_mul(1_000_000_000)));
    }
    out.field(0, "Status", or(&super::super::table::signing_status(r), "Pending"));
}
