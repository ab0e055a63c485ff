//! A runtime in which one seed gives one order of all that happens: one thread, a clock that stands still while anything is done, and file
//! operations that are done while the thread has nothing else to do.

use std::sync::{Arc, Condvar, Mutex};

use tokio::runtime::{Builder, Runtime};

/// Who holds it works; all others wait. What the runtime's second thread (that of blocking file operations) ends at what moment of the
/// first is otherwise the machine's whim.
#[derive(Default)]
struct Baton {
    is_held: Mutex<bool>,
    is_free: Condvar,
}

impl Baton {
    fn take(&self) {
        let mut is_held = self.is_held.lock().unwrap();
        while *is_held {
            is_held = self.is_free.wait(is_held).unwrap();
        }
        *is_held = true;
    }

    fn give(&self) {
        *self.is_held.lock().unwrap() = false;
        self.is_free.notify_one();
    }
}

/// A runtime for the thread that made it.
pub(crate) struct PausedRuntime {
    /// Dropped with the baton given away: it waits for its second thread.
    runtime: Option<Runtime>,
    baton: Arc<Baton>,
}

impl PausedRuntime {
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.as_ref().expect("it is there until it is dropped").block_on(work)
    }
}

impl Drop for PausedRuntime {
    fn drop(&mut self) {
        self.baton.give();
        drop(self.runtime.take());
    }
}

/// A fresh runtime.
///
/// The second thread begins with the baton and ends, giving it back, as soon as it finds nothing more to do: all that waits when the first
/// thread pauses is done in its order before that goes on. What the second wakes comes after all that the first has woken itself.
pub(crate) fn paused() -> PausedRuntime {
    let baton = Arc::new(Baton::default());
    baton.take();
    let [parks, unparks, starts, stops] = std::array::from_fn(|_| Arc::clone(&baton));
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .global_queue_interval(u32::MAX)
        .max_blocking_threads(1)
        .thread_keep_alive(std::time::Duration::ZERO)
        .on_thread_park(move || parks.give())
        .on_thread_unpark(move || unparks.take())
        .on_thread_start(move || starts.take())
        .on_thread_stop(move || stops.give())
        .build()
        .unwrap();
    PausedRuntime { runtime: Some(runtime), baton }
}
