//! Journals: on a coordinator's own disk, or in a database that several share, of which one is elected.
//!
//! What the journal's file or the database does with bytes is simulated: a batch is there or not, and what was torn is not. What is read
//! back goes through the recovery that ships.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use basin_coordinator::journal::{
    Election, ElectionOutcome, EncodedSnapshot, Epoch, Journal, JournalError, MemoryDisk, MemoryJournal,
    Recovered,
};
use basin_core::Event;
use tokio::time::Instant;

use crate::host::{Host, Life};
use crate::world::{Flaw, World};

/// As long as in PostgreSQL.
const LEAD_DURATION: Duration = Duration::from_secs(5);
const RENEW_INTERVAL: Duration = Duration::from_secs(1);
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// Under the flaw, what was written later than so long before a death is lost with it.
const UNSYNCED: Duration = Duration::from_secs(4);

/// A medium that outlives the coordinators that write on it.
#[derive(Default)]
pub(crate) struct Disk(Mutex<Contents>);

#[derive(Default)]
struct Contents {
    /// The last batch in the snapshot, and the snapshot.
    snapshot: Option<(u64, Vec<u8>)>,
    /// The batches after it, and when they were written.
    batches: Vec<(Instant, Vec<u8>)>,
    is_full: bool,
    /// The coordinator that dies in its next write, and whether that is kept.
    death: Option<(Host, bool)>,
    lead: Option<Lead>,
    epochs: i64,
}

struct Lead {
    epoch: i64,
    holder: u64,
    url: String,
    until: Instant,
}

impl Contents {
    fn snapshot_sequence(&self) -> u64 {
        self.snapshot.as_ref().map_or(0, |(sequence, _)| *sequence)
    }

    fn sequence(&self) -> u64 {
        self.snapshot_sequence() + self.batches.len() as u64
    }
}

impl Disk {
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap()
    }

    pub(crate) fn set_full(&self, is_full: bool) {
        self.contents().is_full = is_full;
    }

    /// A coordinator dies in its next write.
    pub(crate) fn kill_in_write(&self, host: Host, is_kept: bool) {
        self.contents().death = Some((host, is_kept));
    }

    /// A process that wrote here has died: what wasn't on disk is lost, under the flaw.
    pub(crate) fn lose_unsynced(&self, world: &World) {
        if world.has(Flaw::FsyncSkipped) {
            let now = Instant::now();
            let mut contents = self.contents();
            let kept = contents.batches.iter().take_while(|(written, _)| now - *written >= UNSYNCED).count();
            contents.batches.truncate(kept);
        }
    }
}

/// The journal of one life of a coordinator; of one epoch, where it is shared.
pub(crate) struct SimJournal {
    pub(crate) world: Arc<World>,
    pub(crate) disk: Arc<Disk>,
    pub(crate) host: Host,
    pub(crate) life: Life,
    pub(crate) epoch: Option<Epoch>,
}

impl SimJournal {
    /// Whether it can be written and read now.
    fn check(&self, contents: &Contents) -> Result<(), JournalError> {
        if self.life.is_over() {
            return Err(JournalError::Medium(io::ErrorKind::BrokenPipe.into()));
        }
        let Some(Epoch(epoch)) = self.epoch else { return Ok(()) };
        let network = &self.world.network;
        if network.is_cut(self.host, Host::Database) || network.is_cut(Host::Database, self.host) {
            return Err(JournalError::Silent(STATEMENT_TIMEOUT));
        }
        match &contents.lead {
            Some(lead) if lead.epoch == epoch => Ok(()),
            _ => Err(JournalError::Superseded),
        }
    }
}

impl Journal for SimJournal {
    fn load(&mut self) -> Result<Recovered, JournalError> {
        let contents = self.disk.contents();
        self.check(&contents)?;
        let snapshot = contents.snapshot.as_ref().map(|(_, bytes)| bytes.clone());
        let batches = contents.batches.iter().map(|(_, bytes)| bytes.clone()).collect();
        MemoryJournal::open(&MemoryDisk::holding(snapshot, batches))?.load()
    }

    fn append(&mut self, events: &[Event]) -> Result<(), JournalError> {
        let mut contents = self.disk.contents();
        self.check(&contents)?;
        if contents.is_full {
            return Err(JournalError::Medium(io::ErrorKind::StorageFull.into()));
        }
        let death = contents.death.take_if(|(host, _)| *host == self.host);
        let is_kept = death.is_none_or(|(_, is_kept)| is_kept);
        if is_kept {
            let bytes = serde_json::to_vec(events).unwrap();
            contents.batches.push((Instant::now(), bytes));
        }
        drop(contents);
        if is_kept {
            self.world.checks().see(&self.world, events);
        }
        if death.is_some() {
            self.life.end();
            let _ = self.world.deaths.send(self.host);
            return Err(JournalError::Medium(io::ErrorKind::BrokenPipe.into()));
        }
        Ok(())
    }

    fn confirm(&mut self) -> Result<(), JournalError> {
        self.check(&self.disk.contents())
    }

    fn sequence(&self) -> u64 {
        self.disk.contents().sequence()
    }

    fn keep_snapshot(&mut self, snapshot: &EncodedSnapshot) -> Result<(), JournalError> {
        let mut contents = self.disk.contents();
        self.check(&contents)?;
        let in_it = snapshot.sequence.saturating_sub(contents.snapshot_sequence()) as usize;
        contents.batches.drain(..in_it);
        contents.snapshot = Some((snapshot.sequence, snapshot.bytes.clone()));
        Ok(())
    }
}

/// A coordinator's part in the election in the database.
pub(crate) struct SimElection {
    pub(crate) world: Arc<World>,
    pub(crate) disk: Arc<Disk>,
    pub(crate) host: Host,
    pub(crate) life: Life,
    /// Unique to this process.
    pub(crate) holder: u64,
}

impl SimElection {
    /// A statement's ways to the database and back, and what it does there.
    async fn ask<T>(
        &self,
        does: impl FnOnce(&mut Contents) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let network = &self.world.network;
        tokio::time::sleep(network.delay(self.host, Host::Database)).await;
        let silent = async {
            tokio::time::sleep(STATEMENT_TIMEOUT).await;
            Err(JournalError::Silent(STATEMENT_TIMEOUT))
        };
        if self.life.is_over() || network.is_cut(self.host, Host::Database) {
            return silent.await;
        }
        let done = does(&mut self.disk.contents());
        tokio::time::sleep(network.delay(Host::Database, self.host)).await;
        if network.is_cut(Host::Database, self.host) { silent.await } else { done }
    }
}

impl Election for SimElection {
    type Journal = SimJournal;

    fn journal(&self, epoch: Epoch) -> SimJournal {
        SimJournal {
            world: Arc::clone(&self.world),
            disk: Arc::clone(&self.disk),
            host: self.host,
            life: self.life.clone(),
            epoch: Some(epoch),
        }
    }

    async fn campaign(&mut self) -> Result<ElectionOutcome, JournalError> {
        let (holder, url, now) = (self.holder, self.host.url(), Instant::now());
        self.ask(move |contents| {
            if let Some(lead) =
                contents.lead.as_ref().filter(|lead| lead.until > now && lead.holder != holder)
            {
                return Ok(ElectionOutcome::Led { by: lead.url.clone() });
            }
            contents.epochs += 1;
            let epoch = contents.epochs;
            contents.lead = Some(Lead { epoch, holder, url, until: now + LEAD_DURATION });
            Ok(ElectionOutcome::Elected(Epoch(epoch)))
        })
        .await
    }

    async fn hold(&mut self, epoch: Epoch) -> JournalError {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(RENEW_INTERVAL).await;
            let sent = Instant::now();
            let renew = self.ask(move |contents| match &mut contents.lead {
                Some(lead) if lead.epoch == epoch.0 => {
                    lead.until = Instant::now() + LEAD_DURATION;
                    Ok(())
                }
                _ => Err(JournalError::Superseded),
            });
            match renew.await {
                Ok(()) => renewed = sent,
                Err(error @ JournalError::Superseded) => return error,
                Err(error) if renewed.elapsed() >= LEAD_DURATION => return error,
                Err(_) => {}
            }
        }
    }

    async fn resign(&mut self, epoch: Epoch) -> Result<(), JournalError> {
        self.ask(move |contents| {
            if let Some(lead) = contents.lead.as_mut().filter(|lead| lead.epoch == epoch.0) {
                lead.until = Instant::now();
            }
            Ok(())
        })
        .await
    }
}
