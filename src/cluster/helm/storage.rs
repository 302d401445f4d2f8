//! Releases as Secrets of the cluster. upstream: pkg/storage, pkg/storage/driver/secrets.go

use std::io::Read;
use std::io::Write as _;

use serde_json::Value;
use serde_json::json;

use super::Session;
use super::release;
use super::release::Release;
use crate::cluster::server::Deletion;
use crate::cluster::server::Write;
use crate::simulate::apiserver::SECOND;
use crate::simulate::scheduler::json::text;

/// What Helm says of a name it does not know.
pub(super) const NOT_FOUND: &str = "release: not found";

fn key(name: &str, version: i64) -> String {
    format!("sh.helm.release.v1.{name}.v{version}")
}

/// What a Secret takes. upstream: core.MaxSecretSize
const MAX_SECRET: usize = 1 << 20;

/// base64 of gzip of JSON; packed as tightly as Helm does where it would not fit otherwise.
fn encode(release: &Release) -> String {
    let json = release.to_json().to_string();
    let pack = |level| {
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), level);
        // A vector takes all bytes.
        let _ = zip.write_all(json.as_bytes());
        data_encoding::BASE64.encode(&zip.finish().unwrap_or_default())
    };
    let quick = pack(flate2::Compression::fast());
    if quick.len() > MAX_SECRET { pack(flate2::Compression::best()) } else { quick }
}

fn decode(data: &str) -> Option<Value> {
    let bytes = data_encoding::BASE64.decode(data.as_bytes()).ok()?;
    let mut json = Vec::new();
    if bytes.starts_with(&[0x1f, 0x8b, 0x08]) {
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut json).ok()?;
    } else {
        json = bytes;
    }
    serde_json::from_slice(&json).ok()
}

/// The release a Secret keeps.
fn read(secret: &Value) -> Option<Release> {
    // The Secret's own encoding is around Helm's.
    let inner = data_encoding::BASE64.decode(text(secret, &["data", "release"]).as_bytes()).ok()?;
    let value = decode(std::str::from_utf8(&inner).ok()?)?;
    Some(Release::from_json(&value, release::own_labels(secret)))
}

impl Session<'_> {
    fn secret(&self, release: &Release, times: (&str, i64)) -> Value {
        let mut labels: std::collections::BTreeMap<String, String> = release.labels.clone();
        labels.insert("name".to_owned(), release.name.clone());
        labels.insert("owner".to_owned(), "helm".to_owned());
        labels.insert("status".to_owned(), release.status.clone());
        labels.insert("version".to_owned(), release.version.to_string());
        labels.insert(times.0.to_owned(), times.1.to_string());
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": key(&release.name, release.version), "namespace": self.namespace, "labels": labels},
            "type": "helm.sh/release.v1",
            "data": {"release": data_encoding::BASE64.encode(encode(release).as_bytes())},
        })
    }

    /// Stores a new revision, and forgets the oldest beyond the limit.
    pub(super) fn create_record(&mut self, release: &Release, history_max: usize) -> Result<(), String> {
        if history_max > 0 {
            self.forget(&release.name, history_max - 1);
        }
        let secret = self.secret(release, ("createdAt", self.cluster.now() / SECOND));
        self.cluster.create(&secret, &Write::by("helm")).map(drop).map_err(|e| format!("create: failed to create: {}", e.message))
    }

    /// Stores a revision again.
    pub(super) fn update_record(&mut self, release: &Release) {
        let secret = self.secret(release, ("modifiedAt", self.cluster.now() / SECOND));
        // A record that is gone stays gone.
        let _ = self.cluster.replace(&secret, &Write::by("helm"));
    }

    pub(super) fn delete_record(&mut self, name: &str, version: i64) {
        let namespace = self.namespace.clone();
        let _ = self.cluster.delete("v1", "Secret", &namespace, &key(name, version), Deletion::default());
    }

    /// upstream: Storage.removeLeastRecent
    fn forget(&mut self, name: &str, most: usize) {
        let all = self.history(name);
        let deployed = all.iter().filter(|r| r.status == "deployed").map(|r| r.version).max();
        let mut left = all.len();
        for release in &all {
            if left <= most {
                return;
            }
            if Some(release.version) != deployed {
                self.delete_record(name, release.version);
                left -= 1;
            }
        }
    }

    /// All releases of the namespace, or of all when it is empty.
    pub fn releases(&self, namespace: &str) -> Vec<Release> {
        let secrets = self.cluster.list("Secret", namespace);
        secrets.iter().filter(|s| text(s, &["metadata", "labels", "owner"]) == "helm").filter_map(read).collect()
    }

    /// The revisions of a release, oldest first.
    pub fn history(&self, name: &str) -> Vec<Release> {
        let own = |s: &&Value| text(s, &["metadata", "labels", "owner"]) == "helm" && text(s, &["metadata", "labels", "name"]) == name;
        let mut all: Vec<Release> = self.cluster.list("Secret", &self.namespace).iter().filter(own).filter_map(read).collect();
        all.sort_by_key(|r| r.version);
        all
    }

    /// A revision of a release, the last for 0.
    pub fn revision(&self, name: &str, version: i64) -> Result<Release, String> {
        let all = self.history(name);
        let found = if version == 0 { all.into_iter().next_back() } else { all.into_iter().find(|r| r.version == version) };
        found.ok_or_else(|| NOT_FOUND.to_owned())
    }
}
