//! Texts by [`FileId`], spans, line index, [`SourceMap`] and the [`World`] through which bytes, time and
//! randomness enter. Nothing here knows YAML, templates or Kubernetes.

mod cores;
pub(crate) mod near;
mod origin;
mod shared;
mod text;
mod threads;
mod world;

pub use origin::{Origin, OriginId, Origins, Piece};
pub use shared::SharedText;
pub use text::{FileId, Frame, LineColumn, RENDERED, Segment, SourceFile, SourceMap, Sources, Span, Text};
pub use threads::{STACK, all_cores, brief, help_on};
pub use world::{DirEntry, FileKind, Later, MemoryWorld, Opened, World, WorldError};
