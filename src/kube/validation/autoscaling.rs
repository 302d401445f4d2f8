//! Autoscalers. upstream: pkg/apis/autoscaling/validation

use serde_json::Value;

use super::super::field::Path;
use super::super::names;
use super::{Errors, get, int, text};

pub(super) fn create(errors: &mut Errors, _: &str, kind: &str, object: &Value) {
    if kind == "HorizontalPodAutoscaler" {
        autoscaler(errors, object);
    }
}

pub(super) fn update(_: &mut Errors, _: &str, _: &str, _: &Value, _: &Value) {}

/// upstream: validateHorizontalPodAutoscalerSpec
pub(super) fn autoscaler(errors: &mut Errors, object: &Value) {
    let path = Path::new("spec");
    let spec = get(object, "spec").unwrap_or(&Value::Null);
    let (min, max) = (int(spec, "minReplicas").unwrap_or(1), int(spec, "maxReplicas").unwrap_or(0));
    if min < 0 {
        let detail = "must be greater than or equal to 1".to_owned();
        errors.invalid_number(&path.child("minReplicas"), min, vec![detail]);
    }
    let at = path.child("maxReplicas");
    if max == 0 {
        errors.required(&at, "must be set and greater than 0");
    } else if max < 0 {
        errors.invalid_number(&at, max, vec!["must be greater than or equal to 1".to_owned()]);
    }
    if max < min {
        errors.invalid_number(&at, max, vec!["must be greater than or equal to `minReplicas`".to_owned()]);
    }
    let target = get(spec, "scaleTargetRef").unwrap_or(&Value::Null);
    for field in ["kind", "name"] {
        let at = path.child("scaleTargetRef").child(field);
        match text(target, field) {
            "" => errors.required(&at, ""),
            value => errors.invalid_text(&at, value, names::path_segment(value)),
        }
    }
}
