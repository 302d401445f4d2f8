//! kval renders Helm charts, validates Kubernetes objects as a kube-apiserver would, judges them and predicts
//! what a cluster would do with them.
//!
//! The data flows one way: text → tree with spans ([`yaml`]) → chart and values ([`helm`]) → rendered text with source
//! map ([`gotmpl`], [`sprig`]) → objects and verdicts ([`kube`]) → findings ([`lint`], [`simulate`]) → report
//! ([`report`]). A rendered text is a text like any other; its spans resolve to template and values through its
//! [`source::SourceMap`], once, at the end ([`diagnostic::resolve`]).
//!
//! A room may name only rooms listed above it:
//!
//! 1. [`source`] — texts, spans, source maps, origins, and the `World` at the edge.
//! 2. [`diagnostic`] — the finding.
//! 3. [`value`] — the dynamic value with Go's semantics.
//! 4. [`yaml`] — parsing with spans, decoding as Helm's stack does, byte-identical emission.
//! 5. [`cel`] — the expression language of Kubernetes.
//! 6. [`gotmpl`] — Go text/template.
//! 7. [`sprig`] — template functions.
//! 8. [`kube`] — the API as data and the API server's path.
//! 9. [`helm`] — charts and their rendering.
//! 10. [`lint`] — rules.
//! 11. [`simulate`] — prediction.
//! 12. [`kubectl`] — kubectl's verbs and what they print.
//! 13. [`cluster`] — a cluster that lives on between commands.
//! 14. [`pipeline`] — the order of the phases.
//! 15. [`report`] — output formats.
//! 16. [`cli`] — the command line.

#![cfg_attr(test, allow(clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

pub mod source;
pub mod diagnostic;
pub mod value;
pub mod yaml;
pub mod cel;
pub mod gotmpl;
pub mod sprig;
pub mod kube;
pub mod helm;
pub mod lint;
pub mod simulate;
pub mod kubectl;
pub mod cluster;
pub mod pipeline;
pub mod report;
pub mod cli;
