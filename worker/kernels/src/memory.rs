//! The allocator's ways with freed memory.

/// Asks the allocator to keep what is freed instead of giving it back to the system.
///
/// A training step frees what the next one allocates again, and glibc returns pieces of that size to the system: each step
/// then pays for getting every page anew. To be called once, when a process that trains starts. Does nothing where the C
/// library isn't glibc.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` only sets parameters of the allocator; both exist in every glibc, and their values are in range
    // (mallopt(3)). What it refuses it leaves as it was.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, libc::c_int::MAX);
        libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
    }
}
