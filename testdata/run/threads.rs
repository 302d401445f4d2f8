//! However many threads work, the same command line and the same seed give the same bytes.

use std::process::Command;

/// Placement, what fits, rollouts and findings about a known cluster.
const LINES: [&str; 6] = [
    "simulate placement testdata/rollout/web.yaml --cluster testdata/captured/cluster.yaml --format json",
    "simulate placement testdata/rollout/web.yaml --cluster testdata/captured/cluster.yaml --seed 7",
    "simulate capacity testdata/rollout/web.yaml --cluster testdata/captured/cluster.yaml",
    "simulate rollout testdata/rollout/web-v2.yaml --from testdata/rollout/web.yaml --seed 7 --events --format json",
    "simulate rollout testdata/rollout/web-v2.yaml --from testdata/rollout/web.yaml --format html",
    "lint testdata/rollout/web.yaml testdata/rollout/no-room.yaml --cluster 3x4cpu,16Gi --format json",
];

#[test]
fn threads_do_not_change_an_answer() {
    for line in LINES {
        let with = |threads: &str| {
            let run = Command::new(env!("CARGO_BIN_EXE_kval"))
                .args(line.split(' '))
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .env("NO_COLOR", "1")
                .env("RAYON_NUM_THREADS", threads)
                .output()
                .expect("kval runs");
            assert_ne!(run.status.code(), Some(2), "{line}: {}", String::from_utf8_lossy(&run.stderr));
            (run.status.code(), run.stdout)
        };
        let one = with("1");
        assert!(!one.1.is_empty(), "{line}");
        assert!(["2", "8"].into_iter().all(|threads| with(threads) == one), "{line}");
    }
}
