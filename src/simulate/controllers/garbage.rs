//! The garbage collector: what becomes of the objects below a deleted one. upstream: pkg/controller/garbagecollector

use std::sync::Arc;

use super::ControlPlane;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::store::FOREGROUND;
use crate::simulate::apiserver::store::ORPHAN;

/// Looks at the dependents of an object that is deleted or gone.
pub fn collect(plane: &mut ControlPlane, uid: Uid) {
    let dependents: Vec<Arc<Object>> = plane.api.dependents(uid).cloned().collect();
    let Some(owner) = plane.api.get(uid).cloned() else {
        for dependent in dependents {
            let others = dependent.meta.owners.iter().any(|o| o.uid != uid && plane.api.get(o.uid).is_some());
            if others {
                plane.api.edit(dependent.meta.uid, |o| o.meta.owners.retain(|r| r.uid != uid));
            } else {
                let foreground = dependent.meta.finalizers.iter().any(|f| f == FOREGROUND);
                let propagation = if foreground { Propagation::Foreground } else { Propagation::Background };
                plane.api.delete(dependent.meta.uid, propagation);
            }
        }
        return;
    };
    if !owner.meta.is_deleted() {
        return;
    }
    let has = |name: &str| owner.meta.finalizers.iter().any(|f| f == name);
    if has(ORPHAN) {
        for dependent in dependents {
            plane.api.edit(dependent.meta.uid, |o| o.meta.owners.retain(|r| r.uid != uid));
        }
        plane.api.remove_finalizer(uid, ORPHAN);
    } else if has(FOREGROUND) {
        let blocking = |o: &Arc<Object>| o.meta.owners.iter().any(|r| r.uid == uid && r.block_deletion);
        if !dependents.iter().any(blocking) {
            plane.api.remove_finalizer(uid, FOREGROUND);
            return;
        }
        for dependent in dependents.iter().filter(|d| !d.meta.is_deleted()) {
            // What has dependents itself is deleted the same way.
            let below = plane.api.dependents(dependent.meta.uid).next().is_some();
            let propagation = if below { Propagation::Foreground } else { Propagation::Background };
            plane.api.delete(dependent.meta.uid, propagation);
        }
    }
}
