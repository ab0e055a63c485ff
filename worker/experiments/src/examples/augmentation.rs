//! Augmentation: what an epoch sees of a training image.

use basin_domain::data::Augmentation;
use basin_domain::random::Stream;

use super::reflection::reflected;

/// What the draws of an image depend on, and nothing else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) seed: u64,
    pub(super) epoch: u32,
    /// The image's position among the training examples.
    pub(super) position: u32,
}

/// Augments a standardised image of `[channels, height, width]`: first the crop of the image with a black border
/// (He et al. 2016, arXiv 1512.03385, section 4.2), or one of its reflection, then the flip, then the square of the mean that cutout
/// leaves (DeVries and Taylor 2017, arXiv 1708.04552, section 3). `black` is a black pixel's value in each channel.
///
/// All numbers are drawn, whether they are used or not, so that what one setting draws doesn't depend on the others.
pub(super) fn apply(
    augmentation: &Augmentation,
    key: Key,
    [_, height, width]: [usize; 3],
    black: &[f32],
    image: &mut [f32],
) {
    let name = format!("augmentation/{}/{}", key.epoch, key.position);
    let mut stream = Stream::new(key.seed, &name);
    let border = augmentation.crop as usize;
    let offsets = [0, 1].map(|_| stream.below(2 * border as u64 + 1) as usize);
    let is_drawn = stream.below(2) == 1;
    let is_flipped = match augmentation {
        Augmentation { flip: false, .. } => false,
        Augmentation { alternate: false, .. } => is_drawn,
        Augmentation { alternate: true, .. } => is_flipped_in_turn(key),
    };
    let centre = [height, width].map(|size| stream.below(size as u64) as usize);
    if border > 0 || is_flipped {
        let before = image.to_vec();
        for (channel, pixels) in image.chunks_exact_mut(height * width).enumerate() {
            let before = &before[channel * height * width..][..height * width];
            for (y, row) in pixels.chunks_exact_mut(width).enumerate() {
                for (x, pixel) in row.iter_mut().enumerate() {
                    let x = if is_flipped { width - 1 - x } else { x };
                    // Within the image with its border, the border's width less: beyond it, the border.
                    let from = (y + offsets[0], x + offsets[1]);
                    let inside = (border..border + height).contains(&from.0)
                        && (border..border + width).contains(&from.1);
                    *pixel = if inside {
                        before[(from.0 - border) * width + from.1 - border]
                    } else if augmentation.reflect {
                        let shifts = offsets.map(|offset| border.cast_signed() - offset.cast_signed());
                        before[reflected(y, shifts[0], height) * width + reflected(x, shifts[1], width)]
                    } else {
                        black.get(channel).copied().unwrap_or(0.0)
                    };
                }
            }
        }
    }
    if augmentation.cutout > 0 {
        let side = augmentation.cutout as usize;
        let span = |centre: usize, size: usize| {
            let start = centre.saturating_sub(side / 2);
            start..(centre + side - side / 2).min(size)
        };
        let (rows, columns) = (span(centre[0], height), span(centre[1], width));
        for pixels in image.chunks_exact_mut(height * width) {
            for y in rows.clone() {
                pixels[y * width..][columns.clone()].fill(0.0);
            }
        }
    }
}

/// Whether an image is mirrored that is so in every other epoch: in the first or in the second, as is drawn once (Jordan 2024, arXiv
/// 2404.00498).
fn is_flipped_in_turn(key: Key) -> bool {
    let drawn = Stream::new(key.seed, &format!("augmentation/flip/{}", key.position)).below(2);
    drawn == u64::from(key.epoch % 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 3] = [2, 5, 6];
    const BLACK: [f32; 2] = [-7.0, -8.0];

    fn image() -> Vec<f32> {
        (1..=60).map(|at| at as f32).collect()
    }

    fn augmented(augmentation: Augmentation, epoch: u32, position: u32) -> Vec<f32> {
        let mut image = image();
        apply(&augmentation, Key { seed: 1, epoch, position }, SHAPE, &BLACK, &mut image);
        image
    }

    #[test]
    fn a_flip_mirrors_about_half_of_the_images() {
        let flip = Augmentation { flip: true, ..Augmentation::default() };
        let mirrored: Vec<f32> = image().chunks_exact(6).flat_map(|row| row.iter().rev().copied()).collect();
        let mut flipped = 0;
        for position in 0..400 {
            let seen = augmented(flip, 1, position);
            assert!(seen == mirrored || seen == image());
            flipped += usize::from(seen == mirrored);
        }
        assert!((160..240).contains(&flipped), "{flipped}");
    }

    #[test]
    fn alternating_flips_mirror_half_of_the_images_in_one_epoch_and_the_others_in_the_next() {
        let flip = Augmentation { flip: true, alternate: true, ..Augmentation::default() };
        let mirrored: Vec<f32> = image().chunks_exact(6).flat_map(|row| row.iter().rev().copied()).collect();
        let mut flipped = 0;
        for position in 0..400 {
            let [first, second, third] = [1, 2, 3].map(|epoch| augmented(flip, epoch, position) == mirrored);
            assert!(first != second && first == third, "image {position}");
            flipped += usize::from(first);
        }
        assert!((160..240).contains(&flipped), "{flipped}");
    }

    #[test]
    fn a_reflected_border_goes_on_as_the_image_went_before_its_edge() {
        let crop = Augmentation { crop: 2, reflect: true, ..Augmentation::default() };
        // As in numpy.pad of the mode `reflect`.
        let beyond = |place: i32, length: i32| {
            let place = place.abs();
            if place < length { place } else { 2 * (length - 1) - place }
        };
        let mut shifts = std::collections::BTreeSet::new();
        for position in 0..300 {
            let seen = augmented(crop, 1, position);
            let fits = |(dy, dx): (i32, i32)| {
                seen.iter().enumerate().all(|(at, &pixel)| {
                    let (channel, y, x) = (at / 30, (at / 6 % 5) as i32 + dy, (at % 6) as i32 + dx);
                    let place = channel as i32 * 30 + beyond(y, 5) * 6 + beyond(x, 6);
                    pixel == (place + 1) as f32
                })
            };
            let all = (-2..=2).flat_map(|dy| (-2..=2).map(move |dx| (dy, dx)));
            let found: Vec<(i32, i32)> = all.filter(|shift| fits(*shift)).collect();
            assert_eq!(found.len(), 1, "image {position}");
            shifts.extend(found);
        }
        assert_eq!(shifts.len(), 25);
    }

    #[test]
    fn a_crop_shifts_within_its_border_and_fills_it_with_black() {
        let crop = Augmentation { crop: 1, ..Augmentation::default() };
        let mut shifts = std::collections::BTreeSet::new();
        for position in 0..200 {
            let seen = augmented(crop, 1, position);
            // The middle pixel tells the shift, and with it the rest.
            let middle = seen[2 * 6 + 2] as i32 - 1;
            let (dy, dx) = (middle / 6 - 2, middle % 6 - 2);
            shifts.insert((dy, dx));
            for (at, &pixel) in seen.iter().enumerate() {
                let (channel, y, x) = (at / 30, (at / 6 % 5) as i32 + dy, (at % 6) as i32 + dx);
                let inside = (0..5).contains(&y) && (0..6).contains(&x);
                let expected =
                    if inside { (channel as i32 * 30 + y * 6 + x + 1) as f32 } else { BLACK[channel] };
                assert_eq!(pixel, expected);
            }
        }
        assert_eq!(shifts.len(), 9);
    }

    #[test]
    fn cutout_leaves_a_square_of_the_mean_cut_off_at_the_edges() {
        let cutout = Augmentation { cutout: 3, ..Augmentation::default() };
        let mut sizes = std::collections::BTreeSet::new();
        for position in 0..200 {
            let seen = augmented(cutout, 1, position);
            let gone =
                |channel: usize| seen[channel * 30..][..30].iter().filter(|pixel| **pixel == 0.0).count();
            assert_eq!(gone(0), gone(1));
            sizes.insert(gone(0));
        }
        assert_eq!(sizes.into_iter().collect::<Vec<_>>(), [4, 6, 9]);
    }

    #[test]
    fn seed_epoch_and_example_alone_decide() {
        let all = Augmentation { crop: 2, flip: true, cutout: 2, ..Augmentation::default() };
        assert_eq!(augmented(all, 1, 3), augmented(all, 1, 3));
        let differs = |other: Vec<f32>| other != augmented(all, 1, 3);
        assert!((2..6).any(|epoch| differs(augmented(all, epoch, 3))));
        assert!((4..8).any(|position| differs(augmented(all, 1, position))));
        assert_eq!(augmented(Augmentation::default(), 1, 3), image());
    }
}
