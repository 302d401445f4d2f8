//! Whether a certificate and a key belong together, in the sentences of Go's crypto/tls.

use super::keys::PrivateKey;
use super::pem;
use super::x509;

/// The first block whose type is wanted, or the types of those that are there.
fn block(text: &[u8], wanted: impl Fn(&str) -> bool) -> Result<pem::Block, Vec<String>> {
    let mut others = Vec::new();
    let mut rest = text;
    while let Some((block, after)) = pem::decode_next(rest) {
        if wanted(&block.kind) {
            return Ok(block);
        }
        others.push(block.kind);
        rest = after;
    }
    Err(others)
}

/// What Go says of a pair that it does not take. upstream: crypto/tls.X509KeyPair
pub(super) fn check(certificate: &[u8], key: &[u8]) -> Result<(), String> {
    let is_key = |kind: &str| kind == "PRIVATE KEY" || kind.ends_with(" PRIVATE KEY");
    let found = block(certificate, |kind| kind == "CERTIFICATE").map_err(|others| match others.as_slice() {
        [] => "tls: failed to find any PEM data in certificate input".to_owned(),
        [one] if one.ends_with("PRIVATE KEY") => {
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched"
                .to_owned()
        }
        all => format!(
            "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [{}]",
            all.join(" ")
        ),
    })?;
    let private = block(key, is_key).map_err(|others| match others.as_slice() {
        [] => "tls: failed to find any PEM data in key input".to_owned(),
        [one] if one == "CERTIFICATE" => "tls: found a certificate rather than a key in the PEM for the private key".to_owned(),
        all => format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the following types: [{}]",
            all.join(" ")
        ),
    })?;
    let parsed = x509::parse(&found.bytes).map_err(|e| format!("x509: {e}"))?;
    let text = pem::encode(&private.kind, &private.bytes);
    let own = PrivateKey::from_pem(text.as_bytes()).ok().and_then(|k| k.public());
    let own = own.ok_or("tls: failed to parse private key")?;
    match parsed.public {
        None => Err("tls: unknown public key algorithm".to_owned()),
        Some(public) if public == own => Ok(()),
        Some(public) if public.0 == own.0 => Err("tls: private key does not match public key".to_owned()),
        Some(_) => Err("tls: private key type does not match public key type".to_owned()),
    }
}
