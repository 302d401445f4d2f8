//! `database-as-deployment`: reports a well-known database in a Deployment without a persistent volume.

use crate::lint::context::Context;
use crate::lint::context::Role;

const DATABASES: &[&str] = &[
    "mysql",
    "mysql-server",
    "mariadb",
    "postgres",
    "postgresql",
    "mongo",
    "mongodb",
    "cassandra",
    "elasticsearch",
    "opensearch",
    "couchdb",
    "couchbase",
    "influxdb",
    "neo4j",
    "rethinkdb",
    "cockroach",
    "etcd",
    "zookeeper",
    "kafka",
    "clickhouse-server",
    "percona",
];

pub(super) fn check(cx: &Context) {
    for pod in cx.pods().iter().filter(|p| p.is(&["Deployment", "ReplicaSet", "ReplicationController"])) {
        let kept = pod
            .spec
            .items("volumes")
            .iter()
            .any(|v| ["persistentVolumeClaim", "ephemeral", "hostPath", "csi", "nfs"].iter().any(|k| v.has(k)));
        if kept {
            continue;
        }
        for container in pod.containers.iter().filter(|c| c.role == Role::Main) {
            let Some(image) = container.field.get("image") else { continue };
            let name = image.str().unwrap_or("").rsplit('/').next().unwrap_or("").split([':', '@']).next().unwrap_or("");
            // Tools around a database run its image with a command of their own.
            if DATABASES.contains(&name) && !container.field.has("command") {
                cx.report(
                    image,
                    format!("the database `{name}` loses its data with the pod"),
                    "use a StatefulSet with volumeClaimTemplates",
                );
            }
        }
    }
}
