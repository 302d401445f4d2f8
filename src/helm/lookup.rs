//! A cluster of given manifests, for the template function `lookup`.

use std::collections::BTreeMap;

use crate::source::{FileKind, World};
use crate::value::{Kind, List, Map, Value};
use crate::yaml;

/// Which object: API version, kind, namespace, name.
type Key = (String, String, String, String);

/// The objects `lookup` finds.
#[derive(Clone, Debug, Default)]
pub struct ClusterState {
    objects: BTreeMap<Key, Value>,
}

/// The deepest folders that are read.
const MAX_DEPTH: usize = 64;

impl ClusterState {
    /// Reads a file of manifests, or all `.yaml`, `.yml` and `.json` files below a folder.
    ///
    /// # Errors
    /// What cannot be read or is not YAML, with its path.
    pub fn read(world: &dyn World, path: &str) -> Result<Self, String> {
        let mut out = Self::default();
        match world.kind(path).map_err(|e| e.message)? {
            FileKind::Directory => out.folder(world, path.trim_end_matches('/'), 0)?,
            _ => out.file(world, path)?,
        }
        Ok(out)
    }

    fn folder(&mut self, world: &dyn World, path: &str, depth: usize) -> Result<(), String> {
        for entry in world.read_dir(path).map_err(|e| e.message)? {
            let below = format!("{path}/{}", entry.name);
            match entry.kind {
                FileKind::Directory if depth < MAX_DEPTH => self.folder(world, &below, depth + 1)?,
                FileKind::File if [".yaml", ".yml", ".json"].iter().any(|e| entry.name.ends_with(e)) => self.file(world, &below)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, world: &dyn World, path: &str) -> Result<(), String> {
        let bytes = world.read(path).map_err(|e| e.message)?;
        for document in yaml::decode_documents(&bytes).map_err(|e| format!("{path}: {}", e.message))? {
            self.add(&document, 0);
        }
        Ok(())
    }

    fn add(&mut self, object: &Value, depth: usize) {
        let Some(map) = object.as_map() else { return };
        let text = |map: &Map, key: &str| map.get(key).and_then(|v| v.as_str().map(ToString::to_string)).unwrap_or_default();
        let (api_version, kind) = (text(map, "apiVersion"), text(map, "kind"));
        if let (true, Some(items)) = (kind.ends_with("List") && depth == 0, map.get("items")) {
            items.as_list().into_iter().flat_map(|l| l.items()).for_each(|item| self.add(item, 1));
            return;
        }
        let metadata = map.get("metadata").and_then(|m| m.as_map().cloned()).unwrap_or_default();
        let key = (api_version, kind, text(&metadata, "namespace"), text(&metadata, "name"));
        self.objects.insert(key, whole_numbers(object, 0));
    }

    /// What `lookup` gives: an object, a list when `name` is empty, or an empty map. An object without a namespace is in
    /// every one that is asked for, as cluster-wide ones are.
    ///
    /// upstream: pkg/engine/lookup_func.go
    pub fn find(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Value {
        let fits = |key: &Key| key.0 == api_version && key.1 == kind && (namespace.is_empty() || key.2.is_empty() || key.2 == namespace);
        let mut found = self.objects.iter().filter(|(key, _)| fits(key) && (name.is_empty() || key.3 == name)).map(|(_, v)| v);
        if !name.is_empty() {
            return found.next().map_or_else(|| Map::default().into(), super::values::deep_copy);
        }
        let list = Map::default();
        list.insert("apiVersion", api_version.into());
        list.insert("kind", format!("{kind}List").into());
        let metadata = Map::default();
        metadata.insert("resourceVersion", "1".into());
        list.insert("metadata", metadata.into());
        list.insert("items", List::any(found.map(super::values::deep_copy).collect()).into());
        list.into()
    }
}

/// What a client reads: whole numbers are integers.
fn whole_numbers(value: &Value, depth: usize) -> Value {
    if depth > 1000 {
        return value.clone();
    }
    match &value.kind {
        Kind::Float(f) if f.fract() == 0.0 && f.abs() < 9e15 => Value::int64(*f as i64),
        Kind::List(list) => List::any(list.items().iter().map(|v| whole_numbers(v, depth + 1)).collect()).into(),
        Kind::Map(map) => Map::new(map.borrow().iter().map(|(k, v)| (k.clone(), whole_numbers(v, depth + 1))).collect()).into(),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemoryWorld;

    #[test]
    fn objects_are_found_by_name_and_as_lists() {
        let mut world = MemoryWorld::default();
        let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: one}\ndata: {k: v}\n---\n\
                    apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: b, namespace: two}\n";
        world.files.insert("state/all.yaml".to_owned(), text.as_bytes().to_vec());
        let state = ClusterState::read(&world, "state").unwrap();
        let data = |v: &Value| v.as_map().and_then(|m| m.get("data")).is_some();
        assert!(data(&state.find("v1", "Secret", "one", "a")));
        assert!(state.find("v1", "Secret", "two", "a").as_map().unwrap().is_empty());
        let count = |namespace| {
            let list = state.find("v1", "Secret", namespace, "");
            list.as_map().unwrap().get("items").unwrap().as_list().unwrap().items().len()
        };
        assert_eq!((count(""), count("two"), count("three")), (2, 1, 0));
    }
}
