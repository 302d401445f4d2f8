//! The phases in their order, for each chart by itself and for all plain manifests together.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;

use super::inputs::{Inputs, STDIN};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::helm;
use crate::helm::TemplateOptions;
use crate::kube;
use crate::kube::Object;
use crate::kube::ValidateOptions;
use crate::lint;
use crate::report_counts::Counts;
use crate::source::FileId;
use crate::source::Sources;
use crate::source::Span;
use crate::source::World;
use crate::source::WorldError;
use crate::yaml;
use crate::yaml::Document;

/// The codes of findings that no rule page describes: they come from the phases before judging.
pub const CODES: &[&str] = &["render-error", "invalid-yaml", "internal-error"];
