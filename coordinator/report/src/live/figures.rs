//! Figures: how far the runs are that each shows, and its picture.

use basin_domain::figure::{Drawing, Figure};
use basin_domain::id::FigureId;

use crate::figures;
use crate::results::Results;
use crate::runs::{Counts, of_experiments};

/// How far the runs are that a figure shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigureNow {
    /// Its id.
    pub id: FigureId,
    /// Its title, as people read it.
    pub title: String,
    /// The runs that have ended, well or not.
    pub ended: usize,
    /// All of its runs.
    pub runs: usize,
    /// Whether the recorded weights that it shows were read, if it shows any.
    pub has_weights: bool,
}

impl FigureNow {
    /// Whether it will look like this for good.
    pub const fn is_final(&self) -> bool {
        self.ended == self.runs && self.has_weights
    }
}

/// The picture of a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigurePicture {
    /// As SVG that is part of a page, without title and notes.
    pub svg: String,
    /// The same for narrow pages; none where it would be too large.
    pub narrow: Option<String>,
    /// The sentences below it: what is averaged, and what is missing.
    pub notes: Vec<String>,
}

/// How far each figure of a sweep is.
pub fn figures_now(results: &Results) -> Vec<FigureNow> {
    let of = |figure: &Figure| {
        let counts = Counts::of_tasks(of_experiments(&results.runs, &figure.experiments));
        let runs = counts.total();
        let title = figures::names::title(figure);
        let shows_weights = matches!(figure.drawing, Drawing::Trajectories { .. });
        let has_weights = !shows_weights || results.projections.contains_key(&figure.id);
        FigureNow { id: figure.id.clone(), title, ended: runs - counts.missing, runs, has_weights }
    };
    results.figures.iter().map(of).collect()
}

/// The picture of a figure, of the runs that are there; none if the sweep has no figure of this id. It takes up to seconds.
pub fn figure_picture(results: &Results, id: &FigureId) -> Option<FigurePicture> {
    let figure = results.figures.iter().find(|figure| figure.id == *id)?;
    let projections = results.projections.get(id).map_or(&[][..], Vec::as_slice);
    let drawn = figures::draw(figure, &results.runs, projections, &results.claims);
    let narrow = drawn.narrow.map(|narrow| narrow.svg);
    Some(FigurePicture { svg: drawn.inline.svg, narrow, notes: drawn.notes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::RunState;
    use crate::samples;
    use crate::tests::results_with_claims;

    #[test]
    fn a_figure_is_final_once_no_run_of_it_is_missing() {
        let mut results = results_with_claims(samples::images(3, 10), Vec::new());
        results.figures = vec![samples::figures().remove(2)];
        let now = figures_now(&results);
        assert!(now[0].is_final() && now[0].runs == 6, "{now:?}");
        results.runs[0].state = RunState::Missing;
        let now = figures_now(&results);
        assert_eq!((now[0].ended, now[0].is_final()), (5, false));
        let picture = figure_picture(&results, &now[0].id).unwrap();
        assert!(
            picture.svg.starts_with("<svg ") && !picture.svg.contains("style"),
            "no page may style it but by classes"
        );
        assert!(figure_picture(&results, &FigureId::new("other").unwrap()).is_none());
    }
}
