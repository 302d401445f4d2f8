//! Running the hooks of an event. upstream: pkg/action/hooks.go

use super::Flags;
use super::Session;
use super::release::Release;
use super::wait::For;
use crate::simulate::apiserver::Propagation;

impl Session<'_> {
    /// Runs the hooks of an event one after the other. With `delayed` what their success deletes is left to
    /// [`Session::after_hooks`].
    pub(super) fn run_hooks(&mut self, release: &mut Release, event: &str, flags: &Flags, delayed: bool) -> Result<(), String> {
        let order = order_of(release, event);
        for (position, i) in order.iter().copied().enumerate() {
            if release.hooks[i].delete_policies.is_empty() {
                release.hooks[i].delete_policies = vec!["before-hook-creation".to_owned()];
            }
            self.delete_hook(release, i, "before-hook-creation", flags)?;
            let path = release.hooks[i].path.clone();
            let manifest = release.hooks[i].manifest.clone();
            let built = self.build(&manifest);
            let targets = built.map_err(|e| format!("unable to build kubernetes object for {event} hook {path}: {e}"))?;
            release.hooks[i].started = Some(self.cluster.now());
            release.hooks[i].completed = None;
            release.hooks[i].phase = "Running".to_owned();
            self.update_record(release);
            release.hooks[i].phase = "Unknown".to_owned();
            if let Err(e) = self.create_all(&targets) {
                release.hooks[i].completed = Some(self.cluster.now());
                release.hooks[i].phase = "Failed".to_owned();
                return Err(format!("warning: Hook {event} {path} failed: {e}"));
            }
            let ended = self.wait(&targets, For::Hook, flags.timeout);
            release.hooks[i].completed = Some(self.cluster.now());
            if let Err(e) = ended {
                release.hooks[i].phase = "Failed".to_owned();
                // What is left over is told by the failure itself.
                let _ = self.delete_hook(release, i, "hook-failed", flags);
                for earlier in order[..position].iter().copied() {
                    self.delete_hook(release, earlier, "hook-succeeded", flags)?;
                }
                return Err(e);
            }
            release.hooks[i].phase = "Succeeded".to_owned();
        }
        if delayed { Ok(()) } else { self.after_hooks(release, event, flags) }
    }

    /// Deletes what is to go when all hooks of an event succeeded, the last first.
    pub(super) fn after_hooks(&mut self, release: &Release, event: &str, flags: &Flags) -> Result<(), String> {
        order_of(release, event).into_iter().rev().try_for_each(|i| self.delete_hook(release, i, "hook-succeeded", flags))
    }

    fn delete_hook(&mut self, release: &Release, i: usize, policy: &str, flags: &Flags) -> Result<(), String> {
        let hook = &release.hooks[i];
        if hook.kind == "CustomResourceDefinition" || !hook.delete_policies.iter().any(|p| p == policy) {
            return Ok(());
        }
        let built = self.build(&hook.manifest);
        let targets = built.map_err(|e| format!("unable to build kubernetes object for deleting hook {}: {e}", hook.path))?;
        self.delete_all(&targets, Propagation::Background);
        if flags.wait == super::Wait::Watcher || policy == "before-hook-creation" {
            self.wait_for_delete(&targets, flags.timeout)?;
        }
        Ok(())
    }
}

/// The hooks of an event by weight and name.
fn order_of(release: &Release, event: &str) -> Vec<usize> {
    let all = release.hooks.iter().enumerate();
    let mut order: Vec<usize> = all.filter(|(_, h)| h.events.iter().any(|e| e == event)).map(|(i, _)| i).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&release.hooks[*a], &release.hooks[*b]);
        a.weight.cmp(&b.weight).then_with(|| a.name.cmp(&b.name))
    });
    order
}
