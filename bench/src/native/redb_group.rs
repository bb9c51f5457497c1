//! redb with group commit: one thread runs all waiting writes in one transaction and makes them durable at once.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::Context as _;
use redb::{Database, ReadableDatabase as _, ReadableTable, Table, TableDefinition};
use tokio::sync::oneshot;

use super::{Access, Backend, Operation, Owner};

const TABLE: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("data");

/// Maximum of writes in one transaction.
const BATCH_MAX: usize = 512;

type Job = (Operation, oneshot::Sender<anyhow::Result<Vec<u8>>>);

pub(crate) struct RedbBackend {
    database: std::sync::Arc<Database>,
    jobs: SyncSender<Job>,
}

fn full_key(owner: Owner, key: &str) -> String {
    format!("{}/{key}", owner.name())
}

struct Writes<'a, 'txn>(&'a mut Table<'txn, &'static str, &'static [u8]>);
struct Reads<T>(T);

fn get<T: ReadableTable<&'static str, &'static [u8]>>(table: &T, key: &str) -> anyhow::Result<Option<Vec<u8>>> {
    Ok(table.get(key)?.map(|value| value.value().to_vec()))
}

fn first<T: ReadableTable<&'static str, &'static [u8]>>(
    table: &T,
    prefix: &str,
    limit: u32,
) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut values = Vec::new();
    for entry in table.range(prefix..)? {
        let (key, value) = entry?;
        if values.len() >= limit as usize || !key.value().starts_with(prefix) {
            break;
        }
        values.push(value.value().to_vec());
    }
    Ok(values)
}

impl Access for Writes<'_, '_> {
    fn get(&mut self, owner: Owner, key: &str) -> anyhow::Result<Option<Vec<u8>>> {
        get(self.0, &full_key(owner, key))
    }

    fn set(&mut self, owner: Owner, key: &str, value: Vec<u8>) -> anyhow::Result<()> {
        self.0.insert(full_key(owner, key).as_str(), value.as_slice())?;
        Ok(())
    }

    fn first(&mut self, owner: Owner, prefix: &str, limit: u32) -> anyhow::Result<Vec<Vec<u8>>> {
        first(self.0, &full_key(owner, prefix), limit)
    }
}

impl<T: ReadableTable<&'static str, &'static [u8]>> Access for Reads<T> {
    fn get(&mut self, owner: Owner, key: &str) -> anyhow::Result<Option<Vec<u8>>> {
        get(&self.0, &full_key(owner, key))
    }

    fn set(&mut self, _owner: Owner, key: &str, _value: Vec<u8>) -> anyhow::Result<()> {
        anyhow::bail!("a read writes {key}")
    }

    fn first(&mut self, owner: Owner, prefix: &str, limit: u32) -> anyhow::Result<Vec<Vec<u8>>> {
        first(&self.0, &full_key(owner, prefix), limit)
    }
}

impl RedbBackend {
    pub(crate) fn open(data: &Path) -> anyhow::Result<Self> {
        let database = std::sync::Arc::new(Database::create(data.join("baseline.redb"))?);
        let begin = database.begin_write()?;
        begin.open_table(TABLE)?;
        begin.commit()?;
        let (jobs, queue) = sync_channel(4096);
        let writer = std::sync::Arc::clone(&database);
        std::thread::Builder::new().name("writer".into()).spawn(move || write_batches(&writer, &queue))?;
        Ok(Self { database, jobs })
    }
}

fn write_batches(database: &Database, queue: &Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(job) = queue.try_recv()
        {
            batch.push(job);
        }
        match write_batch(database, &batch) {
            Ok(answers) => {
                for ((_, answer), result) in batch.into_iter().zip(answers) {
                    let _unheard = answer.send(result);
                }
            }
            Err(error) => {
                let text = format!("{error:#}");
                for (_, answer) in batch {
                    let _unheard = answer.send(Err(anyhow::anyhow!(text.clone())));
                }
            }
        }
    }
}

fn write_batch(database: &Database, batch: &[Job]) -> anyhow::Result<Vec<anyhow::Result<Vec<u8>>>> {
    let transaction = database.begin_write()?;
    let answers = {
        let mut table = transaction.open_table(TABLE)?;
        batch.iter().map(|(operation, _)| operation(&mut Writes(&mut table))).collect()
    };
    transaction.commit()?;
    Ok(answers)
}

impl Backend for RedbBackend {
    fn read(&self, operation: &Operation) -> anyhow::Result<Vec<u8>> {
        let transaction = self.database.begin_read()?;
        operation(&mut Reads(transaction.open_table(TABLE)?))
    }

    async fn write(&self, operation: Operation) -> anyhow::Result<Vec<u8>> {
        let (answer, result) = oneshot::channel();
        self.jobs.try_send((operation, answer)).ok().context("the writer is gone, or too far behind")?;
        result.await.context("the writer is gone")?
    }
}
