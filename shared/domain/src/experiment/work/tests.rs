//! Work grows with what there is to do, is what was measured, and is finite whatever a sweep file says.

use super::*;
use crate::experiment::{ConvNet, Interval, Probe, TrainingClock, TrainingSettings, TrainingTime};
use crate::network::{ExampleShape, Network};
use crate::optimizer::Optimizer;
use crate::sweep::{Datasets, Source, SweepFile};

const IMAGE: ExampleShape = ExampleShape::Image { channels: 3, height: 32, width: 32 };

/// The work of each run of a sweep file, with the name of its experiment.
fn works(text: &str, profile: Option<&str>) -> Vec<(String, Work)> {
    let source = Source {
        file: "x.toml".to_owned(),
        text: text.to_owned(),
        profile: profile.map(str::to_owned),
        overrides: Vec::new(),
        kinds: Vec::new(),
    };
    let plan = SweepFile::parse(&source).unwrap().expand(&Datasets::new(), 10_000).unwrap();
    let works = super::works(&plan.tasks, |_| None);
    plan.tasks.iter().zip(works).map(|(task, work)| (task.experiment.to_string(), work)).collect()
}

fn seconds(work: Work) -> f64 {
    match work {
        Work::Seconds(seconds) => seconds.total(),
        Work::Relative(_) => panic!("how long it takes is known"),
    }
}

fn of_images(lines: &str) -> f64 {
    let text = format!(
        "name = \"t\"\ndata = {{ name = \"shapes\" }}\n[defaults]\nbatch_size = 64\n\
         [[experiment]]\nid = \"i\"\nkind = \"classify\"\nmodel = {{ conv = [12, 32], dense = [64] }}\n{lines}\n"
    );
    seconds(works(&text, None)[0].1)
}

#[test]
fn a_step_takes_about_as_long_as_was_measured() {
    // docs/performance.md: convolutions, hidden layer, batch, images a second on two threads.
    for (conv, dense, batch, images) in [
        ([8, 8], 8, 64, 94_367.0),
        ([16, 32], 64, 64, 32_948.0),
        ([16, 32], 64, 512, 29_643.0),
        ([32, 64], 128, 64, 11_031.0),
        ([64, 96], 128, 64, 4_825.0),
        ([128, 128], 256, 64, 1_635.0),
        ([128, 128], 256, 512, 2_810.0),
    ] {
        let graph = ConvNet { conv: conv.to_vec(), kernel: 3, dense: vec![dense] }.graph(&IMAGE, 10).unwrap();
        let work = NetworkWork::of(&graph).step(f64::from(batch), &Optimizer::adam(1e-3)).total();
        let ratio = work / (2.0 * f64::from(batch) / images);
        assert!((0.75..1.3).contains(&ratio), "{conv:?}, {dense}, {batch}: {ratio:.2} of what was measured");
    }
    // A hundred networks as lanes: 120,600 steps a second on two threads.
    let graph = Network::of_dense(&[32, 64]).graph(&ExampleShape::Vector { length: 1 }, 1).unwrap();
    let ratio = NetworkWork::of(&graph).step(128.0, &Optimizer::adam(1e-3)).total() * 120_600.0 / 2.0;
    assert!((0.75..1.3).contains(&ratio), "{ratio:.2} of what was measured");
}

#[test]
fn a_first_look_at_the_homework_takes_as_long_as_the_readme_says() {
    let works = works(include_str!("../../../../../sweeps/homework.toml"), Some("quick"));
    assert_eq!(works.len(), 192);
    let all: f64 = works.iter().map(|(_, work)| seconds(*work)).sum();
    // 1 min 45 s with the report, on two threads.
    assert!((150.0..300.0).contains(&all), "{all} s");
}

#[test]
fn more_to_do_is_more_work() {
    let pairs = [
        ("epochs = 2", "epochs = 3"),
        ("steps = 100", "steps = 101"),
        ("epochs = 2\nbatch_size = 64", "epochs = 2\nbatch_size = 32"),
        ("steps = 50\nbatch_size = 64", "steps = 50\nbatch_size = 128"),
        ("epochs = 2", "epochs = 2\nprobes = [\"sharpness\"]"),
        ("epochs = 2\nprobes = [\"sharpness\"]", "epochs = 2\nprobes = [\"sharpness\", \"sensitivity\"]"),
        ("epochs = 2\nprobes = [\"spectrum\"]", "epochs = 2\nprobes = [\"spectrum\"]\nprobe.vectors = 999"),
        ("epochs = 2\nprobes = [\"trace\"]", "epochs = 2\nprobes = [\"trace\"]\nprobe.every = 1"),
        ("epochs = 2", "epochs = 2\nrecord.every = { steps = 10 }"),
        ("epochs = 2", "epochs = 2\nrecord.weights_every = 1"),
        ("epochs = 2", "epochs = 2\nsam.rho = 0.05"),
        ("epochs = 2\ndata.train_limit = 1000", "epochs = 2\ndata.train_limit = 2000"),
        ("epochs = 2\ndata.test_limit = 100", "epochs = 2\ndata.test_limit = 2000"),
    ];
    for (less, more) in pairs {
        let (less_work, more_work) = (of_images(less), of_images(more));
        assert!(less_work < more_work, "{less}: {less_work} s, {more}: {more_work} s");
    }
}

#[test]
fn what_nobody_knows_the_time_of_is_told_from_others_of_its_experiment_alone() {
    let command = "name = \"c\"\n[[experiment]]\nid = \"c\"\nkind = \"command\"\ncommand = \"train\"\nversion = \"1\"\n";
    assert_eq!(works(command, None), [("c".to_owned(), Work::Relative(1.0))]);
}

/// A run of ten steps over twenty examples, with probes on the way and at the end.
fn training(evaluates_training: bool) -> TrainingWork {
    let graph = ConvNet { conv: vec![4], kernel: 3, dense: vec![8] }.graph(&IMAGE, 10).unwrap();
    let mut settings = TrainingSettings::of(Optimizer::adam(1e-3));
    settings.record.every = Interval::Steps { steps: 4 };
    settings.probes.every = Some(Interval::Steps { steps: 5 });
    settings.probes.probes = vec![
        Probe::Sharpness { examples: 10, epsilon: 0.1, steps: 3 },
        Probe::Spectrum { examples: 10, steps: 4, vectors: 2 },
    ];
    let clock = TrainingClock::new(TrainingTime::Steps(10), 20, 5);
    let examples = SplitSizes { train: 20, test: 10 };
    TrainingWork::new(&NetworkWork::of(&graph), &settings, clock, examples, evaluates_training)
}

#[test]
fn the_share_rises_along_a_run_and_is_whole_at_its_end_alone() {
    for evaluates_training in [false, true] {
        let work = training(evaluates_training);
        let mut places = Vec::new();
        for step in 0..=10 {
            if step % 4 == 0 || step == 10 {
                places.extend([0.0, 0.5, 1.0].map(|done| (step, StepRest::Evaluations { done })));
            }
            if step % 5 == 0 {
                places.extend([0.0, 0.5].map(|done| (step, StepRest::Probes { index: 0, done })));
            }
            if step == 10 {
                places.extend([0.0, 0.5].map(|done| (step, StepRest::Probes { index: 1, done })));
                places.extend([0.0, 0.5].map(|done| (step, StepRest::LastEvaluation { done })));
            }
            places.push((step, StepRest::Nothing));
        }
        let shares: Vec<f64> = places.iter().map(|(step, rest)| work.share(*step, *rest)).collect();
        assert!(shares.windows(2).all(|pair| pair[0] <= pair[1] + 1e-12), "{places:?}\n{shares:?}");
        assert_eq!((shares[0], shares[shares.len() - 1]), (0.0, 1.0));
        // Training is over, and the probes of the end are to come.
        assert!(work.share(10, StepRest::Probes { index: 0, done: 0.0 }) < 0.9);
    }
}

#[test]
fn the_parts_of_a_run_add_up() {
    let work = training(false);
    let [rest, whole] = [StepRest::Probes { index: 1, done: 0.0 }, StepRest::Nothing];
    let spectrum = work.total().double - work.done(10, rest).double;
    let sharpness = work.done(5, whole).double - work.done(4, whole).double;
    // Sharpness at 0, 5 and 10, the spectrum at the end.
    assert!((3.0 * sharpness + spectrum - work.total().double).abs() < 1e-12);
}

#[test]
fn a_search_is_done_where_it_has_measured() {
    let text = "name = \"c\"\n[[experiment]]\nid = \"c\"\nkind = \"critical-point\"\nfunction = \"sin\"\nhidden = [3]\n\
                interval = [-3, 3]\npoints = 16\nepochs = 10\n";
    let plan = SweepFile::parse(&Source {
        file: "x.toml".to_owned(),
        text: text.to_owned(),
        profile: None,
        overrides: Vec::new(),
        kinds: Vec::new(),
    });
    let plan = plan.unwrap().expand(&Datasets::new(), 10).unwrap();
    let Experiment::CriticalPoint(parameters) = &plan.tasks[0].spec.experiment else { panic!("a search") };
    let work = CriticalPointWork::new(parameters);
    let samples = u64::from(parameters.minimal_ratio.samples);
    let places = [
        (SearchStage::Train, 0),
        (SearchStage::Train, 10),
        (SearchStage::Search, 3),
        (SearchStage::Search, 5_000),
        (SearchStage::Polish, 7),
        (SearchStage::Polish, u64::MAX),
        (SearchStage::Measure, 0),
        (SearchStage::Sample, 0),
        (SearchStage::Sample, samples),
    ];
    let shares = places.map(|(stage, times)| work.share(stage, times));
    assert!(shares.is_sorted(), "{shares:?}");
    assert_eq!(shares[0], 0.0);
    assert!((shares[8] - 1.0).abs() < 1e-12 && shares[7] < 1.0, "{shares:?}");
}

#[test]
fn work_without_bounds_is_a_finite_number() {
    let huge = format!(
        "name = \"t\"\n[[experiment]]\nid = \"f\"\nkind = \"fit-function\"\nfunction = \"sin\"\ninterval = [-3, 3]\n\
         hidden = [3000, 3000]\npoints = 100000\nsteps = {}\nprobes = [\"trace\", \"spectrum\"]\n\
         probe = {{ every = {{ steps = 1 }}, lanczos_steps = 1000, vectors = 100 }}\n",
        TrainingTime::MOST_STEPS
    );
    let work = seconds(works(&huge, None)[0].1);
    assert!(work.is_finite() && work > 1e9, "{work}");
    let graph = ConvNet { conv: vec![4], kernel: 3, dense: vec![8] }.graph(&IMAGE, 10).unwrap();
    let network = NetworkWork::of(&graph);
    for (examples, budget) in [
        (u64::MAX, TrainingTime::Epochs(u32::MAX)),
        (0, TrainingTime::Steps(u64::MAX)),
        (1, TrainingTime::Epochs(0)),
    ] {
        let clock = TrainingClock::new(budget, examples, 1);
        let examples = SplitSizes { train: examples, test: examples };
        let settings = TrainingSettings::of(Optimizer::adam(1e-3));
        let work = TrainingWork::new(&network, &settings, clock, examples, true);
        assert!(work.total().total().is_finite(), "{examples:?} {budget:?}");
        assert!((0.0..=1.0).contains(&work.share(u64::MAX, StepRest::Nothing)), "{examples:?} {budget:?}");
    }
}

#[test]
fn a_pace_scales_each_sort_by_itself() {
    let work = WorkSeconds { products: 1.0, elements: 2.0, double: 3.0, scalar: 4.0, fixed: 5.0 };
    let pace = MachinePace { products: 2.0, elements: 3.0, double: 5.0, scalar: 7.0 };
    assert_eq!(work.at(&pace), 2.0 + 6.0 + 15.0 + 28.0 + 5.0);
    assert_eq!(work.total(), 15.0);
}
