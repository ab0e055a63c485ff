//! Memory is about what was measured, grows with what there is to hold, and is finite whatever a sweep file says.

use crate::data::Contents;
use crate::experiment::Experiment;
use crate::sweep::{Datasets, Source, SweepFile};

const MIB: f64 = (1 << 20) as f64;

/// The experiment of a sweep file over the built-in images, limited to so many of them.
fn of_images(train: u32, test: u32, lines: &str) -> Experiment {
    let text = format!(
        "name = \"t\"\ndata = {{ name = \"shapes\", train_limit = {train}, test_limit = {test} }}\n\
         [[experiment]]\nid = \"i\"\nkind = \"classify\"\nepochs = 2\nlearning_rate = 1e-3\n{lines}\n"
    );
    parsed(&text)
}

fn parsed(text: &str) -> Experiment {
    let source = Source {
        file: "x.toml".to_owned(),
        text: text.to_owned(),
        profile: None,
        overrides: Vec::new(),
        kinds: Vec::new(),
    };
    let plan = SweepFile::parse(&source).unwrap().expand(&Datasets::new(), 10).unwrap();
    plan.tasks[0].spec.experiment.clone()
}

fn mebibytes(experiment: &Experiment, lanes: u32) -> f64 {
    experiment.executor_memory(Contents::of_built_in("shapes").as_ref(), lanes).unwrap() as f64 / MIB
}

const FITS: &str = "name = \"t\"\n[[experiment]]\nid = \"f\"\nkind = \"fit-function\"\nfunction = \"sin\"\nhidden = [8]\n\
                    interval = [-3.0, 3.0]\npoints = 32\nepochs = 200\noptimizer = \"adam\"\nlearning_rate = 1e-2\n";

#[test]
fn it_is_about_what_executors_of_one_thread_were_measured_to_have() {
    let adam = "optimizer = \"adam\"";
    let dense = |width: &str| format!("{adam}\nbatch_size = 32\nmodel = {{ dense = [{width}] }}");
    let conv = |batch: u32, maps: u32| {
        format!("{adam}\nbatch_size = {batch}\nmodel = {{ conv = [{maps}, {maps}], dense = [16] }}")
    };
    let probed = |lines: String, probe: &str| format!("{lines}\nprobes = [\"{probe}\"]");
    // docs/measuring.md: training and test images, settings, the peak in MiB.
    for (train, test, lines, measured) in [
        (512, 128, dense("16"), 104.7),
        (8_192, 1_024, dense("16"), 117.2),
        (128, 64, dense("64"), 97.5),
        (512, 128, dense("1024, 1024"), 200.3),
        (512, 128, dense("1024, 1024").replace("adam", "sgd"), 184.2),
        (512, 128, dense("4096"), 428.2),
        (512, 128, conv(32, 16), 120.3),
        (512, 128, conv(512, 16), 136.4),
        (256, 64, conv(64, 32), 116.1),
        (256, 64, conv(256, 32), 122.9),
        (256, 64, probed(conv(32, 16), "sharpness"), 139.0),
        (128, 64, probed(dense("64"), "largest_eigenvalue"), 140.4),
        (128, 64, probed(dense("64"), "spectrum"), 275.7),
    ] {
        let predicted = mebibytes(&of_images(train, test, &lines), 1);
        let ratio = predicted / measured;
        println!("{predicted:.0} MiB, measured {measured} MiB: {lines}");
        assert!((0.8..1.25).contains(&ratio), "{predicted:.1} MiB, measured {measured} MiB: {lines}");
    }
    let fits = parsed(FITS).executor_memory(None, 1).unwrap() as f64 / MIB;
    assert!((0.8..1.25).contains(&(fits / 24.0)), "{fits}");
}

#[test]
fn it_grows_with_lanes_batches_examples_snapshots_and_what_the_optimiser_keeps() {
    let lines = |batch: u32, rest: &str| {
        format!("batch_size = {batch}\nmodel = {{ conv = [16, 16], dense = [256] }}\n{rest}")
    };
    let of = |batch, rest: &str| mebibytes(&of_images(512, 128, &lines(batch, rest)), 1);
    let plain = of(32, "optimizer = \"sgd\"");
    assert!(of(256, "optimizer = \"sgd\"") > plain);
    assert!(of(32, "optimizer = \"adam\"") > plain);
    assert!(of(32, "optimizer = \"sgd\"\nmomentum = 0.9") > plain);
    assert!(of(32, "optimizer = \"sgd\"\nrecord.weights_every = 1") > plain);
    let experiment = of_images(512, 128, &lines(32, "optimizer = \"sgd\""));
    let [one, two, three] = [1, 2, 3]
        .map(|lanes| experiment.executor_memory(Contents::of_built_in("shapes").as_ref(), lanes).unwrap());
    assert_eq!(three - two, two - one, "what they share counts once");
    assert_eq!(experiment.executor_memory(Contents::of_built_in("shapes").as_ref(), 0), Some(one));
}

#[test]
fn what_nobody_can_count_has_none() {
    let experiment = of_images(512, 128, "optimizer = \"adam\"\nbatch_size = 32\nmodel = { dense = [16] }");
    assert_eq!(experiment.executor_memory(None, 1), None, "what the data set holds isn't known");
    let critical = parsed(
        "name = \"t\"\n[[experiment]]\nid = \"c\"\nkind = \"critical-point\"\nfunction = \"sin\"\nhidden = [2]\n\
         interval = [-3, 3]\npoints = 8\nepochs = 1\nsearch = { method = \"gradient-norm\", threshold = 1e-3 }\n\
         minimal_ratio = { radius = 0.1 }\n",
    );
    assert_eq!(critical.executor_memory(None, 1), None);
}

#[test]
fn numbers_beyond_any_machine_do_not_wrap_around() {
    let huge = "optimizer = \"adam\"\nbatch_size = 512\nmodel = { dense = [16384] }";
    let experiment = of_images(512, 128, huge);
    let memory = experiment.executor_memory(Contents::of_built_in("shapes").as_ref(), u32::MAX).unwrap();
    assert!(memory > 1 << 40);
}
