//! Where a shared object looks for its libraries (`DT_RUNPATH`), read and rewritten in place.
//!
//! The bundles' own libraries say `/opt/postgresql/lib`, a directory of the machine that built them, so their
//! modules load the host's libpq instead of the one beside them: `postgres_fdw` breaks and replicas never stream.
//! Only the text of that one string changes, the file keeps its length and every other byte. A string that is too
//! short, or that something else in the file uses too (linkers share equal endings), is left alone with an error.

use object::elf::{
    DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_SONAME, DT_STRSZ, DT_STRTAB, FileHeader64, PT_LOAD, SHT_DYNSYM,
};
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _, Sym as _};
use object::{Endianness, elf::ProgramHeader64};
use std::ops::Range;

type Header = FileHeader64<Endianness>;

/// The file is no ELF that we understand, or may not be changed.
#[derive(Debug, thiserror::Error)]
pub enum ElfError {
    /// Broken, or of a kind that PostgreSQL's libraries are not.
    #[error("not a 64-bit ELF file that can be read: {0}")]
    Read(#[from] object::read::Error),
    /// A string points out of the string table.
    #[error("its dynamic section points outside of its string table")]
    Strings,
    /// The new text is longer than the old one.
    #[error("{0} does not fit in its place")]
    TooLong(String),
    /// Another string lies inside the one that is to change.
    #[error("its run path shares bytes with another name")]
    Shared,
}

/// What a file says about its libraries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// `DT_RUNPATH`: `$ORIGIN`.
    pub runpath: Option<String>,
    /// `DT_NEEDED`: `libpq.so.5`.
    pub needed: Vec<String>,
}

/// Does the file begin as an ELF file does?
#[must_use]
pub fn is_elf(data: &[u8]) -> bool {
    data.starts_with(b"\x7fELF")
}

/// Reads what `data` says about its libraries.
///
/// # Errors
/// No 64-bit ELF file, or a broken one.
pub fn links(data: &[u8]) -> Result<Links, ElfError> {
    let strings = Strings::read(data)?;
    let text = |offset: u64| -> Result<String, ElfError> {
        Ok(String::from_utf8_lossy(&data[strings.range(data, offset)?]).into_owned())
    };
    let mut links = Links::default();
    for (tag, value) in &strings.names {
        match *tag {
            DT_NEEDED => links.needed.push(text(*value)?),
            DT_RUNPATH => links.runpath = Some(text(*value)?),
            _ => {}
        }
    }
    Ok(links)
}

/// Sets the run path to `new`, which must not be longer than the old one. Answers whether anything changed; a file
/// without a run path stays as it is.
///
/// # Errors
/// See [`ElfError`]; the data is unchanged then.
pub fn set_runpath(data: &mut [u8], new: &str) -> Result<bool, ElfError> {
    let strings = Strings::read(data)?;
    let Some((_, offset)) = strings.names.iter().find(|(tag, _)| *tag == DT_RUNPATH) else {
        return Ok(false);
    };
    let place = strings.range(data, *offset)?;
    if &data[place.clone()] == new.as_bytes() {
        return Ok(false);
    }
    if new.len() > place.len() {
        return Err(ElfError::TooLong(new.to_owned()));
    }
    // One name may begin exactly where ours does (the tag itself); any other start inside of it is a shared ending.
    let inside = *offset..*offset + place.len() as u64;
    let dynamic = strings.names.iter().filter(|(tag, _)| *tag != DT_RUNPATH).map(|(_, offset)| *offset);
    if dynamic.chain(symbol_names(data)?).any(|name| inside.contains(&name)) {
        return Err(ElfError::Shared);
    }
    let field = &mut data[place];
    field.fill(0);
    field[..new.len()].copy_from_slice(new.as_bytes());
    Ok(true)
}

/// The dynamic string table and the dynamic entries that point into it.
struct Strings {
    table: Range<usize>,
    /// Tag and offset in the table.
    names: Vec<(i64, u64)>,
}

impl Strings {
    fn read(data: &[u8]) -> Result<Self, ElfError> {
        let header = Header::parse(data)?;
        let endian = header.endian()?;
        let segments = header.program_headers(endian, data)?;
        let (mut address, mut size, mut names) = (0, 0, Vec::new());
        for segment in segments {
            for entry in segment.dynamic(endian, data)?.unwrap_or_default() {
                let tag = entry.d_tag(endian);
                match tag {
                    DT_STRTAB => address = entry.d_val(endian),
                    DT_STRSZ => size = entry.d_val(endian),
                    DT_NEEDED | DT_SONAME | DT_RPATH | DT_RUNPATH => names.push((tag, entry.d_val(endian))),
                    _ => {}
                }
            }
        }
        if names.is_empty() {
            return Ok(Self { table: 0..0, names });
        }
        let start = file_offset(segments, endian, address).ok_or(ElfError::Strings)?;
        let end = start.checked_add(size).filter(|end| *end <= data.len() as u64).ok_or(ElfError::Strings)?;
        let index = |at: u64| usize::try_from(at).map_err(|_| ElfError::Strings);
        Ok(Self { table: index(start)?..index(end)?, names })
    }

    /// Where the string at `offset` stands in the file, without its end mark.
    fn range(&self, data: &[u8], offset: u64) -> Result<Range<usize>, ElfError> {
        let offset = usize::try_from(offset).map_err(|_| ElfError::Strings)?;
        let start = self
            .table
            .start
            .checked_add(offset)
            .filter(|at| *at < self.table.end)
            .ok_or(ElfError::Strings)?;
        let length = data[start..self.table.end].iter().position(|b| *b == 0).ok_or(ElfError::Strings)?;
        Ok(start..start + length)
    }
}

fn file_offset(segments: &[ProgramHeader64<Endianness>], endian: Endianness, address: u64) -> Option<u64> {
    segments.iter().filter(|s| s.p_type(endian) == PT_LOAD).find_map(|segment| {
        let within = address.checked_sub(segment.p_vaddr(endian))?;
        (within < segment.p_filesz(endian)).then(|| segment.p_offset(endian).checked_add(within))?
    })
}

/// Offsets of the names of symbols and of their versions, which live in the same table.
fn symbol_names(data: &[u8]) -> Result<Vec<u64>, ElfError> {
    let header = Header::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    let symbols = sections.symbols(endian, data, SHT_DYNSYM)?;
    let mut names: Vec<u64> = symbols.iter().map(|symbol| symbol.st_name(endian).into()).collect();
    if let Some((mut needed, _)) = sections.gnu_verneed(endian, data)? {
        while let Some((file, mut versions)) = needed.next()? {
            names.push(file.vn_file.get(endian).into());
            while let Some(version) = versions.next()? {
                names.push(version.vna_name.get(endian).into());
            }
        }
    }
    if let Some((mut defined, _)) = sections.gnu_verdef(endian, data)? {
        while let Some((_, mut versions)) = defined.next()? {
            while let Some(version) = versions.next()? {
                names.push(version.vda_name.get(endian).into());
            }
        }
    }
    Ok(names)
}
