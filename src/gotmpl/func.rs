//! Functions that templates can call: their Go signatures and bodies.

use crate::source::World;
use crate::value::{GoType, Value};

/// What reaches a native function besides its arguments.
pub struct Env<'a> {
    /// Time, time zone and environment.
    pub world: &'a dyn World,
    /// Fills a buffer from the random stream of this rendering (seeded by [`World::seed`]).
    pub random: &'a mut dyn FnMut(&mut [u8]),
    /// Steps that are left to the rendering.
    pub steps: &'a mut u64,
}

/// What is said when a rendering has used its steps up.
pub(super) const TOO_MANY_STEPS: &str = "the template takes too many steps";

impl Env<'_> {
    /// How many steps are left.
    #[must_use]
    pub fn left(&self) -> usize {
        usize::try_from(*self.steps).unwrap_or(usize::MAX)
    }

    /// Takes steps for work that arguments and result do not show: a step is about a tenth of a microsecond.
    ///
    /// # Errors
    /// When so many are not left; then none are.
    pub fn spend(&mut self, steps: usize) -> Result<(), String> {
        match self.steps.checked_sub(steps as u64) {
            Some(left) => {
                *self.steps = left;
                Ok(())
            }
            None => {
                *self.steps = 0;
                Err(TOO_MANY_STEPS.to_owned())
            }
        }
    }
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
