//! Brings a database to the present schema: runs, in order, the files of `migrations/` that it has
//! not seen yet. They are never edited once published; a change is a further file.
//!
//! Our own, because `refinery` holds back the version of `rusqlite`, and what is left to do is this.

use consent_core::Digest;

use super::StoreError;
use super::db::{Db, Value};

/// A file of `migrations/`: its number is its place.
pub(super) struct Migration {
    /// Its statements.
    pub(super) sql: &'static str,
}

/// Brings the database up to date, in one transaction. `run` runs a file with several statements.
pub(super) fn migrate<D: Db>(
    db: &mut D,
    migrations: &[Migration],
    mut run: impl FnMut(&mut D, &'static str) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let rows = db.query("SELECT number, digest FROM migration ORDER BY number", &[])?;
    let done = rows.len();
    for (mut row, migration) in rows.into_iter().zip(migrations) {
        if row.digest(1)? != Digest::of(migration.sql.as_bytes()) {
            return Err(StoreError::Unavailable(format!(
                "its schema {} is not the one of this program: it was made by another version",
                row.int(0)?
            )));
        }
    }
    if done > migrations.len() {
        return Err(StoreError::Unavailable(format!(
            "its schema {done} is newer than this program, which knows {}: use a newer one",
            migrations.len()
        )));
    }
    for (number, migration) in (1_i64..).zip(migrations).skip(done) {
        run(db, migration.sql)?;
        let digest = Digest::of(migration.sql.as_bytes());
        let values = [Value::Int(number), (&digest).into()];
        db.execute("INSERT INTO migration (number, digest) VALUES ($1, $2)", &values)?;
    }
    Ok(())
}
