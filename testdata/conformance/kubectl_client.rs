//! Command lines that kubectl answers without a server: generators with `--dry-run=client`, and changes of files.

use kval::cluster::boot;
use kval::kubectl;
use kval::kubectl::Context;
use kval::simulate::cluster::default_nodes;
use kval::source::MemoryWorld;
use serde_json::Value as Json;

use super::each;
use crate::Outcome;
use crate::data;

/// `kubectl-client`: what the real kubectl v1.36.3 printed.
pub(crate) fn client(_name: &str) -> Option<(bool, Vec<Outcome>)> {
    let mut all = data::lines("kubectl/client.jsonl")?;
    let about = all.remove(0);
    let text = |v: &Json| v.as_str().unwrap_or("").to_owned();
    let files: Vec<(String, String)> = about["files"].as_object()?.iter().map(|(path, content)| (path.clone(), text(content))).collect();
    let (cluster, _) = boot::boot(&default_nodes(), boot::EPOCH, 1);
    let bytes = kval::cluster::state::encode(&mut { cluster }).to_vec();
    let check = |record: &Json| {
        let mut world = MemoryWorld::default();
        files.iter().for_each(|(path, content)| drop(world.files.insert(path.clone(), content.clone().into_bytes())));
        let words: Vec<String> = record["words"].as_array().into_iter().flatten().map(text).collect();
        let mut cluster = kval::cluster::state::decode(bytes.clone())?;
        let got = kubectl::run(&mut cluster, &world, &Context::default(), &words);
        for (what, want, got) in [("stdout", &record["stdout"], &got.stdout), ("stderr", &record["stderr"], &got.stderr)] {
            if want.as_str() != Some(got.as_str()) {
                let (want, other): (Vec<&str>, Vec<&str>) = (want.as_str().unwrap_or("").lines().collect(), got.lines().collect());
                let at = want.iter().zip(&other).take_while(|(a, b)| a == b).count();
                return Err(format!("{what} line {}: want {:?} got {:?}", at + 1, want.get(at), other.get(at)));
            }
        }
        if record["exit"] == got.exit { Ok(()) } else { Err(format!("exit: want {} got {}", record["exit"], got.exit)) }
    };
    Some((true, each(all, |r| text(&r["id"]), check)))
}
