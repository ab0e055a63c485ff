//! Two questions to begin with, which a sweep's own results answer.

use std::collections::BTreeSet;

use basin_domain::metrics::Axis;

use super::names::written;
use super::schema::TableSchema;
use crate::runs::Run;
use crate::tables::parameters;

/// The measures that people ask about first.
const FIRST: [&str; 4] = ["test_accuracy", "test_loss", "train_loss", "loss"];

/// A question about the ends of runs, and one about the way to them; of a sweep that has measured nothing yet, about what there is.
pub(super) fn questions(runs: &[Run], results: &TableSchema) -> [String; 2] {
    let measure = measure(runs);
    [of_ends(runs, results, measure), of_the_way(measure)]
}

fn of_ends(runs: &[Run], results: &TableSchema, measure: Option<&str>) -> String {
    let is_measured = |name: &&str| results.column(name).is_some_and(|column| column.column_type.is_number());
    let Some(measure) = measure.filter(is_measured).map(written) else {
        return "select experiment, outcome, count(*) as runs from results group by experiment, outcome"
            .to_owned();
    };
    let is_told_apart = |name: &&str| {
        *name != "seed" && results.column(name).is_some_and(|column| !column.column_type.is_list())
    };
    let parameter = parameters::varied_names(runs).into_iter().find(is_told_apart);
    let by = match parameter {
        Some(parameter) => format!("experiment, {}", written(parameter)),
        None => "experiment".to_owned(),
    };
    format!(
        "select {by}, count({measure}) as runs, avg({measure}) as mean, stddev({measure}) as deviation \
         from results group by {by} order by mean"
    )
}

fn of_the_way(measure: Option<&str>) -> String {
    match measure {
        Some(measure) => format!(
            "select axis, x, count(*) as runs, median(value) as median, max(value) as highest \
             from series where series = '{}' group by axis, x order by axis, x",
            measure.replace('\'', "''")
        ),
        None => {
            "select host, count(*) as runs, sum(seconds) as seconds from provenance group by host".to_owned()
        }
    }
}

/// A series over the training that some run recorded.
fn measure(runs: &[Run]) -> Option<&str> {
    let all = runs.iter().filter_map(Run::metrics).flat_map(|metrics| &metrics.series);
    let of_training = all.filter(|(_, series)| matches!(series.axis, Axis::Epoch | Axis::Iteration));
    let recorded: BTreeSet<&str> = of_training.map(|(name, _)| name.as_str()).collect();
    FIRST.into_iter().find(|name| recorded.contains(name)).or_else(|| recorded.first().copied())
}
