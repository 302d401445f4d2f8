//! Which part of the input a run looks at: a shard of it, or what changed in Git and what depends on that.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::process::Command;

use clap::ArgMatches;

use super::args::{string, strings};
use super::error::Error;
use super::world::RealWorld;
use crate::pipeline::Inputs;
use crate::source::World;
use crate::yaml;

/// The input after it was narrowed, and why.
#[derive(Debug)]
pub(super) struct Scope {
    /// What is left.
    pub(super) inputs: Inputs,
    /// What to tell the user where nothing is left; `None` where nothing was narrowed.
    pub(super) narrowed: Option<String>,
    /// Versions of charts before the change, as `path=version`.
    pub(super) versions: Vec<String>,
}

/// Takes the changed part and then the shard of what was found.
pub(super) fn narrow(matches: &ArgMatches, world: &RealWorld, since: Option<&str>, mut inputs: Inputs) -> Result<Scope, Error> {
    let mut narrowed = None;
    let mut versions = Vec::new();
    if let Some(reference) = since {
        let git = Git::open(reference)?;
        let changed = git.changed()?;
        versions = keep_changed(matches, world, &mut inputs, &git, &changed);
        narrowed = Some(format!("no chart or manifest changed since {reference}"));
    }
    if let Some((number, count)) = shard(matches)? {
        let own = |path: &str| hash(path) % count as u64 == number as u64;
        inputs.charts.retain(|chart| own(chart));
        // Manifests are judged together, so they stay together.
        if !own("manifests") {
            inputs.named.clear();
            inputs.found.clear();
        }
        narrowed = Some(format!("shard {} of {count} has nothing to check", number + 1));
    }
    Ok(Scope { inputs, narrowed, versions })
}

/// FNV-1a: the same on every machine and for all time.
fn hash(path: &str) -> u64 {
    path.trim_start_matches("./").bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The shard's number from 0, and how many there are.
fn shard(matches: &ArgMatches) -> Result<Option<(usize, usize)>, Error> {
    let Some(asked) = string(matches, "shard") else { return Ok(None) };
    let wrong = |why: &str| Error::unusable(format!("--shard {asked}: {why}"));
    if asked == "auto" {
        return from_environment(&|name| std::env::var(name).ok()).map(Some).map_err(|why| wrong(&why));
    }
    let parsed = asked.split_once('/').and_then(|(i, n)| Some((i.parse::<usize>().ok()?, n.parse::<usize>().ok()?)));
    match parsed {
        Some((number, count)) if number >= 1 && number <= count => Ok(Some((number - 1, count))),
        Some(_) => Err(wrong("shards are counted from 1 to their number")),
        None => Err(wrong("write it as 2/5, or auto")),
    }
}

/// What CI services and Kubernetes tell a job that is one of several: the variables of its number and of their count,
/// and where they begin to count.
const JOBS: &[(&str, &str, usize)] = &[
    ("KVAL_SHARD_INDEX", "KVAL_SHARD_TOTAL", 0),
    ("JOB_COMPLETION_INDEX", "KVAL_SHARD_TOTAL", 0),
    ("JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", 0),
    ("CI_NODE_INDEX", "CI_NODE_TOTAL", 1),
    ("CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0),
    ("BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0),
    ("SYSTEM_JOBPOSITIONINPHASE", "SYSTEM_TOTALJOBSINPHASE", 1),
];

fn from_environment(env: &dyn Fn(&str) -> Option<String>) -> Result<(usize, usize), String> {
    for (index, total, first) in JOBS {
        let (Some(number), Some(count)) = (env(index), env(total)) else { continue };
        let parsed = number.parse::<usize>().ok().and_then(|n| n.checked_sub(*first)).zip(count.parse::<usize>().ok());
        return match parsed {
            Some((number, count)) if number < count => Ok((number, count)),
            _ => Err(format!("{index}={number} and {total}={count} do not fit")),
        };
    }
    let known =
        "GitLab, CircleCI, Buildkite and Azure set the variables for it; in a Job of Kubernetes set KVAL_SHARD_TOTAL to its completions";
    Err(format!("nothing says which one this is: {known}"))
}

/// The revision that `--changed` compares with. Behind a bare `--changed` may stand a path, which goes to the paths.
pub(super) fn since(matches: &ArgMatches, paths: &mut Vec<String>) -> Option<String> {
    let asked = string(matches, "changed")?;
    if asked.is_empty() {
        return Some("HEAD".to_owned());
    }
    let path = std::path::Path::new(&asked).exists() && git(&["rev-parse", "--verify", "--quiet", &format!("{asked}^{{commit}}")]).is_err();
    if path {
        paths.push(asked);
        return Some("HEAD".to_owned());
    }
    Some(asked)
}

/// A Git repository and a revision of it.
struct Git {
    top: String,
    base: String,
}

fn git(arguments: &[&str]) -> Result<Vec<u8>, Error> {
    let ran = Command::new("git").args(arguments).output().map_err(|e| Error::unusable(format!("--changed needs git: {e}")))?;
    if ran.status.success() {
        return Ok(ran.stdout);
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    Err(Error::unusable(format!("--changed: git says: {}", said.lines().next().unwrap_or("nothing"))))
}

fn line(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}

impl Git {
    fn open(reference: &str) -> Result<Self, Error> {
        let top = line(&git(&["rev-parse", "--show-toplevel"])?);
        git(&["rev-parse", "--verify", "--quiet", &format!("{reference}^{{commit}}")])
            .map_err(|_| Error::unusable(format!("--changed: Git knows no revision {reference:?}; fetch it, or name another")))?;
        // What the other side changed meanwhile is no change of this one.
        let base = git(&["merge-base", reference, "HEAD"]).map_or_else(|_| reference.to_owned(), |found| line(&found));
        Ok(Self { top, base })
    }

    /// The files that differ from the revision or are new, with links followed.
    fn changed(&self) -> Result<BTreeSet<String>, Error> {
        let differ = git(&["-C", &self.top, "diff", "--name-only", "--no-renames", "-z", &self.base, "--"])?;
        let new = git(&["-C", &self.top, "ls-files", "--others", "--exclude-standard", "-z"])?;
        let names = differ.split(|b| *b == 0).chain(new.split(|b| *b == 0)).filter(|name| !name.is_empty());
        Ok(names.map(|name| format!("{}/{}", self.top, String::from_utf8_lossy(name))).collect())
    }

    /// A file's text in the revision.
    fn show(&self, path: &str) -> Option<String> {
        let below = path.strip_prefix(&self.top)?.trim_start_matches('/');
        git(&["-C", &self.top, "show", &format!("{}:{below}", self.base)]).ok().map(|text| String::from_utf8_lossy(&text).into_owned())
    }
}

/// A field of a chart's `Chart.yaml`.
fn field(text: &str, name: &str) -> Option<serde_json::Value> {
    let sources = &mut crate::source::Sources::new();
    let file = sources.add("Chart.yaml", text);
    let root = yaml::parse(text, file).into_iter().next()?.root?;
    root.to_json().get(name).cloned()
}

/// Keeps the charts that changed or depend on such, and all manifests when one of them changed; gives the versions that
/// the changed charts had.
fn keep_changed(matches: &ArgMatches, world: &RealWorld, inputs: &mut Inputs, git: &Git, changed: &BTreeSet<String>) -> Vec<String> {
    let inside = |folder: &str| {
        let from = format!("{folder}/");
        changed.range(from.clone()..).next().is_some_and(|path| path.starts_with(&from)) || changed.contains(folder)
    };
    let settings = |path: &str| {
        changed.iter().any(|c| {
            c.rsplit_once('/').is_some_and(|(folder, name)| {
                matches!(name, "kval.toml" | ".kval.toml") && (path == folder || path.starts_with(&format!("{folder}/")))
            })
        })
    };
    let everything = strings(matches, "values").iter().any(|file| changed.contains(&world.real_path(file)));
    let places: BTreeMap<&String, String> = inputs.charts.iter().map(|chart| (chart, world.real_path(chart))).collect();
    let mut touched: BTreeSet<&String> =
        places.iter().filter(|(_, at)| everything || inside(at) || settings(at)).map(|(c, _)| *c).collect();
    let itself = touched.clone();
    // What depends on a changed chart changes with it.
    let needs: BTreeMap<&String, Vec<String>> = places.keys().map(|chart| (*chart, dependencies(world, chart))).collect();
    loop {
        let known = touched.len();
        let folders: BTreeSet<&String> = touched.iter().map(|chart| &places[chart]).collect();
        let more: Vec<&String> =
            needs.iter().filter(|(_, on)| on.iter().any(|d| folders.contains(d) || inside(d))).map(|(c, _)| *c).collect();
        touched.extend(more);
        if touched.len() == known {
            break;
        }
    }
    let versions = itself.iter().filter(|chart| inside(&places[**chart])).filter_map(|chart| {
        let old = git.show(&format!("{}/Chart.yaml", places[*chart]))?;
        Some(format!("{chart}={}", field(&old, "version")?.as_str()?))
    });
    let versions = versions.collect();
    let kept: BTreeSet<String> = touched.into_iter().cloned().collect();
    inputs.charts.retain(|chart| kept.contains(chart));
    let manifest = |path: &String| {
        everything || path == crate::pipeline::STDIN || changed.contains(&world.real_path(path)) || settings(&world.real_path(path))
    };
    if !inputs.named.iter().chain(&inputs.found).any(manifest) {
        inputs.named.clear();
        inputs.found.clear();
    }
    versions
}

/// The folders of the charts that a chart depends on by a path.
fn dependencies(world: &RealWorld, chart: &str) -> Vec<String> {
    let Ok(bytes) = world.read(&format!("{chart}/Chart.yaml")) else { return Vec::new() };
    let listed = field(&String::from_utf8_lossy(&bytes), "dependencies");
    let places =
        listed.iter().filter_map(|l| l.as_array()).flatten().filter_map(|d| d.get("repository")?.as_str()?.strip_prefix("file://"));
    places.map(|path| world.real_path(&if path.starts_with('/') { path.to_owned() } else { format!("{chart}/{path}") })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(set: &[(&str, &str)]) -> Result<(usize, usize), String> {
        from_environment(&|name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn jobs_know_their_number() {
        assert_eq!(auto(&[("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "3")]), Ok((1, 3)));
        assert_eq!(auto(&[("JOB_COMPLETION_INDEX", "0"), ("KVAL_SHARD_TOTAL", "4")]), Ok((0, 4)));
        assert!(auto(&[("CI_NODE_INDEX", "4"), ("CI_NODE_TOTAL", "3")]).is_err());
        assert!(auto(&[]).is_err());
    }

    #[test]
    fn each_path_has_one_shard() {
        assert_eq!(hash("charts/a"), hash("./charts/a"));
        assert_ne!(hash("charts/a"), hash("charts/b"));
    }
}
