//! What verbs that change objects share: patches, and the line that tells of the change.

use serde_json::{Map, Value};

use super::super::api::{Coming, FieldValidation, PatchKind, Refused, WriteOptions};
use super::super::flags::Flags;
use super::super::output::Format;
use super::super::resources::Resource;
use super::super::select::Found;
use super::super::session::{Fault, Session};
use super::DryRun;

/// So many objects are changed together: a server may work out what becomes of them before.
pub(super) const TOGETHER: usize = 64;

/// How a verb writes.
pub(super) fn options(flags: &Flags, dry: DryRun, manager: &str) -> WriteOptions {
    let manager = if flags.text("field-manager").is_empty() { manager } else { flags.text("field-manager") };
    let validation = match flags.text("validate") {
        "false" | "ignore" => FieldValidation::Ignore,
        "warn" => FieldValidation::Warn,
        _ => FieldValidation::Strict,
    };
    WriteOptions { dry_run: dry != DryRun::No, field_manager: manager.to_owned(), validation, ..WriteOptions::default() }
}

/// The JSON merge patch that makes one value of another; lists are replaced whole. RFC 7386
pub(super) fn merge_diff(old: &Value, new: &Value) -> Value {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            let mut out = Map::new();
            for key in a.keys().filter(|k| !b.contains_key(*k)) {
                out.insert(key.clone(), Value::Null);
            }
            for (key, value) in b {
                match a.get(key) {
                    Some(was) if was == value => {}
                    Some(was) if was.is_object() && value.is_object() => {
                        out.insert(key.clone(), merge_diff(was, value));
                    }
                    _ => {
                        out.insert(key.clone(), value.clone());
                    }
                }
            }
            Value::Object(out)
        }
        _ => new.clone(),
    }
}

/// Whether a merge patch changes nothing.
pub(super) fn is_empty(patch: &Value) -> bool {
    patch.as_object().is_some_and(Map::is_empty)
}

impl Session<'_> {
    /// Changes an object as far as the dry run allows and returns what it is then.
    pub(super) fn rewrite(&mut self, found: &Found, new: &Value, options: &WriteOptions, dry: DryRun) -> Result<Value, Refused> {
        self.send(found, new, &merge_diff(&found.object, new), options, dry)
    }

    /// As [`Session::rewrite`], with the patch that makes the one of the other.
    pub(super) fn send(
        &mut self,
        found: &Found,
        new: &Value,
        patch: &Value,
        options: &WriteOptions,
        dry: DryRun,
    ) -> Result<Value, Refused> {
        if dry == DryRun::Client {
            return Ok(new.clone());
        }
        self.may("patch", &found.resource, &found.namespace, &found.name)?;
        let done = self.api.patch(&found.target(), PatchKind::Merge, patch, options);
        self.hear();
        done
    }

    /// Tells the server what is about to be sent to it.
    pub(super) fn announce<'a>(
        &mut self,
        kind: Option<PatchKind>,
        options: &WriteOptions,
        all: impl Iterator<Item = (&'a Found, &'a Value)>,
    ) {
        let coming: Vec<Coming<'_>> = all.map(|(found, sent)| Coming { target: found.target(), kind, sent, options }).collect();
        self.api.foresee(&coming);
    }

    /// Creates an object as far as the dry run allows and returns it.
    pub(super) fn make(
        &mut self,
        resource: &Resource,
        namespace: &str,
        object: &Value,
        options: &WriteOptions,
        dry: DryRun,
    ) -> Result<Value, Refused> {
        if dry == DryRun::Client {
            return Ok(object.clone());
        }
        let namespace = if resource.namespaced { namespace } else { "" };
        self.may("create", resource, namespace, "")?;
        let done = self.api.create(resource, namespace, object, options);
        self.hear();
        done
    }

    /// Tells of a change: a line, or the object in the format asked for.
    pub(super) fn tell(&mut self, flags: &Flags, resource: &Resource, object: &Value, verb: &str, dry: DryRun) -> Result<(), Fault> {
        let name = object["metadata"]["name"].as_str().unwrap_or("").to_owned();
        match self.format(flags, false)? {
            Format::Table(_) => {
                let line = format!("{} {verb}{}", resource.named(&name), dry.suffix());
                self.say(&line);
                Ok(())
            }
            format => {
                // Verbs with a printer for each object part nothing.
                let own = verb.ends_with("labeled") || verb == "modified" || verb.starts_with("patched");
                if format == Format::Yaml && !own {
                    if self.told {
                        self.out.push_str("---\n");
                    }
                    self.told = true;
                }
                self.print_value(&format, object, flags)
            }
        }
    }
}

/// The pod template's spec of a workload, to be changed.
pub(super) fn pod_spec_mut(object: &mut Value) -> Option<&mut Value> {
    let pointer = match object["kind"].as_str()? {
        "Pod" => "/spec",
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        _ => "/spec/template/spec",
    };
    object.pointer_mut(pointer).filter(|v| v.is_object())
}

/// A map inside an object, made where it is not there.
pub(super) fn map_mut<'a>(object: &'a mut Value, path: &[&str]) -> Option<&'a mut Map<String, Value>> {
    let mut current = object;
    for key in path {
        if current.is_null() {
            *current = Value::Object(Map::new());
        }
        current = current.as_object_mut()?.entry((*key).to_owned()).or_insert_with(|| Value::Object(Map::new()));
    }
    if current.is_null() {
        *current = Value::Object(Map::new());
    }
    current.as_object_mut()
}
