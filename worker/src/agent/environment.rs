//! The variables that a worker's child processes get: what they need, and nothing that opens doors.

use tokio::process::Command;

/// Variables that programs of every kind look at: where things are, how to speak, whom to trust.
const COMMON: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "TZ",
    "LANG",
    "TERM",
    "NO_COLOR",
    "RUST_BACKTRACE",
    "BASIN_LOG",
    "XDG_CACHE_HOME",
];
/// The same, of which there are many with one beginning.
const COMMON_FAMILIES: &[&str] =
    &["LC_", "LD_", "DYLD_", "MALLOC_", "GLIBC_", "LLVM_PROFILE_", "BASIN_TEST_"];
/// Variables that a library of an accelerator or of linear algebra looks at.
const EXECUTOR_FAMILIES: &[&str] =
    &["CUDA_", "NVIDIA_", "CUBLAS_", "CUDNN_", "NCCL_", "OMP_", "MKL_", "RAYON_", "ROCR_", "HIP_"];
/// Variables of Basin's own that an executor looks at.
const EXECUTOR: &[&str] = &["BASIN_CODE_PATH"];
/// How a coordinator is reached, and what to show it.
const WITNESS: &[&str] = &["SSL_CERT_FILE", "SSL_CERT_DIR", "BASIN_LOG_FORMAT"];
const WITNESS_FAMILIES: &[&str] = &["BASIN_TOKEN", "BASIN_TLS_", "BASIN_COORDINATOR"];
/// In either case of letters (`https_proxy`).
const PROXIES: &[&str] = &["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"];

/// An executor calls nobody: it gets no token, no credentials of a store, no database's password.
pub(super) fn of_executor(command: &mut Command) {
    keep(command, |name| is_of(name, COMMON, COMMON_FAMILIES) || is_of(name, EXECUTOR, EXECUTOR_FAMILIES));
}

/// A witness calls the coordinator alone: it gets no credentials of a store.
pub(super) fn of_witness(command: &mut Command) {
    keep(command, |name| {
        let is_proxy = PROXIES.contains(&name.to_ascii_uppercase().as_str());
        is_proxy || is_of(name, COMMON, COMMON_FAMILIES) || is_of(name, WITNESS, WITNESS_FAMILIES)
    });
}

fn is_of(name: &str, names: &[&str], families: &[&str]) -> bool {
    names.contains(&name) || families.iter().any(|family| name.starts_with(family))
}

fn keep(command: &mut Command, is_kept: impl Fn(&str) -> bool) {
    let kept = std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(&is_kept));
    command.env_clear().envs(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(set: fn(&mut Command)) -> Vec<String> {
        let mut command = Command::new("true");
        set(&mut command);
        let names = command.as_std().get_envs().map(|(name, _)| name.to_string_lossy().into_owned());
        names.collect()
    }

    #[test]
    fn an_executor_is_told_where_things_are_and_no_secret() {
        assert!(kept(of_executor).iter().any(|name| name == "PATH"));
        let executor =
            |name| is_of(name, COMMON, COMMON_FAMILIES) || is_of(name, EXECUTOR, EXECUTOR_FAMILIES);
        for name in ["CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "BASIN_CODE_PATH", "LC_ALL"] {
            assert!(executor(name), "{name}");
        }
        for name in [
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AZURE_STORAGE_KEY",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "BASIN_TOKEN",
            "BASIN_TOKEN_FILE",
            "BASIN_JOURNAL",
            "BASIN_STORE",
            "PGPASSWORD",
            "HTTPS_PROXY",
            "OTEL_EXPORTER_OTLP_HEADERS",
            // Its log is read by its agent.
            "BASIN_LOG_FORMAT",
        ] {
            assert!(!executor(name), "{name}");
        }
    }

    #[test]
    fn a_witness_gets_what_the_coordinator_wants_to_see_and_nothing_of_the_store() {
        let witness = |name| is_of(name, COMMON, COMMON_FAMILIES) || is_of(name, WITNESS, WITNESS_FAMILIES);
        assert!(["BASIN_TOKEN", "BASIN_TOKEN_FILE", "BASIN_TLS_CA"].into_iter().all(witness));
        assert!(!["AWS_SECRET_ACCESS_KEY", "BASIN_STORE", "PGPASSWORD"].into_iter().any(witness));
    }
}
