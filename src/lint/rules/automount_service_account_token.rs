//! `automount-service-account-token`: reports a pod that gets the token of its service account although neither it
//! nor the account says that it wants it.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let account = pod.spec.text("serviceAccountName").unwrap_or("default");
        let of_account = cx.find("ServiceAccount", pod.object, account).and_then(|a| a.flag("automountServiceAccountToken"));
        // An account of its own, with rights, is there to be used.
        let meant = account != "default"
            && cx
                .of(&["RoleBinding", "ClusterRoleBinding"])
                .iter()
                .any(|b| b.items("subjects").iter().any(|s| s.text("kind") == Some("ServiceAccount") && s.text("name") == Some(account)));
        let own = pod.spec.flag("automountServiceAccountToken");
        if !meant && own.or(of_account).unwrap_or(true) {
            cx.report(
                pod.spec.place("automountServiceAccountToken"),
                "the pod gets the token of its service account",
                "set automountServiceAccountToken: false",
            );
        }
    }
}
