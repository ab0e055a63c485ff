//! The kind `surface`, whose points are split into several tasks.

use super::{each_has_the_error, plan, plane, planned, source, with_overrides};
use crate::data::DataUse;
use crate::experiment::{ConvNet, Experiment, Plane, Surface, Tile, TrainedModel};
use crate::sweep::{SweepFile, SweepPlan};
use crate::value::Value;

const OF: &str = "of = { experiment = \"images\", batch_size = 64 }";

fn surfaces(plan: &SweepPlan) -> Vec<Surface> {
    let surface = |experiment: &Experiment| match experiment {
        Experiment::Surface(it) => Some(it.clone()),
        Experiment::FitFunction(_)
        | Experiment::Classify(_)
        | Experiment::Regress(_)
        | Experiment::CriticalPoint(_)
        | Experiment::Interpolate(_)
        | Experiment::Command(_)
        | Experiment::Custom(_) => None,
    };
    plan.tasks.iter().filter_map(|task| surface(&task.spec.experiment)).collect()
}

#[test]
fn a_surface_has_its_defaults() {
    let model = ConvNet { conv: vec![4], kernel: 3, dense: vec![8] }.into();
    let expected = Surface {
        trained: TrainedModel::Classify { model, data: DataUse::default(), loss: Default::default() },
        plane: Plane::Random { extent: 1.0 },
        resolution: 25,
        tile: Tile { index: 0, of: 4 },
        examples: None,
    };
    assert_eq!(surfaces(&planned(&plane(OF)))[0], expected);
    let pca = surfaces(&planned(&plane(&format!("{OF}\ndirections = \"pca\""))));
    assert_eq!(pca[0].plane, Plane::Pca { margin: 0.25 });
}

#[test]
fn a_surface_is_read_with_all_its_keys() {
    let keys = "resolution = 9\ntasks = 1\nexamples = 50";
    let random = surfaces(&planned(&plane(&format!("{OF}\ndirections = \"random\"\nextent = 2\n{keys}"))));
    assert_eq!(random[0].plane, Plane::Random { extent: 2.0 });
    assert_eq!((random[0].resolution, random[0].examples), (9, Some(50)));
    assert_eq!(random[0].tile, Tile { index: 0, of: 1 });
    let pca = surfaces(&planned(&plane(&format!("{OF}\ndirections = \"pca\"\nmargin = 0\n{keys}"))));
    assert_eq!(pca[0].plane, Plane::Pca { margin: 0.0 });
}

#[test]
fn the_tasks_of_a_point_cover_its_grid_once() {
    let text = plane(&format!("{OF}\nresolution = 10\ntasks = 3"));
    let plan = planned(&text);
    let tasks: Vec<_> = plan.tasks.iter().filter(|task| task.experiment.as_str() == "plane").collect();
    for seed in [0, 1] {
        let of_seed = tasks.iter().filter(|task| task.spec.seed == seed);
        let rows = of_seed.flat_map(|task| match &task.spec.experiment {
            Experiment::Surface(it) => it.tile.rows(it.resolution),
            other => unreachable!("{other:?}"),
        });
        assert_eq!(rows.collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    }
    let tiles: Vec<_> = tasks.iter().map(|task| (task.point["tile"].clone(), task.spec.seed)).collect();
    let expected = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)];
    assert_eq!(tiles, expected.map(|(tile, seed)| (Value::Integer(tile), seed)));
}

#[test]
fn a_surface_of_one_task_has_no_tile() {
    let plan = planned(&plane(&format!("{OF}\ntasks = 1")));
    assert!(plan.tasks.iter().all(|task| !task.point.contains_key("tile")));
}

#[test]
fn splits_are_counted_before_anything_is_expanded() {
    for (lines, surfaces) in [
        (OF.to_owned(), 4 * 2),
        (format!("{OF}\ntasks = 7\nseeds = 1"), 7),
        (format!("{OF}\ntasks = 1"), 2),
        ("of.experiment = \"images\"\ngrid.of.batch_size = [64, 128]\ntasks = 5".to_owned(), 2 * 2 * 5),
    ] {
        let file = SweepFile::parse(&source(&plane(&lines))).unwrap();
        assert_eq!(file.task_count(), 6 + surfaces, "{lines}");
        assert_eq!(planned(&plane(&lines)).tasks.len() as u128, file.task_count(), "{lines}");
        let summary = &file.experiments()[1];
        assert_eq!((summary.kind.as_str(), summary.tasks), ("surface", surfaces), "{lines}");
    }
}

#[test]
fn the_number_of_tasks_is_a_default_like_others() {
    let count = |overrides: &[&str]| {
        SweepFile::parse(&with_overrides(&plane(OF), overrides)).unwrap().experiments()[1].tasks
    };
    assert_eq!(count(&["defaults.tasks=3"]), 6);
    assert_eq!(count(&["tasks=2"]), 4);
    assert_eq!(count(&["experiment.plane.tasks=25"]), 50);
    let refused = plan(&with_overrides(&plane(OF), &["tasks=26"])).unwrap_err();
    assert_eq!(refused.to_string(), "--set:1: `tasks` is 26, and the grid has 25 rows to share among them");
}

#[test]
fn each_wrong_value_of_a_surface_is_said() {
    each_has_the_error(
        |lines| plane(&format!("{OF}\n{lines}")),
        &[
            (
                "directions = \"filter\"",
                "x.toml:17: unknown choice of directions \"filter\"\nhint: known are random, pca",
            ),
            ("margin = 0.5", "x.toml:17: `margin` belongs to the directions pca"),
            ("directions = \"pca\"\nextent = 1", "x.toml:18: `extent` belongs to the directions random"),
            (
                "extent = 0",
                "x.toml:17: `extent` must be a number above 0, not 0\nhint: without `extent` its default holds",
            ),
            (
                "directions = \"pca\"\nmargin = -1",
                "x.toml:18: `margin` must be a number not below 0, not -1\nhint: without `margin` its default holds",
            ),
            (
                "resolution = 1",
                "x.toml:17: `resolution` must be a whole number from 2 to 1000, not 1\nhint: without `resolution` its default holds",
            ),
            (
                "tasks = 0",
                "x.toml:17: `tasks` must be a whole number from 1 to 1000, not 0\nhint: without `tasks` its default holds",
            ),
            (
                "tasks = 1001",
                "x.toml:17: `tasks` must be a whole number from 1 to 1000, not 1001\nhint: without `tasks` its default holds",
            ),
            (
                "tasks = 26",
                "x.toml:17: `tasks` is 26, and the grid has 25 rows to share among them\nhint: tasks = 25",
            ),
            (
                "resolution = 3",
                "x.toml:13: `tasks` is 4, and the grid has 3 rows to share among them\nhint: tasks = 3",
            ),
            (
                "examples = -1",
                "x.toml:17: `examples` must be a whole number from 1 to 4294967295, not -1\nhint: without `examples` its default holds",
            ),
            ("grid.tasks = [1, 2]", "x.toml:17: `tasks` can't vary\nhint: tasks = 4"),
            ("list = [{ tasks = 2 }]", "x.toml:17: `tasks` can't vary\nhint: tasks = 4"),
            (
                "random = { count = 2, choice = { tasks = [1, 2] } }",
                "x.toml:17: `tasks` can't vary\nhint: tasks = 4",
            ),
            (
                "grid.resolution = [8, 9]\nwhen = [{ if = { resolution = 8 }, set = { tasks = 2 } }]",
                "x.toml:18: `tasks` can't vary\nhint: tasks = 4",
            ),
        ],
    );
    let forgetful = |directions: &str| {
        plane(&format!("{OF}\ndirections = \"{directions}\"")).replace("record = { weights_every = 1 }\n", "")
    };
    let short = |epochs: &str| {
        plane(&format!("{OF}\ndirections = \"pca\""))
            .replace("epochs = 3\nrecord = { weights_every = 1 }", epochs)
    };
    const ONLY_ONE: &str = "x.toml:16: the directions pca need weights of two epochs before the last, and only one is recorded: more \
                            `epochs`, or a smaller `record.weights_every`, in the experiment that `of` names";
    each_has_the_error(
        short,
        &[
            ("epochs = 2\nrecord = { weights_every = 1 }", "nothing"),
            ("epochs = 4\nrecord = { weights_every = 3 }", "nothing"),
            ("epochs = 3\nrecord = { weights_every = 3 }", ONLY_ONE),
            ("epochs = 3\nrecord = { weights_every = 9 }", ONLY_ONE),
        ],
    );
    each_has_the_error(
        forgetful,
        &[
            ("random", "nothing"),
            (
                "pca",
                "x.toml:15: the directions pca need recorded weights: record = { weights_every = 3 } in the experiment \
                 that `of` names",
            ),
        ],
    );
}
