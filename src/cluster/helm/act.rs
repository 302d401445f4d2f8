//! The actions. upstream: pkg/action/{install,upgrade,rollback,uninstall,release_testing}.go

use serde_json::Value;
use serde_json::json;

use super::Flags;
use super::Reuse;
use super::Session;
use super::Wait;
use super::Wanted;
use super::chart;
use super::objects::Target;
use super::objects::to_json;
use super::release::Release;
use super::storage::NOT_FOUND;
use super::wait::For;
use crate::cluster::boot;
use crate::cluster::server::Write;
use crate::helm::chart::Chart;
use crate::helm::dependency;
use crate::helm::hooks;
use crate::helm::order;
use crate::helm::release::ReleaseInfo;
use crate::helm::release::valid_name;
use crate::helm::strvals::quote;
use crate::helm::values;
use crate::simulate::apiserver::Propagation;
use crate::value::Map;

/// How an action ended: the release as far as it came, and Helm's sentence when it failed.
pub type Ended = (Option<Release>, Result<(), String>);

fn failed(message: impl Into<String>) -> Ended {
    (None, Err(message.into()))
}

macro_rules! or_fail {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(message) => return failed(message),
        }
    };
}

fn ready(flags: &Flags) -> For {
    if flags.wait_for_jobs { For::ReadyWithJobs } else { For::Ready }
}

/// Waits for everything where a failure has to be noticed.
fn with_wait(flags: &Flags) -> Flags {
    let wait = if flags.rollback_on_failure { Wait::Watcher } else { flags.wait };
    Flags { wait, ..flags.clone() }
}

impl Session<'_> {
    fn wait_ready(&mut self, targets: &[Target], flags: &Flags) -> Result<(), String> {
        if flags.wait == Wait::HookOnly { Ok(()) } else { self.wait(targets, ready(flags), flags.timeout) }
    }

    /// Whether a name may be used. upstream: Install.availableName
    fn available(&self, name: &str, flags: &Flags) -> Result<(), String> {
        valid_name(name).map_err(|e| format!("release name {}: {e}", quote(name)))?;
        if flags.dry_run {
            return Ok(());
        }
        match self.history(name).last() {
            None => Ok(()),
            Some(last) if flags.replace && matches!(last.status.as_str(), "uninstalled" | "failed") => Ok(()),
            Some(_) => Err("cannot reuse a name that is still in use".to_owned()),
        }
    }

    fn install_crds(&mut self, wanted: &Chart, flags: &Flags) -> Result<(), String> {
        let crds: Vec<String> = wanted.crds().iter().map(|(_, f)| String::from_utf8_lossy(f.data()).into_owned()).collect();
        if crds.is_empty() || flags.skip_crds {
            return Ok(());
        }
        if flags.dry_run {
            self.logs
                .push("WARN", "This chart or one of its subcharts contains CRDs. Rendering may fail or contain inaccuracies.".to_owned());
            return Ok(());
        }
        for text in crds {
            for target in self.build(&text)? {
                match self.cluster.create(&target.object, &Write::by("helm")) {
                    Ok(_) => {}
                    Err(e) if e.reason == "AlreadyExists" => {}
                    Err(e) => return Err(format!("failed to install CRD {}: {}", target.name, e.message)),
                }
            }
        }
        Ok(())
    }

    /// Installs a chart as a release.
    pub fn install(&mut self, name: &str, mut wanted: Wanted, flags: &Flags) -> Ended {
        let flags = &with_wait(flags);
        if let Err(e) = self.available(name, flags) {
            self.logs.push_with("ERROR", "release name check failed", &[("error", &e)]);
            return failed(format!("release name check failed: {e}"));
        }
        if let Err(e) = dependency::process(&mut wanted.chart, &wanted.values, &mut self.logs) {
            self.logs.push_with("ERROR", "chart dependencies processing failed", &[("error", &e)]);
            return failed(format!("chart dependencies processing failed: {e}"));
        }
        or_fail!(self.install_crds(&wanted.chart, flags));
        let namespace = self.namespace.clone();
        let info = ReleaseInfo { name, namespace: &namespace, is_upgrade: false, revision: 1 };
        let rendered = or_fail!(self.render(&wanted.chart, &wanted.values, &info, !flags.skip_schema_validation, flags.subchart_notes));
        let now = self.cluster.now();
        let mut release = Release {
            name: name.to_owned(),
            namespace: namespace.clone(),
            version: 1,
            status: "pending-install".to_owned(),
            description: "Initial install underway".to_owned(),
            first_deployed: now,
            last_deployed: now,
            notes: rendered.notes,
            chart: chart::encode(&wanted.chart),
            config: to_json(&wanted.values.clone().into()),
            manifest: rendered.manifest,
            hooks: rendered.hooks,
            labels: flags.labels.clone(),
            apply_method: "ssa".to_owned(),
            ..Release::default()
        };
        let built = self.build(&release.manifest);
        let mut targets = or_fail!(built.map_err(|e| format!("unable to build kubernetes objects from release manifest: {e}")));
        Self::own(&mut targets, &release);
        let existing = self.existing(&targets, &release, flags.take_ownership);
        let adopted = or_fail!(existing.map_err(|e| format!("unable to continue with install: {e}")));
        if flags.dry_run {
            "Dry run complete".clone_into(&mut release.description);
            return (Some(release), Ok(()));
        }
        if flags.create_namespace {
            let mut object = boot::namespace(&namespace);
            object["metadata"]["labels"] = json!({"name": namespace});
            match self.cluster.create(&object, &Write::by("helm")) {
                Ok(_) => {}
                Err(e) if e.reason == "AlreadyExists" => {}
                Err(e) => return failed(e.message),
            }
        }
        if flags.replace {
            if let Some(mut last) = self.history(name).pop() {
                release.version = last.version + 1;
                if last.status != "failed" {
                    "superseded".clone_into(&mut last.status);
                    "superseded by new release".clone_into(&mut last.description);
                    self.update_record(&last);
                }
            }
        }
        if let Err(e) = self.create_record(&release, 0) {
            return (Some(release), Err(e));
        }
        let done = self.perform_install(&mut release, &adopted, &targets, flags);
        if let Err(e) = done {
            "failed".clone_into(&mut release.status);
            release.description = format!("Release {} failed: {e}", quote(name));
            if flags.rollback_on_failure {
                self.update_record(&release);
                let undo = Flags { keep_history: false, description: String::new(), ignore_not_found: false, ..flags.clone() };
                if let Err(other) = self.uninstall(name, &undo) {
                    let both = format!("an error occurred while uninstalling the release. original install error: {e}: {other}");
                    return (Some(release), Err(both));
                }
                let why = format!("release {name} failed, and has been uninstalled due to rollback-on-failure being set: {e}");
                return (Some(release), Err(why));
            }
            self.update_record(&release);
            return (Some(release), Err(e));
        }
        (Some(release), Ok(()))
    }

    fn perform_install(&mut self, release: &mut Release, adopted: &[Target], targets: &[Target], flags: &Flags) -> Result<(), String> {
        if !flags.no_hooks {
            self.run_hooks(release, "pre-install", flags, false).map_err(|e| format!("failed pre-install: {e}"))?;
        }
        if adopted.is_empty() {
            self.create_all(targets)?;
        } else {
            self.update_all(adopted, targets, flags.force_conflicts).1?;
        }
        self.wait_ready(targets, flags)?;
        if !flags.no_hooks {
            self.run_hooks(release, "post-install", flags, false).map_err(|e| format!("failed post-install: {e}"))?;
        }
        "deployed".clone_into(&mut release.status);
        release.description = if flags.description.is_empty() { "Install complete".to_owned() } else { flags.description.clone() };
        self.update_record(release);
        Ok(())
    }

    /// Upgrades a release to a chart.
    pub fn upgrade(&mut self, name: &str, mut wanted: Wanted, flags: &Flags) -> Ended {
        let flags = &with_wait(flags);
        if valid_name(name).is_err() {
            return failed(format!("release name is invalid: {name}"));
        }
        let history = self.history(name);
        let Some(last) = history.last().cloned() else { return failed(format!("{} has no deployed releases", quote(name))) };
        if last.is_pending() {
            return failed("another operation (install/upgrade/rollback) is in progress");
        }
        let mut current = if last.status == "deployed" {
            last.clone()
        } else {
            match history.iter().rev().find(|r| r.status == "deployed") {
                Some(deployed) => deployed.clone(),
                None if matches!(last.status.as_str(), "failed" | "superseded") => last.clone(),
                None => return failed(format!("{} has no deployed releases", quote(name))),
            }
        };
        let given = or_fail!(self.reused(&mut wanted, &current, flags));
        or_fail!(dependency::process(&mut wanted.chart, &given, &mut self.logs));
        let namespace = current.namespace.clone();
        let revision = last.version + 1;
        let info = ReleaseInfo { name, namespace: &namespace, is_upgrade: true, revision };
        let rendered = or_fail!(self.render(&wanted.chart, &given, &info, !flags.skip_schema_validation, flags.subchart_notes));
        let mut labels = last.labels.clone();
        labels.extend(flags.labels.clone());
        labels.retain(|_, v| v != "null");
        let mut release = Release {
            name: name.to_owned(),
            namespace,
            version: revision,
            status: "pending-upgrade".to_owned(),
            description: "Preparing upgrade".to_owned(),
            first_deployed: current.first_deployed,
            last_deployed: self.cluster.now(),
            notes: rendered.notes,
            chart: chart::encode(&wanted.chart),
            config: to_json(&given.into()),
            manifest: rendered.manifest,
            hooks: rendered.hooks,
            labels,
            apply_method: last.apply_method.clone(),
            ..Release::default()
        };
        or_fail!(self.build(&release.manifest));
        let before = self.build(&current.manifest);
        let mut before = or_fail!(before.map_err(|e| format!("unable to build kubernetes objects from current release manifest: {e}")));
        let mut after = self.build(&release.manifest).unwrap_or_default();
        Self::own(&mut after, &release);
        let new: Vec<Target> = after.iter().filter(|a| !before.iter().any(|b| b.same(a))).cloned().collect();
        let existing = self.existing(&new, &release, flags.take_ownership);
        before.extend(or_fail!(existing.map_err(|e| format!("unable to continue with update: {e}"))));
        if flags.dry_run {
            release.description = if flags.description.is_empty() { "Dry run complete".to_owned() } else { flags.description.clone() };
            return (Some(release), Ok(()));
        }
        or_fail!(self.create_record(&release, flags.history_max));
        let (created, done) = self.perform_upgrade(&mut release, &before, &after, flags);
        if let Err(e) = done {
            return self.fail_upgrade(release, &created, e, flags);
        }
        "superseded".clone_into(&mut current.status);
        self.update_record(&current);
        "deployed".clone_into(&mut release.status);
        release.description = if flags.description.is_empty() { "Upgrade complete".to_owned() } else { flags.description.clone() };
        self.update_record(&release);
        (Some(release), Ok(()))
    }

    fn perform_upgrade(
        &mut self,
        release: &mut Release,
        before: &[Target],
        after: &[Target],
        flags: &Flags,
    ) -> (Vec<Target>, Result<(), String>) {
        if !flags.no_hooks {
            if let Err(e) = self.run_hooks(release, "pre-upgrade", flags, false) {
                return (Vec::new(), Err(format!("pre-upgrade hooks failed: {e}")));
            }
        }
        let (created, updated) = self.update_all(before, after, flags.force_conflicts);
        let done = updated.and_then(|()| self.wait_ready(after, flags));
        if done.is_err() {
            return (created, done);
        }
        if !flags.no_hooks {
            if let Err(e) = self.run_hooks(release, "post-upgrade", flags, false) {
                return (created, Err(format!("post-upgrade hooks failed: {e}")));
            }
        }
        (created, Ok(()))
    }

    fn fail_upgrade(&mut self, mut release: Release, created: &[Target], error: String, flags: &Flags) -> Ended {
        let name = release.name.clone();
        self.logs.push_with("WARN", "upgrade failed", &[("name", &name), ("error", &error)]);
        "failed".clone_into(&mut release.status);
        release.description = format!("Upgrade {} failed: {error}", quote(&name));
        self.update_record(&release);
        if flags.cleanup_on_fail {
            self.delete_all(created, Propagation::Background);
        }
        if flags.rollback_on_failure {
            let good = |r: &&Release| matches!(r.status.as_str(), "superseded" | "deployed");
            let Some(target) = self.history(&name).iter().rev().find(good).map(|r| r.version) else {
                let why = "unable to find a previously successful release when attempting to rollback. original upgrade error";
                return (Some(release), Err(format!("{why}: {error}")));
            };
            let undo = Flags { description: String::new(), ..flags.clone() };
            if let Err(other) = self.rollback(&name, target, &undo) {
                let why = "an error occurred while rolling back the release. original upgrade error";
                return (Some(release), Err(format!("{why}: {error}: {other}")));
            }
            let why = format!("release {name} failed, and has been rolled back due to rollback-on-failure being set: {error}");
            return (Some(release), Err(why));
        }
        (Some(release), Err(error))
    }

    /// The values of an upgrade. upstream: Upgrade.reuseValues
    fn reused(&mut self, wanted: &mut Wanted, current: &Release, flags: &Flags) -> Result<Map, String> {
        let given = wanted.values.clone();
        let before = chart::to_map(&current.config);
        let nothing = |map: &Map| map.is_empty();
        match flags.reuse {
            Reuse::Reset => Ok(given),
            Reuse::Reuse => {
                let old = chart::decode(&current.chart);
                let coalesced =
                    values::coalesce_values(&old, &before, &mut self.logs).map_err(|e| format!("failed to rebuild old values: {e}"))?;
                values::coalesce_tables(&given, &before, "", false, &mut self.logs, 0);
                chart::set_values(&mut wanted.chart, coalesced);
                Ok(given)
            }
            Reuse::ResetThenReuse => {
                values::coalesce_tables(&given, &before, "", false, &mut self.logs, 0);
                Ok(given)
            }
            Reuse::WhenNoneGiven => Ok(if nothing(&given) && !nothing(&before) { before } else { given }),
        }
    }

    /// Rolls a release back to a revision, to the one before for 0.
    pub fn rollback(&mut self, name: &str, version: i64, flags: &Flags) -> Result<(), String> {
        if valid_name(name).is_err() {
            return Err(format!("prepareRollback: Release name is invalid: {name}"));
        }
        if version < 0 {
            return Err("invalid release revision".to_owned());
        }
        let history = self.history(name);
        let Some(mut current) = history.last().cloned() else { return Err(NOT_FOUND.to_owned()) };
        let version = if version == 0 { current.version - 1 } else { version };
        let Some(previous) = history.iter().find(|r| r.version == version).cloned() else {
            return Err(format!("release has no {version} version"));
        };
        let description = if flags.description.is_empty() { format!("Rollback to {version}") } else { flags.description.clone() };
        let mut release = Release {
            version: current.version + 1,
            status: "pending-rollback".to_owned(),
            description,
            first_deployed: current.first_deployed,
            last_deployed: self.cluster.now(),
            deleted: None,
            rollback_revision: version,
            ..previous
        };
        if flags.dry_run {
            return Ok(());
        }
        self.create_record(&release, flags.history_max)?;
        let before = self.build(&current.manifest);
        let before = before.map_err(|e| format!("unable to build kubernetes objects from current release manifest: {e}"))?;
        let after = self.build(&release.manifest);
        let mut after = after.map_err(|e| format!("unable to build kubernetes objects from new release manifest: {e}"))?;
        if !flags.no_hooks {
            self.run_hooks(&mut release, "pre-rollback", flags, false)?;
        }
        Self::own(&mut after, &release);
        let (created, updated) = self.update_all(&before, &after, flags.force_conflicts);
        if let Err(e) = updated {
            let message = format!("Rollback {} failed: {e}", quote(name));
            self.logs.push("WARN", message.clone());
            "superseded".clone_into(&mut current.status);
            "failed".clone_into(&mut release.status);
            release.description = message;
            self.update_record(&current);
            self.update_record(&release);
            if flags.cleanup_on_fail {
                self.delete_all(&created, Propagation::Background);
            }
            return Err(e);
        }
        if let Err(e) = self.wait_ready(&after, flags) {
            "failed".clone_into(&mut release.status);
            release.description = format!("Release {} failed: {e}", quote(name));
            self.update_record(&current);
            self.update_record(&release);
            return Err(format!("release {name} failed: {e}"));
        }
        if !flags.no_hooks {
            self.run_hooks(&mut release, "post-rollback", flags, false)?;
        }
        for mut deployed in self.history(name).into_iter().filter(|r| r.status == "deployed") {
            "superseded".clone_into(&mut deployed.status);
            self.update_record(&deployed);
        }
        "deployed".clone_into(&mut release.status);
        self.update_record(&release);
        Ok(())
    }

    /// Uninstalls a release; returns what is to be told beside.
    pub fn uninstall(&mut self, name: &str, flags: &Flags) -> Result<String, String> {
        if flags.dry_run {
            return match self.revision(name, 0) {
                Ok(release) => Ok(kept_text(&self.split_by_policy(&release)?.0)),
                Err(_) if flags.ignore_not_found => Ok(String::new()),
                Err(e) => Err(e),
            };
        }
        if valid_name(name).is_err() {
            return Err(format!("uninstall: Release name is invalid: {name}"));
        }
        let history = self.history(name);
        let Some(mut release) = history.last().cloned() else {
            if flags.ignore_not_found {
                return Ok(String::new());
            }
            return Err(format!("uninstall: Release not loaded: {name}: {NOT_FOUND}"));
        };
        let purge = |s: &mut Self| history.iter().for_each(|r| s.delete_record(name, r.version));
        if release.status == "uninstalled" {
            if flags.keep_history {
                return Err(format!("the release named {} is already deleted", quote(name)));
            }
            purge(self);
            return Ok(String::new());
        }
        "uninstalling".clone_into(&mut release.status);
        release.deleted = Some(self.cluster.now());
        "Deletion in progress (or silently failed)".clone_into(&mut release.description);
        if !flags.no_hooks {
            self.run_hooks(&mut release, "pre-delete", flags, false)?;
        }
        self.update_record(&release);
        let (kept, deleted) = self.split_by_policy(&release).map_err(|_| format!("failed to delete release: {name}"))?;
        let mut told = kept_text(&kept);
        let built = self.build(&deleted.concat()).map_err(|_| format!("failed to delete release: {name}"))?;
        let (own, others) = self.by_owner(built, &release);
        if !others.is_empty() {
            if !told.is_empty() {
                told.push('\n');
            }
            told.push_str(&format!("{} resource(s) were not deleted because they are not owned by this release:\n", others.len()));
            for other in &others {
                let attributes = [("kind", other.kind.as_str()), ("name", &other.name), ("namespace", &other.namespace), ("release", name)];
                self.logs.push_with("WARN", "skipping delete of resource not owned by this release", &attributes);
                told.push_str(&format!("[{}] {}\n", other.kind, other.name));
            }
        }
        let propagation = match flags.cascade.as_str() {
            "orphan" => Propagation::Orphan,
            "foreground" => Propagation::Foreground,
            _ => Propagation::Background,
        };
        self.delete_all(&own, propagation);
        let mut errors: Vec<String> = Vec::new();
        if flags.wait == Wait::Watcher {
            errors.extend(self.wait_for_delete(&own, flags.timeout).err());
        }
        if !flags.no_hooks {
            errors.extend(self.run_hooks(&mut release, "post-delete", flags, false).err());
        }
        "uninstalled".clone_into(&mut release.status);
        release.description = if flags.description.is_empty() { "Uninstallation complete".to_owned() } else { flags.description.clone() };
        if flags.keep_history {
            self.update_record(&release);
            for mut deployed in self.history(name).into_iter().filter(|r| r.status == "deployed") {
                "superseded".clone_into(&mut deployed.status);
                self.update_record(&deployed);
            }
        } else {
            purge(self);
        }
        match errors.len() {
            0 => Ok(told),
            n => Err(format!("uninstallation completed with {n} error(s): {}", errors.join("; "))),
        }
    }

    /// The texts of a release's objects that stay when it goes, and of those that go, in the order in which they do.
    fn split_by_policy(&self, release: &Release) -> Result<(Vec<(String, String)>, Vec<String>), String> {
        let sorted = hooks::sort([("manifest", &release.manifest.as_str().into())], false).map_err(|e| e.0)?;
        let mut all = sorted.manifests;
        order::sort_by_kind(&mut all, order::UNINSTALL, |m| m.head.kind.clone());
        let mut kept = Vec::new();
        let mut gone = Vec::new();
        for manifest in all {
            let policy =
                manifest.head.annotations.iter().find(|(k, _)| k == "helm.sh/resource-policy").map(|(_, v)| v.trim().to_lowercase());
            match policy.as_deref() {
                None => gone.push(format!("\n---\n{}", manifest.text)),
                Some("keep") => kept.push((manifest.head.kind, manifest.head.name)),
                // An object of another policy is neither kept nor deleted.
                Some(_) => {}
            }
        }
        Ok((kept, gone))
    }

    /// Runs the tests of a release.
    pub fn test(&mut self, name: &str, filters: &[String], flags: &Flags) -> Ended {
        if valid_name(name).is_err() {
            return failed(format!("releaseTest: Release name is invalid: {name}"));
        }
        let mut release = or_fail!(self.revision(name, 0));
        let only: Vec<&str> = filters.iter().filter_map(|f| f.strip_prefix("name=")).collect();
        let not: Vec<&str> = filters.iter().filter_map(|f| f.strip_prefix("!name=").or_else(|| f.strip_prefix("! name="))).collect();
        let runs = |name: &str| !not.contains(&name) && (only.is_empty() || only.contains(&name));
        let (run, skipped): (Vec<_>, Vec<_>) = std::mem::take(&mut release.hooks).into_iter().partition(|h| runs(&h.name));
        release.hooks = run;
        let flags = Flags { wait: Wait::Watcher, ..flags.clone() };
        let done = self.run_hooks(&mut release, "test", &flags, true);
        if done.is_ok() {
            // The report comes first, but it shows nothing of this.
            let _ = self.after_hooks(&release, "test", &flags);
        }
        release.hooks = skipped.into_iter().chain(std::mem::take(&mut release.hooks)).collect();
        self.update_record(&release);
        (Some(release), done)
    }

    /// The values of a release: those given, or all of them.
    pub fn values(&mut self, release: &Release, all: bool) -> Result<Value, String> {
        if !all {
            return Ok(release.config.clone());
        }
        let chart = chart::decode(&release.chart);
        let map = values::coalesce_values(&chart, &chart::to_map(&release.config), &mut self.logs)?;
        Ok(to_json(&map.into()))
    }
}

fn kept_text(kept: &[(String, String)]) -> String {
    if kept.is_empty() {
        return String::new();
    }
    let lines: String = kept.iter().map(|(kind, name)| format!("[{kind}] {name}\n")).collect();
    format!("These resources were kept due to the resource policy:\n{lines}")
}
