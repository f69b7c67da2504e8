//! One connection, and what of the database is asked through it: everything that `Db` promises, one
//! statement after the other, on the thread that the connection belongs to.
//!
//! The thread drives the connection itself, with a runtime of its own, so that no statement waits for
//! another thread to wake. A connection that broke is replaced before the next use.

use std::collections::HashMap;
use std::error::Error as _;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::future::{join, join_all};
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, WrongType, to_sql_checked};
use tokio_postgres::{Client, Statement};

use super::address::{Address, CONNECT};
use crate::store::StoreError;
use crate::store::db::{Cell, Db, Row, Value};

/// How long the database may take for a statement; then it gives it up itself.
const STATEMENT: Duration = Duration::from_secs(10);
/// How much longer we wait for it, because that costs the connection.
const MARGIN: Duration = Duration::from_secs(2);
/// How long we wait.
pub(super) const PATIENCE: Duration = Duration::from_secs(STATEMENT.as_secs() + MARGIN.as_secs());
/// Statements sent at once.
const PIPELINE: usize = 256;

/// What holds on every connection. Each of these is the default of a fresh installation or makes it
/// stricter, for those that were made otherwise: a commit is on the disk when it is acknowledged.
fn settings() -> String {
    format!(
        "SET statement_timeout = {}; \
         SET idle_in_transaction_session_timeout = {}; \
         SET default_transaction_isolation = 'read committed'; \
         SELECT set_config('synchronous_commit', 'on', false) \
         WHERE current_setting('synchronous_commit') = 'off'",
        STATEMENT.as_millis(),
        (PATIENCE * 2).as_millis()
    )
}

/// A connection that is made when it is needed. Belongs to one thread.
pub(super) struct Connection {
    address: Arc<Address>,
    runtime: Runtime,
    live: Option<Live>,
}

/// A connection that is made.
pub(super) struct Live {
    pub(super) client: Client,
    /// Statements by their text, ready to be run.
    statements: HashMap<&'static str, Statement>,
}

impl Connection {
    pub(super) fn new(address: Arc<Address>) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { address, runtime, live: None })
    }

    /// Waits on this thread; meanwhile the connection is looked after.
    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// The connection, made anew if it is broken.
    pub(super) fn live(&mut self) -> Result<(&Runtime, &mut Live), StoreError> {
        let live = match self.live.take() {
            Some(live) if !live.client.is_closed() => live,
            _ => self.runtime.block_on(Live::connect(&self.address))?,
        };
        Ok((&self.runtime, self.live.insert(live)))
    }

    /// Lets go of the connection: whatever is under way on it is given up.
    pub(super) fn cut(&mut self) {
        self.live = None;
    }

    /// Does some work: in a transaction that begins so, or, without one, each statement by itself.
    pub(super) fn work<T>(
        &mut self,
        begin: Option<&'static str>,
        work: impl FnOnce(&mut Session<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (runtime, live) = self.live()?;
        let mut session = Session {
            runtime,
            live,
            begin,
            open: false,
            failed: false,
            cut: false,
            patience: PATIENCE,
        };
        let done = work(&mut session);
        let done = session.finish(done);
        if session.cut {
            self.cut();
        }
        done
    }
}

impl Live {
    async fn connect(address: &Address) -> Result<Self, StoreError> {
        let connect = async {
            let (client, connection) = address.config.connect(address.tls.clone()).await?;
            // It ends with the client, or with the server, which the client then knows.
            tokio::spawn(async move { connection.await.ok() });
            client.batch_execute(&settings()).await?;
            Ok(client)
        };
        // Twice as long, for those whose name stands for several servers.
        let failed = match tokio::time::timeout(CONNECT * 2, connect).await {
            Ok(Ok(client)) => return Ok(Self { client, statements: HashMap::new() }),
            Ok(Err(error)) => told(&error),
            Err(_) => "does not answer".into(),
        };
        Err(StoreError::Unavailable(format!("database {}: {failed}", address.shown)))
    }

    /// Makes a statement ready, which takes one more way to the server the first time.
    pub(super) async fn prepared(
        &mut self,
        sql: &'static str,
    ) -> Result<Statement, tokio_postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }
}

/// A connection in use.
pub(super) struct Session<'c> {
    runtime: &'c Runtime,
    live: &'c mut Live,
    /// What begins the transaction; sent with its first statement, to save a way to the server.
    begin: Option<&'static str>,
    open: bool,
    /// A statement failed, and with it the transaction, whatever became of the error.
    failed: bool,
    /// The connection is not to be used again.
    cut: bool,
    patience: Duration,
}

impl Session<'_> {
    /// Runs statements that are made as the program goes. They take no values.
    pub(super) fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        let begin = self.begin();
        let client = &self.live.client;
        let run = within(client, begin, client.batch_execute(sql));
        let done = bounded(self.runtime, self.patience, run);
        self.checked(done)
    }

    /// The rows that a statement gives that is made as the program goes.
    pub(super) fn ask(&mut self, sql: &str) -> Result<Vec<Row>, StoreError> {
        let begin = self.begin();
        let client = &self.live.client;
        let run = within(client, begin, client.query(sql, &[]));
        let done = bounded(self.runtime, self.patience, run);
        self.checked(done)?.iter().map(row).collect()
    }

    /// From here on every statement may take so long.
    pub(super) fn take_time(&mut self, patience: Duration) -> Result<(), StoreError> {
        self.batch(&format!("SET LOCAL statement_timeout = {}", patience.as_millis()))?;
        self.patience = patience + MARGIN;
        Ok(())
    }

    fn begin(&mut self) -> Option<&'static str> {
        let begin = self.begin.take();
        self.open |= begin.is_some();
        begin
    }

    fn prepared(&mut self, sql: &'static str) -> Result<Statement, StoreError> {
        let done = bounded(self.runtime, self.patience, self.live.prepared(sql));
        self.checked(done)
    }

    fn checked<T>(
        &mut self,
        done: Result<Result<T, tokio_postgres::Error>, tokio::time::error::Elapsed>,
    ) -> Result<T, StoreError> {
        let error = match done {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => {
                // Or it leads to a server that was the first once and only follows now.
                let follows = error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION);
                self.cut |= follows || error.as_db_error().is_none();
                failure(&error)
            }
            Err(_) => {
                self.cut = true;
                late()
            }
        };
        self.failed = true;
        Err(error)
    }

    fn finish<T>(&mut self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        let failed = self.failed;
        if !self.open || self.cut {
            return match done {
                Ok(_) if failed => Err(given_up()),
                done => done,
            };
        }
        if failed || done.is_err() {
            // Cut, if it cannot even be told.
            let _ = self.batch("ROLLBACK");
            return done.and(Err(given_up()));
        }
        // If the answer to this is lost, nobody knows whether it was stored.
        self.batch("COMMIT")?;
        done
    }
}

/// Waits for that, and no longer.
fn bounded<F: Future>(
    runtime: &Runtime,
    patience: Duration,
    run: F,
) -> Result<F::Output, tokio::time::error::Elapsed> {
    runtime.block_on(async { tokio::time::timeout(patience, run).await })
}

/// Does that in the transaction that begins so, and sends both at once.
async fn within<T>(
    client: &Client,
    begin: Option<&str>,
    run: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, tokio_postgres::Error> {
    let Some(begin) = begin else { return run.await };
    let (open, done) = join(client.batch_execute(begin), run).await;
    open.and(done)
}

impl Db for Session<'_> {
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let statement = self.prepared(sql)?;
        let begin = self.begin();
        let client = &self.live.client;
        let run = within(client, begin, client.execute_raw(&statement, values.iter().copied()));
        let done = bounded(self.runtime, self.patience, run);
        self.checked(done)
    }

    fn query(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(sql)?;
        let begin = self.begin();
        let client = &self.live.client;
        let values: Vec<_> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let run = within(client, begin, client.query(&statement, &values));
        let done = bounded(self.runtime, self.patience, run);
        let rows = self.checked(done)?;
        rows.iter().map(row).collect()
    }

    /// Sends many before the first is answered.
    fn execute_all(
        &mut self,
        sql: &'static str,
        values: &mut dyn Iterator<Item = Vec<Value<'_>>>,
    ) -> Result<u64, StoreError> {
        let statement = self.prepared(sql)?;
        let mut changed = 0;
        loop {
            let some: Vec<_> = values.take(PIPELINE).collect();
            if some.is_empty() {
                return Ok(changed);
            }
            let begin = self.begin();
            let (client, statement) = (&self.live.client, &statement);
            let all = some.into_iter().map(|values| client.execute_raw(statement, values));
            let run = async {
                // In the order in which they are sent: what fails first is the reason.
                join_all(all).await.into_iter().sum::<Result<u64, _>>()
            };
            let run = within(client, begin, run);
            let done = bounded(self.runtime, self.patience, run);
            changed += self.checked(done)?;
        }
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) if *kind == Type::INT8 => number.to_sql(kind, out),
            Self::Text(text) if *kind == Type::TEXT => text.to_sql(kind, out),
            Self::Bytes(bytes) if *kind == Type::BYTEA => bytes.to_sql(kind, out),
            _ => Err(Box::new(WrongType::new::<Self>(kind.clone()))),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(kind)
    }

    to_sql_checked!();
}

fn row(row: &tokio_postgres::Row) -> Result<Row, StoreError> {
    let cells = row.columns().iter().enumerate().map(|(i, column)| match *column.type_() {
        Type::INT8 => cell(row, i, Cell::Int),
        Type::TEXT => cell(row, i, Cell::Text),
        Type::BYTEA => cell(row, i, Cell::Bytes),
        _ => Err(StoreError::Corrupt("column")),
    });
    cells.collect::<Result<_, _>>().map(Row)
}

fn cell<'r, T: FromSql<'r>>(
    row: &'r tokio_postgres::Row,
    column: usize,
    cell: impl FnOnce(T) -> Cell,
) -> Result<Cell, StoreError> {
    let value: Option<T> = row.try_get(column).map_err(|_| StoreError::Corrupt("column"))?;
    Ok(value.map_or(Cell::Null, cell))
}

/// What an error means to the store.
pub(super) fn failure(error: &tokio_postgres::Error) -> StoreError {
    let lost = [
        SqlState::UNIQUE_VIOLATION,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        // Somebody else makes the same table.
        SqlState::DUPLICATE_TABLE,
        // A row for the rest came to one that has a month of its own since a moment ago.
        SqlState::CHECK_VIOLATION,
    ];
    if error.code().is_some_and(|code| lost.contains(code)) {
        StoreError::Conflict
    } else {
        StoreError::Unavailable(format!("the database: {}", told(error)))
    }
}

/// Without anything of the address but what [`Address`] shows: the server repeats the user's name.
/// And without particulars, which hold values.
fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(told) if told.code().code().starts_with("28") => {
            format!("refuses user or password (SQLSTATE {})", told.code().code())
        }
        Some(told) => format!("{} (SQLSTATE {})", told.message(), told.code().code()),
        None => match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

pub(super) fn late() -> StoreError {
    StoreError::Unavailable(format!(
        "the database has not answered for {} seconds",
        PATIENCE.as_secs()
    ))
}

fn given_up() -> StoreError {
    StoreError::Unavailable("the database gave the transaction up".into())
}
