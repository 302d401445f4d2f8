//! The drafts: where each keeps identifiers and schemas within schemas, and its metaschema.

use std::rc::Rc;

use super::super::json;
use super::super::json::Json;

/// A version of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    D4,
    D6,
    D7,
    D2019,
    D2020,
}

/// How schemas hang below a keyword.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Below {
    Itself,
    Properties,
    Items,
}

use Below::{Items, Itself, Properties};

const POSITIONS: &[(Draft, &str, Below)] = &[
    (Draft::D4, "definitions", Properties),
    (Draft::D4, "not", Itself),
    (Draft::D4, "allOf", Items),
    (Draft::D4, "anyOf", Items),
    (Draft::D4, "oneOf", Items),
    (Draft::D4, "properties", Properties),
    (Draft::D4, "additionalProperties", Itself),
    (Draft::D4, "patternProperties", Properties),
    (Draft::D4, "items", Itself),
    (Draft::D4, "items", Items),
    (Draft::D4, "additionalItems", Itself),
    (Draft::D4, "dependencies", Properties),
    (Draft::D6, "propertyNames", Itself),
    (Draft::D6, "contains", Itself),
    (Draft::D7, "if", Itself),
    (Draft::D7, "then", Itself),
    (Draft::D7, "else", Itself),
    (Draft::D2019, "$defs", Properties),
    (Draft::D2019, "dependentSchemas", Properties),
    (Draft::D2019, "unevaluatedProperties", Itself),
    (Draft::D2019, "unevaluatedItems", Itself),
    (Draft::D2019, "contentSchema", Itself),
    (Draft::D2020, "prefixItems", Items),
];

impl Draft {
    /// The draft a `$schema` names.
    pub(super) fn from_url(url: &str) -> Option<Self> {
        let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
        let path = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or(url);
        match path {
            _ if !fragment.is_empty() => None,
            "json-schema.org/schema" | "json-schema.org/draft/2020-12/schema" => Some(Self::D2020),
            "json-schema.org/draft/2019-09/schema" => Some(Self::D2019),
            "json-schema.org/draft-07/schema" => Some(Self::D7),
            "json-schema.org/draft-06/schema" => Some(Self::D6),
            "json-schema.org/draft-04/schema" => Some(Self::D4),
            _ => None,
        }
    }

    /// Its metaschema.
    pub(super) fn url(self) -> &'static str {
        match self {
            Self::D4 => "http://json-schema.org/draft-04/schema",
            Self::D6 => "http://json-schema.org/draft-06/schema",
            Self::D7 => "http://json-schema.org/draft-07/schema",
            Self::D2019 => "https://json-schema.org/draft/2019-09/schema",
            Self::D2020 => "https://json-schema.org/draft/2020-12/schema",
        }
    }

    /// Where the metaschemas of its vocabularies are, and what their names start with.
    pub(super) fn vocabulary_urls(self) -> (String, String) {
        let base = self.url().trim_end_matches("schema");
        (format!("{base}meta/"), format!("{base}vocab/"))
    }

    /// All vocabularies it knows.
    pub(super) fn vocabularies(self) -> &'static [&'static str] {
        match self {
            Self::D2019 => &["core", "applicator", "validation", "meta-data", "format", "content"],
            Self::D2020 => {
                &["core", "applicator", "unevaluated", "validation", "meta-data", "format-annotation", "format-assertion", "content"]
            }
            _ => &[],
        }
    }

    /// The vocabularies that hold where a schema says nothing.
    pub(super) fn default_vocabularies(self) -> &'static [&'static str] {
        match self {
            Self::D2019 => &["core", "applicator", "validation"],
            Self::D2020 => &["core", "applicator", "unevaluated", "validation"],
            _ => &[],
        }
    }

    /// The keyword that names a schema.
    pub(super) fn id_keyword(self) -> &'static str {
        if self == Self::D4 { "id" } else { "$id" }
    }

    /// The name of a schema, without its fragment; empty for none.
    pub(super) fn id(self, schema: &Json) -> &str {
        if self < Self::D2019 && schema.get("$ref").is_some() {
            return "";
        }
        let id = schema.get(self.id_keyword()).and_then(Json::as_str).unwrap_or("");
        id.split('#').next().unwrap_or("")
    }

    /// The keywords of this draft below which schemas stand.
    pub(super) fn positions(self) -> impl Iterator<Item = (&'static str, Below)> {
        POSITIONS.iter().filter(move |p| p.0 <= self).map(|p| (p.1, p.2))
    }
}

/// The document of json-schema.org with this address.
pub(super) fn embedded(url: &str) -> Option<Rc<Json>> {
    let path = url.strip_prefix("http://json-schema.org/").or_else(|| url.strip_prefix("https://json-schema.org/"))?;
    let path = if path == "schema" { "draft/2020-12/schema" } else { path };
    let documents = include_str!("../../../schemas/json-schema.txt");
    let text = documents.lines().find_map(|line| line.split_once(' ').filter(|(name, _)| *name == path))?.1;
    json::decode(text).ok().map(|(json, _)| Rc::new(json))
}
