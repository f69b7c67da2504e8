//! The rows that a receipt becomes in SQLite, written by hand: once more what the store does, so that
//! a store can be filled fast, and so that one transaction for each request can be measured. A test
//! holds them against those of the store.

use consent_core::Digest;
use consent_server::store::{Entry, Request};
use rusqlite::{Connection, params};

/// What stands for a site's key in storage.
pub(super) fn request_id(entry: &Entry) -> Option<Vec<u8>> {
    let Request { key, .. } = entry.request.as_ref()?;
    let site = &entry.receipt.claims().site;
    let digest = Digest::of(format!("{site}\n{key}").as_bytes());
    Some([&key.as_bytes()[..8], &digest.as_bytes()[..16]].concat())
}

/// What is recorded by purpose, as it is stored, of somebody who decided the same about all of them.
pub(super) fn states(entry: &Entry) -> String {
    let purposes: Vec<_> = entry.records.keys().map(|purpose| format!(r#""{purpose}""#)).collect();
    let record = entry.records.values().next().unwrap();
    let (recorded, policy) = (record.recorded.as_str(), record.policy);
    let (at, until) = (record.at.as_second(), record.until.as_second());
    format!(
        r#"[{{"purposes":[{}],"recorded":"{recorded}","policy":{policy},"at":{at},"until":{until}}}]"#,
        purposes.join(",")
    )
}

pub(super) fn subject(db: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let claims = entry.receipt.claims();
    db.prepare_cached(
        "INSERT INTO subject (site, subject, version, receipts, latest, digest, states) \
         VALUES (?1, ?2, 1, 1, ?3, ?4, ?5)",
    )?
    .execute(params![
        claims.site.as_str(),
        claims.sub.to_string(),
        claims.jti.as_bytes(),
        entry.receipt.digest().as_bytes(),
        states(entry),
    ])
    .map(|_| ())
}

pub(super) fn receipt(db: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let claims = entry.receipt.claims();
    db.prepare_cached(
        "INSERT INTO receipt (id, site, subject, at, previous, request, salt, jws) \
         VALUES (?1, ?2, ?3, ?4, NULL, ?5, ?6, ?7)",
    )?
    .execute(params![
        claims.jti.as_bytes(),
        claims.site.as_str(),
        claims.sub.to_string(),
        claims.iat.as_second(),
        request_id(entry),
        entry.salt.as_bytes(),
        entry.receipt.as_str(),
    ])
    .map(|_| ())
}

pub(super) fn request(db: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let (Some(id), Some(request)) = (request_id(entry), &entry.request) else { return Ok(()) };
    let claims = entry.receipt.claims();
    db.prepare_cached("INSERT INTO request (id, content, receipt, at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            id,
            request.content.as_bytes(),
            claims.jti.as_bytes(),
            claims.iat.as_second()
        ])
        .map(|_| ())
}

pub(super) fn pending(db: &Connection, entry: &Entry, commitment: &[u8]) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO pending (id, commitment) VALUES (?1, ?2)")?
        .execute(params![entry.receipt.claims().jti.as_bytes(), commitment])
        .map(|_| ())
}

/// Seconds in a day.
const DAY: i64 = 86_400;

/// Counts one receipt so many times.
pub(super) fn count(db: &Connection, entry: &Entry, times: i64) -> rusqlite::Result<()> {
    let claims = entry.receipt.claims();
    for (purpose, outcome) in &claims.purposes {
        db.prepare_cached(
            "INSERT INTO statistic (site, day, policy, purpose, state, method, part, count) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7) \
             ON CONFLICT (site, day, policy, purpose, state, method, part) \
             DO UPDATE SET count = statistic.count + excluded.count",
        )?
        .execute(params![
            claims.site.as_str(),
            claims.iat.as_second().div_euclid(DAY),
            claims.policy.number,
            purpose.as_str(),
            outcome.state.as_str(),
            claims.method.as_str(),
            times,
        ])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use consent_core::log::Salt;
    use consent_core::{Choice, Subject, Timestamp};
    use consent_server::store::open_sqlite;

    use super::super::fill::commitment;
    use super::super::home::Home;
    use super::super::issuer::Issuer;
    use super::*;

    /// Every row of a table, whatever it holds, so that two stores can be compared.
    fn dump(db: &Connection, table: &str) -> Vec<Vec<String>> {
        let mut all = db.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
        let columns = all.column_count();
        let rows = all.query_map([], |row| {
            (0..columns).map(|i| Ok(format!("{:?}", row.get_ref(i)?))).collect()
        });
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[tokio::test]
    async fn the_rows_are_those_of_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path(), "sqlite:eu.db");
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let issuer = Issuer::new(&home.settings(), at);
        let id = uuid::Builder::from_unix_timestamp_millis(1_800_000_000_000, &[7; 10]).into_uuid();
        let request =
            Request { key: "0123456789abcdef".into(), content: Digest::of(b"what was asked") };
        let decision = issuer.all(Choice::Granted);
        let entry = issuer.entry(
            &decision,
            Subject::browser([7; 16]),
            (id, at),
            Salt::from([7; 32]),
            Some(request),
        );
        let open = async |name: &str| {
            let path = folder.path().join(name);
            (open_sqlite(&path, true).await.unwrap(), path)
        };
        let (store, by_store) = open("store.db").await;
        store.append(entry.clone()).await.unwrap();
        store.close().await;
        let (other, by_hand) = open("hand.db").await;
        other.close().await;
        let db = Connection::open(by_hand).unwrap();
        subject(&db, &entry).unwrap();
        super::receipt(&db, &entry).unwrap();
        super::request(&db, &entry).unwrap();
        pending(&db, &entry, commitment(&entry).as_bytes()).unwrap();
        count(&db, &entry, 1).unwrap();

        let store = Connection::open(by_store).unwrap();
        for table in ["subject", "receipt", "request", "pending", "statistic"] {
            let rows = dump(&store, table);
            assert!(!rows.is_empty(), "{table}");
            assert_eq!(dump(&db, table), rows, "{table}");
        }
    }
}
