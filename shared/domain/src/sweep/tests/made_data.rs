//! Data sets that Basin makes from parameters, and data sets that an experiment can't be run on.

use super::{error_of, planned, shown, source};
use crate::data::{Contents, Encoding, InputKind, Recipe, SplitSizes, TargetKind, made_digest};
use crate::experiment::Experiment;
use crate::id::DatasetName;
use crate::sweep::{DatasetContents, Datasets, SweepFile};

fn with(data: &str, model: &str) -> String {
    format!(
        "name = \"x\"\n\n[[experiment]]\nid = \"a\"\nkind = \"classify\"\nmodel = {{ {model} }}\nbatch_size = 64\nepochs = 3\ndata = {{ {data} }}\n"
    )
}

const MODULAR: &str = "name = \"modular-addition\", modulus = 97, encoding = \"one-hot\"";

#[test]
fn the_parameters_of_made_data_enter_the_task_and_its_data_sets_digest() {
    let task = planned(&with(MODULAR, "dense = [8]")).tasks[0].clone();
    let Experiment::Classify(it) = &task.spec.experiment else { panic!("it classifies") };
    let recipe = it.data.recipe.unwrap();
    assert_eq!((recipe.name(), it.data.encoding), ("modular-addition", Encoding::OneHot));
    assert_eq!(task.spec.data.as_ref().map(|data| data.digest), Some(recipe.digest()));
    let other = MODULAR.replace("97", "59");
    assert_ne!(planned(&with(&other, "dense = [8]")).tasks[0].id, task.id);
    let varied = "name = \"modular-addition\", modulus = 97, encoding = \"one-hot\" }\ngrid = { data.draw_seed = [0, 1, 2]";
    assert_eq!(planned(&with(varied, "dense = [8]")).tasks.len(), 3);
}

#[test]
fn a_reference_to_made_data_has_its_parameters_digest() {
    let file = SweepFile::parse(&source(&with(MODULAR, "dense = [8]"))).unwrap();
    let wanted: Vec<_> = file.datasets().into_iter().collect();
    assert_eq!(wanted.len(), 1);
    let digest = made_digest(&wanted[0]).unwrap();
    assert_eq!(made_digest(&DatasetName::new("modular-addition").unwrap().into()), None);
    let recipe = *planned(&with(MODULAR, "dense = [8]")).tasks[0].spec.experiment.recipe().unwrap();
    assert_eq!((recipe.digest(), recipe.sizes()), (digest, SplitSizes { train: 4_704, test: 4_705 }));
    assert!(matches!(recipe, Recipe::ModularArithmetic { modulus: 97, .. }));
}

#[test]
fn wrong_parameters_of_made_data_are_refused_with_their_line() {
    for (data, expected) in [
        (
            "name = \"modular-addition\"",
            "x.toml:3: experiment \"a\" (classify) needs `data.modulus`\nhint: data = { name = \"modular-addition\", modulus = 97 }",
        ),
        (
            "name = \"modular-division\", modulus = 91",
            "x.toml:9: `data.modulus` is 91, and division needs a prime\nhint: data.modulus = 97",
        ),
        (
            "name = \"sparse-parity\", bits = 3, relevant = 4",
            "x.toml:9: `data.relevant` is 4, and an example has 3 bits\nhint: data.relevant = 3",
        ),
        (
            "name = \"spirals\", modulus = 7",
            "x.toml:9: `data.modulus` is no parameter of the data set spirals",
        ),
        (
            "name = \"shapes\", draw_seed = 7",
            "x.toml:9: `data.draw_seed` is no parameter of the data set shapes",
        ),
        (
            "name = \"spirals@1a2b\"",
            "x.toml:9: spirals is made by Basin from its parameters\nhint: name = \"spirals\", without a version",
        ),
        (
            "name = \"spirals\", encoding = \"one-hot\"",
            "x.toml:3: experiment \"a\" can't be run on spirals: `data.encoding` is of tokens, and the data set has 2 numbers each\nhint: leave `data.encoding` out",
        ),
        (
            "name = \"teacher\"",
            "x.toml:3: experiment \"a\" can't be run on teacher: it learns classes, and the data set has a value to predict\nhint: kind = \"regress\" learns values; or import it with a column of classes as its target",
        ),
        (
            "name = \"../x\"",
            "x.toml:9: `../x` is not a data set name: 1 to 60 letters, digits, `-`, `_` and `.` are expected, the first a letter or a digit\nhint: any imported data set's name will do, and so will cifar10, cifar100, emnist, fashion-mnist, kmnist, mnist, shapes, modular-addition, modular-subtraction, modular-multiplication, modular-division, sparse-parity, gaussian-mixture, spirals, teacher",
        ),
    ] {
        assert_eq!(error_of(&with(data, "dense = [8]")), expected);
    }
    assert_eq!(
        error_of(&with("name = \"spirals\"", "conv = [4], dense = []")),
        "x.toml:6: the network's `conv[0]` is `conv-relu-pool`, which takes an image, and its input is a vector of 2\nhint: take it out, or put it where its input is an image"
    );
}

#[test]
fn a_data_set_that_is_not_there_is_refused_with_those_that_are() {
    let file = SweepFile::parse(&source(&with("name = \"my-flower\"", "dense = [8]"))).unwrap();
    let names = ["my-flowers", "shapes"].map(|name| DatasetName::new(name).unwrap());
    let error = file.with_names(names.into()).expand(&Datasets::new(), 100).unwrap_err();
    assert_eq!(
        shown(&error),
        "x.toml:9: the data set \"my-flower\" isn't there; did you mean \"my-flowers\"?\nhint: there are my-flowers, shapes; `basin data import my-flower PATH` adds it"
    );
}

#[test]
fn an_imported_data_set_is_held_against_the_experiment() {
    let name = DatasetName::new("houses").unwrap();
    let contents = Contents {
        sizes: SplitSizes { train: 10, test: 5 },
        example: InputKind::Features(vec![13]),
        target: TargetKind::Values(1),
    };
    let file = SweepFile::parse(&source(&with("name = \"houses\"", "dense = [8]"))).unwrap();
    let digest = crate::digest::Digest::of(b"houses");
    let file = file.with_contents(DatasetContents::from([(name.clone().into(), contents)]));
    let error = file.expand(&Datasets::from([(name.into(), digest)]), 100).unwrap_err();
    assert!(shown(&error).contains("it learns classes, and the data set has a value to predict"), "{error}");
}
