//! Data sets' files.

use std::io::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, Float64Array, Int64Array, RecordBatch, StringArray, StructArray};
use basin_domain::id::DatasetName;
use basin_experiments::dataset::{ImportOptions, import};
use basin_fuzz::joined;
use parquet::arrow::ArrowWriter;

use super::Seed;

pub(super) fn seeds() -> Vec<Seed> {
    let (images, labels) = (idx(&[3, 2, 2], &[7; 12]), idx(&[3], &[0, 1, 2]));
    vec![
        ("idx", "plain", joined([&b""[..], &images, &labels])),
        ("idx", "packed", joined([&b"z"[..], &gzip(&images), &gzip(&labels)])),
        ("cifar", "archive", gzip(&tar("cifar-10-batches-bin/data_batch_1.bin", &[1; 40]))),
        ("numpy", "arrays", joined([npy("<f4", "(4, 2)", &[0; 32]), npy("<i8", "(4,)", &[0; 32])])),
        ("numpy", "tokens", joined([npy("<i4", "(4, 2)", &[1; 32]), npy("|u1", "(4,)", &[1, 0, 1, 0])])),
        ("numpy", "archive", npz()),
        ("image", "grey", png(png::ColorType::Grayscale)),
        ("image", "colour", png(png::ColorType::Rgb)),
        ("image", "jpeg", jpeg()),
        ("parquet", "table", table()),
        ("parquet", "images", images_with_classes()),
        (
            "decoded",
            "table",
            decoded("table.csv", b"x,y\n1,2\n3,4\n5,6\n", |it| it.predict = vec!["y".to_owned()]),
        ),
        (
            "decoded",
            "classes",
            decoded("table.csv", b"x,y\n1,a\n3,b\n5,a\n", |it| it.target = Some("y".to_owned())),
        ),
        ("decoded", "images", decoded_images(&images, &labels)),
    ]
}

fn idx(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let sizes: Vec<u8> = dimensions.iter().flat_map(|size| size.to_be_bytes()).collect();
    [&[0, 0, 8, dimensions.len() as u8][..], &sizes, values].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// An archive of one file (POSIX.1-1988, "ustar").
fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[156] = b'0';
    header[257..263].copy_from_slice(b"ustar\0");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let padding = vec![0; content.len().next_multiple_of(512) - content.len() + 1024];
    [&header[..], content, &padding].concat()
}

fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [&b"\x93NUMPY\x01\0"[..], &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// A ZIP archive of two arrays that aren't packed.
fn npz() -> Vec<u8> {
    let arrays = [("x.npy", npy("<f8", "(2, 1)", &[0; 16])), ("y.npy", npy("|u1", "(2,)", &[0, 1]))];
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in &arrays {
        let (size, length) = ((content.len() as u32).to_le_bytes(), (name.len() as u16).to_le_bytes());
        let at = (archive.len() as u32).to_le_bytes();
        let sizes = [&[0; 4][..], &size, &size, &length, &[0; 2]].concat();
        let local = [&b"PK\x03\x04"[..], &[0; 10], &sizes, name.as_bytes(), content].concat();
        archive.extend(local);
        let central = [&b"PK\x01\x02"[..], &[0; 12], &sizes, &[0; 10], &at, name.as_bytes()].concat();
        directory.extend(central);
    }
    let (start, count) = ((archive.len() as u32).to_le_bytes(), (arrays.len() as u16).to_le_bytes());
    let size = (directory.len() as u32).to_le_bytes();
    let end = [&b"PK\x05\x06"[..], &[0; 4], &count, &count, &size, &start, &[0; 2]].concat();
    [archive, directory, end].concat()
}

fn png(color: png::ColorType) -> Vec<u8> {
    let mut encoded = Vec::new();
    let mut encoder = png::Encoder::new(&mut encoded, 4, 4);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels: Vec<u8> = (0..16 * color.samples() as u8).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    encoded
}

fn jpeg() -> Vec<u8> {
    let mut encoded = Vec::new();
    let pixels: Vec<u8> = (0..8 * 8 * 3).map(|at| (at % 251) as u8).collect();
    let encoder = jpeg_encoder::Encoder::new(&mut encoded, 60);
    encoder.encode(&pixels, 8, 8, jpeg_encoder::ColorType::Rgb).unwrap();
    encoded
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn table() -> Vec<u8> {
    parquet(vec![
        ("rooms", Arc::new(Int64Array::from(vec![3, 4, 5, 2]))),
        ("town", Arc::new(StringArray::from(vec!["Ulm", "Bonn", "Ulm", "Bonn"]))),
        ("y", Arc::new(Float64Array::from(vec![200.5, 300.0, 400.0, 100.0]))),
    ])
}

fn images_with_classes() -> Vec<u8> {
    let image = png(png::ColorType::Grayscale);
    let bytes: ArrayRef = Arc::new(BinaryArray::from_vec(vec![&image[..]; 2]));
    let path: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let images = StructArray::try_from(vec![("bytes", bytes), ("path", path)]).unwrap();
    parquet(vec![("image", Arc::new(images)), ("label", Arc::new(Int64Array::from(vec![0, 1])))])
}

/// The decoded file of a table.
fn decoded(name: &str, content: &[u8], change: impl FnOnce(&mut ImportOptions)) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut options = ImportOptions::default();
    change(&mut options);
    std::fs::write(folder.path().join(name), content).unwrap();
    imported(&folder.path().join(name), &options)
}

fn decoded_images(images: &[u8], labels: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for split in ["train", "t10k"] {
        std::fs::write(folder.path().join(format!("{split}-images-idx3-ubyte")), images).unwrap();
        std::fs::write(folder.path().join(format!("{split}-labels-idx1-ubyte")), labels).unwrap();
    }
    imported(folder.path(), &ImportOptions::default())
}

fn imported(from: &std::path::Path, options: &ImportOptions) -> Vec<u8> {
    let to = tempfile::tempdir().unwrap();
    let to = to.path().join("data.basin");
    import(&DatasetName::new("own").unwrap(), from, options, &to).unwrap();
    std::fs::read(to).unwrap()
}
