//! Which instructions the operations use on this machine.

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
    /// What the compiler makes of plain Rust on the target's base instructions.
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
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
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
