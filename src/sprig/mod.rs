//! The functions Helm gives to templates, one file per family; those that need the executor (`include`, `tpl`, …) live
//! with Helm's engine.

mod args;
mod cases;
mod certificates;
mod decimal;
mod crypto;
mod dates;
mod deep;
mod defaults;
mod der;
mod dicts;
mod durations;
mod encoding;
mod go_layout;
mod go_time;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod key_pair;
mod keys;
mod kinds;
mod lists;
mod numbers;
mod passwords;
mod paths;
mod pattern;
mod pem;
mod powers;
mod primes;
mod random;
mod regexes;
mod rsa;
pub mod semver;
mod strings;
mod text;
mod time_object;
mod toml;
mod toml_number;
mod toml_read;
pub(crate) mod urls;
mod versions;
mod x509;

pub use go_time::Duration;
pub(crate) use pattern::Pattern;
pub use urls::UrlParts;
pub use urls::url_parts;

use crate::gotmpl::{Function, Functions, Places};

/// Whether a text is a date such as `2006-01-02`, or Go's sentence.
pub(crate) fn go_date(text: &[u8]) -> Result<(), String> {
    go_layout::parse(b"2006-01-02", text).map(|_| ())
}

/// Whether a certificate and a private key in PEM belong together, or Go's sentence.
pub(crate) fn key_pair(certificate: &[u8], key: &[u8]) -> Result<(), String> {
    key_pair::check(certificate, key)
}

/// The functions, by family.
const FAMILIES: [&[Function]; 19] = [
    strings::FUNCTIONS,
    cases::FUNCTIONS,
    regexes::FUNCTIONS,
    numbers::FUNCTIONS,
    lists::FUNCTIONS,
    dicts::FUNCTIONS,
    kinds::FUNCTIONS,
    defaults::FUNCTIONS,
    encoding::FUNCTIONS,
    toml::FUNCTIONS,
    crypto::FUNCTIONS,
    passwords::FUNCTIONS,
    certificates::FUNCTIONS,
    dates::FUNCTIONS,
    durations::FUNCTIONS,
    versions::FUNCTIONS,
    urls::FUNCTIONS,
    paths::FUNCTIONS,
    random::FUNCTIONS,
];

const COUNT: usize = {
    let (mut count, mut i) = (0, 0);
    while i < FAMILIES.len() {
        count += FAMILIES[i].len();
        i += 1;
    }
    count
};

static ALL: [Function; COUNT] = {
    let mut all = [FAMILIES[0][0]; COUNT];
    let (mut filled, mut i) = (0, 0);
    while i < FAMILIES.len() {
        let mut j = 0;
        while j < FAMILIES[i].len() {
            all[filled] = FAMILIES[i][j];
            filled += 1;
            j += 1;
        }
        i += 1;
    }
    all
};

/// All functions, by family.
pub const fn functions() -> Functions {
    static PLACES: Places = Places::of(&ALL);
    Functions::new(&ALL, &PLACES)
}

#[cfg(test)]
mod tests {
    use super::functions;

    #[test]
    fn each_function_is_found_by_its_name() {
        for f in functions().iter() {
            assert!(functions().get(f.name).is_some_and(|found| std::ptr::eq(found, f)), "{}", f.name);
        }
        assert!(functions().get("").is_none() && functions().get("include").is_none());
        let without = functions().without(&["upper"]);
        assert!(without.get("upper").is_none() && without.get("lower").is_some());
        assert_eq!(without.iter().count() + 1, functions().iter().count());
    }
}
