//! The keys of `augmentation` and of the seeds of what is drawn.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use crate::data::Augmentation;
use crate::experiment::StreamSeeds;

/// The keys of `augmentation`.
pub(super) const KEYS: &[&str] = &[
    "augmentation.crop",
    "augmentation.reflect",
    "augmentation.flip",
    "augmentation.alternate",
    "augmentation.cutout",
    "seed.augmentation",
];

/// The keys of the seeds that all training draws by.
pub(super) const SEEDS: &[&str] = &["seed.initialization", "seed.order"];

/// The widest border, and the largest square.
const LARGEST: u32 = 4_096;

/// Reads how training sees images.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<Augmentation, LocatedError> {
    let crop = fields.take("augmentation.crop", check::integer(0..=LARGEST))?.unwrap_or(0);
    let flip = fields.take("augmentation.flip", check::boolean)?.unwrap_or(false);
    let reflect = fields.take("augmentation.reflect", check::boolean)?.unwrap_or(false);
    let alternate = fields.take("augmentation.alternate", check::boolean)?.unwrap_or(false);
    if reflect && crop == 0 {
        fields.refuse("augmentation.reflect", || "needs `augmentation.crop`".to_owned());
    }
    if alternate && !flip {
        fields.refuse("augmentation.alternate", || "needs `augmentation.flip`".to_owned());
    }
    Ok(Augmentation {
        crop,
        reflect: reflect && crop > 0,
        flip,
        alternate: alternate && flip,
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
