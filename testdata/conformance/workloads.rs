//! What is seen of StatefulSets, DaemonSets, Jobs and their pods.

use std::collections::BTreeMap;

use kval::simulate::controllers::ControlPlane;
use serde_json::Value as Json;

pub(super) fn seen(_: &ControlPlane, _: &mut BTreeMap<String, Json>) {}
