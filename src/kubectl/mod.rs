//! kubectl's reading and writing of a cluster: what its verbs print, and the requests they make of an [`api::Api`].

pub mod api;
pub mod jsonpath;
pub mod labels;
pub mod resources;
pub mod table;
pub mod tabwriter;
pub mod times;
