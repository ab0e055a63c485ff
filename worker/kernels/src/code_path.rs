//! The instructions that the operations use on this machine.

use std::sync::atomic::{AtomicU8, Ordering};

/// A set of vector instructions that the operations are compiled for.
///
/// Results are the same on all of them, bit by bit; a run records its path for those who ask how fast it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodePath {
    /// AVX-512 (F, BW, DQ, VL) with fused multiply-add: 16 floats at a time.
    Avx512,
    /// AVX2 with fused multiply-add: 8 floats at a time.
    Avx2,
    /// Plain Rust, compiled for the target's base instructions.
    Portable,
}

const UNKNOWN: u8 = u8::MAX;
static CHOSEN: AtomicU8 = AtomicU8::new(UNKNOWN);

impl CodePath {
    /// All paths, the fastest first.
    pub const ALL: [Self; 3] = [Self::Avx512, Self::Avx2, Self::Portable];

    /// The name as runs record it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        }
    }

    /// Whether this machine can run the path.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && Self::Avx2.is_available()
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("popcnt")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx512 | Self::Avx2 => false,
            Self::Portable => true,
        }
    }

    /// The path in use: the one that was forced, or else the fastest that is available.
    pub fn current() -> Self {
        match CHOSEN.load(Ordering::Relaxed) {
            0 => Self::Avx512,
            1 => Self::Avx2,
            2 => Self::Portable,
            _ => {
                let best = Self::ALL.into_iter().find(|path| path.is_available()).unwrap_or(Self::Portable);
                CHOSEN.store(best as u8, Ordering::Relaxed);
                best
            }
        }
    }
}

impl std::str::FromStr for CodePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|path| path.name() == text)
            .ok_or_else(|| format!("unknown code path {text:?}; there are avx512, avx2 and portable"))
    }
}

/// The name of the path in use: `avx512`, `avx2` or `portable`.
pub fn code_path() -> &'static str {
    CodePath::current().name()
}

/// Makes all operations of this process use `path` from now on; answers whether the machine can, and changes nothing if not.
///
/// To be called between operations: one that has begun on a path ends on it.
pub fn force_code_path(path: CodePath) -> bool {
    let available = path.is_available();
    if available {
        CHOSEN.store(path as u8, Ordering::Relaxed);
    }
    available
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::on_path;

    #[test]
    fn names_lead_back_to_their_paths_and_nothing_else_does() {
        for path in CodePath::ALL {
            assert_eq!(path.name().parse(), Ok(path));
        }
        for wrong in ["", "AVX2", "avx", "avx512f", "neon", "portable "] {
            let error = wrong.parse::<CodePath>().unwrap_err();
            assert_eq!(error, format!("unknown code path {wrong:?}; there are avx512, avx2 and portable"));
        }
    }

    #[test]
    fn a_path_that_is_forced_is_the_one_in_use() {
        for path in CodePath::ALL.into_iter().filter(|path| path.is_available()) {
            on_path(path, || {
                assert_eq!((CodePath::current(), code_path()), (path, path.name()));
                for lacking in CodePath::ALL.into_iter().filter(|path| !path.is_available()) {
                    assert!(!force_code_path(lacking));
                    assert_eq!(CodePath::current(), path);
                }
            });
        }
        assert!(CodePath::Portable.is_available(), "every machine has it");
    }
}
