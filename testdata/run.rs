//! The integration tests: each finds its cases by walking folders.
