//! Volumes, claims and classes. upstream: kubectl/pkg/describe describeVolumes, describePersistentVolume

use serde_json::Value;

use super::super::labels;
use super::out::{Out, amount, date, flag, go_list, or};
use crate::simulate::scheduler::json::{at, int, list, scalar, text, words};

/// One kind of source: its key, its title, and the fields that are shown: name and path.
type Source = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const ISCSI: &[(&str, &str)] = &[
    ("TargetPortal", "targetPortal"),
    ("IQN", "iqn"),
    ("Lun", "#lun"),
    ("ISCSIInterface", "!iscsiInterface"),
    ("FSType", "fsType"),
    ("ReadOnly", "?readOnly"),
    ("Portals", "[]portals"),
    ("DiscoveryCHAPAuth", "?chapAuthDiscovery"),
    ("SessionCHAPAuth", "?chapAuthSession"),
    ("SecretRef", "&secretRef"),
    ("InitiatorName", "~initiatorName"),
];

/// Field paths begin with `?` for a boolean, `#` for a number, `[]` for a list, `,` for a joined list, `&` for a
/// reference, `~` for `<none>` when absent, `=` for `<unset>` when absent.
const SOURCES: &[Source] = &[
    ("hostPath", "HostPath (bare host directory volume)", &[("Path", "path"), ("HostPathType", "~type")]),
    ("emptyDir", "EmptyDir (a temporary directory that shares a pod's lifetime)", &[("Medium", "medium"), ("SizeLimit", "=sizeLimit")]),
    (
        "gcePersistentDisk",
        "GCEPersistentDisk (a Persistent Disk resource in Google Compute Engine)",
        &[("PDName", "pdName"), ("FSType", "fsType"), ("Partition", "#partition"), ("ReadOnly", "?readOnly")],
    ),
    (
        "awsElasticBlockStore",
        "AWSElasticBlockStore (a Persistent Disk resource in AWS)",
        &[("VolumeID", "volumeID"), ("FSType", "fsType"), ("Partition", "#partition"), ("ReadOnly", "?readOnly")],
    ),
    (
        "gitRepo",
        "GitRepo (a volume that is pulled from git when the pod is created)",
        &[("Repository", "repository"), ("Revision", "revision")],
    ),
    ("secret", "Secret (a volume populated by a Secret)", &[("SecretName", "secretName"), ("Optional", "?optional")]),
    ("configMap", "ConfigMap (a volume populated by a ConfigMap)", &[("Name", "name"), ("Optional", "?optional")]),
    ("nfs", "NFS (an NFS mount that lasts the lifetime of a pod)", &[("Server", "server"), ("Path", "path"), ("ReadOnly", "?readOnly")]),
    ("iscsi", "ISCSI (an ISCSI Disk resource that is attached to a kubelet's host machine and then exposed to the pod)", ISCSI),
    (
        "glusterfs",
        "Glusterfs (a Glusterfs mount on the host that shares a pod's lifetime)",
        &[("EndpointsName", "endpoints"), ("Path", "path"), ("ReadOnly", "?readOnly")],
    ),
    (
        "persistentVolumeClaim",
        "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
        &[("ClaimName", "claimName"), ("ReadOnly", "?readOnly")],
    ),
    ("ephemeral", "EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)", &[]),
    (
        "rbd",
        "RBD (a Rados Block Device mount on the host that shares a pod's lifetime)",
        &[
            ("CephMonitors", "[]monitors"),
            ("RBDImage", "image"),
            ("FSType", "fsType"),
            ("RBDPool", "pool"),
            ("RadosUser", "user"),
            ("Keyring", "keyring"),
            ("SecretRef", "&secretRef"),
            ("ReadOnly", "?readOnly"),
        ],
    ),
    (
        "quobyte",
        "Quobyte (a Quobyte mount on the host that shares a pod's lifetime)",
        &[("Registry", "registry"), ("Volume", "volume"), ("ReadOnly", "?readOnly")],
    ),
    ("downwardAPI", "DownwardAPI (a volume populated by information about the pod)", &[]),
    (
        "azureDisk",
        "AzureDisk (an Azure Data Disk mount on the host and bind mount to the pod)",
        &[
            ("DiskName", "diskName"),
            ("DiskURI", "diskURI"),
            ("Kind", " kind"),
            ("FSType", "fsType"),
            ("CachingMode", "cachingMode"),
            ("ReadOnly", "?readOnly"),
        ],
    ),
    (
        "vsphereVolume",
        "vSphereVolume (a Persistent Disk resource in vSphere)",
        &[("VolumePath", "volumePath"), ("FSType", "fsType"), ("StoragePolicyName", "storagePolicyName")],
    ),
    (
        "cinder",
        "Cinder (a Persistent Disk resource in OpenStack)",
        &[("VolumeID", "volumeID"), ("FSType", "fsType"), ("ReadOnly", "?readOnly"), ("SecretRef", "&secretRef")],
    ),
    (
        "photonPersistentDisk",
        "PhotonPersistentDisk (a Persistent Disk resource in photon platform)",
        &[("PdID", "pdID"), ("FSType", "fsType")],
    ),
    ("portworxVolume", "PortworxVolume (a Portworx Volume resource)", &[("VolumeID", "volumeID")]),
    (
        "scaleIO",
        "ScaleIO (a persistent volume backed by a block device in ScaleIO)",
        &[
            ("Gateway", "gateway"),
            ("System", "system"),
            ("Protection Domain", "protectionDomain"),
            ("Storage Pool", "storagePool"),
            ("Storage Mode", "storageMode"),
            ("VolumeName", "volumeName"),
            ("FSType", "fsType"),
            ("ReadOnly", "?readOnly"),
        ],
    ),
    (
        "cephfs",
        "CephFS (a CephFS mount on the host that shares a pod's lifetime)",
        &[
            ("Monitors", "[]monitors"),
            ("Path", "path"),
            ("User", "user"),
            ("SecretFile", "secretFile"),
            ("SecretRef", "&secretRef"),
            ("ReadOnly", "?readOnly"),
        ],
    ),
    (
        "storageos",
        "StorageOS (a StorageOS Persistent Disk resource)",
        &[("VolumeName", "volumeName"), ("VolumeNamespace", "volumeNamespace"), ("FSType", "fsType"), ("ReadOnly", "?readOnly")],
    ),
    ("fc", "FC (a Fibre Channel disk)", &[("TargetWWNs", ",targetWWNs"), ("LUN", "~lun"), ("FSType", "fsType"), ("ReadOnly", "?readOnly")]),
    (
        "azureFile",
        "AzureFile (an Azure File Service mount on the host and bind mount to the pod)",
        &[("SecretName", "secretName"), ("ShareName", "shareName"), ("ReadOnly", "?readOnly")],
    ),
    (
        "flexVolume",
        "FlexVolume (a generic volume resource that is provisioned/attached using an exec based plugin)",
        &[("Driver", "driver"), ("FSType", "fsType"), ("SecretRef", "&secretRef"), ("ReadOnly", "?readOnly"), ("Options", "{}options")],
    ),
    (
        "flocker",
        "Flocker (a Flocker volume mounted by the Flocker agent)",
        &[("DatasetName", "datasetName"), ("DatasetUUID", "datasetUUID")],
    ),
    ("projected", "Projected (a volume that contains injected data from multiple sources)", &[]),
    (
        "csi",
        "CSI (a Container Storage Interface (CSI) volume source)",
        &[("Driver", "driver"), ("FSType", "fsType"), ("ReadOnly", "?readOnly")],
    ),
    ("image", "Image (a container image or OCI artifact)", &[("Reference", "reference"), ("PullPolicy", "pullPolicy")]),
    ("local", "LocalVolume (a persistent volume backed by local storage on a node)", &[("Path", "path")]),
];

fn value(source: &Value, path: &str) -> String {
    let (mark, key) = match path.split_at_checked(2) {
        Some((mark @ ("[]" | "{}"), key)) => (mark, key),
        _ => match path.split_at_checked(1) {
            Some((mark @ ("?" | "#" | "," | "&" | "~" | "=" | "!" | " "), key)) => (mark, key),
            _ => ("", path),
        },
    };
    let found = at(source, &[key]);
    match mark {
        "?" => flag(found).to_string(),
        "#" => int(found, &[]).unwrap_or(0).to_string(),
        "," => words(found, &[]).join(", "),
        "[]" => go_list(list(found, &[])),
        "{}" => format!("map[{}]", labels::pairs(found).iter().map(|p| p.replacen('=', ":", 1)).collect::<Vec<_>>().join(" ")),
        "&" if !found.is_object() => "nil".to_owned(),
        "&" => format!("&LocalObjectReference{{Name:{},}}", text(found, &["name"])),
        "~" if found.is_null() => "<none>".to_owned(),
        "=" => match crate::value::quantity::parse(&scalar(found)) {
            Ok(q) if q.nanos > 0 => amount(found),
            _ => "<unset>".to_owned(),
        },
        _ => scalar(found),
    }
}

/// Writes what a volume is made of; false when nothing known is there.
fn source(out: &mut Out, volume: &Value, persistent: bool) {
    let Some((key, title, fields)) = SOURCES.iter().find(|(key, ..)| at(volume, &[key]).is_object()) else {
        out.line(1, "<unknown>");
        return;
    };
    let found = at(volume, &[key]);
    out.field(2, "Type", title);
    for (name, path) in *fields {
        let end = match path.chars().next() {
            Some('!') => "\t",
            Some(' ') => ": \t",
            _ => ":\t",
        };
        out.line(0, &format!("    {name}{end}{}", value(found, path)));
        if persistent && *key == "csi" && *name == "FSType" {
            out.line(0, &format!("    VolumeHandle:\t{}", text(found, &["volumeHandle"])));
        }
        if persistent && *key == "azureFile" && *name == "SecretName" {
            out.line(0, &format!("    SecretNamespace:\t{}", text(found, &["secretNamespace"])));
        }
        if persistent && *key == "glusterfs" && *name == "EndpointsName" {
            out.line(0, &format!("    EndpointsNamespace:\t{}", super::out::or_unset(at(found, &["endpointsNamespace"]))));
        }
    }
    match *key {
        "csi" => {
            let pairs = labels::pairs(at(found, &["volumeAttributes"]));
            out.put(2, "VolumeAttributes:\t");
            if pairs.is_empty() {
                out.line(0, "<none>");
            }
            for (i, pair) in pairs.iter().enumerate() {
                if i != 0 {
                    out.put(2, "");
                    out.put(2, "\t");
                }
                out.line(2, pair);
            }
        }
        "downwardAPI" => {
            out.line(0, "    Items:");
            for item in list(found, &["items"]) {
                let path = text(item, &["path"]);
                if at(item, &["fieldRef"]).is_object() {
                    out.line(3, &format!("{} -> {path}", text(item, &["fieldRef", "fieldPath"])));
                }
                if at(item, &["resourceFieldRef"]).is_object() {
                    out.line(3, &format!("{} -> {path}", text(item, &["resourceFieldRef", "resource"])));
                }
            }
        }
        "projected" => list(found, &["sources"]).iter().for_each(|s| projected(out, s)),
        "ephemeral" if at(found, &["volumeClaimTemplate"]).is_object() => {
            let mut inner = Out::new(out.now);
            claim_body(&mut inner, at(found, &["volumeClaimTemplate"]), false);
            // The claim is written two levels deeper, line by line.
            for line in inner.raw().split_inclusive('\n') {
                out.put(2, line);
            }
        }
        _ => {}
    }
}

fn projected(out: &mut Out, source: &Value) {
    let named = |out: &mut Out, title: &str, of: &Value| {
        out.field(2, title, text(of, &["name"]));
        out.line(0, &format!("    Optional:\t{}", flag(at(of, &["optional"]))));
    };
    if at(source, &["secret"]).is_object() {
        named(out, "SecretName", at(source, &["secret"]));
    } else if at(source, &["downwardAPI"]).is_object() {
        out.field(2, "DownwardAPI", "true");
    } else if at(source, &["configMap"]).is_object() {
        named(out, "ConfigMapName", at(source, &["configMap"]));
    } else if at(source, &["serviceAccountToken"]).is_object() {
        out.field(2, "TokenExpirationSeconds", int(source, &["serviceAccountToken", "expirationSeconds"]).unwrap_or(0));
    }
}

/// upstream: describeVolumes
pub(super) fn describe(out: &mut Out, volumes: &[Value], space: &str) {
    if volumes.is_empty() {
        out.line(0, &format!("{space}Volumes:\t<none>"));
        return;
    }
    out.line(0, &format!("{space}Volumes:"));
    let indent = if space.is_empty() { "" } else { " " };
    for volume in volumes {
        out.line(1, &format!("{indent}{}:", text(volume, &["name"])));
        source(out, volume, false);
    }
}

/// The class of a volume or claim; the old annotation wins.
fn class(o: &Value) -> String {
    match at(o, &["metadata", "annotations", "volume.beta.kubernetes.io/storage-class"]) {
        Value::String(s) => s.clone(),
        _ => text(o, &["spec", "storageClassName"]).to_owned(),
    }
}

fn status(out: &mut Out, object: &Value) {
    let deleted = at(object, &["metadata", "deletionTimestamp"]);
    if deleted.is_null() {
        out.field(0, "Status", text(object, &["status", "phase"]));
    } else {
        let lasts = out.since(deleted);
        out.field(0, "Status", format!("Terminating (lasts {lasts})"));
    }
}

/// upstream: describePersistentVolume
pub(super) fn persistent(out: &mut Out, volume: &Value) {
    let spec = at(volume, &["spec"]);
    out.field(0, "Name", text(volume, &["metadata", "name"]));
    out.labels("Labels", at(volume, &["metadata", "labels"]));
    out.annotations("Annotations", at(volume, &["metadata", "annotations"]));
    out.field(0, "Finalizers", go_list(list(volume, &["metadata", "finalizers"])));
    out.field(0, "StorageClass", class(volume));
    status(out, volume);
    let claim = at(spec, &["claimRef"]);
    let shown = if claim.is_object() { format!("{}/{}", text(claim, &["namespace"]), text(claim, &["name"])) } else { String::new() };
    out.field(0, "Claim", shown);
    out.field(0, "Reclaim Policy", text(spec, &["persistentVolumeReclaimPolicy"]));
    out.field(0, "Access Modes", super::super::table::access_modes(list(spec, &["accessModes"])));
    if !at(spec, &["volumeMode"]).is_null() {
        out.field(0, "VolumeMode", text(spec, &["volumeMode"]));
    }
    out.field(0, "Capacity", amount(at(spec, &["capacity", "storage"])));
    affinity(out, at(spec, &["nodeAffinity", "required"]));
    out.field(0, "Message", text(volume, &["status", "message"]));
    out.line(0, "Source:");
    source(out, spec, true);
}

fn affinity(out: &mut Out, required: &Value) {
    if !required.is_object() {
        out.field(0, "Node Affinity", "<none>");
        return;
    }
    out.field(0, "Node Affinity", "");
    let terms = list(required, &["nodeSelectorTerms"]);
    out.field(1, "Required Terms", if terms.is_empty() { "<none>" } else { "" });
    for (i, term) in terms.iter().enumerate() {
        requirements(out, 2, &format!("Term {i}"), list(term, &["matchExpressions"]), None);
    }
}

fn requirements(out: &mut Out, level: usize, title: &str, all: &[Value], operator: Option<&str>) {
    out.put(level, &format!("{title}:\t"));
    if all.is_empty() {
        out.line(0, "<none>");
    }
    for (i, r) in all.iter().enumerate() {
        if i != 0 {
            out.put(level, "\t");
        }
        let operator = operator.map_or_else(|| text(r, &["operator"]).to_lowercase(), str::to_owned);
        let values = words(r, &["values"]);
        let shown = if values.is_empty() { String::new() } else { format!(" [{}]", values.join(", ")) };
        out.line(0, &format!("{} {operator}{shown}", text(r, &["key"])));
    }
}

fn claim_body(out: &mut Out, claim: &Value, full: bool) {
    let spec = at(claim, &["spec"]);
    if full {
        out.field(0, "Name", text(claim, &["metadata", "name"]));
        out.field(0, "Namespace", text(claim, &["metadata", "namespace"]));
    }
    out.field(0, "StorageClass", class(claim));
    if full {
        status(out, claim);
    }
    out.field(0, "Volume", text(spec, &["volumeName"]));
    out.labels("Labels", at(claim, &["metadata", "labels"]));
    out.annotations("Annotations", at(claim, &["metadata", "annotations"]));
    if full {
        out.field(0, "Finalizers", go_list(list(claim, &["metadata", "finalizers"])));
    }
    let bound = !text(spec, &["volumeName"]).is_empty();
    let capacity = if bound { amount(at(claim, &["status", "capacity", "storage"])) } else { String::new() };
    let modes = if bound { super::super::table::access_modes(list(claim, &["status", "accessModes"])) } else { String::new() };
    out.field(0, "Capacity", capacity);
    out.field(0, "Access Modes", modes);
    if !at(spec, &["volumeMode"]).is_null() {
        out.field(0, "VolumeMode", text(spec, &["volumeMode"]));
    }
    let from = at(spec, &["dataSource"]);
    if from.is_object() {
        out.line(0, "DataSource:");
        if !at(from, &["apiGroup"]).is_null() {
            out.field(1, "APIGroup", text(from, &["apiGroup"]));
        }
        out.field(1, "Kind", text(from, &["kind"]));
        out.field(1, "Name", text(from, &["name"]));
    }
}

/// upstream: describePersistentVolumeClaim
pub(super) fn claim(out: &mut Out, claim: &Value, pods: &[Value]) {
    claim_body(out, claim, true);
    let name = text(claim, &["metadata", "name"]);
    let uses = |p: &&Value| list(p, &["spec", "volumes"]).iter().any(|v| text(v, &["persistentVolumeClaim", "claimName"]) == name);
    let owners = list(claim, &["metadata", "ownerReferences"]);
    let owns = |p: &&Value| owners.iter().any(|o| text(o, &["kind"]) == "Pod" && at(o, &["uid"]) == at(p, &["metadata", "uid"]));
    let mut users: Vec<String> = pods.iter().filter(|p| uses(p) || owns(p)).map(|p| text(p, &["metadata", "name"]).to_owned()).collect();
    users.sort();
    out.multiline("", "Used By", &users);
    let conditions = list(claim, &["status", "conditions"]);
    if !conditions.is_empty() {
        out.line(0, "Conditions:");
        out.line(1, "Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage");
        out.line(1, "----\t------\t-----------------\t------------------\t------\t-------");
        for c in conditions {
            let part = |key: &str| text(c, &[key]);
            let (probed, moved) = (date(at(c, &["lastProbeTime"])), date(at(c, &["lastTransitionTime"])));
            out.line(1, &format!("{} \t{} \t{probed} \t{moved} \t{} \t{}", part("type"), part("status"), part("reason"), part("message")));
        }
    }
}

/// upstream: describeVolumeClaimTemplates
pub(super) fn claim_templates(out: &mut Out, templates: &[Value]) {
    if templates.is_empty() {
        out.field(0, "Volume Claims", "<none>");
        return;
    }
    out.line(0, "Volume Claims:");
    for claim in templates {
        out.field(1, "Name", text(claim, &["metadata", "name"]));
        out.field(1, "StorageClass", class(claim));
        out.labels_at("  ", "Labels", at(claim, &["metadata", "labels"]));
        out.labels_at("  ", "Annotations", at(claim, &["metadata", "annotations"]));
        let asked = at(claim, &["spec", "resources", "requests", "storage"]);
        out.field(1, "Capacity", if asked.is_null() { "<default>".to_owned() } else { amount(asked) });
        out.field(1, "Access Modes", go_list(list(claim, &["spec", "accessModes"])));
    }
}

/// upstream: describeStorageClass
pub(super) fn storage_class(out: &mut Out, class: &Value) {
    let annotation = |key: &str| text(class, &["metadata", "annotations", key]) == "true";
    let default =
        annotation("storageclass.kubernetes.io/is-default-class") || annotation("storageclass.beta.kubernetes.io/is-default-class");
    out.field(0, "Name", text(class, &["metadata", "name"]));
    out.field(0, "IsDefaultClass", if default { "Yes" } else { "No" });
    out.field(0, "Annotations", labels::format(at(class, &["metadata", "annotations"])));
    out.field(0, "Provisioner", text(class, &["provisioner"]));
    out.field(0, "Parameters", labels::format(at(class, &["parameters"])));
    out.field(0, "AllowVolumeExpansion", super::out::bool_or_unset(at(class, &["allowVolumeExpansion"])));
    let options = words(class, &["mountOptions"]);
    if options.is_empty() {
        out.field(0, "MountOptions", "<none>");
    } else {
        out.line(0, "MountOptions:");
        options.iter().for_each(|o| out.line(1, o));
    }
    for (title, key) in [("ReclaimPolicy", "reclaimPolicy"), ("VolumeBindingMode", "volumeBindingMode")] {
        if !at(class, &[key]).is_null() {
            out.field(0, title, text(class, &[key]));
        }
    }
    if let Value::Array(terms) = at(class, &["allowedTopologies"]) {
        out.field(0, "AllowedTopologies", or("", if terms.is_empty() { "<none>" } else { "" }));
        for (i, term) in terms.iter().enumerate() {
            requirements(out, 1, &format!("Term {i}"), list(term, &["matchLabelExpressions"]), Some("in"));
        }
    }
}
