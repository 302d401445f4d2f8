//! `--against REVISION`: the files of the input as a Git revision has them, laid beside for the time of the run.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::error::Error;
use crate::pipeline::STDIN;

/// A folder that goes when the run ends.
pub(super) struct Checkout(PathBuf);

impl Drop for Checkout {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clean.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn git(args: &[&str]) -> Option<Vec<u8>> {
    let run = Command::new("git").args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    run.status.success().then_some(run.stdout)
}

/// Whether a name is a commit of the repository here.
pub(super) fn is_revision(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && git(&["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")]).is_some()
}

/// Replaces what names no file but a revision by a folder with the input's files of that revision. The folders live as long
/// as what is returned.
///
/// # Errors
/// When a name is neither, or when the revision has none of the paths.
pub(super) fn checkout(against: &mut [String], paths: &[String]) -> Result<Vec<Checkout>, Error> {
    let mut out = Vec::new();
    for name in against.iter_mut() {
        if std::fs::metadata(&*name).is_ok() {
            continue;
        }
        if !is_revision(name) {
            return Err(Error::unusable(format!("--against: {name} is no file, no directory and no Git revision")));
        }
        let below = |path: &&String| *path != STDIN && !path.starts_with('/') && !path.split('/').any(|part| part == "..");
        let had: Vec<&str> = paths
            .iter()
            .filter(below)
            .map(|path| path.trim_start_matches("./").trim_end_matches('/'))
            .map(|path| if path.is_empty() { "." } else { path })
            .filter(|path| git(&["cat-file", "-e", &format!("{name}:./{}", path.trim_start_matches('.'))]).is_some())
            .collect();
        if had.is_empty() {
            let all = paths.join(", ");
            return Err(Error::unusable(format!("revision {name} has none of {all} (paths below the current directory count)")));
        }
        let mut args = vec!["archive", "--format=tar", name.as_str(), "--"];
        args.extend(&had);
        let archive = git(&args).ok_or_else(|| Error::unusable(format!("--against: git archive {name} failed")))?;
        let folder = std::env::temp_dir().join(format!("kval-against-{}-{}", std::process::id(), out.len()));
        let fail = |why: std::io::Error| Error::unusable(format!("--against: {}: {why}", folder.display()));
        std::fs::create_dir_all(&folder).map_err(fail)?;
        let made = Checkout(folder.clone());
        tar::Archive::new(archive.as_slice()).unpack(&folder).map_err(fail)?;
        *name = folder.to_string_lossy().into_owned();
        out.push(made);
    }
    Ok(out)
}
