//! Certificate signing requests and trust bundles. upstream: pkg/apis/certificates/validation

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::decode::quote;
use super::super::field::At;
use super::super::names;
use super::{Errors, get, int, list, meta, text, texts};

const NOTHING: &Value = &Value::Null;
const LEGACY: &str = "kubernetes.io/legacy-unknown";
/// What a certificate may be asked for, sorted.
pub const USAGES: &[&str] = &[
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

/// What creating an object of the group is refused for.
pub(super) fn create(errors: &mut Errors, version: &str, kind: &str, object: &Value) {
    let spec = get(object, "spec").unwrap_or(NOTHING);
    match kind {
        "CertificateSigningRequest" => {
            meta::object_meta(errors, object, |_| Vec::new());
            request(errors, version, spec);
        }
        "ClusterTrustBundle" => {
            meta::object_meta(errors, object, names::dns1123_subdomain);
            let signer = text(spec, "signerName");
            if !signer.is_empty() {
                signer_name(errors, signer, &At::new("spec.signerName"));
            }
        }
        _ => {}
    }
}

/// What replacing an object of the group is refused for.
pub(super) fn update(errors: &mut Errors, _version: &str, kind: &str, object: &Value, old: &Value) {
    // The spec of a request never changes: what an update brings is dropped.
    if kind == "ClusterTrustBundle" {
        let (spec, old) = (get(object, "spec").unwrap_or(NOTHING), get(old, "spec").unwrap_or(NOTHING));
        errors.immutable(&At::new("spec.signerName"), text(spec, "signerName"), text(old, "signerName"));
    }
}

/// upstream: validateCertificateSigningRequest
fn request(errors: &mut Errors, version: &str, spec: &Value) {
    let path = At::new("spec");
    let request = get(spec, "request");
    if !has_pem(request.and_then(Value::as_str).unwrap_or(""), "CERTIFICATE REQUEST") {
        errors.invalid(&path.child("request"), request.unwrap_or(NOTHING), "PEM block type must be CERTIFICATE REQUEST");
    }
    let usages = list(spec, "usages");
    let at = path.child("usages");
    if usages.is_empty() {
        errors.required(&at, "");
    }
    let mut seen = BTreeSet::new();
    for (i, usage) in texts(spec, "usages").enumerate() {
        if !USAGES.contains(&usage) {
            errors.unsupported(&at.index(i), usage, USAGES);
        }
        if !seen.insert(usage) {
            errors.duplicate(&at.index(i), usage);
        }
    }
    let signer = text(spec, "signerName");
    let at = path.child("signerName");
    if signer == LEGACY && version == "v1" {
        errors.invalid(&at, signer, "the legacy signerName is not allowed via this API version");
    } else {
        signer_name(errors, signer, &at);
    }
    if let Some(seconds) = int(spec, "expirationSeconds").filter(|s| *s < 600) {
        let detail = "may not specify a duration less than 600 seconds (10 minutes)";
        errors.invalid(&path.child("expirationSeconds"), seconds, detail);
    }
}

/// Whether the first PEM block of a base64 text is of a kind.
pub(super) fn has_pem(base64: &str, wanted: &str) -> bool {
    let clean: String = base64.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let Ok(bytes) = data_encoding::BASE64.decode(clean.as_bytes()) else { return false };
    let pem = String::from_utf8_lossy(&bytes);
    let Some((_, rest)) = pem.split_once("-----BEGIN ") else { return false };
    let Some((kind, rest)) = rest.split_once("-----") else { return false };
    kind == wanted && rest.contains(&format!("-----END {wanted}-----"))
}

/// upstream: ValidateSignerName
pub(super) fn signer_name(errors: &mut Errors, name: &str, at: &At<'_>) {
    if name.is_empty() {
        return errors.required(at, "");
    }
    let (Some((domain, path)), 1) = (name.split_once('/'), name.matches('/').count()) else {
        let detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        return errors.invalid(at, name, detail);
    };
    if domain.len() > 253 {
        errors.too_long(at, 253);
    }
    first_wrong(errors, domain, names::dns1123_label, at);
    if !domain.contains('.') {
        errors.invalid(at, domain, "should be a domain with at least two segments separated by dots");
    }
    first_wrong(errors, path, names::dns1123_subdomain, at);
    if name.len() > 571 {
        errors.too_long(at, 571);
    }
}

/// The faults of the first part between dots that has any.
fn first_wrong(errors: &mut Errors, whole: &str, check: fn(&str) -> Vec<String>, at: &At<'_>) {
    if let Some((label, wrong)) = whole.split('.').map(|l| (l, check(l))).find(|(_, w)| !w.is_empty()) {
        for detail in wrong {
            errors.invalid(at, whole, &format!("validating label {}: {detail}", quote(label)));
        }
    }
}
