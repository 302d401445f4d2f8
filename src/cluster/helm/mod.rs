//! Helm's actions on a cluster: install, upgrade, roll back, uninstall, test, with hooks, waiting and release records.
//! upstream: helm.sh/helm/v4/pkg/action
//!
//! [`Session`] is a command's view of a cluster; its methods are the actions. [`release`] is the record of a release and
//! [`mod@print`] what the commands print of it.

pub mod act;
pub mod chart;
mod hook;
mod objects;
pub mod print;
pub mod release;
mod storage;
mod wait;

use std::collections::BTreeMap;

use crate::cluster::Cluster;
use crate::helm::chart::Chart;
use crate::helm::values::Logs;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::SECOND;
use crate::source::World;
use crate::value::Map;

pub use release::Release;

/// What the commands wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// Hooks only.
    #[default]
    HookOnly,
    /// All objects too.
    Watcher,
}

/// What becomes of the values of the release before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// They stay when no new ones are given.
    #[default]
    WhenNoneGiven,
    /// They are forgotten.
    Reset,
    /// They stay, with the values of the chart before, below the new ones.
    Reuse,
    /// They stay below the new ones, above the new chart's.
    ResetThenReuse,
}

/// The flags of install, upgrade, rollback, uninstall and test.
#[derive(Clone, Debug)]
pub struct Flags {
    /// `--wait`
    pub wait: Wait,
    /// `--wait-for-jobs`
    pub wait_for_jobs: bool,
    /// `--timeout`
    pub timeout: Nanos,
    /// `--no-hooks`
    pub no_hooks: bool,
    /// `--rollback-on-failure`
    pub rollback_on_failure: bool,
    /// `--cleanup-on-fail`
    pub cleanup_on_fail: bool,
    /// `--dry-run` of any kind but `none`
    pub dry_run: bool,
    /// `--description`
    pub description: String,
    /// `--labels`
    pub labels: BTreeMap<String, String>,
    /// `--force-conflicts`
    pub force_conflicts: bool,
    /// `--take-ownership`
    pub take_ownership: bool,
    /// `--create-namespace`
    pub create_namespace: bool,
    /// `--replace`
    pub replace: bool,
    /// `--skip-crds`
    pub skip_crds: bool,
    /// `--skip-schema-validation`
    pub skip_schema_validation: bool,
    /// `--render-subchart-notes`
    pub subchart_notes: bool,
    /// `--keep-history`
    pub keep_history: bool,
    /// `--ignore-not-found`
    pub ignore_not_found: bool,
    /// `--cascade`
    pub cascade: String,
    /// `--history-max`
    pub history_max: usize,
    /// What becomes of the values before.
    pub reuse: Reuse,
}

impl Default for Flags {
    fn default() -> Self {
        Self {
            wait: Wait::HookOnly,
            wait_for_jobs: false,
            timeout: 300 * SECOND,
            no_hooks: false,
            rollback_on_failure: false,
            cleanup_on_fail: false,
            dry_run: false,
            description: String::new(),
            labels: BTreeMap::new(),
            force_conflicts: false,
            take_ownership: false,
            create_namespace: false,
            replace: false,
            skip_crds: false,
            skip_schema_validation: false,
            subchart_notes: false,
            keep_history: false,
            ignore_not_found: false,
            cascade: "background".to_owned(),
            history_max: 10,
            reuse: Reuse::WhenNoneGiven,
        }
    }
}

/// A chart with the values given for it.
pub struct Wanted {
    /// The chart.
    pub chart: Chart,
    /// The values.
    pub values: Map,
}

/// A command's view of a cluster.
pub struct Session<'a> {
    /// The cluster.
    pub cluster: &'a mut Cluster,
    /// Files and randomness for templates.
    pub world: &'a dyn World,
    /// The namespace of releases.
    pub namespace: String,
    /// What is logged on the way.
    pub logs: Logs,
}
