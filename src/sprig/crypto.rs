//! Hashes and ciphers.

use aes::Aes256;
use cbc::cipher::BlockModeDecrypt;
use cbc::cipher::BlockModeEncrypt;
use cbc::cipher::KeyIvInit;
use data_encoding::BASE64;
use data_encoding::HEXLOWER;
use sha1::Digest;
use sha1::Sha1;
use sha2::Sha256;
use sha2::Sha512;

use crate::gotmpl::Env;
use crate::gotmpl::Function;
use crate::value::Value;

use super::args::Reply;
use super::args::STR;
use super::args::bytes;
use super::args::fixed;
use super::args::string;
use super::encoding::decode_base64;

const BLOCK: usize = 16;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("sha1sum", &[STR], STR, |_, a| string(HEXLOWER.encode(&Sha1::digest(bytes(a, 0))))),
    fixed("sha256sum", &[STR], STR, |_, a| string(HEXLOWER.encode(&Sha256::digest(bytes(a, 0))))),
    fixed("sha512sum", &[STR], STR, |_, a| string(HEXLOWER.encode(&Sha512::digest(bytes(a, 0))))),
    fixed("adler32sum", &[STR], STR, |_, a| {
        let mut sum = adler2::Adler32::new();
        sum.write_slice(bytes(a, 0));
        string(sum.checksum().to_string())
    }),
    fixed("encryptAES", &[STR, STR], STR, encrypt),
    fixed("decryptAES", &[STR, STR], STR, decrypt),
    fixed("getHostByName", &[STR], STR, |_, _| string("")),
];

/// The password cut or padded with zeros to a key.
fn key(password: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let n = password.len().min(32);
    key[..n].copy_from_slice(&password[..n]);
    key
}

fn encrypt(env: &mut Env<'_>, a: &[Value]) -> Reply {
    let plain = bytes(a, 1);
    if plain.is_empty() {
        return string("");
    }
    let mut iv = [0; BLOCK];
    (env.random)(&mut iv);
    let padding = BLOCK - plain.len() % BLOCK;
    let mut body = plain.to_vec();
    body.resize(plain.len() + padding, padding as u8);
    let mut cipher = cbc::Encryptor::<Aes256>::new(&key(bytes(a, 0)).into(), &iv.into());
    let mut out = iv.to_vec();
    for chunk in body.chunks_exact(BLOCK) {
        let mut block = [0; BLOCK];
        block.copy_from_slice(chunk);
        let mut block = block.into();
        cipher.encrypt_block(&mut block);
        out.extend_from_slice(&block);
    }
    string(BASE64.encode(&out))
}

fn decrypt(_: &mut Env<'_>, a: &[Value]) -> Reply {
    let text = bytes(a, 1);
    if text.is_empty() {
        return string("");
    }
    let data = decode_base64(text)?;
    if data.len() < BLOCK {
        return Err(format!("runtime error: slice bounds out of range [:{BLOCK}] with capacity {}", capacity(text.len())));
    }
    let (iv, body) = data.split_at(BLOCK);
    if body.len() % BLOCK != 0 {
        return Err("crypto/cipher: input not full blocks".to_owned());
    }
    let mut start = [0; BLOCK];
    start.copy_from_slice(iv);
    let mut cipher = cbc::Decryptor::<Aes256>::new(&key(bytes(a, 0)).into(), &start.into());
    let mut plain = Vec::with_capacity(body.len());
    for chunk in body.chunks_exact(BLOCK) {
        let mut block = [0; BLOCK];
        block.copy_from_slice(chunk);
        let mut block = block.into();
        cipher.decrypt_block(&mut block);
        plain.extend_from_slice(&block);
    }
    let Some(&last) = plain.last() else { return Err("runtime error: index out of range [-1]".to_owned()) };
    let Some(end) = plain.len().checked_sub(usize::from(last)) else {
        return Err(format!("runtime error: slice bounds out of range [:{}]", plain.len() as i64 - i64::from(last)));
    };
    string(&plain[..end])
}

/// The room Go's decoder makes for a base64 text.
fn capacity(len: usize) -> usize {
    len / 4 * 3
}
