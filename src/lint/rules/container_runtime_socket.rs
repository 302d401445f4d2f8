//! `container-runtime-socket`: reports a hostPath volume of a container runtime's socket.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        for volume in pod.spec.items("volumes") {
            let Some(path) = volume.get("hostPath.path") else { continue };
            let name = path.str().and_then(|t| t.trim_end_matches('/').rsplit('/').next());
            if matches!(
                name,
                Some("docker.sock" | "containerd.sock" | "crio.sock" | "cri-dockerd.sock" | "dockershim.sock" | "podman.sock")
            ) {
                cx.report(
                    path,
                    "the pod controls the container runtime of its node",
                    "build and inspect images without the runtime's socket",
                );
            }
        }
    }
}
