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

/// Waits until the command writes its state, or has ended.
fn until_it_writes(child: &mut std::process::Child, temporary: &Path) {
    while !temporary.exists() && child.try_wait().expect("a child of ours").is_none() {
        std::hint::spin_loop();
    }
}

fn check(name: &str, line: &str) {
    let state = std::env::temp_dir().join(format!("kval-kills-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&state);
    assert!(kval(&state, "cluster create").output().expect("kval runs").status.success());
    let [file, temporary, earlier] = ["", ".tmp", ".before"].map(|end| state.join(format!("default.cluster{end}")));
    let base = fs::read(&file).expect("the cluster is stored");
    let before = std::time::Instant::now();
    assert!(kval(&state, line).output().expect("kval runs").status.success());
    let whole = u64::try_from(before.elapsed().as_micros()).expect("short");
    let new = fs::read(&file).expect("the cluster is stored");
    assert!(base != new, "{line} changes nothing");
    let (mut old_seen, mut new_seen) = (0, 0);
    for moment in 0..MOMENTS {
        fs::write(&file, &base).expect("writable");
        let _ = (fs::remove_file(&temporary), fs::remove_file(&earlier));
        let mut child = kval(&state, line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("kval runs");
        // Half of the moments are spread over the run, half over the write, which is short.
        let part = (moment * 7919) % MOMENTS;
        if moment % 2 == 0 {
            std::thread::sleep(Duration::from_micros(whole * part / MOMENTS));
        } else {
            until_it_writes(&mut child, &temporary);
            std::thread::sleep(Duration::from_micros(4000 * part / MOMENTS));
        }
        let _ = child.kill();
        let _ = child.wait();
        // Between the two steps of a write, the cluster is what it was before.
        let between = !file.exists();
        let after = fs::read(if between { &earlier } else { &file }).expect("the cluster is there");
        if after == base {
            old_seen += 1;
        } else {
            assert_eq!(after, new, "neither the old nor the new content after kill {moment}");
            new_seen += 1;
        }
        if moment % 10 == 0 || between {
            let list = kval(&state, "list -q").output().expect("kval runs");
            assert!(list.status.success(), "the cluster does not open: {}", String::from_utf8_lossy(&list.stderr));
        }
    }
    let _ = fs::remove_dir_all(&state);
    println!("{line}: {MOMENTS} kills: {old_seen} old, {new_seen} new");
    assert!(old_seen > 0 && new_seen > 0, "the kills met one side only: {old_seen} old, {new_seen} new");
}

#[test]
fn a_killed_install_leaves_the_old_or_the_new() {
    check("install", "install web testdata/walkthrough/charts/nginx --wait");
}

#[test]
fn a_killed_apply_leaves_the_old_or_the_new() {
    check("apply", "kubectl apply -f testdata/seeds/003_L1754.yaml -f testdata/seeds/003_L2336.yaml");
}

#[test]
fn a_cluster_between_the_steps_of_a_write_is_found() {
    let state = std::env::temp_dir().join(format!("kval-kills-{}-between", std::process::id()));
    let _ = fs::remove_dir_all(&state);
    let run = |line: &str| {
        let output = kval(&state, line).output().expect("kval runs");
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    run("cluster create");
    let [file, earlier] = ["", ".before"].map(|end| state.join(format!("default.cluster{end}")));
    fs::rename(&file, &earlier).expect("the cluster is stored");
    let info = run("cluster info");
    assert!(run("cluster list").contains("default"));
    assert!(!kval(&state, "cluster create").output().expect("kval runs").status.success());
    run("kubectl create namespace late");
    assert!(file.exists());
    assert!(run("kubectl get namespaces").contains("late"));
    // What it was before the last command stays as it was.
    fs::rename(&earlier, &file).expect("it is kept");
    assert_eq!(run("cluster info"), info);
    run("kubectl create namespace late");
    run("cluster delete default");
    assert!(!file.exists() && !earlier.exists());
    let _ = fs::remove_dir_all(&state);
}
