//! Chart archives: any bytes are a chart or an error, no file leaves the chart, and no limit is passed.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use kval::helm::{archive, load, package};

use super::{Random, Target};

const NAMES: &[&str] = &[
    "c/Chart.yaml",
    "c/values.yaml",
    "c/templates/a.yaml",
    "c/templates/_h.tpl",
    "c/charts/d/Chart.yaml",
    "c/charts/d/templates/a.yaml",
    "c/charts/e.tgz",
    "c/crds/x.yaml",
    "c/Chart.lock",
    "c/requirements.yaml",
    "c/requirements.lock",
    "c/values.schema.json",
    "c/.helmignore",
    "c/files/a.bin",
    "c/../x",
    "../x",
    "/etc/passwd",
    "c/a/../../x",
    "c//a",
    "c/./a",
    "c",
    "c/",
    "./c/Chart.yaml",
    "Chart.yaml",
    "c\\templates\\a.yaml",
    "c\\..\\..\\x",
    "c/C:/x",
    "C:\\x\\y",
    "c/\0a",
    "c/é日",
    "c/charts/_x/Chart.yaml",
    "c/charts/.y/Chart.yaml",
    "c/charts/d/charts/e/charts/f/Chart.yaml",
    "c/charts/README.md",
    "c/templates/",
    "c/charts/d",
    "d/Chart.yaml",
    "c/..",
    "c/...",
    "c/templates/NOTES.txt",
    "c/ci/values.yaml",
    "",
];

const TEXTS: &[&str] = &[
    "apiVersion: v2\nname: c\nversion: 1.0.0\n",
    "apiVersion: v2\nname: d\nversion: 1.0.0\n",
    "apiVersion: v1\nname: c\nversion: 1.0.0\n",
    "apiVersion: v2\nname: c\nversion: 1.0.0\ntype: library\n",
    "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [{name: d, version: '*', alias: x, condition: a.b, import-values: [a, {child: a, parent: b}]}]\n",
    "a: 1\n",
    "a: {{ .Values.a }}\n",
    "",
    "{}",
    "\u{feff}a: 1\n",
    "*.txt\n!x\n",
    "dependencies:\n- name: d\n  version: 1.x\n",
    "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}}}",
    "name: ../x\nversion: ''\n",
    "[",
];

fn header(r: &mut Random, name: &str, size: u64) -> tar::Header {
    let mut header = match r.below(3) {
        0 => tar::Header::new_gnu(),
        1 => tar::Header::new_ustar(),
        _ => tar::Header::new_old(),
    };
    let bytes = name.as_bytes();
    let len = bytes.len().min(100);
    header.as_old_mut().name[..len].copy_from_slice(&bytes[..len]);
    header.set_mode(r.next() as u32 & 0o7777);
    header.set_mtime(r.next() & 0xffff_ffff);
    header.set_size(size);
    if r.one_in(4) {
        let kind = *r.pick(b"0123456789ASVLKxgDMN \x00z");
        header.set_entry_type(tar::EntryType::new(kind));
        let target = r.pick(NAMES).as_bytes();
        header.as_old_mut().linkname[..target.len().min(100)].copy_from_slice(&target[..target.len().min(100)]);
    } else {
        header.set_entry_type(tar::EntryType::Regular);
    }
    header
}

/// The entries of an archive, before compression.
fn entries(r: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    let usual = r.below(3) > 0;
    let count = if r.one_in(300) { 2000 } else { r.below(12) };
    let mut list: Vec<(String, Vec<u8>)> = Vec::new();
    if usual {
        list.push((NAMES[0].to_owned(), TEXTS[r.below(5)].as_bytes().to_vec()));
    }
    for _ in 0..count {
        let name = if r.one_in(6) { format!("{}{}", r.pick(NAMES), r.pick(NAMES)) } else { (*r.pick(NAMES)).to_owned() };
        let data = match r.below(12) {
            0 if out.is_empty() => gzip(&small(r), r),
            1 => vec![r.next() as u8; r.below(3000)],
            2 => "l\n".repeat(r.below(400)).into_bytes(),
            _ => r.pick(TEXTS).as_bytes().to_vec(),
        };
        list.push((name, data));
    }
    for (name, data) in list {
        let size = match r.below(40) {
            0 => data.len() as u64 + 1,
            1 => u64::MAX >> r.below(64),
            2 => r.next() >> 30,
            _ => data.len() as u64,
        };
        let mut header = header(r, &name, size);
        if r.one_in(60) {
            let field = &mut header.as_old_mut().size;
            let at = r.below(field.len());
            field[at] = r.next() as u8;
        }
        if !r.one_in(80) {
            header.set_cksum();
        }
        out.extend(header.as_bytes());
        out.extend(&data);
        out.resize(out.len().div_ceil(512) * 512, 0);
        if r.one_in(30) {
            let pax = *r.pick(&[
                "18 path=../../../x\n",
                "11 path=c/a\n",
                "19 size=99999999999\n",
                "99 path=short\n",
                "0 =\n",
                "30 linkpath=/etc/passwd\nxxxxxxx\n",
                "22 GNU.sparse.major=1\n",
            ]);
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(tar::EntryType::new(*r.pick(b"xgLK")));
            header.set_size(pax.len() as u64);
            header.set_cksum();
            out.extend(header.as_bytes());
            out.extend(pax.as_bytes());
            out.resize(out.len().div_ceil(512) * 512, 0);
        }
    }
    if !r.one_in(10) {
        out.extend([0; 1024]);
    }
    out
}

fn small(r: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, text) in [("d/Chart.yaml", TEXTS[1]), ("d/templates/a.yaml", TEXTS[6])] {
        let header = {
            let mut h = header(r, name, text.len() as u64);
            h.set_cksum();
            h
        };
        out.extend(header.as_bytes());
        out.extend(text.as_bytes());
        out.resize(out.len().div_ceil(512) * 512, 0);
    }
    out
}

fn gzip(bytes: &[u8], r: &mut Random) -> Vec<u8> {
    let level = if r.one_in(2) { Compression::none() } else { Compression::fast() };
    let mut gz = GzEncoder::new(Vec::new(), level);
    let _ = gz.write_all(bytes);
    gz.finish().unwrap_or_default()
}

/// Much from little: zeros, in one file or many, in members after members.
fn bomb(r: &mut Random) -> Vec<u8> {
    let size = [1u64 << 20, 99 << 20, 100 << 20, 101 << 20, 200 << 20][r.below(5)];
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    let name = *r.pick(NAMES);
    let mut header = header(r, name, size);
    header.set_cksum();
    let _ = gz.write_all(header.as_bytes());
    let zeros = vec![0; 1 << 20];
    for _ in 0..size >> 20 {
        let _ = gz.write_all(&zeros);
    }
    gz.finish().unwrap_or_default()
}

fn make(r: &mut Random) -> Vec<u8> {
    if r.one_in(4000) {
        return bomb(r);
    }
    let mut tar = entries(r);
    if r.one_in(3) {
        r.mutate(
            &mut tar,
            &[b"ustar\x0000".to_vec(), b"../".to_vec()],
            &[b"../", b"/", b"\0", b"0000777", b"ustar  \0", b"\xff", b"\x80\0\0\0\xff\xff\xff\xff"],
        );
    }
    let mut packed = gzip(&tar, r);
    match r.below(8) {
        0 => r.mutate(&mut packed, &[b"\x1f\x8b\x08".to_vec()], &[b"\x1f\x8b\x08", b"\0", b"\xff\xff"]),
        1 => packed.truncate(r.below(packed.len() + 1)),
        2 if !packed.is_empty() => {
            let at = r.below(packed.len().min(24));
            packed[at] = r.next() as u8;
        }
        3 => {
            let more = gzip(&small(r), r);
            packed.extend(more);
        }
        _ => {}
    }
    packed
}

fn check(bytes: &[u8], variant: u64) {
    let Ok(files) = archive::unpack(bytes) else { return };
    assert!(files.len() <= 100_000 && files.iter().map(|f| f.1.len()).sum::<usize>() <= 100 << 20, "a limit does not hold");
    for (name, _) in &files {
        let leaves = name.starts_with('/') || name.split('/').any(|part| part == "..");
        assert!(!leaves, "a path leaves the chart: {name:?}");
    }
    // What is unpacked holds no more than what was packed unpacks to.
    if variant.is_multiple_of(16) {
        // Flags that mean nothing yet are passed over, as Go does; this reader refuses them.
        let mut known = bytes.to_vec();
        known.iter_mut().skip(3).take(1).for_each(|flags| *flags &= 0x1f);
        // One by one: of a larger piece nothing comes when an error ends it.
        #[allow(clippy::unbuffered_bytes)]
        let all = MultiGzDecoder::new(known.as_slice()).take(1 << 28).bytes().map_while(Result::ok).count();
        assert!(files.iter().map(|f| f.1.len()).sum::<usize>() <= all, "more than the archive holds");
    }
    let Ok(chart) = load::load_files(files) else { return };
    // A chart that was packed is the same chart again.
    if let Ok((_, packed)) = package::package(&chart, 0) {
        if let Ok(again) = archive::unpack(&packed).and_then(load::load_files) {
            assert_eq!(again.metadata.version, chart.metadata.version);
            let twice = package::package(&again, 0).map(|p| p.1);
            assert!(twice.is_ok(), "packed once but not twice");
        }
    }
}

pub(crate) fn target() -> Target {
    Target { name: "archive", make: Box::new(make), check: Box::new(check) }
}
