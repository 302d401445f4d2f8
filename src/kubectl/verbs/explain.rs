//! `kubectl explain`: the structure of kinds; the bundle of schemas has no prose. upstream: kubectl/pkg/cmd/explain

use super::super::flags::Flags;
use super::super::session::{Fault, Session};
use super::Ended;
use super::explain_choices::{CHOICES, FLIPPED};
use crate::kube::schema;
use crate::kube::schema::{Field, Omit};

/// What stands where kubectl prints the documentation.
const NO_PROSE: &str = "<kval has no documentation texts>";

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let Some(given) = flags.args.first() else {
        return Err(Fault::error(
            "You must specify the type of resource to explain. Use \"kubectl api-resources\" for a complete list of supported resources.",
        )
        .into());
    };
    if flags.args.len() > 1 {
        return Err(Fault::error("We accept only this format: explain RESOURCE").into());
    }
    let mut words = given.split('.');
    let kind = words.next().unwrap_or("");
    let path: Vec<&str> = words.collect();
    let mut resource = session.resource(kind).map_err(|_| Fault::plain(format!("the server doesn't have a resource type \"{kind}\"")))?;
    let version = flags.text("api-version");
    if !version.is_empty() {
        let found = session.resources.iter().find(|r| r.name == resource.name && r.api_version() == version);
        resource =
            found.cloned().ok_or_else(|| Fault::error(format!("couldn't find resource for \"{version}, Kind={}\"", resource.kind)))?;
    }
    let all = schema::newest();
    let gvk = format!("{}/{}", resource.api_version(), resource.kind);
    let Some(mut ty) = all.kind(&gvk).map(str::to_owned) else {
        return Err(Fault::error(format!("kval knows no schema of {gvk}")).into());
    };
    if !resource.group.is_empty() {
        session.say(&format!("GROUP:      {}", resource.group));
    }
    session.say(&format!("KIND:       {}\nVERSION:    {}\n", resource.kind, resource.version));
    let mut shown_type = String::new();
    let mut values: &[&str] = &[];
    for step in &path {
        let inner = element(&ty);
        let Some((field, _)) = all.field(&inner, step) else {
            return Err(Fault::error(format!("field \"{step}\" does not exist")).into());
        };
        ty = field.ty.to_owned();
        shown_type = shown(field.ty);
        values = choices(&inner, step);
    }
    if let Some(last) = path.last() {
        session.say(&format!("FIELD: {last} <{shown_type}>"));
        if values.is_empty() {
            session.say("\n");
        } else {
            session.say("ENUM:");
            values.iter().for_each(|v| session.say(&format!("    {}", if v.is_empty() { "\"\"" } else { v })));
            session.say("");
        }
    }
    session.say(&format!("DESCRIPTION:\n    {NO_PROSE}\n    "));
    let inner = element(&ty);
    if all.get(&inner).is_some() && !is_leaf(&inner) {
        session.say("FIELDS:");
        fields(session, &inner, flags.on("recursive"), 1, &mut Vec::new());
    }
    session.say("\n");
    Ok(())
}

/// The struct's own name.
fn short(ty: &str) -> &str {
    ty.rsplit('.').next().unwrap_or(ty)
}

/// The values a field may have; none when any.
fn choices(ty: &str, field: &str) -> &'static [&'static str] {
    let found = CHOICES.iter().find(|(name, structs, _)| *name == field && structs.contains(&short(ty)));
    found.map_or(&[], |(_, _, values)| values)
}

/// Whether a field must be there.
fn is_required(ty: &str, field: &Field) -> bool {
    (field.omit == Omit::Never) != FLIPPED.contains(&(short(ty), field.json))
}

/// Types that are printed as one word.
fn is_leaf(ty: &str) -> bool {
    matches!(short(ty), "Quantity" | "IntOrString" | "Time" | "MicroTime" | "Duration" | "RawExtension" | "FieldsV1" | "JSON")
}

/// What a pointer, list or map is of.
fn element(ty: &str) -> String {
    let mut ty = ty;
    loop {
        if let Some(rest) = ty.strip_prefix('*').or_else(|| ty.strip_prefix("[]")) {
            ty = rest;
        } else if let Some(rest) = ty.strip_prefix("map[").and_then(|r| r.split_once(']')) {
            ty = rest.1;
        } else if let Some((_, rest)) = ty.split_once('=') {
            ty = rest;
        } else {
            return ty.to_owned();
        }
    }
}

/// A type as explain names it.
fn shown(ty: &str) -> String {
    if let Some(rest) = ty.strip_prefix('*') {
        return shown(rest);
    }
    if let Some((name, kind)) = ty.split_once('=').filter(|(name, _)| !name.contains(['[', ']'])) {
        return if short(name) == "ResourceList" { "map[string]Quantity".to_owned() } else { shown(kind) };
    }
    if matches!(ty, "[]byte" | "[]uint8") {
        return "string".to_owned();
    }
    if let Some(rest) = ty.strip_prefix("[]") {
        return format!("[]{}", shown(rest));
    }
    if let Some((_, rest)) = ty.strip_prefix("map[").and_then(|r| r.split_once(']')) {
        return format!("map[string]{}", shown(rest));
    }
    let name = ty.rsplit('.').next().unwrap_or(ty);
    match name {
        "string" | "Time" | "MicroTime" => "string".to_owned(),
        "bool" => "boolean".to_owned(),
        "int" | "int32" | "int64" | "uint32" | "uint64" => "integer".to_owned(),
        "float64" | "float32" => "number".to_owned(),
        _ if schema::newest().get(ty).is_none() && !is_leaf(ty) => "string".to_owned(),
        other => other.to_owned(),
    }
}

fn fields(session: &mut Session<'_>, ty: &str, deep: bool, level: usize, above: &mut Vec<String>) {
    let all = schema::newest();
    let mut names = all.names(ty);
    names.sort_unstable();
    let indent = "  ".repeat(level);
    for name in names {
        let Some((field, _)) = all.field(ty, name) else { continue };
        let needed = if is_required(ty, &field) { " -required-" } else { "" };
        session.say(&format!("{indent}{name}\t<{}>{needed}", shown(field.ty)));
        let values = choices(ty, name);
        if !values.is_empty() {
            let shown: Vec<&str> = values.iter().map(|v| if v.is_empty() { "\"\"" } else { v }).collect();
            session.say(&format!("{indent}enum: {}", shown.join(", ")));
        }
        let inner = element(field.ty);
        if deep {
            if all.get(&inner).is_some() && !is_leaf(&inner) && !above.contains(&inner) && level < 20 {
                above.push(inner.clone());
                fields(session, &inner, deep, level + 1, above);
                above.pop();
            }
        } else {
            session.say(&format!("{indent}  {NO_PROSE}\n"));
        }
    }
}
