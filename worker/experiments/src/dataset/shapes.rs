//! `shapes`: images made by Basin itself, for where no data is to be had.
//!
//! 32×32 RGB, ten classes of shapes. The class is the outline alone: position, size, tilt, stretch, colours and textures
//! of shape and ground are random, a scrap may lie around, a bar may cover a part, and all pixels are noisy; so there is
//! something to learn, and something to learn by heart. Convolutions of 16 and 32 channels and a dense layer of 64,
//! trained by Adam for ten epochs of batches of 64, get 80 to 81 % of the test images right and 92 to 95 % of the training
//! images (three seeds).
//!
//! Every image has its own random stream, and all arithmetic is addition, multiplication, division and square root, which
//! IEEE 754 defines to the last bit: the bytes are the same on every machine and with any number of threads.

use std::thread;

use basin_domain::random::Stream;

use super::decoded::{Decoded, LabelledImages};

pub(super) const NAME: &str = "shapes";
/// The number of training images.
pub(super) const TRAIN: usize = 20_000;
/// The number of test images.
pub(super) const TEST: usize = 4_000;
const CLASSES: [&str; 10] =
    ["disc", "square", "triangle", "star", "ring", "cross", "bar", "crescent", "half disc", "frame"];
const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const IMAGE: usize = 3 * PLANE;

/// Images whose labels are `index % 10`; the order of examples is drawn by each run.
pub(super) fn generate(train: usize, test: usize) -> Decoded {
    let shape = [3, SIDE as u32, SIDE as u32];
    Decoded::images(NAME, &CLASSES, shape, generate_split("train", train), generate_split("test", test))
}

fn generate_split(split: &str, count: usize) -> LabelledImages {
    let mut images = vec![0; count * IMAGE];
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = count.div_ceil(threads).max(1);
    thread::scope(|scope| {
        for (part, images) in images.chunks_mut(share * IMAGE).enumerate() {
            scope.spawn(move || {
                for (offset, image) in images.chunks_exact_mut(IMAGE).enumerate() {
                    let index = part * share + offset;
                    draw(
                        &mut Stream::new(0, &format!("shapes/{split}/{index}")),
                        index % CLASSES.len(),
                        image,
                    );
                }
            });
        }
    });
    LabelledImages { images, labels: (0..count).map(|index| (index % CLASSES.len()) as u32).collect() }
}

type Colour = [f64; 3];

fn between(stream: &mut Stream, low: f64, high: f64) -> f64 {
    low + (high - low) * stream.uniform()
}

fn colour(stream: &mut Stream) -> Colour {
    [0; 3].map(|_| between(stream, 20.0, 235.0))
}

fn distance(a: Colour, b: Colour) -> f64 {
    (0..3).map(|channel| (a[channel] - b[channel]) * (a[channel] - b[channel])).sum::<f64>().sqrt()
}

/// A colour that differs from `other` by at least `least`, so that there is something to be seen.
fn colour_unlike(stream: &mut Stream, other: Colour, least: f64) -> Colour {
    loop {
        let drawn = colour(stream);
        if distance(drawn, other) >= least {
            return drawn;
        }
    }
}

/// A random unit vector, by rejection: sine and cosine may differ between machines.
fn direction(stream: &mut Stream) -> (f64, f64) {
    loop {
        let (x, y) = (between(stream, -1.0, 1.0), between(stream, -1.0, 1.0));
        let square = x * x + y * y;
        if (0.01..=1.0).contains(&square) {
            let length = square.sqrt();
            return (x / length, y / length);
        }
    }
}

/// A unit vector at most 45 degrees from the horizontal.
fn tilt(stream: &mut Stream) -> (f64, f64) {
    let (x, y) = direction(stream);
    let (x, y) = (x.abs() + 1.0, y);
    let length = (x * x + y * y).sqrt();
    (x / length, y / length)
}

/// A plane with its own origin, rotation and scale.
#[derive(Debug, Clone, Copy)]
struct Frame {
    x: f64,
    y: f64,
    along: (f64, f64),
    scale: (f64, f64),
}

impl Frame {
    fn draw(stream: &mut Stream, margin: f64, (smallest, largest): (f64, f64)) -> Self {
        let size = between(stream, smallest, largest);
        let stretch = between(stream, 0.8, 1.25);
        let side = SIDE as f64;
        Self {
            x: between(stream, margin * size, side - margin * size),
            y: between(stream, margin * size, side - margin * size),
            along: tilt(stream),
            scale: (size * stretch, size / stretch),
        }
    }

    /// Where the pixel's centre lies in the frame.
    fn local(&self, column: usize, row: usize) -> (f64, f64) {
        let (dx, dy) = (column as f64 + 0.5 - self.x, row as f64 + 0.5 - self.y);
        let (cosine, sine) = self.along;
        ((dx * cosine + dy * sine) / self.scale.0, (dy * cosine - dx * sine) / self.scale.1)
    }
}

/// How a surface is coloured.
#[derive(Debug, Clone, Copy)]
enum Pattern {
    Plain,
    Stripes,
    Checks,
    Gradient,
}

/// Two colours laid out in a pattern.
#[derive(Debug, Clone, Copy)]
struct Texture {
    colours: (Colour, Colour),
    pattern: Pattern,
    along: (f64, f64),
    period: f64,
    phase: f64,
}

impl Texture {
    /// A texture whose second colour differs a little from `base`.
    fn draw(stream: &mut Stream, base: Colour) -> Self {
        let second = base.map(|value| value + between(stream, -35.0, 35.0));
        let pattern = match stream.below(4) {
            0 => Pattern::Plain,
            1 => Pattern::Stripes,
            2 => Pattern::Checks,
            _ => Pattern::Gradient,
        };
        let along = direction(stream);
        Self {
            colours: (base, second),
            pattern,
            along,
            period: between(stream, 3.0, 9.0),
            phase: stream.uniform(),
        }
    }

    fn at(&self, column: usize, row: usize) -> Colour {
        let (x, y) = (column as f64, row as f64);
        let along = (x * self.along.0 + y * self.along.1) / self.period + self.phase;
        let across = (y * self.along.0 - x * self.along.1) / self.period + self.phase;
        let odd = |value: f64| value.floor().rem_euclid(2.0) >= 1.0;
        let share = match self.pattern {
            Pattern::Plain => 0.0,
            Pattern::Stripes => f64::from(u8::from(odd(along))),
            Pattern::Checks => f64::from(u8::from(odd(along) != odd(across))),
            Pattern::Gradient => (along * self.period / SIDE as f64 + 0.5).clamp(0.0, 1.0),
        };
        let (first, second) = self.colours;
        [0, 1, 2].map(|channel| first[channel] + (second[channel] - first[channel]) * share)
    }
}

/// Whether the point lies inside the outline of `class`, which has radius 1.
fn is_inside(class: usize, (u, v): (f64, f64)) -> bool {
    let square = u * u + v * v;
    let box_radius = u.abs().max(v.abs());
    match class {
        0 => square < 0.7,
        1 => box_radius < 0.76,
        2 => v > -0.5 && 1.732_050_8 * u.abs() + v < 1.0,
        3 => is_in_star(u, v),
        4 => (0.28..0.9).contains(&square),
        5 => u.abs().min(v.abs()) < 0.26 && box_radius < 0.9,
        6 => u.abs() < 1.0 && v.abs() < 0.4,
        7 => square < 0.9 && (u - 0.45) * (u - 0.45) + v * v > 0.5,
        8 => square < 0.95 && u > -0.1,
        _ => (0.45..0.8).contains(&box_radius),
    }
}

/// A pentagram is where at least four of the five half-planes of its edges meet.
fn is_in_star(u: f64, v: f64) -> bool {
    /// Unit vectors every 72 degrees.
    const NORMALS: [(f64, f64); 5] = [
        (0.0, -1.0),
        (0.951_056_516, -0.309_016_994),
        (0.587_785_252, 0.809_016_994),
        (-0.587_785_252, 0.809_016_994),
        (-0.951_056_516, -0.309_016_994),
    ];
    NORMALS.iter().filter(|(x, y)| u * x + v * y < 0.38).count() >= 4
}

/// A surface and where it lies.
struct Piece {
    frame: Frame,
    texture: Texture,
    class: usize,
}

/// Draws an image of `class` as `[3, SIDE, SIDE]`.
fn draw(stream: &mut Stream, class: usize, image: &mut [u8]) {
    const BAR: usize = 6;
    let ground_colour = colour(stream);
    let ground = Texture::draw(stream, ground_colour);
    let mut pieces = Vec::with_capacity(6);
    // A scrap below the shape: too small to be taken for it, and of any outline.
    for _ in 0..stream.below(2) {
        let scrap_colour = colour(stream);
        pieces.push(Piece {
            frame: Frame::draw(stream, 0.0, (1.5, 3.5)),
            texture: Texture::draw(stream, scrap_colour),
            class: stream.below(CLASSES.len() as u64) as usize,
        });
    }
    let shape_colour = colour_unlike(stream, ground_colour, 120.0);
    let frame = Frame::draw(stream, 0.9, (9.0, 12.0));
    pieces.push(Piece { frame, texture: Texture::draw(stream, shape_colour), class });
    if stream.below(5) == 0 {
        let mut frame = Frame::draw(stream, 0.0, (5.0, 9.0));
        frame.scale = (24.0, between(stream, 3.0, 7.0));
        let bar_colour = colour(stream);
        pieces.push(Piece { frame, texture: Texture::draw(stream, bar_colour), class: BAR });
    }
    let noise = between(stream, 5.0, 20.0);
    for row in 0..SIDE {
        for column in 0..SIDE {
            let top =
                pieces.iter().rev().find(|piece| is_inside(piece.class, piece.frame.local(column, row)));
            let colour = top.map_or(ground, |piece| piece.texture).at(column, row);
            let bits = stream.next_u64();
            for (channel, value) in colour.into_iter().enumerate() {
                // The sum of two uniform numbers: a triangular distribution on (-1, 1).
                let pair = bits >> (channel * 16);
                let deviation = ((pair & 0xff) as f64 + (pair >> 8 & 0xff) as f64) / 255.0 - 1.0;
                image[channel * PLANE + row * SIDE + column] =
                    (value + noise * deviation * 2.0).round().clamp(0.0, 255.0) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::digest::Digest;

    use super::*;

    /// Tasks name this data set by its recipe's version (`basin_domain::data::BUILT_IN`): whoever changes the recipe
    /// changes that too.
    #[test]
    fn the_recipe_gives_the_bytes_that_its_version_stands_for() {
        assert_eq!(basin_domain::data::BUILT_IN, [("shapes", "shapes v1")]);
        let made = generate(200, 50);
        let digests = [made.train.images(), made.test.images()].map(|images| Digest::of(images).short());
        assert_eq!(digests, ["3a2c230e34", "7cb3b65bbf"]);
    }

    #[test]
    fn the_first_images_do_not_depend_on_how_many_there_are() {
        let (few, many) = (generate(13, 2), generate(40, 20));
        assert_eq!(few.train.images(), &many.train.images()[..13 * IMAGE]);
        assert_eq!(few.test.labels(), [0, 1]);
        assert_ne!(few.train.images()[..IMAGE], few.test.images()[..IMAGE]);
    }

    /// Each outline covers enough to be seen and leaves enough to tell it from the ground, and no two are alike.
    #[test]
    fn the_outlines_differ() {
        let grid: Vec<(f64, f64)> =
            (0..1600).map(|at| (f64::from(at % 40) / 20.0 - 1.0, f64::from(at / 40) / 20.0 - 1.0)).collect();
        let masks: Vec<Vec<bool>> =
            (0..10).map(|class| grid.iter().map(|&at| is_inside(class, at)).collect()).collect();
        for (class, mask) in masks.iter().enumerate() {
            let area = mask.iter().filter(|&&inside| inside).count();
            assert!((250..1200).contains(&area), "{}: {area}", CLASSES[class]);
            for (other, other_mask) in masks.iter().enumerate().skip(class + 1) {
                let differing = mask.iter().zip(other_mask).filter(|(a, b)| a != b).count();
                assert!(differing > 120, "{} and {}: {differing}", CLASSES[class], CLASSES[other]);
            }
        }
    }

    #[test]
    fn the_full_set_is_balanced() {
        let made = generate(100, 30);
        assert_eq!(made.train.images().len(), 100 * IMAGE);
        for class in 0..10 {
            assert_eq!(made.train.labels().iter().filter(|&&label| label == class).count(), 10);
            assert_eq!(made.test.labels().iter().filter(|&&label| label == class).count(), 3);
        }
    }
}
