//! `deprecated-volume-type`: reports a volume of a driver that was built into Kubernetes and now is removed or
//! handed to a CSI driver.

use crate::lint::context::Context;
use crate::lint::field::Field;

const OLD: &[(&str, &str)] = &[
    ("awsElasticBlockStore", "ebs.csi.aws.com"),
    ("gcePersistentDisk", "pd.csi.storage.gke.io"),
    ("azureDisk", "disk.csi.azure.com"),
    ("azureFile", "file.csi.azure.com"),
    ("cinder", "cinder.csi.openstack.org"),
    ("vsphereVolume", "csi.vsphere.vmware.com"),
    ("portworxVolume", "pxd.portworx.com"),
    ("glusterfs", "none: removed in 1.26"),
    ("rbd", "rbd.csi.ceph.com"),
    ("cephfs", "cephfs.csi.ceph.com"),
    ("flocker", "none: removed in 1.25"),
    ("quobyte", "none: removed in 1.25"),
    ("storageos", "none: removed in 1.25"),
    ("scaleIO", "none: removed in 1.22"),
    ("photonPersistentDisk", "none: removed in 1.23"),
];

pub(super) fn check(cx: &Context) {
    let mut volumes: Vec<Field> = cx.pods().iter().flat_map(|p| p.spec.items("volumes")).collect();
    volumes.extend(cx.all("PersistentVolume").iter().filter_map(|v| v.get("spec")));
    for volume in volumes {
        for (name, driver) in OLD {
            if let Some(field) = volume.get(name) {
                cx.report(
                    field,
                    format!("`{name}` is deprecated: use a CSI volume ({driver})"),
                    "claim storage of a StorageClass of the CSI driver",
                );
            }
        }
    }
}
