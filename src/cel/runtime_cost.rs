//! What calls cost at run time. upstream: cel-go interpreter/runtimecost.go, apiserver pkg/cel/library/cost.go

use super::library::Opaque;
use super::value::Val;

/// Cost of looking at one character.
pub(super) const TRAVERSAL: f64 = 0.1;
/// Cost of one character of a regular expression.
pub(super) const REGEX: f64 = 0.25;

fn part(size: f64, factor: f64) -> u64 {
    (size * factor).ceil() as u64
}

fn traverse(value: &Val<'_>) -> u64 {
    match value {
        Val::Str(s) => (s.len() as f64 * TRAVERSAL) as u64,
        Val::Bytes(b) => (b.len() as f64 * TRAVERSAL) as u64,
        Val::List(list) => list.items().unwrap_or_default().iter().map(traverse).sum(),
        Val::Map(map) => {
            let mut sum = 0;
            for key in map.keys() {
                sum += traverse(&key) + map.find(&key).ok().flatten().map_or(1, |v| traverse(&v));
            }
            sum
        }
        _ => 1,
    }
}

/// Longest expression each named format is checked with, as upstream estimates it.
pub(super) fn format_regex_size(name: &str) -> u64 {
    match name {
        "dns1123Label" | "dns1123LabelPrefix" | "dns1035Label" | "dns1035LabelPrefix" => 30,
        "dns1123Subdomain" | "dns1123SubdomainPrefix" | "qualifiedName" => 60,
        "labelValue" => 40,
        "uri" => 1000,
        "uuid" => 87,
        "byte" => 84,
        _ => 100,
    }
}

/// The cost of a call.
pub(super) fn of(function: &str, overload: &str, args: &[Val<'_>], result: &Val<'_>) -> u64 {
    let size = |i: usize| args.get(i).map_or(1, Val::cost_size) as f64;
    let regex = |text: f64, pattern: f64| part(1.0 + text, TRAVERSAL) * part(pattern, REGEX);
    match overload {
        "list_slice" | "lists_range" | "list_reverse" => return 11 + result.cost_size(),
        "list_flatten" => return 11 + size(0) as u64,
        "list_flatten_int" => {
            let depth = if let Some(Val::Int(depth)) = args.get(1) { *depth as f64 } else { 1.0 };
            return 11 + (size(0) * depth) as u64;
        }
        _ if overload == "list_distinct" || overload.ends_with("_sort") || overload.ends_with("_sortByAssociatedKeys") => {
            let keys = usize::from(overload.ends_with("_sortByAssociatedKeys"));
            let first = match args.get(keys) {
                Some(Val::List(list)) => list.get(0).and_then(Result::ok),
                _ => None,
            };
            let weight = if matches!(first, Some(Val::Str(_) | Val::Bytes(_))) { 2.0 + TRAVERSAL } else { 2.0 };
            return 11 + (size(keys) * size(keys) * weight) as u64;
        }
        _ => {}
    }
    match function {
        "check" => 350_000,
        "fieldSelector" | "labelSelector" => {
            let length = size(1);
            10 + part(length, TRAVERSAL) + part((length * 0.5).ceil(), 50.0)
        }
        "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => args.first().map_or(0, traverse),
        "url"
        | "lowerAscii"
        | "upperAscii"
        | "substring"
        | "trim"
        | "jsonpatch.escapeKey"
        | "cidr"
        | "isIP"
        | "isCIDR"
        | "quantity"
        | "isQuantity"
        | "semver"
        | "isSemver" => part(size(0), TRAVERSAL),
        "ip" if overload == "cidr_ip" => 1,
        "ip" => part(size(0), TRAVERSAL),
        "replace" | "split" | "ip.isCanonical" => part(size(0), 2.0 * TRAVERSAL),
        "join" => part(result.cost_size() as f64, 2.0 * TRAVERSAL),
        "find" | "findAll" => regex(size(0), size(1)),
        "containsIP" | "containsCIDR" => {
            let mut cost = part(size(0) * 2.0, TRAVERSAL);
            if function == "containsCIDR" {
                cost += part(size(0), TRAVERSAL) + 1;
            }
            if overload.ends_with("_string") {
                cost += part(size(1), TRAVERSAL);
            }
            cost
        }
        "validate" => match args.first() {
            Some(Val::Opaque(o)) => match &**o {
                Opaque::Format(name) => regex(size(1), format_regex_size(name) as f64),
                _ => 1,
            },
            _ => 1,
        },
        "_==_" if matches!(args.first(), Some(Val::Opaque(_))) => 1,
        "_==_" | "_!=_" => part(size(0).min(size(1)), TRAVERSAL),
        "sets.contains" | "sets.intersects" => 1 + (size(0) * size(1)) as u64,
        "sets.equivalent" => 1 + (size(0) * size(1) * 2.0) as u64,
        _ => match overload {
            "starts_with_string" | "ends_with_string" | "string_to_bytes" | "bytes_to_string" | "strings_quote" | "string_format" => {
                part(size(0), TRAVERSAL)
            }
            "in_list" => size(1) as u64,
            "less_string"
            | "greater_string"
            | "less_equals_string"
            | "greater_equals_string"
            | "less_bytes"
            | "greater_bytes"
            | "less_equals_bytes"
            | "greater_equals_bytes" => part(size(0).min(size(1)), TRAVERSAL),
            "add_string" | "add_bytes" => part(size(0) + size(1), TRAVERSAL),
            "matches_string" => regex(size(0), size(1)),
            "contains_string" => part(size(0), TRAVERSAL) * part(size(1), TRAVERSAL),
            _ => 1,
        },
    }
}
