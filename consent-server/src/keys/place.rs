//! Where keys are kept: a file that only its owner may read, written whole or not at all, by one
//! writer at a time. Not here: what stands in it.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use zeroize::Zeroizing;

use super::KeysError;

/// The text of the file; `None` if there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<String>>, KeysError> {
    match File::open(path) {
        Ok(file) => read_open(path, file).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(KeysError::io(path, error)),
    }
}

fn read_open(path: &Path, mut file: File) -> Result<Zeroizing<String>, KeysError> {
    let metadata = file.metadata().map_err(|error| KeysError::io(path, error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeysError::Open { path: path.to_owned(), mode });
    }
    // Large enough from the start: a text that grows leaves copies behind that nobody wipes.
    let size = usize::try_from(metadata.len()).unwrap_or_default();
    let mut text = Zeroizing::new(String::with_capacity(size + 64));
    file.read_to_string(&mut text).map_err(|error| KeysError::io(path, error))?;
    Ok(text)
}

/// Makes the file with this text. If somebody else makes it first, theirs stays.
pub(super) fn make(path: &Path, text: &str) -> Result<(), KeysError> {
    let make = || {
        let folder = folder_of(path);
        fs::create_dir_all(folder)?;
        match written(folder, text)?.persist_noclobber(path) {
            Ok(_) => File::open(folder)?.sync_all(),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error.error),
        }
    };
    make().map_err(|error| KeysError::io(path, error))
}

/// Puts what `change` makes of the text in its place, if it makes anything. Nobody else changes it
/// meanwhile, and whoever reads it, even after a crash, gets the one text or the other.
pub(super) fn change(
    path: &Path,
    change: impl FnOnce(&str) -> Result<Option<Zeroizing<String>>, KeysError>,
) -> Result<(), KeysError> {
    let io = |error| KeysError::io(path, error);
    // A link stays a link.
    let path = &*fs::canonicalize(path).map_err(io)?;
    let file = lock(path).map_err(io)?;
    let owner = file.metadata().map_err(io)?;
    // Holds the lock until the end.
    let reader = file.try_clone().map_err(io)?;
    match change(&read_open(path, reader)?)? {
        Some(text) => replace(path, &text, &owner).map_err(io),
        None => Ok(()),
    }
}

fn lock(path: &Path) -> io::Result<File> {
    loop {
        let file = File::open(path)?;
        file.lock()?;
        // Whoever had it locked before may have put another file in its place.
        let (locked, there) = (file.metadata()?, fs::metadata(path)?);
        if (locked.dev(), locked.ino()) == (there.dev(), there.ino()) {
            return Ok(file);
        }
    }
}

fn replace(path: &Path, text: &str, owner: &Metadata) -> io::Result<()> {
    let folder = folder_of(path);
    let file = written(folder, text)?;
    let made = file.as_file().metadata()?;
    // Where root changes the keys of a server that runs as somebody else, that one still reads them.
    if (made.uid(), made.gid()) != (owner.uid(), owner.gid()) {
        fchown(file.as_file(), Some(owner.uid()), Some(owner.gid()))?;
    }
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

/// A file beside its later place, flushed, with mode 0600: with its name it is there as a whole.
fn written(folder: &Path, text: &str) -> io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_writers_come_one_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("eu.keys");
        make(&path, "0").unwrap();
        make(&path, "of no use").unwrap();
        let add = |text: &str| {
            let sum: u32 = text.parse().unwrap();
            Ok(Some(Zeroizing::new((sum + 1).to_string())))
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..25).for_each(|_| change(&path, add).unwrap()));
            }
        });
        assert_eq!(**read(&path).unwrap().unwrap(), *"100");
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_link_stays_and_a_refused_change_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("eu.keys"), folder.path().join("link"));
        make(&path, "one").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let refuse = |_: &str| Err(KeysError::Missing(path.clone()));
        assert!(change(&link, refuse).is_err());
        change(&link, |_| Ok(None)).unwrap();
        assert_eq!(**read(&path).unwrap().unwrap(), *"one");
        change(&link, |_| Ok(Some(Zeroizing::new("two".into())))).unwrap();
        assert_eq!(**read(&path).unwrap().unwrap(), *"two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(read(&folder.path().join("no.keys")).unwrap().is_none());
    }
}
