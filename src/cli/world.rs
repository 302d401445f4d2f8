//! The real [`World`]: files, standard input, the clock and randomness of this machine, with errors in Go's words.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::source::DirEntry;
use crate::source::FileKind;
use crate::source::Opened;
use crate::source::World;
use crate::source::WorldError;

/// From how many bytes on a file that may not be needed is left unread.
const LARGE: u64 = 16 * 1024;

/// The machine the program runs on.
#[derive(Debug)]
pub struct RealWorld {
    now: i128,
    seed: u64,
    stdin: OnceLock<Result<Vec<u8>, WorldError>>,
}

impl RealWorld {
    /// The machine, with time and seed fixed where given. Both are read once, so that one run sees one instant.
    pub fn new(now: Option<i128>, seed: Option<u64>) -> Self {
        let clock = || match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_nanos() as i128,
            Err(before) => -(before.duration().as_nanos() as i128),
        };
        Self {
            now: now.unwrap_or_else(clock),
            seed: seed.unwrap_or_else(|| RandomState::new().build_hasher().finish()),
            stdin: OnceLock::new(),
        }
    }
}

/// The sentence Go prints for an error of the operating system.
fn go_words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

fn world_error(verb: &str, path: &str, error: &io::Error) -> WorldError {
    WorldError {
        path: path.to_owned(),
        message: format!("{verb} {path}: {}", go_words(error)),
        not_found: error.kind() == ErrorKind::NotFound,
    }
}

/// What a file holds.
pub(super) fn read(path: &str) -> Result<Vec<u8>, WorldError> {
    let file = fs::File::open(path).map_err(|e| world_error("open", path, &e))?;
    let mut bytes = Vec::new();
    read_open(file, path, &mut bytes)?;
    Ok(bytes)
}

fn read_open(mut file: fs::File, path: &str, buffer: &mut Vec<u8>) -> Result<(), WorldError> {
    file.read_to_end(buffer).map_err(|e| world_error("read", path, &e))?;
    Ok(())
}

fn kind_of(own: fs::FileType) -> FileKind {
    if own.is_dir() {
        FileKind::Directory
    } else if own.is_file() {
        FileKind::File
    } else {
        FileKind::Other
    }
}

impl World for RealWorld {
    fn read(&self, path: &str) -> Result<Vec<u8>, WorldError> {
        read(path)
    }

    fn open(&self, path: &str) -> Result<Opened, WorldError> {
        let file = fs::File::open(path).map_err(|e| world_error("open", path, &e))?;
        let length = file.metadata().map_or(0, |m| m.len());
        if length >= LARGE {
            let path = path.to_owned();
            return Ok(Opened::Later(length, Box::new(move || read(&path))));
        }
        let mut bytes = Vec::new();
        read_open(file, path, &mut bytes)?;
        Ok(Opened::Read(bytes))
    }

    fn read_into(&self, path: &str, buffer: &mut Vec<u8>) -> Result<(), WorldError> {
        let file = fs::File::open(path).map_err(|e| world_error("open", path, &e))?;
        read_open(file, path, buffer)
    }

    fn read_parts(&self, path: &str, take: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), WorldError> {
        let mut file = fs::File::open(path).map_err(|e| world_error("open", path, &e))?;
        let mut part = vec![0; 1 << 20];
        loop {
            match file.read(&mut part) {
                Ok(0) => return Ok(()),
                Ok(n) if take(&part[..n]) => {}
                Ok(_) => return Ok(()),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(world_error("read", path, &e)),
            }
        }
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, WorldError> {
        let fail = |e: io::Error| world_error("open", path, &e);
        let mut entries = Vec::new();
        for entry in fs::read_dir(if path.is_empty() { "." } else { path }).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            // Most systems tell the type with the name; only a link's target has to be asked for.
            let own = entry.file_type();
            let link = own.as_ref().is_ok_and(fs::FileType::is_symlink);
            let kind = match own {
                Ok(own) if !link => kind_of(own),
                _ => fs::metadata(entry.path()).map_or(FileKind::Other, |m| kind_of(m.file_type())),
            };
            entries.push(DirEntry { name: entry.file_name().to_string_lossy().into_owned(), kind, link });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn kind(&self, path: &str) -> Result<FileKind, WorldError> {
        fs::metadata(path).map(|m| kind_of(m.file_type())).map_err(|e| world_error("stat", path, &e))
    }

    fn real_path(&self, path: &str) -> String {
        fs::canonicalize(path).map_or_else(|_| path.to_owned(), |p| p.to_string_lossy().into_owned())
    }

    fn stdin(&self) -> Result<Vec<u8>, WorldError> {
        let read = || {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes).map_err(|e| world_error("read", "/dev/stdin", &e))?;
            Ok(bytes)
        };
        self.stdin.get_or_init(read).clone()
    }

    fn now(&self) -> i128 {
        self.now
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn time_zone(&self) -> String {
        let linked = || {
            let target = fs::read_link("/etc/localtime").ok()?.to_string_lossy().into_owned();
            target.split_once("zoneinfo/").map(|(_, name)| name.to_owned())
        };
        // Go takes an empty TZ as UTC and an absent one as the machine's zone.
        let name = match self.env("TZ") {
            Some(tz) => Some(tz.trim_start_matches(':').to_owned()),
            None => linked(),
        };
        name.filter(|n| !n.is_empty()).unwrap_or_else(|| "UTC".to_owned())
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var_os(name).map(|v| v.to_string_lossy().into_owned())
    }

    fn current_dir(&self) -> String {
        std::env::current_dir().map_or_else(|_| "/".to_owned(), |d| d.to_string_lossy().into_owned())
    }
}

/// Writes a file so that readers see the old content or the new, never a part. Through a link its target is written; a file
/// that is there keeps its permissions; what is no file, such as a device or a pipe, is written to as it is.
///
/// # Errors
/// When it cannot be written; then what was there is untouched.
pub(super) fn write_atomically(path: &str, content: &[u8]) -> Result<(), WorldError> {
    let failed = |e: io::Error| world_error("open", path, &e);
    let there = fs::metadata(path).ok();
    if there.as_ref().is_some_and(|m| !m.is_file()) {
        let file = fs::OpenOptions::new().write(true).open(path);
        return file.and_then(|mut file| io::Write::write_all(&mut file, content)).map_err(failed);
    }
    let target = if there.is_some() { fs::canonicalize(path).map_err(failed)? } else { PathBuf::from(path) };
    let mut temporary = target.clone().into_os_string();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let write = || {
        fs::write(&temporary, content)?;
        if let Some(there) = &there {
            fs::set_permissions(&temporary, there.permissions())?;
        }
        fs::rename(&temporary, &target)
    };
    write().map_err(|e| {
        // Nothing is left to do when the temporary file cannot be removed either.
        let _ = fs::remove_file(&temporary);
        failed(e)
    })
}

/// Adds to the end of a file.
pub(super) fn append(path: &str, content: &[u8]) -> Result<(), WorldError> {
    let file = fs::OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| io::Write::write_all(&mut file, content)).map_err(|e| world_error("open", path, &e))
}

/// Makes a directory and those above it.
pub(super) fn create_directories(path: &str) -> Result<(), WorldError> {
    fs::create_dir_all(path).map_err(|e| world_error("mkdir", path, &e))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::FileTypeExt;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn what_is_written_stays_what_it_was() {
        let folder = std::env::temp_dir().join(format!("kval-write-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let at = |name: &str| folder.join(name).to_string_lossy().into_owned();

        fs::write(at("file"), "old").unwrap();
        fs::set_permissions(at("file"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink("file", at("link")).unwrap();
        write_atomically(&at("link"), b"new").unwrap();
        assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(at("file")).unwrap(), "new");
        assert_eq!(fs::metadata(at("file")).unwrap().permissions().mode() & 0o777, 0o640);

        // A socket cannot be opened for writing, and must not become a file.
        let _socket = UnixListener::bind(at("socket")).unwrap();
        assert!(write_atomically(&at("socket"), b"new").is_err());
        assert!(fs::symlink_metadata(at("socket")).unwrap().file_type().is_socket());

        assert!(write_atomically(&at("absent/file"), b"new").is_err());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3, "something is left behind");
        fs::remove_dir_all(&folder).unwrap();
    }
}
