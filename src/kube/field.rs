//! Paths to fields, as the API server spells them.

use std::fmt;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// `.name`
    Field(String),
    /// `[3]`
    Index(usize),
    /// `[key]`, a key of a map.
    Key(String),
}

/// A path from the top of an object. upstream: apimachinery/pkg/util/validation/field/path.go
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// The path of one field.
    pub fn new(name: &str) -> Self {
        Self(vec![Step::Field(name.to_owned())])
    }

    /// A field below this path; dots in `name` separate several.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        let mut steps = self.0.clone();
        steps.extend(name.split('.').map(|s| Step::Field(s.to_owned())));
        Self(steps)
    }

    /// A list item below this path.
    #[must_use]
    pub fn index(&self, i: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Index(i));
        Self(steps)
    }

    /// A map entry below this path.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Key(key.to_owned()));
        Self(steps)
    }
}

/// A path being walked: it lives on the stack and costs nothing until an error wants to keep it.
///
/// Several steps at once are spelled in one call (`at.child("spec.template")`, `at.item("ports", 3)`), because a step
/// borrows the one before.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    parent: Option<&'a At<'a>>,
    hop: Hop<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Hop<'a> {
    Child(&'a str),
    Item(&'a str, usize),
    Entry(&'a str, &'a str),
    Index(usize),
    Key(&'a str),
}

impl<'a> At<'a> {
    /// A field of the object; dots separate several.
    pub const fn new(name: &'a str) -> Self {
        Self { parent: None, hop: Hop::Child(name) }
    }

    /// The object itself.
    pub const fn root() -> Self {
        Self::new("")
    }

    const fn hop(&'a self, hop: Hop<'a>) -> Self {
        Self { parent: Some(self), hop }
    }

    /// A field below; dots separate several.
    #[must_use]
    pub const fn child(&'a self, name: &'a str) -> Self {
        self.hop(Hop::Child(name))
    }

    /// An item of the list in a field below.
    #[must_use]
    pub const fn item(&'a self, name: &'a str, index: usize) -> Self {
        self.hop(Hop::Item(name, index))
    }

    /// An entry of the map in a field below.
    #[must_use]
    pub const fn entry(&'a self, name: &'a str, key: &'a str) -> Self {
        self.hop(Hop::Entry(name, key))
    }

    /// An item of this list.
    #[must_use]
    pub const fn index(&'a self, index: usize) -> Self {
        self.hop(Hop::Index(index))
    }

    /// An entry of this map.
    #[must_use]
    pub const fn key(&'a self, key: &'a str) -> Self {
        self.hop(Hop::Key(key))
    }

    fn collect(&self, steps: &mut Vec<Step>) {
        if let Some(parent) = self.parent {
            parent.collect(steps);
        }
        let fields = |name: &str, steps: &mut Vec<Step>| {
            steps.extend(name.split('.').filter(|s| !s.is_empty()).map(|s| Step::Field(s.to_owned())));
        };
        match self.hop {
            Hop::Child(name) => fields(name, steps),
            Hop::Item(name, i) => {
                fields(name, steps);
                steps.push(Step::Index(i));
            }
            Hop::Entry(name, key) => {
                fields(name, steps);
                steps.push(Step::Key(key.to_owned()));
            }
            Hop::Index(i) => steps.push(Step::Index(i)),
            Hop::Key(key) => steps.push(Step::Key(key.to_owned())),
        }
    }
}

/// What names a field: a kept [`Path`] or one being walked, [`At`].
pub trait Place {
    /// The path to keep.
    fn path(&self) -> Path;
}

impl Place for Path {
    fn path(&self) -> Path {
        self.clone()
    }
}

impl Place for At<'_> {
    fn path(&self) -> Path {
        let mut steps = Vec::with_capacity(8);
        self.collect(&mut steps);
        Path(steps)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if i == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Index(n) => write!(f, "[{n}]")?,
                Step::Key(key) => write!(f, "[{key}]")?,
            }
        }
        Ok(())
    }
}
