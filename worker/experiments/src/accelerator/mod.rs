//! Training on an accelerator, many networks at once.
//!
//! An [`Accelerator`] is a device with a thread of its own (`server`) that owns everything there. A run's [`Lane`] is its network on it:
//! the run trains as on the processor, and a lane's step is one of a pass over all lanes that ask at that moment, where their networks and
//! optimisers have a form for many at once. Small networks fill a device only together: their parameters are rows of one matrix
//! (`model_batch`), their products one product over a batch (`network`). Every other network is stepped by itself (`single`), with its graph
//! as modules (`layers`).
//!
//! Steps and evaluations are done there; data order, series, checkpoints and probes stay with the run, so a checkpoint
//! is the same as on a processor, and a run may go on on either. Results are not bit-identical to a processor's, nor between
//! packs: a device chooses the order of its sums by the shape of a product.
//!
//! Everything is made of Candle's tensors, so it runs on any of its devices; the tests run it on the processor.

#![expect(
    clippy::disallowed_methods,
    reason = "bytes are promised on processors alone: here a device sums as it likes"
)]

mod average;
mod device;
mod examples;
mod lane;
mod layers;
mod layout;
mod loss;
mod model_batch;
mod network;
mod server;
mod single;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_state;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device};

pub use device::{DeviceName, UnknownDevice};
pub use examples::{Selection, Source, Targets};
pub(crate) use lane::{AtHome, Lane};
pub use server::PassSums;
pub(crate) use server::Work;

use crate::ExperimentError;
use server::{Answer, Request, Server};

/// The share of the device's free memory that a pass may take: the rest is for parameters, examples and the allocator's loss.
#[cfg(feature = "cuda")]
const SHARE: f64 = 0.6;
/// The bytes that a pass may take where nobody says how much memory there is.
const PASS_BYTES: usize = 1 << 30;

/// The stack of a device's thread: Candle goes back through a network by a call for each of its operations, one within the other.
const STACK_BYTES: usize = 1 << 28;

/// A device that trains. Cloning it shares it; the device is given back with the last clone.
#[derive(Debug, Clone)]
pub struct Accelerator(Arc<DeviceHandle>);

#[derive(Debug)]
struct DeviceHandle {
    name: String,
    requests: Mutex<Sender<Request>>,
    lanes: AtomicU64,
}

/// The accelerators that this program can use on this machine, by their numbers; none if it was built without.
pub fn count() -> usize {
    #[cfg(feature = "cuda")]
    {
        use candle_core::cuda_backend::cudarc::driver::result;
        // Without a driver loading it panics.
        let counted = std::panic::catch_unwind(|| result::init().and_then(|()| result::device::get_count()));
        counted.ok().and_then(Result::ok).and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
    }
    #[cfg(not(feature = "cuda"))]
    0
}

/// The memory of the CUDA device with this number, in bytes; 0 if there is none.
pub fn memory(number: usize) -> u64 {
    #[cfg(feature = "cuda")]
    {
        use candle_core::cuda_backend::cudarc::driver::CudaContext;
        // The context goes again at once: this process doesn't compute there.
        let total = CudaContext::new(number).and_then(|context| context.total_mem());
        total.map_or(0, |bytes| bytes as u64)
    }
    #[cfg(not(feature = "cuda"))]
    {
        let _ = number;
        0
    }
}

impl Accelerator {
    /// The CUDA device with this number.
    ///
    /// # Errors
    /// If there is none, if it can't be used, or if the program was built without CUDA.
    #[cfg(feature = "cuda")]
    pub fn cuda(number: usize) -> Result<Self, ExperimentError> {
        Self::start(format!("cuda:{number}"), DType::F32, move || {
            let device = Device::new_cuda(number)?;
            let (free, _) = candle_core::cuda_backend::cudarc::driver::result::mem_get_info()
                .map_err(|error| candle_core::Error::Msg(error.to_string()))?;
            Ok((device, (free as f64 * SHARE) as usize))
        })
    }

    /// The CUDA device with this number: this program was built without CUDA.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "cuda"))]
    pub fn cuda(_: usize) -> Result<Self, ExperimentError> {
        Err(ExperimentError::Accelerator("this program was built without CUDA".to_owned()))
    }

    /// The processor as a device, through Candle's own operations: slow, and for comparisons.
    ///
    /// # Errors
    /// If its thread can't be started.
    pub fn processor(dtype: DType) -> Result<Self, ExperimentError> {
        Self::start("candle-cpu".to_owned(), dtype, || Ok((Device::Cpu, PASS_BYTES)))
    }

    /// Starts the device's thread, which opens the device: a CUDA device's stream is its thread's.
    fn start(
        name: String,
        dtype: DType,
        open: impl FnOnce() -> candle_core::Result<(Device, usize)> + Send + 'static,
    ) -> Result<Self, ExperimentError> {
        let (requests, inbox) = mpsc::channel();
        let (opened, is_open) = mpsc::channel();
        let serve = move || match open() {
            Err(error) => drop(opened.send(Err(error.to_string()))),
            Ok((device, pass_bytes)) => {
                let server = Server::new(device, dtype, pass_bytes);
                let _ = opened.send(Ok(()));
                server.serve(&inbox);
            }
        };
        let failed = |why: String| ExperimentError::Accelerator(why);
        std::thread::Builder::new()
            .name(name.clone())
            .stack_size(STACK_BYTES)
            .spawn(serve)
            .map_err(|error| failed(format!("its thread can't be started: {error}")))?;
        let is_open =
            is_open.recv().map_err(|_| failed(format!("{name} could not be opened: its driver failed")))?;
        is_open.map_err(|why| failed(format!("{name} could not be opened: {why}")))?;
        Ok(Self(Arc::new(DeviceHandle { name, requests: Mutex::new(requests), lanes: AtomicU64::new(0) })))
    }

    /// The device's name: `cuda:0`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// A number for a lane that was never given before.
    fn fresh_lane(&self) -> u64 {
        self.0.lanes.fetch_add(1, Ordering::Relaxed)
    }

    fn send(&self, request: Request) -> Result<(), ExperimentError> {
        let requests = self.0.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.send(request).map_err(|_| self.is_gone())
    }

    /// Asks, and waits for the answer.
    fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T, ExperimentError> {
        let (answer, answered) = mpsc::channel();
        self.send(request(answer))?;
        let answered = answered.recv().map_err(|_| self.is_gone())?;
        answered.map_err(|why| ExperimentError::Accelerator(format!("{}: {why}", self.name())))
    }

    fn is_gone(&self) -> ExperimentError {
        ExperimentError::Accelerator(format!("{}: its thread ended after an earlier failure", self.name()))
    }
}
