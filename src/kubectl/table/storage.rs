//! Rows of volumes, claims and classes. upstream: pkg/printers/internalversion

use serde_json::Value;

use super::super::api::Nanos;
use super::{Printer, age, count, name, optional, or, printer};
use crate::simulate::scheduler::json::{at, list, scalar, text, words};
use crate::value::quantity;

pub(super) const PRINTERS: &[Printer] = &[
    printer(
        "",
        "PersistentVolume",
        &[
            "Name",
            "Capacity",
            "Access Modes",
            "Reclaim Policy",
            "Status",
            "Claim",
            "StorageClass",
            "VolumeAttributesClass",
            "Reason",
            "Age",
            "|VolumeMode",
        ],
        volume,
    ),
    printer(
        "",
        "PersistentVolumeClaim",
        &["Name", "Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age", "|VolumeMode"],
        claim,
    ),
    printer(
        "storage.k8s.io",
        "StorageClass",
        &["Name", "Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion", "Age"],
        |o, now| {
            let mut shown = text(o, &["metadata", "name"]).to_owned();
            if is_default(o) {
                shown.push_str(" (default)");
            }
            vec![
                shown.into(),
                text(o, &["provisioner"]).into(),
                optional(o, &["reclaimPolicy"], "Delete"),
                optional(o, &["volumeBindingMode"], "Immediate"),
                (o["allowVolumeExpansion"] == true).into(),
                age(o, now),
            ]
        },
    ),
    printer("storage.k8s.io", "VolumeAttributesClass", &["Name", "DriverName", "Age"], |o, now| {
        vec![name(o), text(o, &["driverName"]).into(), age(o, now)]
    }),
    printer("storage.k8s.io", "VolumeAttachment", &["Name", "Attacher", "PV", "Node", "Attached", "Age"], |o, now| {
        vec![
            name(o),
            text(o, &["spec", "attacher"]).into(),
            text(o, &["spec", "source", "persistentVolumeName"]).into(),
            text(o, &["spec", "nodeName"]).into(),
            (*at(o, &["status", "attached"]) == true).into(),
            age(o, now),
        ]
    }),
    printer("storage.k8s.io", "CSINode", &["Name", "Drivers", "Age"], |o, now| vec![name(o), count(o, &["spec", "drivers"]), age(o, now)]),
    printer(
        "storage.k8s.io",
        "CSIDriver",
        &["Name", "AttachRequired", "PodInfoOnMount", "StorageCapacity", "TokenRequests", "RequiresRepublish", "Modes", "Age"],
        |o, now| {
            let is = |key: &str| Value::Bool(*at(o, &["spec", key]) == true);
            let tokens = match at(o, &["spec", "tokenRequests"]) {
                Value::Array(all) => all.iter().map(|t| text(t, &["audience"])).collect::<Vec<_>>().join(","),
                _ => "<unset>".to_owned(),
            };
            let modes = words(o, &["spec", "volumeLifecycleModes"]).join(",");
            vec![
                name(o),
                (*at(o, &["spec", "attachRequired"]) != false).into(),
                is("podInfoOnMount"),
                is("storageCapacity"),
                tokens.into(),
                is("requiresRepublish"),
                or(&modes, "<none>").into(),
                age(o, now),
            ]
        },
    ),
    printer("storage.k8s.io", "CSIStorageCapacity", &["Name", "StorageClassName", "Capacity"], |o, _| {
        let capacity = match at(o, &["capacity"]) {
            Value::Null => "<unset>".to_owned(),
            value => quantity::canonical(&scalar(value)),
        };
        vec![name(o), text(o, &["storageClassName"]).into(), capacity.into()]
    }),
];

/// Whether a class is the default one. upstream: pkg/apis/storage/util.IsDefaultAnnotation
pub(super) fn is_default(o: &Value) -> bool {
    let annotation = |key: &str| text(o, &["metadata", "annotations", key]) == "true";
    annotation("storageclass.kubernetes.io/is-default-class") || annotation("storageclass.beta.kubernetes.io/is-default-class")
}

/// `RWO,ROX,RWX,RWOP`, each once, in that order. upstream: helper.GetAccessModesAsString
pub(super) fn modes(given: &[Value]) -> String {
    const ALL: [(&str, &str); 4] =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    ALL.iter().filter(|(long, _)| given.iter().any(|g| g == long)).map(|(_, short)| *short).collect::<Vec<_>>().join(",")
}

/// The class of a volume or claim; the old annotation wins. upstream: helper.GetPersistentVolumeClass
pub(super) fn class(o: &Value) -> String {
    match at(o, &["metadata", "annotations", "volume.beta.kubernetes.io/storage-class"]) {
        Value::String(s) => s.clone(),
        _ => text(o, &["spec", "storageClassName"]).to_owned(),
    }
}

fn amount(value: &Value) -> String {
    if value.is_null() { "0".to_owned() } else { quantity::canonical(&scalar(value)) }
}

fn phase(o: &Value) -> Value {
    if at(o, &["metadata", "deletionTimestamp"]).is_null() { text(o, &["status", "phase"]).into() } else { "Terminating".into() }
}

fn volume(o: &Value, now: Nanos) -> Vec<Value> {
    let claim = at(o, &["spec", "claimRef"]);
    let claim = if claim.is_object() { format!("{}/{}", text(claim, &["namespace"]), text(claim, &["name"])) } else { String::new() };
    vec![
        name(o),
        amount(at(o, &["spec", "capacity", "storage"])).into(),
        modes(list(o, &["spec", "accessModes"])).into(),
        text(o, &["spec", "persistentVolumeReclaimPolicy"]).into(),
        phase(o),
        claim.into(),
        class(o).into(),
        optional(o, &["spec", "volumeAttributesClassName"], "<unset>"),
        text(o, &["status", "reason"]).into(),
        age(o, now),
        optional(o, &["spec", "volumeMode"], "<unset>"),
    ]
}

fn claim(o: &Value, now: Nanos) -> Vec<Value> {
    let volume = text(o, &["spec", "volumeName"]);
    let (capacity, shown) = if volume.is_empty() {
        (String::new(), String::new())
    } else {
        (amount(at(o, &["status", "capacity", "storage"])), modes(list(o, &["status", "accessModes"])))
    };
    vec![
        name(o),
        phase(o),
        volume.into(),
        capacity.into(),
        shown.into(),
        class(o).into(),
        optional(o, &["spec", "volumeAttributesClassName"], "<unset>"),
        age(o, now),
        optional(o, &["spec", "volumeMode"], "<unset>"),
    ]
}
