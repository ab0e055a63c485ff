//! Means over seeds, differences and correlations, each with its interval.

mod beta;
mod bins;
mod bootstrap;
mod confidence_interval;
mod correlation;
mod difference;
mod jackknife;
mod normal;
mod rank;
mod student;
mod summary;

pub(crate) use bins::{Bin, binned};
pub(crate) use confidence_interval::ConfidenceInterval;
pub(crate) use correlation::{Correlation, MIN_PAIRS_OF_INTERVAL, rank_correlation};
pub(crate) use difference::{Difference, difference};
pub(crate) use jackknife::jackknife_interval;
pub(crate) use rank::spearman;
pub(crate) use summary::{Center, LEVEL, MIN_RUNS, Summary, mean_interval, summarise};
