//! `kval rules test` and `kval rules new`: a team's own rules.

use clap::ArgMatches;

use super::args::{string, strings};
use super::error::Error;
use super::output::Output;
use super::world::{RealWorld, create_directories, write_atomically};
use super::{CLEAN, FINDINGS, options};
use crate::helm::TemplateOptions;
use crate::lint::CustomRule;
use crate::lint::examples;
use crate::pipeline;
use crate::pipeline::{Checks, Configs};
use crate::report::plural;
use crate::source::MemoryWorld;
use crate::source::World;

/// The page that `kval rules new` writes.
const PAGE: &str = "---
severity: warning
kinds: Deployment,StatefulSet
field: metadata.labels
message: the workload does not say whose it is
help: add the label `team`
---
# NAME

## What it does
Reports a workload without the label `team`.

## Why
Whoever is called at night wants to know whom to call next.

## Expression
```cel
has(object.metadata.labels) && 'team' in object.metadata.labels
```

## Example
```yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: # error: does not say whose it is
    app: web
spec: {}
```

## Use instead
```yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    team: shop
spec: {}
```
";

/// `kval rules new`.
pub(super) fn new(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let world = RealWorld::new(None, None);
    let name = string(matches, "name").unwrap_or_default();
    let folder = string(matches, "folder").unwrap_or_default();
    let page = PAGE.replace("NAME", &name);
    CustomRule::parse(&name, &page).map_err(|(_, why)| Error::unusable(why))?;
    let path = format!("{}/{name}.md", folder.trim_end_matches('/'));
    if world.kind(&path).is_ok() {
        return Err(Error::unusable(format!("{path} is there already")));
    }
    create_directories(&folder)?;
    write_atomically(&path, page.as_bytes())?;
    output.note(&format!("wrote {path}; name its folder in kval.toml: custom-rules = [\"{folder}\"]"));
    Ok(CLEAN)
}

/// `kval rules test`.
pub(super) fn test(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let world = RealWorld::new(None, None);
    let mut folders = strings(matches, "paths");
    if folders.is_empty() {
        folders = Configs::read(&world, &options::config(matches), [])?.settings(".").custom;
    }
    let rules = pipeline::custom_rules(&world, &folders)?;
    if rules.is_empty() {
        return Err(Error::unusable("no rules to test: name a folder of pages, or `custom-rules` in kval.toml"));
    }
    let mut wrong = Vec::new();
    for rule in &rules {
        let (bad, good) = examples(&rule.page);
        if bad.is_empty() || good.is_empty() {
            wrong.push(format!("{}: a block under `## Example` and one under `## Use instead` are needed", rule.id));
        }
        for text in &bad {
            let found = findings(rule, text)?;
            let marks: Vec<(u32, &str)> =
                text.lines().zip(1..).filter_map(|(line, number)| Some((number, line.split_once("# error:")?.1.trim()))).collect();
            let missing = marks.iter().filter(|(line, part)| !found.iter().any(|(l, m)| l == line && m.contains(part)));
            wrong.extend(missing.map(|(line, part)| format!("{}: line {line} of the example gives no finding `{part}`", rule.id)));
            let unmarked = found.iter().filter(|(line, _)| !marks.iter().any(|(l, _)| l == line));
            wrong.extend(
                unmarked.map(|(line, message)| format!("{}: line {line} of the example gives `{message}`, without a mark", rule.id)),
            );
        }
        for text in &good {
            wrong.extend(findings(rule, text)?.iter().map(|(line, m)| format!("{}: line {line} of the good example gives `{m}`", rule.id)));
        }
    }
    wrong.iter().for_each(|line| output.line(line));
    output.note(&format!("{} tested, {}", plural(rules.len(), "rule"), plural(wrong.len(), "complaint")));
    Ok(if wrong.is_empty() { CLEAN } else { FINDINGS })
}

/// Line and message of what a rule finds in a manifest.
fn findings(rule: &CustomRule, text: &str) -> Result<Vec<(u32, String)>, Error> {
    let mut world = MemoryWorld::default();
    world.files.insert("example.yaml".to_owned(), text.as_bytes().to_vec());
    let inputs = pipeline::discover(&world, &["example.yaml".to_owned()])?;
    let mut checks = Checks { judge: true, ..Checks::default() };
    checks.custom.push(rule.clone());
    let outcome = pipeline::run(&world, &inputs, &TemplateOptions::default(), &checks)?;
    let mut out = Vec::new();
    for unit in &outcome.units {
        for finding in unit.findings.iter().filter(|f| f.code == rule.id) {
            out.push((finding.span.map_or(0, |s| unit.sources.start(s).line), finding.message.clone()));
        }
    }
    Ok(out)
}
