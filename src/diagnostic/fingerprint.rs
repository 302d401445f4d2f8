//! What a finding is, apart from the line it stands on: the same before and after text around it moves.

use super::{Diagnostic, resolve};
use crate::source::Sources;

/// What tells findings apart. Two findings may share one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint {
    /// The rule.
    pub code: String,
    /// The file that is to be edited, as shown to users; empty for none.
    pub file: String,
    /// `Deployment/shop/web`; empty for findings about texts.
    pub object: String,
    /// The field of the object; for findings about texts the line's text, without space around it.
    pub field: String,
}

/// The fingerprint of a finding.
pub fn fingerprint(sources: &Sources, finding: &Diagnostic) -> Fingerprint {
    let place = finding.span.map(|span| resolve(sources, span).template.unwrap_or(span));
    let file = place.map_or(String::new(), |span| sources.get(span.file).name.clone());
    let object = finding.object.as_ref().map_or(String::new(), |o| {
        let namespace = if o.namespace.is_empty() { String::new() } else { format!("/{}", o.namespace) };
        format!("{}{namespace}/{}", o.kind, o.name)
    });
    let line = || {
        let span = place?;
        let source = sources.get(span.file);
        let range = source.line_range(source.line_index(span.start as usize))?;
        Some(source.text.get(range)?.trim().to_owned())
    };
    let field = if object.is_empty() && finding.field.is_empty() { line().unwrap_or_default() } else { finding.field.clone() };
    Fingerprint { code: finding.code.to_owned(), file, object, field }
}

impl Fingerprint {
    /// Sixteen hexadecimal digits for tools that want an opaque key.
    pub fn digest(&self) -> String {
        // FNV-1a: short, stable over versions, and nobody attacks a list of findings.
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for part in [&self.code, &self.file, &self.object, &self.field] {
            for byte in part.bytes().chain([0]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        format!("{hash:016x}")
    }
}
