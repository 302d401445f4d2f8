//! Expressions against what cel-go with Kubernetes' libraries made of them: type, value, failure, errors and cost.

use serde_json::Value as Json;

use super::records;
use crate::Outcome;
use kval::cel::decl::Decl;
use kval::cel::{CALL_LIMIT, Env, Host, Type, Val, compile};

pub(crate) fn expressions(_: &str) -> Option<(bool, Vec<Outcome>)> {
    Some((true, records("vectors/cel.jsonl", check)?))
}

fn check(record: &Json) -> Result<(), String> {
    let env = Env::default().with("d", Type::Dyn);
    let text = record["expression"].as_str().unwrap_or("");
    let same = |what: &str, want: &Json, got: &str| {
        if want.as_str() == Some(got) { Ok(()) } else { Err(format!("{text}: {what}: want {want} got {got:?}")) }
    };
    let program = match compile(text, &env) {
        Ok(program) => program,
        Err(e) => return same("error", &record["error"], &e),
    };
    if let Some(e) = program.unplannable() {
        return same("error", &record["error"], &e);
    }
    if !record["error"].is_null() {
        return Err(format!("{text}: want error {} got none", record["error"]));
    }
    let data = &record["d"];
    let variable = |name: &str| (name == "d").then(|| Val::of(data, Decl::dynamic()));
    let host = Host { variable: &variable, format: &|_, _| Vec::new(), limit: CALL_LIMIT };
    let (out, cost) = program.run(&host);
    match &out {
        Ok(value) => {
            let shown = value.format_string().unwrap_or_else(|_| format!("<{}>", value.type_name()));
            same("value", &record["value"], &shown)?;
        }
        Err(e) => same("failure", &record["failure"], e.text())?,
    }
    if out.is_ok() && record["cost"].as_u64() != Some(cost) {
        return Err(format!("{text}: cost: want {} got {cost}", record["cost"]));
    }
    Ok(())
}
