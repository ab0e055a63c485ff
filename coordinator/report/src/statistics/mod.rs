//! Means over seeds, differences and correlations, each with its interval.

mod apart;
mod beta;
mod bins;
mod bootstrap;
mod confidence_interval;
mod correlation;
mod difference;
mod few;
mod improvement;
mod interquartile;
mod jackknife;
mod mean_correlation;
mod normal;
mod pearson;
mod permutation;
mod proportion;
mod quantile;
mod rank;
mod sample_size;
mod stratified;
mod student;
mod summary;

pub(crate) use apart::apart;
pub(crate) use bins::{Bin, binned};
pub(crate) use confidence_interval::ConfidenceInterval;
pub(crate) use correlation::{MIN_PAIRS_OF_BOOTSTRAP, MIN_PAIRS_OF_INTERVAL, Pair, RankCorrelation};
pub(crate) use difference::{Difference, difference, interquartile_difference};
pub(crate) use few::{coverage_of_range, unseen_share};
pub(crate) use improvement::{Improvement, improvement};
#[cfg(test)]
pub(crate) use interquartile::{interquartile_interval, interquartile_mean};
pub(crate) use jackknife::jackknife_interval;
pub(crate) use mean_correlation::mean_correlation_interval;
pub(crate) use pearson::pearson;
pub(crate) use proportion::{combined_interval, newcombe_interval, wilson_interval};
pub(crate) use quantile::{median, quantile_of_sorted};
pub(crate) use rank::spearman;
pub(crate) use sample_size::{Design, MOST_RUNS, POWER, RunsNeeded, pairs_of_correlation, runs_needed};
pub(crate) use stratified::fewest_of_bootstrap;
pub(crate) use summary::{
    Center, LEVEL, MIN_RUNS, Summary, geometric_mean, mean_interval, range, standard_deviation, summarise,
};
