//! Writes the embedded schemas from the recorded OpenAPI documents and Go types, and checks that they are fresh.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

/// The folder of recorded data: `$KVAL_SHARED`, else `../shared`.
pub(crate) fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("KVAL_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    root.join("validation").is_dir().then(|| root.join("validation"))
}

pub(crate) fn read_gz(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).expect("a recorded file");
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip of text");
    text
}

fn go_types(shared: &Path) -> String {
    let data: Value = serde_json::from_str(&read_gz(&shared.join("go-types.json.gz"))).expect("JSON");
    let mut out = String::new();
    for (gvk, ty) in data["kinds"].as_object().expect("kinds") {
        writeln!(out, "K\t{gvk}\t{}", ty.as_str().expect("type")).expect("string");
    }
    for (name, fields) in data["types"].as_object().expect("types") {
        writeln!(out, "T\t{name}\t{}", data["printed"][name].as_str().unwrap_or("")).expect("string");
        for f in fields.as_array().map_or(&[][..], Vec::as_slice) {
            let text = |k: &str| f[k].as_str().unwrap_or("").to_owned();
            let inline = text("opt") == "inline";
            let json = if inline { String::new() } else { text("json") };
            if json.is_empty() && !inline {
                continue;
            }
            let omit = match text("opt").as_str() {
                "" | "inline" => "",
                o if o.contains("omitzero") => "\tz",
                _ => "\te",
            };
            writeln!(out, "F\t{json}\t{}\t{}{omit}", text("type"), text("name")).expect("string");
        }
    }
    out
}

fn type_of(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.trim_start_matches("#/definitions/");
        let known = [
            (".pkg.api.resource.Quantity", "k8s.io/apimachinery/pkg/api/resource.Quantity"),
            (".util.intstr.IntOrString", "k8s.io/apimachinery/pkg/util/intstr.IntOrString"),
            (".meta.v1.Time", "k8s.io/apimachinery/pkg/apis/meta/v1.Time"),
            (".meta.v1.MicroTime", "k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime"),
            (".runtime.RawExtension", "any"),
            (".meta.v1.FieldsV1", "any"),
            (".meta.v1.Fields", "any"),
            (".JSON", "any"),
            (".JSONSchemaPropsOrBool", "any"),
            (".JSONSchemaPropsOrArray", "any"),
            (".JSONSchemaPropsOrStringArray", "any"),
        ];
        return known.iter().find(|(end, _)| name.ends_with(end)).map_or(name, |(_, ty)| ty).to_owned();
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), Some("byte")) => "[]uint8".to_owned(),
        (Some("string"), Some("date-time")) => "k8s.io/apimachinery/pkg/apis/meta/v1.Time".to_owned(),
        (Some("string"), Some("int-or-string")) => "k8s.io/apimachinery/pkg/util/intstr.IntOrString".to_owned(),
        (Some("string"), _) => "string".to_owned(),
        (Some("boolean"), _) => "bool".to_owned(),
        (Some("integer"), Some("int32")) => "int32".to_owned(),
        (Some("integer"), _) => "int64".to_owned(),
        (Some("number"), _) => "float64".to_owned(),
        (Some("array"), _) => format!("[]{}", type_of(&schema["items"])),
        _ if schema["additionalProperties"].is_object() => format!("map[string]{}", type_of(&schema["additionalProperties"])),
        _ => "any".to_owned(),
    }
}

fn versions(shared: &Path) -> String {
    let mut out = String::new();
    let lives: Value = serde_json::from_str(&std::fs::read_to_string(shared.join("api_lifecycle.json")).expect("file")).expect("JSON");
    for e in lives["entries"].as_array().expect("entries") {
        let text = |v: &Value| v.as_str().unwrap_or("").to_owned();
        let declared = &e["declared"];
        let kind = text(&e["kind"]);
        let removed = [text(&declared["removed"]), text(&e["removedIn"])].into_iter().find(|s| !s.is_empty()).unwrap_or_default();
        let replacement = match (text(&declared["replacement"]), text(&e["replacement"])) {
            (declared, _) if !declared.is_empty() => declared,
            (_, version) if !version.is_empty() => format!("{version} {kind}"),
            _ => String::new(),
        };
        // Some deprecations are only known from what the server says: "… is deprecated in v1.33+; use …".
        let said = text(&e["serverWarning1.36"]);
        let after = |sign: &str| said.split_once(sign).map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        let since = after("is deprecated in v").split('+').next().unwrap_or("").to_owned();
        let deprecated = Some(text(&declared["deprecated"])).filter(|s| !s.is_empty()).unwrap_or(since);
        let replacement = if replacement.is_empty() { after("; use ") } else { replacement };
        writeln!(
            out,
            "L\t{}\t{}\t{kind}\t{}\t{}\t{deprecated}\t{removed}\t{replacement}",
            text(&e["group"]),
            text(&e["version"]),
            text(&e["firstSeen"]),
            text(&e["lastSeen"]),
        )
        .expect("string");
    }
    let data: Value = serde_json::from_str(&read_gz(&shared.join("openapi/all-versions-shared.json.gz"))).expect("JSON");
    for d in data["defs"].as_array().expect("defs") {
        out.push_str("D\n");
        for g in d["x-kubernetes-group-version-kind"].as_array().map_or(&[][..], Vec::as_slice) {
            let part = |k: &str| g[k].as_str().unwrap_or("");
            let slash = if part("group").is_empty() { "" } else { "/" };
            writeln!(out, "G\t{}{slash}{}/{}", part("group"), part("version"), part("kind")).expect("string");
        }
        for (name, schema) in d["properties"].as_object().into_iter().flatten() {
            writeln!(out, "F\t{name}\t{}", type_of(schema)).expect("string");
        }
    }
    let names = data["names"].as_array().expect("names");
    let name = |v: &Value| names[v.as_u64().expect("index") as usize].as_str().expect("name").to_owned();
    let all = data["versions"].as_object().expect("versions");
    let ordered: BTreeSet<(u32, &String)> = all.keys().map(|v| (super::minor(v).expect("version").1, v)).collect();
    for (_, version) in ordered {
        writeln!(out, "V\t{version}").expect("string");
        for pair in all[version]["set"].as_array().expect("set") {
            writeln!(out, "+\t{}\t{}", name(&pair[0]), pair[1]).expect("string");
        }
        for gone in all[version]["del"].as_array().map_or(&[][..], Vec::as_slice) {
            writeln!(out, "-\t{}", name(gone)).expect("string");
        }
    }
    out
}

#[test]
fn schemas_are_fresh() {
    let Some(shared) = shared() else { return };
    for (file, text, now) in [("go-types.bin", go_types(&shared), super::GO_TYPES), ("versions.bin", versions(&shared), super::VERSIONS)] {
        if super::inflate(now) == text {
            continue;
        }
        assert!(std::env::var_os("UPDATE").is_some(), "schemas/{file} is stale: run with UPDATE=1");
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text.as_bytes()).expect("memory");
        std::fs::write(Path::new("schemas").join(file), encoder.finish().expect("memory")).expect("schemas folder");
    }
}
