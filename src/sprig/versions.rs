//! `semver` and `semverCompare`, and versions as templates see them.

use std::any::Any;

use crate::gotmpl::Function;
use crate::value::GoError;
use crate::value::GoType;
use crate::value::Kind;
use crate::value::Object;
use crate::value::ReflectKind;
use crate::value::Structure;
use crate::value::UintType;
use crate::value::Value;

use super::args::BOOL;
use super::args::STR;
use super::args::fixed;
use super::args::text;
use super::semver::Constraints;
use super::semver::Version;

const POINTER: GoType = GoType::Named("*semver.Version", ReflectKind::Ptr);
const STRUCT: GoType = GoType::Named("semver.Version", ReflectKind::Struct);

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("semver", &[STR], POINTER, |_, a| Ok(Value::object(VersionObject { version: Version::parse(&text(a, 0))?, go_type: POINTER }))),
    fixed("semverCompare", &[STR, STR], BOOL, |_, a| {
        let constraints = Constraints::parse(&text(a, 0))?;
        let version = Version::parse(&text(a, 1))?;
        Ok(constraints.check(&version).into())
    }),
];

#[derive(Debug)]
struct VersionObject {
    version: Version,
    go_type: GoType,
}

fn uint(n: u64) -> Value {
    Kind::Uint(UintType::Uint64, n).into()
}

fn other(args: &[Value]) -> Result<&Version, GoError> {
    match args.first().map(|v| &v.kind) {
        Some(Kind::Object(o)) => o.as_any().downcast_ref::<VersionObject>().map(|o| &o.version),
        _ => None,
    }
    .ok_or_else(|| super::args::NIL_DEREFERENCE.into())
}

fn next(n: u64, part: &str) -> Result<u64, GoError> {
    n.checked_add(1).ok_or_else(|| GoError(format!("{part} version increment would overflow uint64")))
}

impl VersionObject {
    fn value(version: Version) -> Value {
        Value::object(Self { version: version.renamed(), go_type: STRUCT })
    }
}

impl Object for VersionObject {
    fn go_type(&self) -> GoType {
        self.go_type
    }

    fn method(&self, name: &str) -> Option<(&'static [GoType], bool)> {
        let pointer = self.go_type == POINTER;
        match name {
            "Major" | "Minor" | "Patch" | "Prerelease" | "Metadata" | "String" | "IncMajor" | "IncMinor" | "IncPatch" => Some((&[], false)),
            "SetPrerelease" | "SetMetadata" => Some((&[STR], false)),
            "Original" if pointer => Some((&[], false)),
            "Compare" | "LessThan" | "LessThanEqual" | "GreaterThan" | "GreaterThanEqual" | "Equal" if pointer => Some((&[POINTER], false)),
            _ => None,
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, GoError> {
        let v = &self.version;
        let release = |major, minor, patch| {
            Ok(Self::value(Version { major, minor, patch, pre: String::new(), metadata: String::new(), original: v.original.clone() }))
        };
        match name {
            "Major" => Ok(uint(v.major)),
            "Minor" => Ok(uint(v.minor)),
            "Patch" => Ok(uint(v.patch)),
            "Prerelease" => Ok(v.pre.as_str().into()),
            "Metadata" => Ok(v.metadata.as_str().into()),
            "Original" => Ok(v.original.as_str().into()),
            "String" => Ok(v.to_string().into()),
            "Compare" => Ok(Value::int(v.compare(other(args)?) as i64)),
            "LessThan" => Ok(v.compare(other(args)?).is_lt().into()),
            "LessThanEqual" => Ok(v.compare(other(args)?).is_le().into()),
            "GreaterThan" => Ok(v.compare(other(args)?).is_gt().into()),
            "GreaterThanEqual" => Ok(v.compare(other(args)?).is_ge().into()),
            "Equal" => Ok(v.compare(other(args)?).is_eq().into()),
            "IncMajor" => release(next(v.major, "major")?, 0, 0),
            "IncMinor" => release(v.major, next(v.minor, "minor")?, 0),
            "IncPatch" if v.pre.is_empty() => release(v.major, v.minor, next(v.patch, "patch")?),
            "IncPatch" => release(v.major, v.minor, v.patch),
            "SetPrerelease" | "SetMetadata" => {
                let given = text(args, 0);
                let mut changed = v.clone();
                let probe = if name == "SetPrerelease" { format!("0.0.0-{given}") } else { format!("0.0.0+{given}") };
                if !given.is_empty() {
                    Version::parse_strict(&probe)?;
                }
                if name == "SetPrerelease" {
                    changed.pre = given;
                } else {
                    changed.metadata = given;
                }
                Ok(Self::value(changed))
            }
            _ => Err(GoError(format!("no method {name}"))),
        }
    }

    fn print(&self) -> String {
        self.version.to_string()
    }

    fn structure(&self) -> Option<Structure> {
        let v = &self.version;
        let fields = vec![
            ("major", uint(v.major)),
            ("minor", uint(v.minor)),
            ("patch", uint(v.patch)),
            ("pre", v.pre.as_str().into()),
            ("metadata", v.metadata.as_str().into()),
            ("original", v.original.as_str().into()),
        ];
        Some(Structure { pointer: self.go_type == POINTER, fields })
    }

    fn to_plain(&self) -> Result<Value, GoError> {
        Ok(self.version.to_string().into())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
