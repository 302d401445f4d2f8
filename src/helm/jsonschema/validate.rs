//! Holds a value against a compiled schema.

use std::collections::{BTreeMap, BTreeSet};

use super::super::json::Json;
use super::draft::Draft;
use super::failure::{Failure, Role, Way, bound, escape, quote, quote_all};
use super::number::{Decimal, english};
use super::schema::{Additional, Id, ItemSchemas, Needs, Schema, Type};
use crate::value;

/// Which metaschema judges the schemas within a document that speak a dialect of their own.
#[derive(Clone, Copy)]
pub(super) struct Metas<'a> {
    pub(super) current: Id,
    /// By the pointer to the schema.
    pub(super) resources: &'a BTreeMap<String, Id>,
}

/// Holds `value` against a schema; the failures are in the order found.
pub(super) fn check(schemas: &[Schema], id: Id, value: &Json, metas: Option<Metas<'_>>) -> Result<(), Vec<Failure>> {
    let scope = Scope { schema: id, keyword: "", value: 0, parent: None };
    let mut checker = Checker {
        schemas,
        value,
        way: Way::new(),
        id,
        scope: &scope,
        left: Left::of(value, &schemas[id], false),
        failures: Vec::new(),
        only_whether: false,
        metas,
    };
    checker.run().map_err(Failure::parts)
}

/// The schemas passed on the way to the current one.
struct Scope<'a> {
    schema: Id,
    /// The keyword of a jump; empty where the location tells.
    keyword: &'static str,
    /// Grows with each step down into the value.
    value: usize,
    parent: Option<&'a Scope<'a>>,
}

impl Scope<'_> {
    /// The scope that already held this value against this schema.
    fn cycle(&self) -> Option<&Self> {
        let mut next = self.parent;
        while let Some(scope) = next.filter(|s| s.value == self.value) {
            if scope.schema == self.schema {
                return Some(scope);
            }
            next = scope.parent;
        }
        None
    }

    fn location(&self, schemas: &[Schema]) -> String {
        let mut parts = Vec::new();
        let mut at = self;
        while let Some(parent) = at.parent {
            if at.keyword.is_empty() {
                let skip = schemas[parent.schema].location.len();
                parts.push(schemas[at.schema].location.get(skip..).unwrap_or("").to_owned());
            } else {
                parts.push(format!("/{}", escape(at.keyword)));
            }
            at = parent;
        }
        parts.reverse();
        parts.concat()
    }
}

/// The properties and items that no schema has looked at yet.
#[derive(Default)]
struct Left {
    properties: BTreeSet<String>,
    items: BTreeSet<usize>,
}

impl Left {
    fn of(value: &Json, schema: &Schema, wanted: bool) -> Self {
        let mut out = Self::default();
        match value {
            Json::Map(entries) if !schema.all_properties_evaluated && (wanted || schema.unevaluated_properties.is_some()) => {
                out.properties = entries.keys().cloned().collect();
            }
            Json::List(items) if !schema.all_items_evaluated && (wanted || schema.unevaluated_items.is_some()) => {
                out.items = (schema.items_evaluated..items.len()).collect();
            }
            _ => {}
        }
        out
    }

    fn merge(&mut self, other: &Self) {
        self.properties.retain(|p| other.properties.contains(p));
        self.items.retain(|i| other.items.contains(i));
    }

    fn is_empty(&self) -> bool {
        self.properties.is_empty() && self.items.is_empty()
    }
}

struct Checker<'a> {
    schemas: &'a [Schema],
    value: &'a Json,
    way: Way,
    id: Id,
    scope: &'a Scope<'a>,
    left: Left,
    failures: Vec<Failure>,
    /// Nobody asks why: one failure is enough and its sentence is not needed.
    only_whether: bool,
    metas: Option<Metas<'a>>,
}

type Outcome = Result<(), Failure>;

impl<'a> Checker<'a> {
    fn schema(&self) -> &'a Schema {
        &self.schemas[self.id]
    }

    fn failure(&self, role: Role, sentence: impl FnOnce() -> String) -> Failure {
        if self.only_whether { Failure::silent() } else { Failure::new(&self.way, role, sentence()) }
    }

    fn plain(&self, sentence: impl FnOnce() -> String) -> Failure {
        self.failure(Role::Plain, sentence)
    }

    fn add(&mut self, sentence: impl FnOnce() -> String) {
        let failure = self.plain(sentence);
        self.failures.push(failure);
    }

    fn add_with(&mut self, causes: Vec<Failure>, sentence: impl FnOnce() -> String) {
        let failure = self.plain(sentence).because(causes);
        self.failures.push(failure);
    }

    fn take(&mut self, outcome: Outcome) {
        self.failures.extend(outcome.err());
    }

    fn run(&mut self) -> Outcome {
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.run_here())
    }

    fn run_here(&mut self) -> Outcome {
        let s = self.schema();
        match s.boolean {
            Some(true) => return Ok(()),
            Some(false) => return Err(self.plain(|| "false schema".to_owned())),
            None => {}
        }
        if let Some(other) = self.scope.cycle() {
            return Err(self.plain(|| {
                let (here, there) = (self.scope.location(self.schemas), other.location(self.schemas));
                format!("both {here} and {there} resolve to {} causing reference cycle", value::quote(s.location.as_bytes()))
            }));
        }
        let Some(kind) = Type::of(self.value) else { return Err(self.foreign(self.value)) };
        if !s.types.is_empty() {
            let whole = || s.types.contains(&Type::Integer) && kind == Type::Number && number(self.value).is_some_and(|n| n.is_integer());
            if !s.types.contains(&kind) && !whole() {
                let want = || s.types.iter().map(|t| t.name()).collect::<Vec<_>>().join(" or ");
                return Err(self.plain(|| format!("got {}, want {}", kind.name(), want())));
            }
        }
        if let Some(want) = &s.constant {
            if !equal(self.value, want) {
                return Err(self.plain(|| match want {
                    Json::List(_) | Json::Map(_) => "'const' failed".to_owned(),
                    want => format!("value must be {}", display(want)),
                }));
            }
        }
        if let Some(choices) = &s.choices {
            if !choices.iter().any(|c| equal(self.value, c)) {
                return Err(self.plain(|| choices_sentence(choices)));
            }
        }
        if let (Some((name, check)), Json::Str(text)) = (&s.format, self.value) {
            if let Err(why) = check(text) {
                return Err(self.plain(|| format!("{} is not valid {name}: {why}", quote(text))));
            }
        }
        if let Some(target) = s.reference {
            let outcome = self.follow(target, "$ref");
            if s.draft < Draft::D2019 {
                return outcome;
            }
            self.take(outcome);
        }
        match self.value {
            Json::Map(entries) => self.object(s, entries),
            Json::List(items) => self.array(s, items),
            Json::Str(text) => self.string(s, text),
            Json::Number(text) => self.number(s, text),
            _ => {}
        }
        if self.failures.is_empty() || !self.only_whether {
            if s.draft >= Draft::D2019 {
                self.dynamic_references(s);
            }
            self.conditions(s);
            if s.draft >= Draft::D2019 {
                self.unevaluated(s);
            }
        }
        let mut failures = std::mem::take(&mut self.failures);
        match failures.len() {
            0 => Ok(()),
            1 => Err(failures.remove(0)),
            _ => Err(self.failure(Role::Group, || "validation failed".to_owned()).because(failures)),
        }
    }

    fn foreign(&self, value: &Json) -> Failure {
        let name = if let Json::Foreign(name) = value { name.as_str() } else { "" };
        self.plain(|| format!("invalid jsonType {name}"))
    }

    fn missing(&self, entries: &BTreeMap<String, Json>, names: &[String]) -> Option<Vec<String>> {
        let missing: Vec<String> = names.iter().filter(|n| !entries.contains_key(*n)).cloned().collect();
        (!missing.is_empty()).then_some(missing)
    }

    fn object(&mut self, s: &'a Schema, entries: &'a BTreeMap<String, Json>) {
        let count = entries.len();
        if let Some(want) = s.min_properties.filter(|want| (count as i64) < *want) {
            self.add(|| bound("minProperties", count, want));
        }
        if let Some(want) = s.max_properties.filter(|want| count as i64 > *want) {
            self.add(|| bound("maxProperties", count, want));
        }
        if let Some(missing) = self.missing(entries, &s.required) {
            self.add(|| match missing.as_slice() {
                [one] => format!("missing property {}", quote(one)),
                all => format!("missing properties {}", quote_all(all.iter().map(String::as_str))),
            });
        }
        if self.only_whether && !self.failures.is_empty() {
            return;
        }
        let needs = |missing: &[String], name: &str| {
            format!("properties {} required, if {} exists", quote_all(missing.iter().map(String::as_str)), quote(name))
        };
        for (name, dependency) in s.dependencies.iter().filter(|(name, _)| entries.contains_key(*name)) {
            match dependency {
                Needs::Names(names) => {
                    if let Some(missing) = self.missing(entries, names) {
                        self.add(|| needs(&missing, name));
                    }
                }
                Needs::Schema(id) => {
                    let outcome = self.same_value(*id, "", false);
                    self.take(outcome);
                }
            }
        }
        let mut unwanted = Vec::new();
        for (name, value) in entries {
            if self.only_whether && !self.failures.is_empty() {
                return;
            }
            let mut evaluated = false;
            if let Some(id) = s.properties.get(name) {
                evaluated = true;
                let outcome = self.inner_value(*id, value, name);
                self.take(outcome);
            }
            for (pattern, id) in &s.pattern_properties {
                if pattern.is_match(name.as_bytes()) {
                    evaluated = true;
                    let outcome = self.inner_value(*id, value, name);
                    self.take(outcome);
                }
            }
            match s.additional_properties {
                Some(Additional::Allowed(allowed)) if !evaluated => {
                    evaluated = true;
                    if !allowed {
                        unwanted.push(name.as_str());
                    }
                }
                Some(Additional::Schema(id)) if !evaluated => {
                    evaluated = true;
                    let outcome = self.inner_value(id, value, name);
                    self.take(outcome);
                }
                _ => {}
            }
            if evaluated {
                self.left.properties.remove(name);
            }
        }
        if !unwanted.is_empty() {
            self.add(|| format!("additional properties {} not allowed", quote_all(unwanted)));
        }
        if let Some(id) = s.property_names {
            for name in entries.keys() {
                let outcome = self.property_name(id, name);
                self.take(outcome);
            }
        }
        for (_, id) in s.dependent_schemas.iter().filter(|(name, _)| entries.contains_key(*name)) {
            let outcome = self.same_value(*id, "", false);
            self.take(outcome);
        }
        for (name, names) in s.dependent_required.iter().filter(|(name, _)| entries.contains_key(*name)) {
            if let Some(missing) = self.missing(entries, names) {
                self.add(|| needs(&missing, name));
            }
        }
    }

    fn property_name(&self, id: Id, name: &str) -> Outcome {
        let (mut id, mut metas) = (id, self.metas);
        if let Some(meta) = self.meta_at(id, &self.way) {
            id = meta;
            metas = metas.map(|m| Metas { current: meta, ..m });
        }
        check(self.schemas, id, &Json::Str(name.to_owned()), metas)
            .map_err(|causes| Failure::shared(&self.way, format!("invalid propertyName {}", quote(name)), causes))
    }

    fn array(&mut self, s: &'a Schema, items: &'a [Json]) {
        let count = items.len();
        if let Some(want) = s.min_items.filter(|want| (count as i64) < *want) {
            self.add(|| bound("minItems", count, want));
        }
        if let Some(want) = s.max_items.filter(|want| count as i64 > *want) {
            self.add(|| bound("maxItems", count, want));
        }
        if s.unique_items {
            if let Some((i, j)) = duplicates(items) {
                self.add(|| format!("items at {} and {} are equal", english(i), english(j)));
            }
        }
        if s.draft < Draft::D2020 {
            let mut evaluated = 0;
            match &s.items {
                Some(ItemSchemas::All(id)) => {
                    self.items(*id, items, 0);
                    evaluated = count;
                }
                Some(ItemSchemas::Each(ids)) => {
                    for (i, (id, item)) in ids.iter().zip(items).enumerate() {
                        let outcome = self.inner_value(*id, item, &i.to_string());
                        self.take(outcome);
                        evaluated = i + 1;
                    }
                }
                None => {}
            }
            match s.additional_items {
                Some(Additional::Allowed(false)) if evaluated != count => {
                    self.add(|| format!("last {} additionalItem(s) not allowed", english(count - evaluated)));
                }
                Some(Additional::Schema(id)) => self.items(id, items, evaluated),
                _ => {}
            }
        } else {
            let evaluated = s.prefix_items.len().min(count);
            for (i, (id, item)) in s.prefix_items.iter().zip(items).enumerate() {
                let outcome = self.inner_value(*id, item, &i.to_string());
                self.take(outcome);
            }
            if let Some(id) = s.rest_items {
                self.items(id, items, evaluated);
            }
        }
        if let Some(id) = s.contains {
            self.contains(s, id, items);
        }
    }

    fn items(&mut self, id: Id, items: &'a [Json], from: usize) {
        for (i, item) in items.iter().enumerate().skip(from) {
            let outcome = self.inner_value(id, item, &i.to_string());
            self.take(outcome);
        }
    }

    fn contains(&mut self, s: &'a Schema, id: Id, items: &'a [Json]) {
        let (mut failures, mut matched) = (Vec::new(), Vec::new());
        for (i, item) in items.iter().enumerate() {
            match self.inner_value(id, item, &i.to_string()) {
                Err(failure) => failures.push(failure),
                Ok(()) => {
                    matched.push(i);
                    if s.draft >= Draft::D2020 {
                        self.left.items.remove(&i);
                    }
                }
            }
        }
        let count = matched.len();
        let places = || {
            let list: Vec<String> = matched.iter().map(ToString::to_string).collect();
            format!("but matched {} items at {}", english(count), list.join(" "))
        };
        match s.min_contains {
            Some(want) if (count as i64) < want => {
                let found = if count == 0 { "but none matched".to_owned() } else { places() };
                self.add_with(failures, || format!("min {} items required to match contains schema, {found}", english(want)));
            }
            None if count == 0 => self.add_with(failures, || "no items match contains schema".to_owned()),
            _ => {}
        }
        if let Some(want) = s.max_contains.filter(|want| count as i64 > *want) {
            self.add(|| format!("max {} items required to match contains schema, {}", english(want), places()));
        }
    }

    fn string(&mut self, s: &'a Schema, text: &str) {
        let length = if s.min_length.is_some() || s.max_length.is_some() { text.chars().count() } else { 0 };
        if let Some(want) = s.min_length.filter(|want| (length as i64) < *want) {
            self.add(|| bound("minLength", length, want));
        }
        if let Some(want) = s.max_length.filter(|want| length as i64 > *want) {
            self.add(|| bound("maxLength", length, want));
        }
        if let Some((pattern, source)) = &s.pattern {
            if !pattern.is_match(text.as_bytes()) {
                self.add(|| format!("{} does not match pattern {}", quote(text), quote(source)));
            }
        }
    }

    fn number(&mut self, s: &'a Schema, text: &str) {
        let limited = [&s.minimum, &s.maximum, &s.exclusive_minimum, &s.exclusive_maximum, &s.multiple_of];
        if limited.iter().all(|l| l.is_none()) {
            return;
        }
        let Some(got) = Decimal::parse(text) else { return };
        let mut hold = |limit: &Option<Decimal>, keyword: &str, fits: fn(&Decimal, &Decimal) -> bool| {
            if let Some(want) = limit.as_ref().filter(|want| !fits(&got, want)) {
                self.add(|| format!("{keyword}: got {}, want {}", got.english(), want.english()));
            }
        };
        hold(&s.minimum, "minimum", |got, want| got.compare(want).is_ge());
        hold(&s.maximum, "maximum", |got, want| got.compare(want).is_le());
        hold(&s.exclusive_minimum, "exclusiveMinimum", |got, want| got.compare(want).is_gt());
        hold(&s.exclusive_maximum, "exclusiveMaximum", |got, want| got.compare(want).is_lt());
        hold(&s.multiple_of, "multipleOf", Decimal::is_multiple_of);
    }

    fn conditions(&mut self, s: &'a Schema) {
        if let Some(id) = s.not {
            if self.same_value(id, "", true).is_ok() {
                self.add(|| "'not' failed".to_owned());
            }
        }
        let mut failures = Vec::new();
        for id in &s.all_of {
            if let Err(failure) = self.same_value(*id, "", false) {
                failures.push(failure);
                if self.only_whether {
                    break;
                }
            }
        }
        if !failures.is_empty() {
            self.add_with(failures, || "'allOf' failed".to_owned());
        }
        if !s.any_of.is_empty() {
            let (mut matched, mut failures) = (false, Vec::new());
            for id in &s.any_of {
                match self.same_value(*id, "", false) {
                    Err(failure) => failures.push(failure),
                    Ok(()) => {
                        matched = true;
                        // Every schema has to say which properties it looked at.
                        if self.left.is_empty() {
                            break;
                        }
                    }
                }
            }
            if !matched {
                self.add_with(failures, || "'anyOf' failed".to_owned());
            }
        }
        if !s.one_of.is_empty() {
            self.one_of(s);
        }
        if let Some(id) = s.condition {
            let branch = if self.same_value(id, "", true).is_ok() { s.then } else { s.otherwise };
            if let Some(id) = branch {
                let outcome = self.same_value(id, "", false);
                self.take(outcome);
            }
        }
    }

    fn one_of(&mut self, s: &'a Schema) {
        let (mut matched, mut failures) = (None, Vec::new());
        for (i, id) in s.one_of.iter().enumerate() {
            match (self.same_value(*id, "", matched.is_some()), matched) {
                (Err(failure), None) => failures.push(failure),
                (Err(_), Some(_)) => {}
                (Ok(()), None) => matched = Some(i),
                (Ok(()), Some(first)) => {
                    self.add(|| format!("'oneOf' failed, subschemas {}, {} matched", english(first), english(i)));
                    break;
                }
            }
        }
        if matched.is_none() {
            self.add_with(failures, || "'oneOf' failed, none matched".to_owned());
        }
    }

    fn unevaluated(&mut self, s: &'a Schema) {
        if let (Json::Map(entries), Some(id)) = (self.value, s.unevaluated_properties) {
            for name in std::mem::take(&mut self.left.properties) {
                if let Some(value) = entries.get(&name) {
                    let outcome = self.inner_value(id, value, &name);
                    self.take(outcome);
                }
            }
        }
        if let (Json::List(items), Some(id)) = (self.value, s.unevaluated_items) {
            for i in std::mem::take(&mut self.left.items) {
                let outcome = self.inner_value(id, &items[i], &i.to_string());
                self.take(outcome);
            }
        }
    }

    fn dynamic_references(&mut self, s: &'a Schema) {
        if let Some(mut target) = s.recursive_ref {
            if self.schemas[target].recursive_anchor {
                let mut next = Some(self.scope);
                while let Some(scope) = next {
                    if self.schemas[self.schemas[scope.schema].resource].recursive_anchor {
                        target = scope.schema;
                    }
                    next = scope.parent;
                }
            }
            let outcome = self.follow(target, "$recursiveRef");
            self.take(outcome);
        }
        if let Some((mut target, anchor)) = s.dynamic_ref.clone() {
            if !anchor.is_empty() && self.schemas[target].dynamic_anchor == anchor {
                let mut next = Some(self.scope);
                while let Some(scope) = next {
                    if let Some(found) = self.schemas[self.schemas[scope.schema].resource].dynamic_anchors.get(&anchor) {
                        target = *found;
                    }
                    next = scope.parent;
                }
            }
            let outcome = self.follow(target, "$dynamicRef");
            self.take(outcome);
        }
    }

    /// Holds the same value against what a reference names.
    fn follow(&mut self, id: Id, keyword: &'static str) -> Outcome {
        self.same_value(id, keyword, false)
            .map_err(|failure| self.failure(Role::Reference, || "validation failed".to_owned()).because(failure.parts()))
    }

    /// Holds the same value against another schema.
    fn same_value(&mut self, id: Id, keyword: &'static str, only_whether: bool) -> Outcome {
        let scope = Scope { schema: id, keyword, value: self.scope.value, parent: Some(self.scope) };
        let left = Left::of(self.value, &self.schemas[id], !self.left.is_empty());
        let (id, metas) = self.judged_by(id, &self.way);
        let mut inner = Checker {
            schemas: self.schemas,
            value: self.value,
            way: self.way.clone(),
            id,
            scope: &scope,
            left,
            failures: Vec::new(),
            only_whether: self.only_whether || only_whether,
            metas,
        };
        inner.run()?;
        self.left.merge(&inner.left);
        Ok(())
    }

    /// Holds a value within this one against a schema.
    fn inner_value(&self, id: Id, value: &'a Json, step: &str) -> Outcome {
        let way = self.way.with(step);
        let scope = Scope { schema: id, keyword: "", value: self.scope.value + 1, parent: Some(self.scope) };
        let (judged, metas) = self.judged_by(id, &way);
        let left = Left::of(value, &self.schemas[id], false);
        Checker {
            schemas: self.schemas,
            value,
            way,
            id: judged,
            scope: &scope,
            left,
            failures: Vec::new(),
            only_whether: self.only_whether,
            metas,
        }
        .run()
    }

    /// The metaschema in place of `id` where the value is a schema with a dialect of its own.
    fn judged_by(&self, id: Id, way: &Way) -> (Id, Option<Metas<'a>>) {
        match self.meta_at(id, way) {
            Some(meta) => (meta, self.metas.map(|m| Metas { current: meta, ..m })),
            None => (id, self.metas),
        }
    }

    fn meta_at(&self, id: Id, way: &Way) -> Option<Id> {
        let metas = self.metas.filter(|m| m.current == id)?;
        metas.resources.get(&way.pointer()).copied()
    }
}

fn number(value: &Json) -> Option<Decimal> {
    match value {
        Json::Number(text) => Decimal::parse(text),
        _ => None,
    }
}

/// Whether two values are the same, numbers by what they are worth.
fn equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => match (Decimal::parse(a), Decimal::parse(b)) {
            (Some(x), Some(y)) => a == b || x.compare(&y).is_eq(),
            _ => false,
        },
        (Json::List(a), Json::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Json::Map(a), Json::Map(b)) => a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| equal(v, w))),
        (Json::Foreign(_), _) => false,
        (a, b) => a == b,
    }
}

/// The first pair of equal items.
fn duplicates(items: &[Json]) -> Option<(usize, usize)> {
    let mut by_shape: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, item) in items.iter().enumerate() {
        let alike = by_shape.entry(shape(item)).or_default();
        if let Some(j) = alike.iter().find(|j| equal(item, &items[**j])) {
            return Some((*j, i));
        }
        alike.push(i);
    }
    None
}

/// A text that equal values share.
fn shape(value: &Json) -> String {
    match value {
        Json::Str(s) => format!("s{s}"),
        Json::Bool(b) => b.to_string(),
        Json::Number(_) => "number".to_owned(),
        Json::List(items) => format!("l{}", items.len()),
        Json::Map(entries) => entries.keys().map(|k| format!("m{k}\n")).collect(),
        Json::Null | Json::Foreign(_) => String::new(),
    }
}

/// How Go prints a value that is no collection.
fn display(value: &Json) -> String {
    match value {
        Json::Null | Json::Foreign(_) => "<nil>".to_owned(),
        Json::Bool(b) => b.to_string(),
        Json::Number(text) => text.clone(),
        Json::Str(s) => quote(s),
        Json::List(_) | Json::Map(_) => "value".to_owned(),
    }
}

fn choices_sentence(choices: &[Json]) -> String {
    if choices.iter().any(|c| matches!(c, Json::List(_) | Json::Map(_))) {
        return "'enum' failed".to_owned();
    }
    let shown: Vec<String> = choices.iter().map(display).collect();
    match shown.as_slice() {
        [one] => format!("value must be {one}"),
        all => format!("value must be one of {}", all.join(", ")),
    }
}
