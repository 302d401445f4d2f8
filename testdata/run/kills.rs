//! A command that is killed at any moment leaves the cluster as it was or as it was to be.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

/// How many moments; with optimisation all that are promised.
const MOMENTS: u64 = if cfg!(debug_assertions) { 40 } else { 200 };

fn kval(state: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kval"));
    command.args(line.split(' ')).current_dir(env!("CARGO_MANIFEST_DIR")).env("KVAL_STATE", state).stdin(Stdio::null());
    command
}

#[test]
fn a_killed_install_leaves_the_old_or_the_new() {
    let state = std::env::temp_dir().join(format!("kval-kills-{}", std::process::id()));
    let _ = fs::remove_dir_all(&state);
    let install = "install web testdata/walkthrough/charts/nginx --wait";
    let before = std::time::Instant::now();
    assert!(kval(&state, "cluster create").output().expect("kval runs").status.success());
    let file = state.join("default.cluster");
    let base = fs::read(&file).expect("the cluster is stored");
    assert!(kval(&state, install).output().expect("kval runs").status.success());
    let whole = u64::try_from(before.elapsed().as_micros()).expect("short");
    let new = fs::read(&file).expect("the cluster is stored");
    let (mut old_seen, mut new_seen) = (0, 0);
    for moment in 0..MOMENTS {
        fs::write(&file, &base).expect("writable");
        let mut child = kval(&state, install).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("kval runs");
        // Moments spread over the run, most of them near its end, where it writes.
        let part = (moment * 7919) % MOMENTS;
        std::thread::sleep(Duration::from_micros(whole * part / MOMENTS));
        let _ = child.kill();
        let _ = child.wait();
        let after = fs::read(&file).expect("the cluster is there");
        if after == base {
            old_seen += 1;
        } else {
            assert_eq!(after, new, "neither the old nor the new content after kill {moment}");
            new_seen += 1;
        }
        if moment % 10 == 0 {
            let list = kval(&state, "list -q").output().expect("kval runs");
            assert!(list.status.success(), "the cluster does not open: {}", String::from_utf8_lossy(&list.stderr));
        }
    }
    let _ = fs::remove_dir_all(&state);
    println!("{MOMENTS} kills: {old_seen} old, {new_seen} new");
    assert_eq!(old_seen + new_seen, MOMENTS);
}
