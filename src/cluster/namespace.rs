//! What every namespace holds, and how one ends. upstream: pkg/controller/namespace, serviceaccount, certificates/rootcacertpublisher

use serde_json::json;

use super::Cluster;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::Uid;

impl Cluster {
    /// What controllers put into a new namespace.
    pub(super) fn furnish_namespace(&mut self, namespace: &str) {
        let account = Object::new("v1", "ServiceAccount", namespace, "default");
        // It is there already where the namespace was made before.
        drop(self.plane.api.create(account));
        let mut certificate = Object::new("v1", "ConfigMap", namespace, "kube-root-ca.crt");
        let about = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal \
                     service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";
        certificate.meta.annotations.insert("kubernetes.io/description".to_owned(), about.to_owned());
        certificate.rest = json!({"data": {"ca.crt": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"}}).into();
        drop(self.plane.api.create(certificate));
    }

    /// Deletes what is in namespaces that are to go, and those that are empty; whether something moved.
    pub(super) fn finish_namespaces(&mut self) -> bool {
        let mut moved = false;
        for uid in self.terminating.clone() {
            let Some(namespace) = self.plane.api.get(uid).cloned() else {
                self.terminating.remove(&uid);
                continue;
            };
            let name = &namespace.meta.name;
            let inside: Vec<(Uid, bool)> =
                self.plane.api.all().filter(|o| o.meta.namespace == *name).map(|o| (o.meta.uid, o.meta.is_deleted())).collect();
            if inside.is_empty() {
                self.plane.api.remove(uid);
                self.terminating.remove(&uid);
                moved = true;
            }
            for (object, _) in inside.into_iter().filter(|(_, deleted)| !deleted) {
                self.plane.api.delete(object, Propagation::Background);
                moved = true;
            }
        }
        moved
    }
}
