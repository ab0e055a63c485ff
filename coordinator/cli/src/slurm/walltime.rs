//! How long the job of this process may still run.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::engine::SlurmCli;
use super::time_limit::TimeLimit;

/// The rest of the time of the Slurm job that this process is in; nothing if it is in none, if the job has no limit, or if
/// Slurm doesn't say.
pub(crate) async fn walltime() -> Option<Duration> {
    let job = std::env::var("SLURM_JOB_ID").ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Later versions say it in the job's environment; a node that asks the controller for nothing is the better neighbour.
    if let Some(left) = std::env::var("SLURM_JOB_END_TIME").ok().and_then(|end| until(&end, now)) {
        return Some(left);
    }
    match SlurmCli.time_left(&job).await {
        Ok(text) => text.trim().parse::<TimeLimit>().ok().map(TimeLimit::span),
        Err(error) => {
            tracing::warn!(job, %error, "Slurm did not say how long this job may run; its signal will");
            None
        }
    }
}

/// The span from now, since 1970, to an end as the job's environment says it: seconds since 1970.
fn until(end: &str, now: Duration) -> Option<Duration> {
    let end = Duration::from_secs(end.trim().parse().ok()?);
    // Slurm writes the end of time for a job without a limit.
    let left = end.saturating_sub(now);
    (left < Duration::from_secs(10 * 365 * 86_400)).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_counted_from_now_and_never_below_nothing() {
        let now = Duration::from_secs(1_000);
        assert_eq!(until("1060", now), Some(Duration::from_secs(60)));
        assert_eq!(until("900", now), Some(Duration::ZERO));
        assert_eq!(until("4294967294", now), None, "a job without a limit");
        assert_eq!(until("soon", now), None);
    }
}
