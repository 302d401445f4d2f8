//! A compiled schema.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::json::Json;
use super::draft::Draft;
use super::format::Check;
use super::number::Decimal;
use crate::sprig::Pattern;

/// The number of a schema in its compiler.
pub(super) type Id = usize;

/// The kinds of JSON values, in the order in which sentences list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Type {
    Null,
    Boolean,
    Number,
    Integer,
    String,
    Array,
    Object,
}

impl Type {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        let all = [Self::Null, Self::Boolean, Self::Number, Self::Integer, Self::String, Self::Array, Self::Object];
        all.into_iter().find(|t| t.name() == name)
    }

    /// The type of a value; `None` where JSON has none.
    pub(super) fn of(value: &Json) -> Option<Self> {
        Some(match value {
            Json::Null => Self::Null,
            Json::Bool(_) => Self::Boolean,
            Json::Number(_) => Self::Number,
            Json::Str(_) => Self::String,
            Json::List(_) => Self::Array,
            Json::Map(_) => Self::Object,
            Json::Foreign(_) => return None,
        })
    }
}

/// `true`, `false`, or a schema.
#[derive(Clone, Copy, Debug)]
pub(super) enum Additional {
    Allowed(bool),
    Schema(Id),
}

/// `dependencies` of a property.
#[derive(Clone, Debug)]
pub(super) enum Needs {
    Names(Vec<String>),
    Schema(Id),
}

/// `items` before draft 2020-12.
#[derive(Clone, Debug)]
pub(super) enum ItemSchemas {
    All(Id),
    Each(Vec<Id>),
}

/// A compiled schema; the fields are the keywords.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub(super) struct Schema {
    pub(super) location: String,
    pub(super) draft: Draft,
    /// The schema with an identifier of its own that holds this one.
    pub(super) resource: Id,
    pub(super) dynamic_anchors: BTreeMap<String, Id>,
    pub(super) all_properties_evaluated: bool,
    pub(super) all_items_evaluated: bool,
    pub(super) items_evaluated: usize,
    pub(super) boolean: Option<bool>,
    pub(super) reference: Option<Id>,
    pub(super) recursive_ref: Option<Id>,
    pub(super) recursive_anchor: bool,
    pub(super) dynamic_ref: Option<(Id, String)>,
    pub(super) dynamic_anchor: String,
    pub(super) types: Vec<Type>,
    pub(super) choices: Option<Vec<Json>>,
    pub(super) constant: Option<Json>,
    pub(super) not: Option<Id>,
    pub(super) all_of: Vec<Id>,
    pub(super) any_of: Vec<Id>,
    pub(super) one_of: Vec<Id>,
    pub(super) condition: Option<Id>,
    pub(super) then: Option<Id>,
    pub(super) otherwise: Option<Id>,
    pub(super) format: Option<(&'static str, Check)>,
    pub(super) max_properties: Option<i64>,
    pub(super) min_properties: Option<i64>,
    pub(super) required: Vec<String>,
    pub(super) property_names: Option<Id>,
    pub(super) properties: BTreeMap<String, Id>,
    pub(super) pattern_properties: Vec<(Rc<Pattern>, Id)>,
    pub(super) additional_properties: Option<Additional>,
    pub(super) dependencies: BTreeMap<String, Needs>,
    pub(super) dependent_required: BTreeMap<String, Vec<String>>,
    pub(super) dependent_schemas: BTreeMap<String, Id>,
    pub(super) unevaluated_properties: Option<Id>,
    pub(super) min_items: Option<i64>,
    pub(super) max_items: Option<i64>,
    pub(super) unique_items: bool,
    pub(super) contains: Option<Id>,
    pub(super) min_contains: Option<i64>,
    pub(super) max_contains: Option<i64>,
    pub(super) items: Option<ItemSchemas>,
    pub(super) additional_items: Option<Additional>,
    pub(super) prefix_items: Vec<Id>,
    pub(super) rest_items: Option<Id>,
    pub(super) unevaluated_items: Option<Id>,
    pub(super) min_length: Option<i64>,
    pub(super) max_length: Option<i64>,
    pub(super) pattern: Option<(Rc<Pattern>, String)>,
    pub(super) maximum: Option<Decimal>,
    pub(super) minimum: Option<Decimal>,
    pub(super) exclusive_maximum: Option<Decimal>,
    pub(super) exclusive_minimum: Option<Decimal>,
    pub(super) multiple_of: Option<Decimal>,
}

impl Schema {
    /// A schema that allows everything.
    pub(super) fn new(location: String) -> Self {
        Self {
            location,
            draft: Draft::D2020,
            resource: 0,
            dynamic_anchors: BTreeMap::new(),
            all_properties_evaluated: false,
            all_items_evaluated: false,
            items_evaluated: 0,
            boolean: None,
            reference: None,
            recursive_ref: None,
            recursive_anchor: false,
            dynamic_ref: None,
            dynamic_anchor: String::new(),
            types: Vec::new(),
            choices: None,
            constant: None,
            not: None,
            all_of: Vec::new(),
            any_of: Vec::new(),
            one_of: Vec::new(),
            condition: None,
            then: None,
            otherwise: None,
            format: None,
            max_properties: None,
            min_properties: None,
            required: Vec::new(),
            property_names: None,
            properties: BTreeMap::new(),
            pattern_properties: Vec::new(),
            additional_properties: None,
            dependencies: BTreeMap::new(),
            dependent_required: BTreeMap::new(),
            dependent_schemas: BTreeMap::new(),
            unevaluated_properties: None,
            min_items: None,
            max_items: None,
            unique_items: false,
            contains: None,
            min_contains: None,
            max_contains: None,
            items: None,
            additional_items: None,
            prefix_items: Vec::new(),
            rest_items: None,
            unevaluated_items: None,
            min_length: None,
            max_length: None,
            pattern: None,
            maximum: None,
            minimum: None,
            exclusive_maximum: None,
            exclusive_minimum: None,
            multiple_of: None,
        }
    }
}
