//! The sentences of field errors about free-form values. upstream: apimachinery/pkg/util/validation/field/errors.go

use serde_json::Value;

use super::check::Cause;
use super::decode::quote;
use super::field::Path;

/// A value as errors print it.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(s) => quote(s),
        Value::Number(n) if n.as_i64().is_none() => crate::value::float_text(n.as_f64().unwrap_or_default()),
        other => other.to_string(),
    }
}

/// The field of an error without a path.
pub(crate) const NO_FIELD: &str = "<nil>";

/// A cause; without a path the field is the server's `<nil>`.
pub(crate) fn cause(reason: &'static str, path: Option<&Path>, message: String) -> Cause {
    let field = path.map_or_else(|| NO_FIELD.to_owned(), ToString::to_string);
    Cause { reason, field, message, path: path.cloned().unwrap_or_default() }
}

/// `Invalid value: …: detail`; no value where the server omits it.
pub(crate) fn invalid(path: Option<&Path>, value: Option<&Value>, detail: &str) -> Cause {
    let message = match value {
        Some(value) => format!("Invalid value: {}: {detail}", shown(value)),
        None => format!("Invalid value: {detail}"),
    };
    cause("FieldValueInvalid", path, message)
}

/// A field below a path; dots belong to its name.
pub(crate) fn below(path: &Path, name: &str) -> Path {
    let mut steps = path.0.clone();
    steps.push(super::field::Step::Field(name.to_owned()));
    Path(steps)
}
