//! Names of files and objects, made of UUIDs alone and read back strictly: what does not look exactly like ours is
//! not ours, and is neither listed nor removed.

use types::BackupId;
use uuid::Uuid;

/// Below a database: the small things that are kept.
pub(crate) const KEYS: &str = "keys";

/// A whole archive.
pub(crate) fn sealed(backup: BackupId) -> String {
    format!("{}.sealed", backup.uuid())
}

/// A thing that is being written; no two writings have the same.
pub(crate) fn half(of: Uuid) -> String {
    format!("{of}.{}.half", Uuid::new_v4())
}

/// A UUID as we write it: hyphens, small letters.
pub(crate) fn uuid(name: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(name).ok()?;
    (uuid.to_string() == name).then_some(uuid)
}

/// Which archive this is the name of.
pub(crate) fn backup(name: &str) -> Option<BackupId> {
    uuid(name.strip_suffix(".sealed")?).map(BackupId::new)
}

/// What this was to become, if it is the name of something half-made.
pub(crate) fn half_of(name: &str) -> Option<Uuid> {
    let (of, writing) = name.strip_suffix(".half")?.split_once('.')?;
    uuid(writing).and(uuid(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_names_are_ours() {
        let id = Uuid::new_v4();
        assert_eq!(half_of(&half(id)), Some(id));
        assert_eq!(backup(&sealed(BackupId::new(id))), Some(BackupId::new(id)));
        let strange = [
            format!("{id}.half"),
            format!("{id}.x.half"),
            format!("x.{id}.half"),
            format!("{id}.{id}.half~"),
            format!("{id}.{id}.{id}.half"),
            format!("{}.{id}.half", id.simple()),
            format!("{}.{id}.half", id.to_string().to_uppercase()).replace('-', ""),
        ];
        for name in strange {
            assert_eq!(half_of(&name), None, "{name}");
        }
        for name in [format!("{id}"), format!("{{{id}}}.sealed"), format!("{}.sealed", id.simple())] {
            assert_eq!(backup(&name), None, "{name}");
        }
    }
}
