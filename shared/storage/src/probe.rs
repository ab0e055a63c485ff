//! Whether a store honours conditional writes: asked of the store, since documentation and headers can't be believed.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use object_store::{PutMode, PutPayload};
use serde::{Deserialize, Serialize};

use crate::{Result, StorageError, Store, StoreCall, key};

/// How many writers race. Some stores honour the condition one at a time only: a race of two would miss them.
const RACERS: usize = 32;
/// How many races there are. One of those stores let exactly one of 32 win in one race of five: five such races in a row are
/// one start in three thousand.
const RACES: usize = 5;

/// A store's behaviour at "create, but only if nothing is there".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionalWrites {
    /// One of many racing writers wins.
    Honoured,
    /// Several may win, or none can try: conditions are not to be relied on.
    Ignored,
}

impl Store {
    /// Races 32 conditional writes of one fresh key, then tries once more, and removes the key; five times, unless one race
    /// has told already.
    ///
    /// # Errors
    /// [`StorageError::Denied`] and [`StorageError::Full`] if the store can't be written,
    /// [`StorageError::Unavailable`] if the race had no outcome.
    pub async fn probe(&self) -> Result<ConditionalWrites> {
        let key = format!("{}/{}", basin_domain::key::PROBES, uuid::Uuid::new_v4());
        // An unconditional write and a read first: whether the store can be written at all is another question.
        let plain = format!("{key}-plain");
        self.put(&plain, Bytes::from_static(b"basin")).await?;
        self.get(&plain).await?;
        let verdict = self.races(&key).await;
        self.delete(&plain).await?;
        verdict
    }

    async fn races(&self, key: &str) -> Result<ConditionalWrites> {
        for race in 0..RACES {
            if self.decided_race(&format!("{key}-{race}")).await? == ConditionalWrites::Ignored {
                return Ok(ConditionalWrites::Ignored);
            }
        }
        Ok(ConditionalWrites::Honoured)
    }

    /// A race that told something: where a writer got no answer, or the winner heard that it lost, there is another race.
    async fn decided_race(&self, key: &str) -> Result<ConditionalWrites> {
        let mut failure = 0;
        loop {
            let key = format!("{key}-{failure}");
            let verdict = self.race(&key).await;
            // Also after an error: a try may have landed.
            let removed = self.delete(&key).await;
            let undecided = match verdict {
                Ok(Some(verdict)) => {
                    removed?;
                    return Ok(verdict);
                }
                Ok(None) => Ok(ConditionalWrites::Ignored),
                Err(error) if error.is_transient() => Err(error),
                Err(error) => {
                    removed?;
                    return Err(error);
                }
            };
            failure += 1;
            if !self.retry().wait_after(failure).await {
                return undecided;
            }
        }
    }

    /// One race; nothing if it leaves open what the store does. Where something lies that nobody is known to have won, one lost answer is
    /// enough for it: a write that landed was tried again on its way (by a proxy, say), and what its writer heard is the second try's end.
    async fn race(&self, key: &str) -> Result<Option<ConditionalWrites>> {
        let tries = join_all((0..RACERS).map(|racer| self.create(key, racer))).await;
        let again = self.create(key, RACERS).await;
        let mut wins = 0;
        for tried in tries {
            match tried {
                Ok(()) => wins += 1,
                Err(StorageError::AlreadyExists { .. }) => {}
                // A plain write worked: so it is the condition that isn't supported.
                Err(
                    StorageError::NotSupported { .. }
                    | StorageError::Denied { .. }
                    | StorageError::Refused { .. },
                ) => {
                    return Ok(Some(ConditionalWrites::Ignored));
                }
                // A loser that could not be told is no evidence against the store, but a winner might be.
                Err(error) => return Err(error),
            }
        }
        match again {
            Err(StorageError::AlreadyExists { .. }) if wins == 0 => Ok(None),
            Err(StorageError::AlreadyExists { .. }) if wins == 1 => Ok(Some(ConditionalWrites::Honoured)),
            Ok(()) | Err(StorageError::AlreadyExists { .. }) => Ok(Some(ConditionalWrites::Ignored)),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, key: &str, racer: usize) -> Result<()> {
        let path = key::path(key)?;
        let payload = PutPayload::from(format!("racer {racer}").into_bytes());
        let create = self.objects().put_opts(&path, payload, PutMode::Create.into());
        let timeout: Duration = self.retry().timeout;
        self.timed(StoreCall::Put, key, timeout, create).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Conditions, Fault, FaultyStore, InjectedError, Operation};

    /// The winner's write lands, and the winner hears that something is there already.
    const LOST_ANSWER: Fault = Fault::ApplyThenFail(InjectedError::AlreadyExists);

    #[tokio::test(start_paused = true)]
    async fn one_lost_answer_says_nothing_against_the_store() {
        for fault in [LOST_ANSWER, Fault::ApplyThenFail(InjectedError::Unavailable)] {
            let faulty = FaultyStore::in_memory();
            faulty.on(Operation::Put, "-0-0", 1, fault);
            assert_eq!(faulty.store().probe().await.unwrap(), ConditionalWrites::Honoured, "{fault:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_lets_nobody_win_is_not_relied_on() {
        let faulty = FaultyStore::in_memory();
        faulty.on(Operation::Put, "-0-", u32::MAX, LOST_ANSWER);
        assert_eq!(faulty.store().probe().await.unwrap(), ConditionalWrites::Ignored);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_answer_hides_no_store_that_ignores_conditions() {
        let faulty = FaultyStore::in_memory().with_conditions(Conditions::Ignored);
        faulty.on(Operation::Put, "-0-0", 1, LOST_ANSWER);
        assert_eq!(faulty.store().probe().await.unwrap(), ConditionalWrites::Ignored);
    }
}
