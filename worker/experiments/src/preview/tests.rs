//! Examples to look at, of small data sets.

use std::fs;
use std::sync::Arc;

use super::*;
use crate::dataset::{ImportOptions, generate, import};
use basin_domain::data::{Augmentation, DataUse, Dataset as NamedDataset, ModularOperation, Recipe};
use basin_domain::experiment::{Classify, ConvNet, Experiment, StreamSeeds, TrainingSettings, TrainingTime};
use basin_domain::id::DatasetName;
use basin_domain::optimizer::Optimizer;

/// Two classes of grey images of 4×4: those of `dark` hold the example's place, those of `light` 255 less it; 12 to train, 4 to test.
fn images() -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    for (split, count) in [("train", 12_u8), ("test", 4)] {
        let shade = |at: u8| if at.is_multiple_of(2) { at } else { 255 - at };
        let pixels: Vec<u8> = (0..count).flat_map(|at| [shade(at); 16]).collect();
        let header = |dimensions: &[u8]| {
            let sizes = dimensions.iter().flat_map(|size| [0, 0, 0, *size]);
            [0, 0, 8, dimensions.len() as u8].into_iter().chain(sizes).collect::<Vec<u8>>()
        };
        let labels: Vec<u8> = (0..count).map(|at| at % 2).collect();
        let file = |kind: &str| folder.path().join(format!("{split}-{kind}-ubyte"));
        fs::write(file("images-idx3"), [header(&[count, 4, 4]), pixels].concat()).unwrap();
        fs::write(file("labels-idx1"), [header(&[count]), labels].concat()).unwrap();
    }
    let (name, to) = (DatasetName::new("shades").unwrap(), folder.path().join("data.basin"));
    import(&name, folder.path(), &ImportOptions::default(), &to).unwrap();
    Dataset::open(&to).unwrap()
}

const QUERY: ExampleQuery = ExampleQuery { split: Split::Train, seed: 0, class: None, most: 16 };

fn task(data: DataUse, augmentation: Augmentation) -> TaskSpec {
    let parameters = Classify {
        model: ConvNet { conv: vec![], kernel: 3, dense: vec![2] }.into(),
        data,
        augmentation,
        seeds: StreamSeeds::default(),
        loss: Default::default(),
        batch_size: 4,
        budget: TrainingTime::Epochs(1),
        training: TrainingSettings::of(Optimizer::adam(1e-3)),
    };
    let data = NamedDataset {
        name: DatasetName::new("shades").unwrap(),
        digest: basin_domain::digest::Digest::of(b""),
    };
    let version = Classify::VERSION;
    TaskSpec {
        experiment: Experiment::Classify(parameters),
        version,
        seed: 3,
        data: Some(data),
        inputs: Default::default(),
    }
}

fn of(data: DataUse, augmentation: Augmentation, query: ExampleQuery) -> Preview {
    let assets = Assets { dataset: Some(Arc::new(images())), ..Assets::default() };
    of_task(&task(data, augmentation), &assets, query).unwrap()
}

fn pixels(example: &PreviewExample) -> &[u8] {
    match &example.input {
        PreviewInput::Image { pixels, .. } => pixels,
        other => panic!("{other:?} is no image"),
    }
}

#[test]
fn some_are_drawn_by_a_seed_and_of_one_class_if_that_is_asked_for() {
    let dataset = images();
    let places = |query| -> Vec<u32> {
        of_dataset(&dataset, query).examples.iter().map(|example| example.place).collect()
    };
    assert_eq!(places(QUERY), (0..12).collect::<Vec<_>>());
    let few = ExampleQuery { most: 3, ..QUERY };
    assert_eq!((places(few).len(), places(few)), (3, places(few)));
    assert!((1..9).any(|seed| places(ExampleQuery { seed, ..few }) != places(few)));
    let light = of_dataset(&dataset, ExampleQuery { class: Some(1), ..QUERY });
    assert_eq!((light.count, light.examples.len()), (6, 6));
    assert!(light.examples.iter().all(|it| it.target == PreviewTarget::Class { label: 1, before: None }));
    assert_eq!(pixels(&light.examples[0]), [254; 16]);
    let none = of_dataset(&dataset, ExampleQuery { class: Some(7), split: Split::Test, ..QUERY });
    assert_eq!((none.count, none.examples.len()), (0, 0));
}

#[test]
fn a_task_sees_what_the_data_set_holds_where_it_changes_nothing() {
    let plain = of(DataUse::default(), Augmentation::default(), QUERY);
    assert_eq!(plain, of_dataset(&images(), QUERY));
    let limited = of(DataUse { train_limit: Some(5), ..DataUse::default() }, Augmentation::default(), QUERY);
    assert_eq!(limited.count, 5);
}

#[test]
fn a_task_sees_its_corrupted_labels_beside_the_right_ones() {
    let data = DataUse { label_noise: 1.0, ..DataUse::default() };
    let noisy = of(data, Augmentation::default(), QUERY);
    let mut replaced = 0;
    for example in &noisy.examples {
        let PreviewTarget::Class { label, before } = example.target else { panic!("it has a class") };
        assert_eq!(before.unwrap_or(label), example.place % 2);
        replaced += usize::from(before.is_some());
    }
    assert!((1..12).contains(&replaced), "{replaced}");
}

#[test]
fn training_images_are_seen_augmented_and_test_images_are_not() {
    let crop = Augmentation { crop: 2, ..Augmentation::default() };
    let train = of(DataUse::default(), crop, ExampleQuery { class: Some(1), ..QUERY });
    let has_border = |example: &PreviewExample| pixels(example).contains(&0);
    assert!(train.examples.iter().any(has_border));
    assert!(train.examples.iter().all(|it| pixels(it).iter().all(|&pixel| pixel == 0 || pixel > 240)));
    let test = ExampleQuery { split: Split::Test, ..QUERY };
    assert_eq!(of(DataUse::default(), crop, test), of_dataset(&images(), test));
}

#[test]
fn a_summary_counts_classes_and_describes_channels() {
    let summary = summary(&images());
    let counts: Vec<_> = summary.classes.iter().map(|it| (it.name.as_str(), it.train, it.test)).collect();
    assert_eq!(counts, [("0", 6, 2), ("1", 6, 2)]);
    assert_eq!((summary.inputs[0].minimum, summary.inputs[0].maximum), (0.0, 254.0));
    assert_eq!((summary.inputs.len(), summary.values.len(), summary.used_tokens), (1, 0, None));
}

#[test]
fn tokens_and_values_are_shown_as_they_are() {
    let made = |recipe: Recipe| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data.basin");
        generate(&DatasetName::new(recipe.name()).unwrap(), Some(&recipe), &file).unwrap();
        Dataset::open(&file).unwrap()
    };
    let addition = made(Recipe::ModularArithmetic {
        operation: ModularOperation::Addition,
        modulus: 7,
        train_share: 0.5,
        seed: 0,
    });
    for example in of_dataset(&addition, QUERY).examples {
        let (PreviewInput::Tokens(tokens), PreviewTarget::Class { label, .. }) =
            (example.input, example.target)
        else {
            panic!("they are tokens with a class");
        };
        assert_eq!((tokens[2], label), (7, (tokens[0] + tokens[1]) % 7));
    }
    assert!(summary(&addition).used_tokens.is_some_and(|used| used <= 8));
    let teacher = made(Recipe::Teacher { inputs: 3, hidden: 4, noise: 0.0, train: 50, test: 5, seed: 1 });
    let numbers = summary(&teacher);
    assert_eq!((numbers.inputs.len(), numbers.values.len(), numbers.classes.len()), (3, 1, 0));
    let shown = of_dataset(&teacher, QUERY);
    let PreviewTarget::Values(values) = &shown.examples[0].target else { panic!("it has a value") };
    assert!(values[0] >= numbers.values[0].minimum as f32 && values[0] <= numbers.values[0].maximum as f32);
}
