//! From documents to compiled schemas.

use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::super::json::Json;
use super::document::{Dialect, Loader, Root, address, join, lookup, split_fragment};
use super::draft::Draft;
use super::failure::{escape, report};
use super::format;
use super::number::Decimal;
use super::schema::{Additional, Id, ItemSchemas, Needs, Schema, Type};
use super::sound::is_sound;
use super::validate::{Metas, check};
use crate::source::World;
use crate::sprig::Pattern;
use crate::value::quote;

/// Compiles schemas, those they refer to, and the metaschemas that judge them.
pub(in super::super) struct Compiler<'a> {
    pub(super) schemas: Vec<Schema>,
    /// Document and pointer of each schema.
    places: Vec<(String, String)>,
    /// Their numbers by document and pointer.
    known: FxHashMap<String, FxHashMap<String, Id>>,
    roots: BTreeMap<String, Rc<Root>>,
    loader: Loader<'a>,
    /// Whether `format` is always held.
    assert_format: bool,
    /// Judges schemas; `None` for the compiler of metaschemas itself.
    metas: Option<Box<Compiler<'static>>>,
    /// Metaschemas made of vocabularies.
    mixed: BTreeMap<Dialect, Id>,
}

/// How many schemas there is room for at once; what is not used costs nothing.
const FIRST: usize = 256;

impl<'a> Compiler<'a> {
    /// A compiler that reads files through `world`.
    pub(in super::super) fn new(world: Option<&'a dyn World>) -> Self {
        let metas = Compiler { assert_format: true, ..Compiler::bare(None) };
        Self { metas: Some(Box::new(metas)), ..Self::bare(world) }
    }

    fn bare(world: Option<&'a dyn World>) -> Self {
        Self {
            // Each is large: they are not moved to new memory again and again.
            schemas: Vec::with_capacity(FIRST),
            places: Vec::new(),
            known: FxHashMap::default(),
            roots: BTreeMap::new(),
            loader: Loader { documents: BTreeMap::new(), world, unresolved: Vec::new(), misses_files: false },
            assert_format: false,
            metas: None,
            mixed: BTreeMap::new(),
        }
    }

    /// Holds a value against the schema in `text`, which gets the address `url`. Schemas of earlier calls are forgotten.
    pub(in super::super) fn validate(&mut self, url: &str, document: Json, value: &Json) -> Result<Result<(), String>, String> {
        let (metas, misses_files) = (self.metas.take(), self.misses_files());
        *self = Self { metas, ..Self::bare(self.loader.world) };
        self.loader.misses_files = misses_files;
        self.loader.documents.insert(url.to_owned(), Rc::new(document));
        let id = self.compile(url, "")?;
        Ok(check(&self.schemas, id, value, None).map_err(|failures| report(&self.schemas[id].location, &failures)))
    }

    /// The URNs that were taken as "anything goes" by the last validation.
    pub(in super::super) fn unresolved(&self) -> &[String] {
        &self.loader.unresolved
    }

    /// Whether a schema asked for a file and there was no world to read it from.
    pub(in super::super) fn misses_files(&self) -> bool {
        self.loader.misses_files
    }

    fn root(&mut self, url: &str) -> Result<Rc<Root>, String> {
        if let Some(root) = self.roots.get(url) {
            return Ok(Rc::clone(root));
        }
        let document = self.loader.load(url)?;
        let root = Rc::new(Root::new(url, document, &mut self.loader)?);
        if !url.starts_with("http://json-schema.org/") && !url.starts_with("https://json-schema.org/") {
            self.judge(&root, "")?;
        }
        self.roots.insert(url.to_owned(), Rc::clone(&root));
        Ok(root)
    }

    /// Holds a schema against its metaschema.
    fn judge(&mut self, root: &Root, pointer: &str) -> Result<(), String> {
        let Some(metas) = &mut self.metas else { return Ok(()) };
        let schema = lookup(&root.url, &root.document, pointer)?;
        let dialect = &root.resource(pointer).dialect;
        if root.resources.len() == 1 && dialect.vocabularies.is_none() && is_sound(schema, dialect.draft) {
            return Ok(());
        }
        let mut by_pointer = BTreeMap::new();
        for (at, resource) in &root.resources {
            by_pointer.insert(at.clone(), metas.metaschema(&resource.dialect)?);
        }
        let meta = metas.metaschema(dialect)?;
        check(&metas.schemas, meta, schema, Some(Metas { current: meta, resources: &by_pointer })).map_err(|failures| {
            let text = report(&metas.schemas[meta].location, &failures);
            format!("{} is not valid against metaschema: {text}", quote(address(&root.url, pointer).as_bytes()))
        })
    }

    fn metaschema(&mut self, dialect: &Dialect) -> Result<Id, String> {
        let Some(vocabularies) = &dialect.vocabularies else { return self.compile(dialect.draft.url(), "") };
        if let Some(id) = self.mixed.get(dialect) {
            return Ok(*id);
        }
        let base = dialect.draft.vocabulary_urls().0;
        let all_of: Result<Vec<Id>, String> = vocabularies.iter().map(|v| self.compile(&format!("{base}{v}"), "")).collect();
        let id = self.schemas.len();
        let mut schema = Schema { draft: dialect.draft, all_of: all_of?, resource: id, ..Schema::new("urn:mem:metaschema".to_owned()) };
        if dialect.draft >= Draft::D2020 {
            schema.dynamic_anchor = "meta".to_owned();
            schema.dynamic_anchors.insert("meta".to_owned(), id);
        }
        self.schemas.push(schema);
        self.places.push((String::new(), String::new()));
        self.mixed.insert(dialect.clone(), id);
        Ok(id)
    }

    fn schema_at(&mut self, url: &str, pointer: &str) -> Id {
        if let Some(id) = self.known.get(url).and_then(|of| of.get(pointer)) {
            return *id;
        }
        let id = self.schemas.len();
        self.schemas.push(Schema::new(address(url, pointer)));
        self.places.push((url.to_owned(), pointer.to_owned()));
        self.known.entry(url.to_owned()).or_default().insert(pointer.to_owned(), id);
        id
    }

    fn compile(&mut self, url: &str, fragment: &str) -> Result<Id, String> {
        let root = self.root(url)?;
        let pointer = root.fragment(fragment, root.resource(""))?;
        let before = self.schemas.len();
        let id = self.schema_at(url, &pointer);
        let mut next = before;
        while next < self.schemas.len() {
            let (url, pointer) = self.places[next].clone();
            self.ensure(&url, &pointer)?;
            let root = self.root(&url)?;
            let value = lookup(&url, &root.document, &pointer)?;
            self.compile_value(value, next, &root, &pointer)?;
            next += 1;
        }
        Ok(id)
    }

    /// Makes a schema known that stands where no keyword expects one.
    fn ensure(&mut self, url: &str, pointer: &str) -> Result<(), String> {
        let root = self.root(url)?;
        if root.processed.contains(pointer) {
            return Ok(());
        }
        lookup(url, &root.document, pointer)?;
        let mut root = (*root).clone();
        root.add_schema(pointer, &mut self.loader)?;
        self.judge(&root, pointer)?;
        self.roots.insert(url.to_owned(), Rc::new(root));
        Ok(())
    }

    fn compile_value(&mut self, value: &Json, id: Id, root: &Root, pointer: &str) -> Result<(), String> {
        let resource = root.resource(pointer);
        self.schemas[id].draft = resource.dialect.draft;
        self.schemas[id].resource = self.schema_at(&root.url, &resource.pointer);
        if resource.dialect.draft >= Draft::D2020 && pointer == resource.pointer {
            for (anchor, at) in resource.anchors.iter().filter(|(a, _)| resource.dynamic_anchors.contains(a)) {
                let target = self.schema_at(&root.url, at);
                self.schemas[id].dynamic_anchors.insert(anchor.clone(), target);
            }
        }
        match value {
            Json::Bool(b) => self.schemas[id].boolean = Some(*b),
            Json::Map(entries) if entries.is_empty() => self.schemas[id].boolean = Some(true),
            Json::Map(_) => {
                let mut object = Object { compiler: self, json: value, root, pointer, dialect: &resource.dialect, base: &resource.id };
                // Taken out while its keywords find the schemas they name.
                let mut schema = std::mem::replace(&mut object.compiler.schemas[id], Schema::new(String::new()));
                let done = object.compile(&mut schema);
                self.schemas[id] = schema;
                done?;
            }
            _ => {}
        }
        let schema = &mut self.schemas[id];
        schema.all_properties_evaluated = schema.additional_properties.is_some();
        if schema.draft < Draft::D2020 {
            schema.all_items_evaluated = schema.additional_items.is_some() || matches!(schema.items, Some(ItemSchemas::All(_)));
            if let Some(ItemSchemas::Each(list)) = &schema.items {
                schema.items_evaluated = list.len();
            }
        } else {
            schema.all_items_evaluated = schema.rest_items.is_some();
            schema.items_evaluated = schema.prefix_items.len();
        }
        Ok(())
    }
}

/// Reads the keywords of one schema.
struct Object<'c, 'w, 'j> {
    compiler: &'c mut Compiler<'w>,
    json: &'j Json,
    root: &'j Root,
    pointer: &'j str,
    dialect: &'j Dialect,
    /// What references are relative to.
    base: &'j str,
}

impl Object<'_, '_, '_> {
    fn compile(&mut self, s: &mut Schema) -> Result<(), String> {
        s.reference = self.reference("$ref")?;
        if s.draft < Draft::D2019 && s.reference.is_some() {
            // Nothing beside a reference counts in the older drafts; keywords of later drafts are still read.
            return self.later(s);
        }
        if self.dialect.has("applicator") {
            self.applicators(s)?;
        }
        if self.dialect.has("validation") {
            self.limits(s)?;
        }
        let asserted = match s.draft {
            _ if self.compiler.assert_format => true,
            Draft::D2020 => self.dialect.has("format-assertion"),
            Draft::D2019 => self.dialect.has("format"),
            _ => true,
        };
        if asserted {
            s.format = self.text("format").and_then(format::named);
        }
        self.later(s)
    }

    fn applicators(&mut self, s: &mut Schema) -> Result<(), String> {
        s.all_of = self.list("allOf");
        s.any_of = self.list("anyOf");
        s.one_of = self.list("oneOf");
        s.not = self.one("not");
        if s.draft < Draft::D2020 {
            match self.json.get("items") {
                Some(Json::List(_)) => {
                    s.items = Some(ItemSchemas::Each(self.list("items")));
                    s.additional_items = self.additional("additionalItems");
                }
                Some(_) => s.items = self.one("items").map(ItemSchemas::All),
                None => {}
            }
        }
        s.properties = self.map("properties");
        for (pattern, schema) in self.map("patternProperties") {
            s.pattern_properties.push((self.regex("patternProperties", &pattern)?, schema));
        }
        s.additional_properties = self.additional("additionalProperties");
        if let Some(Json::Map(entries)) = self.json.get("dependencies") {
            for (name, value) in entries {
                let needs = match value {
                    Json::List(items) => Needs::Names(strings(items)),
                    _ => Needs::Schema(self.at(&["dependencies", name])),
                };
                s.dependencies.insert(name.clone(), needs);
            }
        }
        Ok(())
    }

    fn limits(&mut self, s: &mut Schema) -> Result<(), String> {
        s.types = match self.json.get("type") {
            Some(Json::Str(name)) => Type::named(name).into_iter().collect(),
            Some(Json::List(items)) => items.iter().filter_map(Json::as_str).filter_map(Type::named).collect(),
            _ => Vec::new(),
        };
        s.types.sort_unstable();
        s.types.dedup();
        if let Some(Json::List(items)) = self.json.get("enum") {
            s.choices = Some(items.clone());
        }
        s.multiple_of = self.number("multipleOf");
        s.maximum = self.number("maximum");
        s.minimum = self.number("minimum");
        s.exclusive_maximum = if self.flag("exclusiveMaximum") { s.maximum.take() } else { self.number("exclusiveMaximum") };
        s.exclusive_minimum = if self.flag("exclusiveMinimum") { s.minimum.take() } else { self.number("exclusiveMinimum") };
        s.min_length = self.integer("minLength");
        s.max_length = self.integer("maxLength");
        if let Some(pattern) = self.text("pattern") {
            s.pattern = Some((self.regex("pattern", pattern)?, pattern.to_owned()));
        }
        s.min_items = self.integer("minItems");
        s.max_items = self.integer("maxItems");
        s.unique_items = self.flag("uniqueItems");
        s.max_properties = self.integer("maxProperties");
        s.min_properties = self.integer("minProperties");
        if let Some(Json::List(items)) = self.json.get("required") {
            s.required = strings(items);
        }
        Ok(())
    }

    /// The keywords that later drafts brought.
    fn later(&mut self, s: &mut Schema) -> Result<(), String> {
        let (applicator, validation) = (self.dialect.has("applicator"), self.dialect.has("validation"));
        if s.draft >= Draft::D6 {
            if applicator {
                s.contains = self.one("contains");
                s.property_names = self.one("propertyNames");
            }
            if validation {
                s.constant = self.json.get("const").cloned();
            }
        }
        if s.draft >= Draft::D7 && applicator {
            s.condition = self.one("if");
            if s.condition.is_some() {
                let fixed = self.json.get("if");
                s.then = if fixed == Some(&Json::Bool(false)) { None } else { self.one("then") };
                s.otherwise = if fixed == Some(&Json::Bool(true)) { None } else { self.one("else") };
            }
        }
        if s.draft >= Draft::D2019 {
            s.recursive_ref = self.reference("$recursiveRef")?;
            s.recursive_anchor = self.flag("$recursiveAnchor");
            if validation {
                if s.contains.is_some() {
                    s.min_contains = self.integer("minContains");
                    s.max_contains = self.integer("maxContains");
                }
                if let Some(Json::Map(entries)) = self.json.get("dependentRequired") {
                    for (name, value) in entries {
                        if let Json::List(items) = value {
                            s.dependent_required.insert(name.clone(), strings(items));
                        }
                    }
                }
            }
            if applicator {
                s.dependent_schemas = self.map("dependentSchemas");
            }
            let unevaluated = if s.draft == Draft::D2019 { applicator } else { self.dialect.has("unevaluated") };
            if unevaluated {
                s.unevaluated_items = self.one("unevaluatedItems");
                s.unevaluated_properties = self.one("unevaluatedProperties");
            }
        }
        if s.draft >= Draft::D2020 {
            if let Some(target) = self.reference("$dynamicRef")? {
                let (_, fragment) = split_fragment(self.text("$dynamicRef").unwrap_or(""))?;
                let anchor = if fragment.starts_with('/') { String::new() } else { fragment };
                s.dynamic_ref = Some((target, anchor));
            }
            self.text("$dynamicAnchor").unwrap_or("").clone_into(&mut s.dynamic_anchor);
            if applicator {
                s.prefix_items = self.list("prefixItems");
                s.rest_items = self.one("items");
            }
        }
        Ok(())
    }

    fn text(&self, keyword: &str) -> Option<&'_ str> {
        self.json.get(keyword).and_then(Json::as_str)
    }

    fn flag(&self, keyword: &str) -> bool {
        self.json.get(keyword) == Some(&Json::Bool(true))
    }

    fn number(&self, keyword: &str) -> Option<Decimal> {
        match self.json.get(keyword) {
            Some(Json::Number(text)) => Decimal::parse(text),
            _ => None,
        }
    }

    fn integer(&self, keyword: &str) -> Option<i64> {
        self.number(keyword).and_then(|n| n.integer())
    }

    fn regex(&self, keyword: &str, pattern: &str) -> Result<Rc<Pattern>, String> {
        Pattern::compile(pattern.as_bytes()).map(Rc::new).map_err(|e| {
            let place = address(&self.root.url, &format!("{}/{}", self.pointer, escape(keyword)));
            format!("invalid regex {} at {}: {e}", quote(pattern.as_bytes()), quote(place.as_bytes()))
        })
    }

    fn at(&mut self, steps: &[&str]) -> Id {
        let mut pointer = self.pointer.to_owned();
        for step in steps {
            pointer.push('/');
            pointer.push_str(&escape(step));
        }
        self.compiler.schema_at(&self.root.url, &pointer)
    }

    fn one(&mut self, keyword: &str) -> Option<Id> {
        self.json.get(keyword)?;
        Some(self.at(&[keyword]))
    }

    fn list(&mut self, keyword: &str) -> Vec<Id> {
        match self.json.get(keyword) {
            Some(Json::List(items)) => (0..items.len()).map(|i| self.at(&[keyword, &i.to_string()])).collect(),
            _ => Vec::new(),
        }
    }

    fn map(&mut self, keyword: &str) -> BTreeMap<String, Id> {
        match self.json.get(keyword) {
            Some(Json::Map(entries)) => entries.keys().map(|name| (name.clone(), self.at(&[keyword, name]))).collect(),
            _ => BTreeMap::new(),
        }
    }

    fn additional(&mut self, keyword: &str) -> Option<Additional> {
        match self.json.get(keyword) {
            Some(Json::Bool(b)) => Some(Additional::Allowed(*b)),
            _ => self.one(keyword).map(Additional::Schema),
        }
    }

    fn reference(&mut self, keyword: &str) -> Result<Option<Id>, String> {
        let Some(reference) = self.text(keyword) else { return Ok(None) };
        let (url, fragment) = join(self.base, reference)?;
        if let Some(pointer) = self.root.resolve(&url, &fragment)? {
            return Ok(Some(self.compiler.schema_at(&self.root.url, &pointer)));
        }
        let root = self.compiler.root(&url)?;
        let pointer = root.fragment(&fragment, root.resource(""))?;
        Ok(Some(self.compiler.schema_at(&url, &pointer)))
    }
}

fn strings(items: &[Json]) -> Vec<String> {
    items.iter().filter_map(Json::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    /// A schema with each keyword that is judged without the metaschema.
    const ALL: &str = r##"{"$id": "http://example.com/all", "$comment": "c", "title": "t", "description": "d", "default": null,
        "deprecated": true, "readOnly": true, "writeOnly": false, "examples": [1], "multipleOf": 0.5, "maximum": 2, "exclusiveMaximum": 3,
        "minimum": -1, "exclusiveMinimum": -2.5, "maxLength": 9, "minLength": 0, "pattern": "^a+$", "maxItems": 3, "minItems": 1,
        "uniqueItems": true, "maxContains": 2, "minContains": 0, "maxProperties": 9, "minProperties": 0, "required": ["a", "b"],
        "dependentRequired": {"a": ["b"]}, "const": 1, "enum": ["x", "y"], "type": ["string", "object"], "format": "date",
        "contentMediaType": "m", "contentEncoding": "e", "contentSchema": {}, "definitions": {"d": {"type": "integer"}}, "$defs": {"d": true},
        "properties": {"p": {"$ref": "#/$defs/d"}}, "patternProperties": {"^x": {}}, "dependentSchemas": {"a": {}},
        "dependencies": {"a": ["b"], "c": {}}, "additionalProperties": false, "propertyNames": {"type": "string"}, "items": {},
        "prefixItems": [{}], "additionalItems": {}, "contains": {}, "if": {}, "then": {}, "else": true, "not": false, "allOf": [{}],
        "anyOf": [{}, true], "oneOf": [{}], "unevaluatedItems": {}, "unevaluatedProperties": {}, "other": [1]}"##;

    /// What keywords may have in place of what they should.
    const ODD: &[&str] = &[
        "null",
        "true",
        "false",
        "\"\"",
        "\"x\"",
        "\"[\"",
        "\"string\"",
        "\"#/$defs/d\"",
        "\"%zz\"",
        "\"a\\\\b\"",
        "-1",
        "0",
        "1.0",
        "1.5",
        "2e400",
        "-0",
        "[]",
        "[1]",
        "[\"a\", \"a\"]",
        "[\"string\", \"string\"]",
        "[\"string\"]",
        "[{}]",
        "[{\"type\": 1}]",
        "[true, null]",
        "[true, null, \"true\", \"null\", 1, \"1\", 0]",
        "[1, 1.0]",
        "[null, null]",
        "{}",
        "{\"a\": 1}",
        "{\"a\": {\"type\": \"odd\"}}",
        "{\"a\": [\"b\", \"b\"]}",
        "{\"[\": {}}",
        "{\"a\": [{\"minimum\": \"1\"}]}",
        "{\"items\": [{}]}",
    ];

    #[test]
    fn what_is_sound_passes_the_metaschema() {
        for draft in [Draft::D4, Draft::D6, Draft::D7, Draft::D2019, Draft::D2020] {
            let Json::Map(all) = read(ALL).expect("a document") else { panic!("a mapping") };
            let with = |keyword: &str, odd: &str| {
                let mut entries = all.clone();
                entries.insert(keyword.to_owned(), read(odd).expect("a value"));
                entries.insert("$schema".to_owned(), Json::Str(draft.url().to_owned()));
                Json::Map(entries)
            };
            assert_eq!(is_sound(&with("other", "1"), draft), draft >= Draft::D7);
            let mut refused = 0;
            let mut metas = Compiler { assert_format: true, ..Compiler::bare(None) };
            let meta = metas.metaschema(&Dialect { draft, vocabularies: None }).expect("compiled");
            for (keyword, odd) in all.keys().flat_map(|keyword| ODD.iter().map(move |odd| (keyword, odd))) {
                let document = with(keyword, odd);
                let passes = check(&metas.schemas, meta, &document, None).is_ok();
                assert!(passes || !is_sound(&document, draft), "{draft:?} {keyword} {odd}");
                refused += usize::from(!passes);
            }
            assert!(refused > 100, "{draft:?} {refused}");
        }
    }
}
