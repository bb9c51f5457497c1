//! Backups, and what must be there after a restore: the data, the releases and the history of exactly one number.

use switchyard::config::StoreSettings;
use switchyard::names::CommitSeq;
use switchyard::platform::simulated::{Contents, Random, SimulatedDisk, contents, restore};

use super::host::Life;
use super::model::{Model, Sent};
use super::operator::{Operator, Orders};

/// An instant to which a restore can go, with all that was there and known then.
pub(crate) struct Point {
    number: CommitSeq,
    contents: Contents,
    pub(crate) sent: Vec<Sent>,
    pub(crate) orders: Orders,
}

/// The backup of a host, and instants since then.
#[derive(Default)]
pub(crate) struct Restores {
    backup: Option<(CommitSeq, SimulatedDisk)>,
    points: Vec<Point>,
}

impl Restores {
    /// Makes a backup, unless a change is made just now.
    pub(crate) fn back_up(&mut self, life: &Life, seed: u64) {
        let disk = SimulatedDisk::new(seed);
        let made = {
            let _entered = life.enter();
            life.host.back_up(&disk)
        };
        // A change of releases may be under way: then the operator makes none now.
        if let Ok(number) = made {
            self.backup = Some((number, disk));
        }
    }

    /// Remembers this instant.
    pub(crate) fn remember(&mut self, life: &Life, model: &Model, operator: &Operator) -> anyhow::Result<()> {
        let number = life.host.last();
        life.block_on(life.host.stores.wait_durable(number))?;
        anyhow::ensure!(life.host.last() == number, "a commit came in between");
        let contents = life.host.contents().map_err(anyhow::Error::from_boxed)?;
        self.points.push(Point { number, contents, sent: model.sent(), orders: operator.orders() });
        Ok(())
    }

    /// Restores to one of the instants, if there is any, and checks what is there then. `old` is the disk of the host.
    pub(crate) fn restore(
        &mut self,
        random: &mut Random,
        old: &SimulatedDisk,
        settings: &StoreSettings,
    ) -> anyhow::Result<Option<(SimulatedDisk, Point)>> {
        let Some((number, backup)) = &self.backup else { return Ok(None) };
        self.points.retain(|point| point.number >= *number);
        if self.points.is_empty() {
            return Ok(None);
        }
        let which = usize::try_from(random.below(self.points.len() as u64)).unwrap_or(0);
        let point = self.points.swap_remove(which);
        let restored = restore(backup, old, point.number).map_err(anyhow::Error::from_boxed)?;
        let found = contents(&restored.after_kill(), settings).map_err(anyhow::Error::from_boxed)?;
        check(&point, &found)?;
        Ok(Some((restored, point)))
    }

    /// A new history begins: what was of the old one is of no use any more.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn check(point: &Point, (number, found): &(CommitSeq, Contents)) -> anyhow::Result<()> {
    anyhow::ensure!(*number == point.number, "restored to {}, not to {}", number.0, point.number.0);
    let names = point.contents.keys().chain(found.keys());
    for name in names {
        let of = |contents: &Contents| contents.get(name).cloned().unwrap_or_default();
        let ((due_version, due), (version, found)) = (of(&point.contents), of(found));
        anyhow::ensure!(version == due_version, "the data of {name} is of version {version}, not {due_version}");
        let differs = due.iter().chain(&found).find(|(key, _)| due.get(*key) != found.get(*key));
        if let Some((key, _)) = differs {
            let text = |value: Option<&Vec<u8>>| value.map(|value| String::from_utf8_lossy(value).into_owned());
            anyhow::bail!(
                "{name} has {:?} under {:?} of commit {}, not {:?}",
                text(found.get(key)),
                String::from_utf8_lossy(key),
                number.0,
                text(due.get(key)),
            );
        }
    }
    Ok(())
}
