//! A file that tells what containers do and which load autoscalers see, in place of annotations.
//!
//! ```yaml
//! containers:                 # what the change brings: workload/container, * stands for any text
//!   web/app: pull 10s, starts in 20s
//!   '*/sidecar': never ready
//! before:                     # what runs before the change
//!   web/*: pull 1s
//! load:                       # autoscalers by name
//!   web: 100m until 60s, 900m
//! nodes:                      # nodes by name, times since the change
//!   node-2: lost at 60s, back at 10m
//! ```

use super::autoscale;
use super::outage;
use super::outage::Act;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::object::Labels;
use crate::simulate::kubelet::behaviour;
use crate::source::FileId;
use crate::source::Sources;
use crate::yaml;
use crate::yaml::Entry;
use crate::yaml::NodeKind;

/// What one line tells.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    workload: String,
    container: String,
    phrases: String,
    /// Where it is written.
    place: String,
}

/// What a scenario tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scenario {
    before: Vec<Told>,
    containers: Vec<Told>,
    load: Vec<Told>,
    nodes: Vec<Told>,
}

/// Whether a text is what a pattern with `*` describes.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or("")) else { return false };
    let mut last = None;
    for part in parts {
        last = Some(part);
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    match last {
        None => rest.is_empty(),
        Some(end) => end.is_empty() || text.ends_with(end),
    }
}

impl Scenario {
    /// Reads a file; `Err` says where what is wrong.
    ///
    /// # Errors
    ///
    /// Text that is no YAML, keys that mean nothing, phrases that are not understood.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut sources = Sources::new();
        let id = sources.add(name, text);
        let place = |entry: &Entry| {
            let at = sources.get(id).line_column(entry.key_span.start as usize);
            format!("{name}:{}:{}", at.line, at.column)
        };
        let documents = yaml::parse(text, FileId::default());
        if let Some(error) = documents.iter().find_map(|d| d.error.as_ref()) {
            return Err(format!("{name}: {error}"));
        }
        let mut out = Self::default();
        for root in documents.iter().filter_map(|d| d.root.as_ref()) {
            let NodeKind::Mapping(sections) = &root.kind else {
                return Err(format!("{name}: expected a mapping with containers, before, load or nodes"));
            };
            for section in sections {
                let known = ["containers", "before", "load", "nodes"];
                if !known.contains(&section.key.as_str()) {
                    return Err(format!("{}: unknown key {:?}; containers, before, load and nodes are known", place(section), section.key));
                }
                let NodeKind::Mapping(lines) = &section.value.kind else {
                    return Err(format!("{}: {}: expected a mapping", place(section), section.key));
                };
                for line in lines {
                    let told = read(line, &section.key).map_err(|why| format!("{}: {}: {why}", place(line), line.key))?;
                    let told = Told { place: format!("{}: {}", place(line), line.key), ..told };
                    match section.key.as_str() {
                        "containers" => out.containers.push(told),
                        "before" => out.before.push(told),
                        "load" => out.load.push(told),
                        _ => out.nodes.push(told),
                    }
                }
            }
        }
        Ok(out)
    }

    /// What is told of the containers of a workload, as annotations; `own` are those of the pod itself.
    pub(super) fn annotations(&self, changed: bool, workload: &str, containers: &[&str], own: &Labels) -> Labels {
        let mut out = own.clone();
        let lines = if changed { &self.containers } else { &self.before };
        for container in containers {
            if let Some(told) = lines.iter().rev().find(|t| matches(&t.workload, workload) && matches(&t.container, container)) {
                out.insert(format!("{}{container}", behaviour::ANNOTATION), told.phrases.clone());
            }
        }
        out
    }

    /// What happens to a node.
    pub(super) fn node(&self, name: &str) -> Vec<(Nanos, Act)> {
        let told = self.nodes.iter().rev().find(|t| matches(&t.workload, name));
        told.and_then(|t| outage::parse(&t.phrases).ok()).unwrap_or_default()
    }

    /// Whether nothing is told of containers.
    pub(super) fn is_empty(&self) -> bool {
        self.before.is_empty() && self.containers.is_empty()
    }

    /// The load of an autoscaler.
    pub(super) fn load(&self, name: &str) -> Option<&str> {
        self.load.iter().rev().find(|t| matches(&t.workload, name)).map(|t| t.phrases.as_str())
    }

    /// The lines that no container and no autoscaler fits: `containers` are pairs of workload and container.
    pub(super) fn unused(
        &self,
        before: &[(String, String)],
        after: &[(String, String)],
        scalers: &[String],
        nodes: &[String],
    ) -> Vec<String> {
        let fits =
            |told: &&Told, all: &[(String, String)]| all.iter().any(|(w, c)| matches(&told.workload, w) && matches(&told.container, c));
        let lines = self.containers.iter().filter(|t| !fits(t, after)).chain(self.before.iter().filter(|t| !fits(t, before)));
        let containers = lines.map(|t| format!("{}: there is no such container", t.place));
        let loads = self.load.iter().filter(|t| !scalers.iter().any(|s| matches(&t.workload, s)));
        let lost = self.nodes.iter().filter(|t| !nodes.iter().any(|n| matches(&t.workload, n)));
        let loads = loads.map(|t| format!("{}: there is no such autoscaler", t.place));
        containers.chain(loads).chain(lost.map(|t| format!("{}: there is no such node", t.place))).collect()
    }
}

fn read(line: &Entry, section: &str) -> Result<Told, String> {
    let (load, node) = (section == "load", section == "nodes");
    let NodeKind::Str(phrases) = &line.value.kind else { return Err("expected a text such as \"starts in 20s\"".to_owned()) };
    let refused = match section {
        "load" => autoscale::parse(phrases).err(),
        "nodes" => outage::parse(phrases).err(),
        _ => behaviour::parse(phrases).err(),
    };
    if let Some(phrase) = refused {
        return Err(format!("{phrase:?} is not understood"));
    }
    let (workload, container) = match line.key.split_once('/') {
        _ if node => (line.key.as_str(), ""),
        Some(_) if load => return Err("expected the name of an autoscaler".to_owned()),
        None if !load => return Err("expected workload/container, such as web/app or web/*".to_owned()),
        Some((workload, container)) => (workload, container),
        None => (line.key.as_str(), ""),
    };
    Ok(Told { workload: workload.to_owned(), container: container.to_owned(), phrases: phrases.clone(), place: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, fits) in [("*", true), ("we*", true), ("*b", true), ("w*b", true), ("w*x", false), ("we", false), ("web", true)] {
            let text = "web";
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn files() {
        let scenario = Scenario::parse("s.yaml", "containers:\n  web/*: starts in 20s\nload: {api: 100m}\n").expect("a scenario");
        let told = scenario.annotations(true, "web", &["app"], &Labels::new());
        assert_eq!(told.get("simulate.kval.dev/app").map(String::as_str), Some("starts in 20s"));
        assert_eq!(scenario.load("api"), Some("100m"));
        for (text, why) in [
            ("contaners: {}", "s.yaml:1:1: unknown key \"contaners\"; containers, before, load and nodes are known"),
            ("containers:\n  web/app: dances", "s.yaml:2:3: web/app: \"dances\" is not understood"),
            ("before: {web: never ready}", "s.yaml:1:10: web: expected workload/container, such as web/app or web/*"),
            ("- x", "s.yaml: expected a mapping with containers, before, load or nodes"),
        ] {
            assert_eq!(Scenario::parse("s.yaml", text), Err(why.to_owned()));
        }
    }
}
