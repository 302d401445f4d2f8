//! Defaults of the core group. upstream: pkg/apis/core/v1/defaults.go

use serde_json::Value;

pub(super) fn defaults(_: &str, _: &str, _: &mut Value) {}
