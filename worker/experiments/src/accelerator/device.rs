//! The names of devices.

use std::fmt;
use std::str::FromStr;

use candle_core::DType;

use super::Accelerator;
use crate::ExperimentError;

/// A device that an executor trains on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceName {
    /// `cpu`: the processor, through Basin's kernels.
    Processor,
    /// `cuda:N`: a CUDA device.
    Cuda(usize),
    /// `candle-cpu`: the processor as if it were an accelerator, through Candle's own operations. Slow; to try what a device does
    /// where there is none.
    CandleProcessor,
}

impl DeviceName {
    /// The kind of device, as results have it in their provenance.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Processor => "cpu",
            Self::Cuda(_) => "cuda",
            Self::CandleProcessor => "candle-cpu",
        }
    }

    /// Opens the device; none if it is the processor, which needs no opening.
    ///
    /// # Errors
    /// [`ExperimentError::Accelerator`] if it isn't there or can't be used.
    pub fn open(self) -> Result<Option<Accelerator>, ExperimentError> {
        match self {
            Self::Processor => Ok(None),
            Self::Cuda(number) => Accelerator::cuda(number).map(Some),
            Self::CandleProcessor => Accelerator::processor(DType::F32).map(Some),
        }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Processor | Self::CandleProcessor => f.write_str(self.kind()),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

/// A text that names no device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no device")]
pub struct UnknownDevice(String);

impl FromStr for DeviceName {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        let unknown = || UnknownDevice(text.to_owned());
        match text {
            "cpu" => Ok(Self::Processor),
            "candle-cpu" => Ok(Self::CandleProcessor),
            _ => {
                let number = text.strip_prefix("cuda:").ok_or_else(unknown)?;
                number.parse().map(Self::Cuda).map_err(|_| unknown())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_devices() {
        for device in
            [DeviceName::Processor, DeviceName::Cuda(0), DeviceName::Cuda(11), DeviceName::CandleProcessor]
        {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        for wrong in ["", "gpu", "cuda", "cuda:", "cuda:-1", "cuda:x", "CPU"] {
            assert_eq!(wrong.parse::<DeviceName>(), Err(UnknownDevice(wrong.to_owned())));
        }
    }
}
