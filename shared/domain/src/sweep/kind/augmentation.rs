//! The keys of `augmentation` and of the seeds of what is drawn.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use crate::data::Augmentation;
use crate::experiment::StreamSeeds;

/// The keys of `augmentation`.
pub(super) const KEYS: &[&str] =
    &["augmentation.crop", "augmentation.flip", "augmentation.cutout", "seed.augmentation"];

/// The keys of the seeds that all training draws by.
pub(super) const SEEDS: &[&str] = &["seed.initialization", "seed.order"];

/// The widest border, and the largest square.
const LARGEST: u32 = 4_096;

/// Reads how training sees images.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<Augmentation, LocatedError> {
    Ok(Augmentation {
        crop: fields.take("augmentation.crop", check::integer(0..=LARGEST))?.unwrap_or(0),
        flip: fields.take("augmentation.flip", check::boolean)?.unwrap_or(false),
        cutout: fields.take("augmentation.cutout", check::integer(0..=LARGEST))?.unwrap_or(0),
    })
}

/// Reads the seeds; that of augmentation where images are augmented.
pub(super) fn read_seeds(fields: &mut Fields<'_>, augments: bool) -> Result<StreamSeeds, LocatedError> {
    let seed = check::integer(0..=i64::MAX as u64);
    Ok(StreamSeeds {
        initialization: fields.take("seed.initialization", &seed)?,
        order: fields.take("seed.order", &seed)?,
        augmentation: if augments { fields.take("seed.augmentation", &seed)? } else { None },
    })
}
