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
