//! Password hashes and derived passwords.

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Sha256;

use crate::gotmpl::Env;
use crate::gotmpl::Function;
use crate::value::GoType;
use crate::value::Str;
use crate::value::UintType;
use crate::value::Value;

use super::args::Reply;
use super::args::STR;
use super::args::bytes;
use super::args::fixed;
use super::args::int;
use super::args::string;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("bcrypt", &[STR], STR, |e, a| string(bcrypt(e, bytes(a, 0))?)),
    fixed("htpasswd", &[STR, STR], STR, |e, a| {
        let name = Str::from(bytes(a, 0));
        if name.as_bytes().contains(&b':') {
            return string(format!("invalid username: {name}"));
        }
        let hash = bcrypt(e, bytes(a, 1))?;
        string([name.as_bytes(), b":", hash.as_bytes()].concat())
    }),
    fixed("derivePassword", &[GoType::Uint(UintType::Uint32), STR, STR, STR, STR], STR, derive),
];

/// The cost that Go's bcrypt package takes by default.
const COST: u32 = 10;

/// What a slow hash takes of the steps of a rendering: charts make a few of them.
const HASH_STEPS: usize = 400_000;

fn bcrypt(env: &mut Env<'_>, password: &[u8]) -> Result<String, String> {
    env.spend(HASH_STEPS)?;
    Ok(hash(env, password))
}

fn hash(env: &mut Env<'_>, password: &[u8]) -> String {
    if password.len() > 72 {
        return "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".to_owned();
    }
    let mut salt = [0; 16];
    (env.random)(&mut salt);
    match bcrypt::hash_with_salt(password, COST, salt) {
        Ok(parts) => parts.format_for_version(bcrypt::Version::TwoA),
        Err(e) => format!("failed to encrypt string with bcrypt: {e}"),
    }
}

/// The Master Password algorithm's templates: each letter is a class of characters.
fn templates(kind: &[u8]) -> Option<&'static [&'static str]> {
    Some(match kind {
        b"maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        b"long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        b"medium" => &["CvcnoCvc", "CvcCvcno"],
        b"short" => &["Cvcn"],
        b"basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        b"pin" => &["nnnn"],
        _ => return None,
    })
}

fn characters(class: char) -> &'static [u8] {
    match class {
        'V' => b"AEIOU",
        'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        'v' => b"aeiou",
        'c' => b"bcdfghjklmnpqrstvwxyz",
        'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        'n' => b"0123456789",
        'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

fn derive(env: &mut Env<'_>, a: &[Value]) -> Reply {
    env.spend(HASH_STEPS)?;
    const SCOPE: &[u8] = b"com.lyndir.masterpassword";
    let (counter, kind, password, user, site) = (int(a, 0) as u32, bytes(a, 1), bytes(a, 2), bytes(a, 3), bytes(a, 4));
    let Some(choices) = templates(kind) else {
        return string(format!("cannot find password template {}", Str::from(kind)));
    };
    let salt = [SCOPE, &(user.len() as u32).to_be_bytes(), user].concat();
    let mut key = [0; 64];
    let params = scrypt::Params::new(15, 8, 2).map_err(|e| format!("failed to derive password: {e}"))?;
    scrypt::scrypt(password, &salt, &params, &mut key).map_err(|e| format!("failed to derive password: {e}"))?;
    let message = [SCOPE, &(site.len() as u32).to_be_bytes(), site, &counter.to_be_bytes()].concat();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|e| format!("failed to derive password: {e}"))?;
    mac.update(&message);
    let seed = mac.finalize().into_bytes();
    let template = choices[usize::from(seed[0]) % choices.len()];
    let chosen: Vec<u8> = template
        .chars()
        .enumerate()
        .map(|(i, class)| {
            let set = characters(class);
            set[usize::from(seed[i + 1]) % set.len()]
        })
        .collect();
    string(chosen)
}
