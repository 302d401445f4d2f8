//! An API server in memory on a virtual clock: objects with resource versions, owners and finalizers, a log of changes
//! that watchers read, and the admission that decides whether pods may be created.

pub mod admission;
pub mod facts;
pub mod mould;
pub mod object;
mod objects;
pub mod patch;
mod read;
pub mod shared;
pub mod store;
pub mod tally;
pub mod wanted;
pub mod write;

pub use object::{Meta, Object, Owner, Texts};
pub use shared::Shared;
pub use store::{ApiError, ApiServer, Change, Counters, Operation, Propagation};
pub use tally::{Count, Tally};
pub use wanted::{Parts, Wanted};

/// Nanoseconds of virtual time since 1970.
pub type Nanos = i64;

/// One second.
pub const SECOND: Nanos = 1_000_000_000;

/// What identifies an object for its whole life; later ones are greater.
pub type Uid = u64;
