//! A pod's status in the words of `kubectl get pods`. upstream: pkg/printers/internalversion printPod

use serde_json::Value;

use crate::simulate::controllers::conditions;
use crate::simulate::resources::is_sidecar;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// The columns of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Printed {
    /// Containers that are ready.
    pub ready: usize,
    /// Containers there should be.
    pub containers: usize,
    /// `Running`, `Init:0/2`, `CrashLoopBackOff`, …
    pub status: String,
    /// How often containers were started again.
    pub restarts: i64,
}

fn ended(state: &Value) -> String {
    let ended = at(state, &["terminated"]);
    match (text(ended, &["reason"]), int(ended, &["signal"]).unwrap_or(0)) {
        ("", 0) => format!("ExitCode:{}", int(ended, &["exitCode"]).unwrap_or(0)),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

/// The columns of a pod with this spec and status; `deleted` says that its deletion was asked for.
pub fn pod(spec: &Value, status: &Value, deleted: bool) -> Printed {
    let phase = text(status, &["phase"]);
    let own = text(status, &["reason"]);
    let mut out = Printed { status: if own.is_empty() { phase } else { own }.to_owned(), ..Printed::default() };
    if conditions::get(status, "PodScheduled").is_some_and(|c| text(c, &["reason"]) == "SchedulingGated") {
        "SchedulingGated".clone_into(&mut out.status);
    }
    let all = list(spec, &["initContainers"]);
    let sidecar = |name: &str| all.iter().any(|c| text(c, &["name"]) == name && is_sidecar(c));
    out.containers = list(spec, &["containers"]).len() + all.iter().filter(|c| is_sidecar(c)).count();
    let mut sidecar_restarts = 0;
    let mut initializing = false;
    for (i, container) in list(status, &["initContainerStatuses"]).iter().enumerate() {
        let restarts = int(container, &["restartCount"]).unwrap_or(0);
        let stays = sidecar(text(container, &["name"]));
        out.restarts += restarts;
        sidecar_restarts += if stays { restarts } else { 0 };
        let state = at(container, &["state"]);
        let waiting = text(state, &["waiting", "reason"]);
        if int(state, &["terminated", "exitCode"]) == Some(0) {
            continue;
        }
        if stays && at(container, &["started"]) == true {
            out.ready += usize::from(at(container, &["ready"]) == true);
            continue;
        }
        out.status = if at(state, &["terminated"]).is_object() {
            format!("Init:{}", ended(state))
        } else if !matches!(waiting, "" | "PodInitializing") {
            format!("Init:{waiting}")
        } else {
            format!("Init:{i}/{}", all.len())
        };
        initializing = true;
        break;
    }
    let holds = |kind: &str| conditions::get(status, kind).is_some_and(|c| text(c, &["status"]) == "True");
    if !initializing || holds("Initialized") {
        out.restarts = sidecar_restarts;
        let mut running = false;
        for container in list(status, &["containerStatuses"]).iter().rev() {
            out.restarts += int(container, &["restartCount"]).unwrap_or(0);
            let state = at(container, &["state"]);
            let waiting = text(state, &["waiting", "reason"]);
            if !waiting.is_empty() {
                waiting.clone_into(&mut out.status);
            } else if at(state, &["terminated"]).is_object() {
                out.status = ended(state);
            } else if at(container, &["ready"]) == true && at(state, &["running"]).is_object() {
                running = true;
                out.ready += 1;
            }
        }
        if out.status == "Completed" && running {
            out.status = if holds("Ready") { "Running" } else { "NotReady" }.to_owned();
        }
    }
    if deleted && own == "NodeLost" {
        "Unknown".clone_into(&mut out.status);
    } else if deleted && !matches!(phase, "Failed" | "Succeeded") {
        "Terminating".clone_into(&mut out.status);
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn states() {
        let spec = json!({"initContainers": [{"name": "i"}, {"name": "j"}], "containers": [{"name": "c"}]});
        let waits = |reason: &str| json!({"waiting": {"reason": reason}});
        let init = |state: Value| json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": state, "restartCount": 2}]});
        let main =
            |state: Value, ready: bool| json!({"phase": "Running", "containerStatuses": [{"name": "c", "state": state, "ready": ready}]});
        for (status, deleted, want) in [
            (init(json!({"running": {}})), false, "0/1 Init:0/2 2"),
            (init(waits("CrashLoopBackOff")), false, "0/1 Init:CrashLoopBackOff 2"),
            (init(json!({"terminated": {"exitCode": 1, "reason": "Error"}})), false, "0/1 Init:Error 2"),
            (main(json!({"running": {}}), true), false, "1/1 Running 0"),
            (main(waits("ImagePullBackOff"), false), false, "0/1 ImagePullBackOff 0"),
            (main(json!({"terminated": {"exitCode": 0, "reason": "Completed"}}), false), false, "0/1 Completed 0"),
            (main(json!({"terminated": {"exitCode": 3}}), false), false, "0/1 ExitCode:3 0"),
            (main(json!({"running": {}}), true), true, "1/1 Terminating 0"),
        ] {
            let got = pod(&spec, &status, deleted);
            assert_eq!(format!("{}/{} {} {}", got.ready, got.containers, got.status, got.restarts), want, "{status}");
        }
    }
}
