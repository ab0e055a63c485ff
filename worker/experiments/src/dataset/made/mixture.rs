//! A mixture of normal distributions (Bishop 2006, Pattern Recognition and Machine Learning, section 2.3.9).

use basin_domain::data::Recipe;
use basin_domain::random::Stream;

use super::super::decoded::Decoded;
use super::classified::numbered;

/// The class of an example is its index modulo the number of classes; the order of examples is drawn by each run.
pub(super) fn generate(
    recipe: &Recipe,
    classes: u32,
    dimensions: u32,
    separation: f64,
    sizes: [u32; 2],
    seed: u64,
) -> Decoded {
    let mean = |class: u32| {
        let mut stream = Stream::new(seed, &format!("gaussian-mixture/mean/{class}"));
        let direction: Vec<f64> = (0..dimensions).map(|_| stream.normal()).collect();
        let length = direction.iter().map(|it| it * it).sum::<f64>().sqrt();
        direction.into_iter().map(|it| it * separation / length).collect::<Vec<f64>>()
    };
    let means: Vec<Vec<f64>> = (0..classes).map(mean).collect();
    super::classified::classified(
        recipe,
        (dimensions, numbered(classes)),
        sizes,
        seed,
        |index, stream, numbers| {
            let class = index % classes;
            numbers.extend(means[class as usize].iter().map(|mean| (mean + stream.normal()) as f32));
            class
        },
    )
}
