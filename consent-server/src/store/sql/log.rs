//! The log as it is stored: a queue of commitments, tiles, and one row for its state. What is put
//! there is computed elsewhere.

use consent_core::Timestamp;
use consent_core::log::Commitment;
use uuid::Uuid;

use crate::store::db::{Db, Row, Value, int};
use crate::store::{Head, Integration, Pending, StoreError, TileId};

pub(super) fn head(db: &mut dyn Db) -> Result<Head, StoreError> {
    let row = db.first("SELECT size, checkpoint FROM log WHERE id = $1", &[Value::Int(1)])?;
    let mut row = row.ok_or(StoreError::Corrupt("log"))?;
    Ok(Head { size: row.count(0)?, checkpoint: row.text(1)? })
}

pub(super) fn pending(db: &mut dyn Db, limit: u32) -> Result<Vec<Pending>, StoreError> {
    let rows =
        db.query("SELECT id, commitment FROM pending ORDER BY id LIMIT $1", &[limit.into()])?;
    let pending = |mut row: Row| {
        Ok(Pending { id: row.id(0)?, commitment: Commitment::from(row.array::<32>(1)?) })
    };
    rows.into_iter().map(pending).collect()
}

/// By how many seconds a clock may be ahead of another one.
const WRONG: i64 = 60;

pub(super) fn lead(
    db: &mut dyn Db,
    holder: Uuid,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    // Nobody leads for longer than others ask for, unless its clock is wrong.
    let longest = Timestamp::from_second(until.as_second() + WRONG).unwrap_or(until);
    let changed = db.execute(
        "UPDATE log SET holder = $1, held_until = $3 WHERE id = 1 \
         AND (holder IS NULL OR holder = $1 OR held_until <= $2 OR held_until > $4)",
        &[(&holder).into(), now.into(), until.into(), longest.into()],
    )?;
    Ok(changed == 1)
}

/// Whoever leads, only an integration that starts from the present size is stored: two that fight
/// for it lose time and nothing else.
pub(super) fn integrate(db: &mut dyn Db, work: &Integration) -> Result<(), StoreError> {
    let changed = db.execute(
        "UPDATE log SET size = $1, checkpoint = $2 WHERE id = 1 AND size = $3",
        &[
            Value::Int(int(work.head.size)?),
            work.head.checkpoint.as_str().into(),
            Value::Int(int(work.before)?),
        ],
    )?;
    if changed != 1 {
        return Err(StoreError::Conflict);
    }
    let taken = db.execute_all(
        "DELETE FROM pending WHERE id = $1",
        &mut work.leaves.iter().map(|id| vec![id.into()]),
    )?;
    // One was renamed because its receipt was erased: compute again.
    if taken != work.leaves.len() as u64 {
        return Err(StoreError::Conflict);
    }
    let first = int(work.before)?;
    let mut placed = work.leaves.iter().zip(first..).filter(|(id, _)| id.get_version_num() == 7);
    db.execute_all(
        "INSERT INTO leaf (id, position) VALUES ($1, $2)",
        &mut placed.by_ref().map(|(id, position)| vec![id.into(), Value::Int(position)]),
    )?;
    for (tile, content) in &work.tiles {
        let (level, position) = place(*tile)?;
        db.execute(
            "INSERT INTO tile (level, position, content) VALUES ($1, $2, $3) \
             ON CONFLICT (level, position) DO UPDATE SET content = excluded.content",
            &[level, position, content[..].into()],
        )?;
    }
    Ok(())
}

fn place(tile: TileId) -> Result<(Value<'static>, Value<'static>), StoreError> {
    Ok(match tile {
        TileId::Entries(index) => (Value::Int(0), Value::Int(int(index)?)),
        TileId::Hashes(level, index) => (level.into(), Value::Int(int(index)?)),
    })
}

pub(super) fn tile(db: &mut dyn Db, tile: TileId) -> Result<Option<Vec<u8>>, StoreError> {
    let (level, position) = place(tile)?;
    let one = "SELECT content FROM tile WHERE level = $1 AND position = $2";
    db.first(one, &[level, position])?.map(|mut row| row.bytes(0)).transpose()
}

pub(super) fn position(db: &mut dyn Db, id: Uuid) -> Result<Option<u64>, StoreError> {
    let row = db.first("SELECT position FROM leaf WHERE id = $1", &[(&id).into()])?;
    row.map(|mut row| row.count(0)).transpose()
}
