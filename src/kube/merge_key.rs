//! The keys by which the items of the API's lists are told apart when lists merge.
//! upstream: the `patchMergeKey` tags of k8s.io/api

/// The key of the lists of a field; none for lists that are one value. `parent` is the field around, `[]` for an item of a
/// list, empty for the object itself.
pub fn merge_key(field: &str, parent: &str) -> Option<&'static str> {
    Some(match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "resourceClaims"
        | "webhooks" => "name",
        "secrets" if parent.is_empty() => "name",
        "ports" if parent == "[]" => "containerPort",
        "ports" if parent == "spec" => "port",
        "volumeMounts" => "mountPath",
        "volumeDevices" => "devicePath",
        "hostAliases" => "ip",
        "topologySpreadConstraints" => "topologyKey",
        "ownerReferences" => "uid",
        "conditions" => "type",
        _ => return None,
    })
}
