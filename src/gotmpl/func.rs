//! Functions that templates can call: their Go signatures and bodies.

use crate::source::World;
use crate::value::{GoType, Value};

/// What reaches a native function besides its arguments.
pub struct Env<'a> {
    /// Time, time zone and environment.
    pub world: &'a dyn World,
    /// Fills a buffer from the random stream of this rendering (seeded by [`World::seed`]).
    pub random: &'a mut dyn FnMut(&mut [u8]),
}

/// A function that needs no template: arguments already converted to the parameter types; an `Err` is Go's error text
/// (also for what would be a Go panic inside the function).
pub type Native = fn(&mut Env<'_>, &[Value]) -> Result<Value, String>;

/// A native function with its Go signature.
#[derive(Clone, Copy)]
pub struct Function {
    /// The name in templates.
    pub name: &'static str,
    /// The parameter types; for a variadic function the last is the element type.
    pub params: &'static [GoType],
    /// Whether the last parameter repeats.
    pub variadic: bool,
    /// The declared result type; [`GoType::Any`] for an interface.
    pub result: GoType,
    /// The body.
    pub call: Native,
}
