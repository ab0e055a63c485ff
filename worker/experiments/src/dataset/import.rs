//! From files to a decoded data set.

use std::path::Path;

use basin_domain::data;
use basin_domain::id::DatasetName;

use super::import_options::ImportOptions;
use super::{
    DatasetError, ImportedDataset, arrays, cifar10, cifar100, csv_table, emnist, idx, image_folder,
    parquet_images, parquet_table, write,
};

/// Reads the files of the data set `name` at `from` and writes them, decoded, to the file `to`. Published data sets are known by their
/// names; of any other, the format is seen from what lies there.
///
/// The same input gives the same bytes and so the same digest. JPEG leaves decoders some freedom in rounding; images are
/// decoded by one library, through its scalar code, so that the digest doesn't depend on the machine.
///
/// # Errors
/// If a file is missing, can't be read, or holds something else than it should; if `to` can't be written.
pub fn import(
    name: &DatasetName,
    from: &Path,
    options: &ImportOptions,
    to: &Path,
) -> Result<ImportedDataset, DatasetError> {
    let name = name.as_str();
    if data::is_made(name) {
        return Err(DatasetError::BuiltIn { name: name.to_owned() });
    }
    let pickles = ["data_batch_1", "cifar-10-batches-py", "cifar-100-python"];
    if !from.join("data_batch_1.bin").is_file() && pickles.iter().any(|file| from.join(file).exists())
        || pickles[1..].iter().any(|file| from.ends_with(file))
    {
        return Err(DatasetError::Pickle { path: from.to_owned() });
    }
    let has_parquet = parquet_images::is_there(from);
    let decoded = match name {
        cifar10::NAME => cifar10::read(from)?,
        cifar100::NAME if !has_parquet => cifar100::read(name, from, options.coarse)?,
        emnist::NAME => emnist::read(name, from, options.split.as_deref())?,
        _ if idx::is_published(name) && !has_parquet || idx::is_there(from) => idx::read(name, from)?,
        _ if arrays::is_there(from) => arrays::read(name, from, options)?,
        _ if csv_table::is_there(from) => csv_table::read(name, from, options)?,
        _ if has_parquet && parquet_table::is_there(from, options) => {
            parquet_table::read(name, from, options)?
        }
        _ if has_parquet => parquet_images::read_set(name, from, options)?,
        _ if image_folder::is_there(from) => image_folder::read(name, from, options.test_share())?,
        _ => {
            let looked_for = [
                "train-images-idx3-ubyte",
                "x_train.npy",
                "*.npz",
                "*.csv",
                "train.csv",
                "*.parquet",
                "train-*.parquet",
                "folders of images, one a class",
            ];
            return Err(DatasetError::NotFound {
                name: name.to_owned(),
                at: from.to_owned(),
                looked_for: looked_for.map(str::to_owned).to_vec(),
            });
        }
    };
    write(&decoded, to)
}
