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

/// How many places there are for names: a power of two, and four for each name.
const COUNT: usize = 1024;

/// Where the name of each of some functions leads: to its number and one, or to 0 where there is none. A name whose place is taken
/// has the next that is free. The compiler makes it, so that a program does nothing for it when it starts.
pub struct Places([u16; COUNT]);

impl Places {
    /// The places for the names of `all`.
    pub const fn of(all: &[Function]) -> Self {
        assert!(all.len() <= COUNT / 2, "too many functions");
        let mut places = [0; COUNT];
        let mut i = 0;
        while i < all.len() {
            let mut place = first_place(all[i].name.as_bytes());
            while places[place] != 0 {
                place = (place + 1) % COUNT;
            }
            i += 1;
            places[place] = i as u16;
        }
        Self(places)
    }
}

/// Native functions by name.
#[derive(Clone, Copy)]
pub struct Functions {
    all: &'static [Function],
    places: &'static Places,
    /// Names that are not to be found.
    without: &'static [&'static str],
}

impl Functions {
    /// Of `all`, with their places.
    pub const fn new(all: &'static [Function], places: &'static Places) -> Self {
        Self { all, places, without: &[] }
    }

    /// The same, but for some names.
    #[must_use]
    pub const fn without(self, names: &'static [&'static str]) -> Self {
        Self { without: names, ..self }
    }

    /// The function of that name.
    pub fn get(self, name: &str) -> Option<&'static Function> {
        let mut place = first_place(name.as_bytes());
        loop {
            // No number is 0, and there are places that are free.
            let number = usize::from(*self.places.0.get(place)?);
            let function = self.all.get(number.checked_sub(1)?)?;
            if function.name == name {
                return (!self.without.contains(&name)).then_some(function);
            }
            place = (place + 1) % COUNT;
        }
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = &'static Function> {
        self.all.iter().filter(move |f| !self.without.contains(&f.name))
    }
}

/// Where to look for a name first: FNV-1a.
const fn first_place(name: &[u8]) -> usize {
    let mut hash: u32 = 0x811c_9dc5;
    let mut i = 0;
    while i < name.len() {
        hash = (hash ^ name[i] as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    (hash ^ (hash >> 16)) as usize % COUNT
}
