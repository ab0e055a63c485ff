//! Functions as expressions, their points, and the seeds and augmentation of what is trained.

use super::{error_of, planned};
use crate::experiment::Experiment;

fn fit(lines: &str) -> String {
    format!(
        "name = \"f\"\n\n[[experiment]]\nid = \"f\"\nkind = \"fit-function\"\nhidden = [4]\nepochs = 2\npoints = 9\n{lines}\n"
    )
}

fn images(lines: &str) -> String {
    format!(
        "name = \"c\"\ndata = {{ name = \"shapes\" }}\n\n[[experiment]]\nid = \"c\"\nkind = \"classify\"\nmodel = {{ conv = [4], dense = [] }}\nepochs = 2\nbatch_size = 8\n{lines}\n"
    )
}

fn id(text: &str) -> String {
    planned(text).tasks[0].id.to_string()
}

#[test]
fn an_expression_is_a_function_and_its_spelling_makes_no_difference() {
    let sin = "function = \"sin\"\ninterval = [-1, 1]";
    assert_eq!(id(&fit(sin)), id(&fit(&sin.replace("\"sin\"", "\" sin(x) \""))));
    let stairs = "function = \"floor(3*x)/3\"\ninterval = [-1, 1]";
    assert_eq!(id(&fit(stairs)), id(&fit(&stairs.replace("floor(3*x)/3", "floor( 3*x ) / 3"))));
    assert_ne!(id(&fit(stairs)), id(&fit(sin)));
}

#[test]
fn one_interval_is_that_of_all_variables() {
    let one = "function = \"x1*x2\"\ninterval = [-1, 1]";
    let both = one.replace("[-1, 1]", "[[-1, 1], [-1, 1]]");
    assert_eq!(id(&fit(one)), id(&fit(&both)));
    let Experiment::FitFunction(it) = planned(&fit(one)).tasks[0].spec.experiment.clone() else {
        panic!("it fits a function")
    };
    assert_eq!((it.sampled().count(), it.parameter_count()), (81, 3 * 4 + 5));
    assert!(!it.series().contains(&"prediction"));
}

#[test]
fn functions_that_cannot_be_fitted_are_refused_with_their_line() {
    for (lines, expected) in [
        (
            "function = \"sin(5*pi*x)/(5*pi*x)\"\ninterval = [-1, 1]",
            "x.toml:9: `function` has the value NaN at x = 0\nhint: another interval or number of points leaves it out; sin(x)/x with its limit at 0 is sinc(x), and if(x == 0, 1, 1/x) chooses a value",
        ),
        (
            "function = \"sin(x\"\ninterval = [-1, 1]",
            "x.toml:9: `function` is no function of x: at character 6: a `)` is missing\nhint: sin, cube, or an expression: \"exp(-x)*cos(4*pi*x)\"",
        ),
        (
            "function = \"x1*x2\"\ninterval = [[-1, 1], [0, 1], [0, 2]]",
            "x.toml:10: `interval` lists 3 intervals, and the function has 2 variables\nhint: one interval is that of all variables",
        ),
        (
            "function = \"x1*x2*x3*x4*x5*x6*x7\"\ninterval = [-1, 1]",
            "x.toml:8: `points` is 9 along each of 7 axes, which makes more than 1000000 points\nhint: sampling = \"random\" draws so many and no more",
        ),
        (
            "function = \"x\"\ninterval = [-1, 1]\nsampling = \"sobol\"",
            "x.toml:11: unknown sampling \"sobol\"\nhint: known are grid, random",
        ),
        (
            "function = \"x\"\ninterval = [-1, 1]\nseed = { augmentation = 1 }",
            "x.toml:11: `seed.augmentation` isn't a parameter",
        ),
    ] {
        let error = error_of(&fit(lines));
        assert!(
            error == expected || expected.ends_with("isn't a parameter") && error != "nothing",
            "{error}"
        );
    }
}

#[test]
fn what_augments_corrupts_and_draws_enters_the_task_where_it_matters() {
    let plain = id(&images(""));
    for lines in [
        "augmentation = { crop = 0, flip = false, cutout = 0 }",
        "augmentation = { reflect = false, alternate = false }",
        "seed.augmentation = 3",
        "seed.noise = 3",
        "data.pixels = \"as-they-are\"",
        "data.label_copies = 0",
    ] {
        assert_eq!(id(&images(lines)), plain, "{lines}");
    }
    let mut ids: Vec<String> = [
        "augmentation.crop = 4",
        "augmentation = { crop = 4, flip = true }",
        "augmentation = { crop = 4, flip = true, reflect = true }",
        "augmentation = { crop = 4, flip = true, alternate = true }",
        "augmentation = { crop = 4, flip = true }\nseed.augmentation = 3",
        "seed.order = 3",
        "seed.initialization = 3",
        "data.label_noise = 0.5",
        "data.label_noise = 0.5\nseed.noise = 3",
        "data.pixels = \"shuffled\"",
        "data.pixels = \"gaussian\"",
        "data.label_copies = 2",
    ]
    .map(|lines| id(&images(lines)))
    .to_vec();
    ids.push(plain);
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
    assert_eq!(planned(&images("grid = { seed.initialization = [0, 1, 2] }")).tasks.len(), 3);
}

#[test]
fn augmentation_and_corruption_that_cannot_be_are_refused() {
    for (lines, expected) in [
        (
            "augmentation.crop = 40",
            "x.toml:4: experiment \"c\" can't be run on shapes: `augmentation.crop` is 40, and the images are 32×32\nhint: a number up to the images' sides",
        ),
        ("augmentation.reflect = true", "x.toml:10: `augmentation.reflect` needs `augmentation.crop`"),
        (
            "augmentation = { crop = 2, alternate = true }",
            "x.toml:10: `augmentation.alternate` needs `augmentation.flip`",
        ),
        (
            "data.label_matrix = [[0.5, 0.5], [0, 1]]",
            "x.toml:4: experiment \"c\" can't be run on shapes: `data.label_matrix` has 2 rows, and the data set has 10 classes\nhint: a row for each class, of as many numbers",
        ),
        (
            "data.label_matrix = [[0.5, 0.4], [0, 1]]",
            "x.toml:10: `data.label_matrix` must be a row for each class, of as many probabilities that add up to 1\nhint: data.label_matrix = [[0.9, 0.1], [0.0, 1.0]]",
        ),
        (
            "data.pixels = \"shuffle\"",
            "x.toml:10: unknown way to treat pixels \"shuffle\"; did you mean \"shuffled\"?\nhint: known are as-they-are, shuffled, shuffled-each, gaussian",
        ),
        (
            "data.whitening = 0.1",
            "x.toml:4: experiment \"c\" can't be run on shapes: `data.whitening` is of examples of at most 1024 numbers, and the data set has images of 3×32×32\nhint: leave it out; { patch-whitening = 24 } as the first layer whitens the patches of images of any size",
        ),
        (
            "data.whitening = 0",
            "x.toml:10: `data.whitening` must be a number above 0, not 0\nhint: without `data.whitening` its default holds",
        ),
        (
            "augmentation.flip = 1",
            "x.toml:10: `augmentation.flip` must be true or false, not 1\nhint: without `augmentation.flip` its default holds",
        ),
        (
            "data.label_copies = -1",
            "x.toml:10: `data.label_copies` must be a whole number from 0 to 1000, not -1\nhint: without `data.label_copies` its default holds",
        ),
        (
            "seed.order = -1",
            "x.toml:10: `seed.order` must be a whole number from 0 to 9223372036854775807, not -1\nhint: without `seed.order` its default holds",
        ),
    ] {
        assert_eq!(error_of(&images(lines)), expected, "{lines}");
    }
    let spirals = images("augmentation.flip = true")
        .replace("name = \"shapes\"", "name = \"spirals\"")
        .replace("conv = [4], dense = []", "dense = [4]");
    assert_eq!(
        error_of(&spirals),
        "x.toml:4: experiment \"c\" can't be run on spirals: `augmentation.flip` is of images, and the data set has 2 numbers each\nhint: leave it out"
    );
    let whitened = images("data.whitening = 0.1").replace("conv = [4], dense = []", "dense = [4]");
    let on = |data: &str| whitened.replace("name = \"shapes\"", &format!("name = {data}"));
    assert_eq!(
        error_of(&on("\"modular-addition\", modulus = 97")),
        "x.toml:4: experiment \"c\" can't be run on modular-addition: `data.whitening` is of images and numbers, and the data set has sequences of 3 of 98 tokens\nhint: leave it out"
    );
    assert_ne!(id(&on("\"spirals\"")), id(&on("\"spirals\"").replace("data.whitening = 0.1", "")));
}
