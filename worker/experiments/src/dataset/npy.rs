//! NumPy's arrays: `.npy` (NumPy Enhancement Proposal 1) and `.npz`, a ZIP archive of them (PKWARE's APPNOTE 6.3, without ZIP64,
//! encryption and parts).

use std::io::Read;

use flate2::read::DeflateDecoder;

/// The most bytes of an array.
const LARGEST: u64 = 16 << 30;

/// The numbers of an array, in C order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Numbers {
    /// Bytes.
    Bytes(Vec<u8>),
    /// Whole numbers of any size.
    Whole(Vec<i64>),
    /// Numbers with a point.
    Floats(Vec<f64>),
}

/// An array.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    pub(super) numbers: Numbers,
}

/// Reads the bytes of a `.npy` file.
///
/// # Errors
/// In words what is wrong.
pub(super) fn read(bytes: &[u8]) -> Result<Array, String> {
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("it doesn't start as a NumPy array")?;
    let (size, rest) = match rest {
        [1, _, low, high, rest @ ..] => (usize::from(u16::from_le_bytes([*low, *high])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return Err("its format is none of NumPy's versions 1 to 3".to_owned()),
    };
    let (header, data) = rest.split_at_checked(size).ok_or("its header is cut off")?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is no text")?;
    let kind = entry(header, "'descr'").and_then(|rest| rest.strip_prefix('\'')?.split_once('\''));
    let kind = kind.ok_or("its header names no type of simple numbers")?.0;
    if entry(header, "'fortran_order'").is_none_or(|order| !order.starts_with("False")) {
        return Err("it is in Fortran's order: save `numpy.ascontiguousarray(it)`".to_owned());
    }
    let shape = entry(header, "'shape'").and_then(|rest| rest.strip_prefix('(')?.split_once(')'));
    let shape = shape.ok_or("its header has no shape")?.0;
    let shape = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
    let shape: Vec<usize> =
        shape.map(|size| size.parse().map_err(|_| "its shape is none")).collect::<Result<_, _>>()?;
    // Where there are no examples, an example has a size all the same.
    let example = shape.iter().skip(1).try_fold(1usize, |count, &size| count.checked_mul(size));
    let count = example.and_then(|example| example.checked_mul(shape.first().copied().unwrap_or(1)));
    let count = count.ok_or("its shape overflows")?;
    let numbers = numbers(kind, data, count)?;
    Ok(Array { shape, numbers })
}

/// The text behind a key of the header's dictionary.
fn entry<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    Some(header.split_once(key)?.1.trim_start().strip_prefix(':')?.trim_start())
}

fn numbers(kind: &str, data: &[u8], count: usize) -> Result<Numbers, String> {
    let of = |size: usize| {
        let wanted = count.checked_mul(size).filter(|wanted| *wanted == data.len());
        wanted.map(|_| data.chunks_exact(size)).ok_or_else(|| {
            format!("it holds {} bytes, which aren't {count} numbers of {size} bytes", data.len())
        })
    };
    // Of `size` bytes, so that each conversion gets as many as it needs.
    macro_rules! read {
        ($type:ty, $into:ty, $size:literal) => {
            of($size)?
                .map(|word| <$type>::from_le_bytes(std::array::from_fn(|at| word[at])) as $into)
                .collect()
        };
    }
    Ok(match kind {
        "|u1" | "u1" => Numbers::Bytes(of(1)?.map(|word| word[0]).collect()),
        "|b1" => Numbers::Bytes(of(1)?.map(|word| u8::from(word[0] != 0)).collect()),
        "|i1" => Numbers::Whole(read!(i8, i64, 1)),
        "<i2" => Numbers::Whole(read!(i16, i64, 2)),
        "<u2" => Numbers::Whole(read!(u16, i64, 2)),
        "<i4" => Numbers::Whole(read!(i32, i64, 4)),
        "<u4" => Numbers::Whole(read!(u32, i64, 4)),
        "<i8" => Numbers::Whole(read!(i64, i64, 8)),
        "<f4" => Numbers::Floats(read!(f32, f64, 4)),
        "<f8" => Numbers::Floats(read!(f64, f64, 8)),
        "|O" => {
            return Err("it holds Python's objects, which can run any program: save plain numbers".to_owned());
        }
        other => {
            return Err(format!(
                "its type `{other}` isn't read: save it as uint8, int64, float32 or float64"
            ));
        }
    })
}

/// The arrays of a `.npz` file whose names `wanted` accepts.
///
/// # Errors
/// In words what is wrong.
pub(super) fn read_archive(
    bytes: &[u8],
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Array)>, String> {
    let word = |at: usize| Some(usize::from(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])));
    let double = |at: usize| Some(u64::from(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?)));
    let cut = || "it is no whole ZIP archive".to_owned();
    // The directory's end is looked for from the back: behind it there may be a comment.
    let starts = (0..bytes.len().saturating_sub(21)).rev().take(1 << 16);
    let end = starts.into_iter().find(|&at| bytes[at..].starts_with(b"PK\x05\x06")).ok_or_else(cut)?;
    let count = word(end + 10).ok_or_else(cut)?;
    let mut at = usize::try_from(double(end + 16).ok_or_else(cut)?).map_err(|_| cut())?;
    let mut arrays = Vec::new();
    for _ in 0..count {
        if !bytes.get(at..).is_some_and(|rest| rest.starts_with(b"PK\x01\x02")) {
            return Err(cut());
        }
        let (method, packed, size) = (word(at + 10), double(at + 20), double(at + 24));
        let lengths = (word(at + 28), word(at + 30), word(at + 32), double(at + 42));
        let (Some(method), Some(packed), Some(size)) = (method, packed, size) else { return Err(cut()) };
        let (Some(name), Some(extra), Some(comment), Some(local)) = lengths else { return Err(cut()) };
        let text = bytes.get(at + 46..at + 46 + name).ok_or_else(cut)?;
        let text = String::from_utf8_lossy(text).into_owned();
        at += 46 + name + extra + comment;
        let Some(array) = text.strip_suffix(".npy").filter(|array| wanted(array)) else { continue };
        let fault = |reason: String| format!("its array `{array}`: {reason}");
        if packed == u64::from(u32::MAX) || size > LARGEST {
            return Err(fault("it is larger than 4 GiB".to_owned()));
        }
        let local = usize::try_from(local).map_err(|_| cut())?;
        let start = word(local + 26).zip(word(local + 28)).map(|(name, extra)| local + 30 + name + extra);
        let content =
            start.and_then(|start| bytes.get(start..start.checked_add(usize::try_from(packed).ok()?)?));
        let content = content.ok_or_else(cut)?;
        let read = match method {
            0 => read(content),
            8 => {
                let mut unpacked = Vec::new();
                let decoder = DeflateDecoder::new(content).take(size.saturating_add(1));
                { decoder }.read_to_end(&mut unpacked).map_err(|error| fault(error.to_string()))?;
                read(&unpacked)
            }
            other => Err(format!("its compression {other} isn't read: `numpy.savez` writes what is")),
        };
        arrays.push((array.to_owned(), read.map_err(fault)?));
    }
    Ok(arrays)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An array as NumPy saves it.
    pub(in crate::dataset) fn saved(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
        while (header.len() + 11) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let size = u16::try_from(header.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\x00".as_slice(), &size, header.as_bytes(), data].concat()
    }

    /// A ZIP archive of these files.
    pub(in crate::dataset) fn archive(files: &[(&str, Vec<u8>)], packed: bool) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (name, content) in files {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, content).unwrap();
            let data = if packed { encoder.finish().unwrap() } else { content.clone() };
            let sizes = [0, data.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat();
            let method = [if packed { 8 } else { 0 }, 0];
            let length = (name.len() as u16).to_le_bytes();
            let local = (bytes.len() as u32).to_le_bytes();
            bytes.extend(
                [
                    b"PK\x03\x04\x14\0\0\0".as_slice(),
                    &method,
                    &[0; 4],
                    &sizes,
                    &length,
                    &[0; 2],
                    name.as_bytes(),
                    &data,
                ]
                .concat(),
            );
            directory.extend(
                [
                    b"PK\x01\x02\x14\0\x14\0\0\0".as_slice(),
                    &method,
                    &[0; 4],
                    &sizes,
                    &length,
                    &[0; 12],
                    &local,
                    name.as_bytes(),
                ]
                .concat(),
            );
        }
        let (count, start) = ((files.len() as u16).to_le_bytes(), (bytes.len() as u32).to_le_bytes());
        let size = (directory.len() as u32).to_le_bytes();
        [
            bytes,
            directory,
            [b"PK\x05\x06\0\0\0\0".as_slice(), &count, &count, &size, &start, &[0; 2]].concat(),
        ]
        .concat()
    }

    #[test]
    fn arrays_of_every_type_are_read() {
        let floats: Vec<u8> = [1.5_f32, -2.0].iter().flat_map(|it| it.to_le_bytes()).collect();
        assert_eq!(
            read(&saved("<f4", "2, 1", &floats)).unwrap(),
            Array { shape: vec![2, 1], numbers: Numbers::Floats(vec![1.5, -2.0]) }
        );
        assert_eq!(read(&saved("|u1", "3,", &[1, 2, 3])).unwrap().numbers, Numbers::Bytes(vec![1, 2, 3]));
        let whole: Vec<u8> = [-1_i64, 7].iter().flat_map(|it| it.to_le_bytes()).collect();
        assert_eq!(read(&saved("<i8", "2,", &whole)).unwrap().numbers, Numbers::Whole(vec![-1, 7]));
        assert!(read(&saved("|O", "1,", &[0])).unwrap_err().contains("can run any program"));
        assert!(read(&saved(">f4", "1,", &[0; 4])).unwrap_err().contains("save it as"));
        assert!(read(&saved("<f4", "3,", &[0; 8])).unwrap_err().contains("aren't 3 numbers"));
    }

    #[test]
    fn archives_are_read_packed_or_not() {
        let files = [("x_train.npy", saved("|u1", "2,", &[5, 6])), ("other.npy", vec![1])];
        for packed in [false, true] {
            let arrays = read_archive(&archive(&files, packed), |name| name == "x_train").unwrap();
            assert_eq!(arrays.len(), 1);
            assert_eq!(arrays[0].1.numbers, Numbers::Bytes(vec![5, 6]));
        }
    }

    #[test]
    fn whatever_the_bytes_they_are_read_or_refused() {
        let array = saved("<f4", "2, 2", &[7; 16]);
        for packed in [false, true] {
            for good in [array.clone(), archive(&[("x.npy", array.clone())], packed)] {
                for at in 0..good.len() {
                    for byte in [0, 1, b'9', b'(', 0x7f, 0xff] {
                        let mut bytes = good.clone();
                        bytes[at] = byte;
                        let _ = (read(&bytes), read_archive(&bytes, |_| true));
                    }
                    let _ = (read(&good[..at]), read_archive(&good[..at], |_| true));
                }
            }
        }
    }

    #[test]
    fn a_shape_without_measure_is_refused_before_memory_is_taken() {
        let largest = u64::MAX.to_string();
        for shape in [
            "18446744073709551615, 2",
            "4294967296, 4294967296",
            "0, 4294967296, 4294967296",
            "99999999999999999999",
            "-1, 4",
            "1.5",
            "2 2",
            "'a'",
            largest.as_str(),
        ] {
            assert!(read(&saved("<f8", shape, &[0; 16])).is_err(), "{shape}");
        }
        // No numbers at all are some, too; what has none is for others to refuse.
        assert_eq!(
            read(&saved("<f8", "0, 18446744073709551615", &[])).unwrap().numbers,
            Numbers::Floats(vec![])
        );
        assert_eq!(read(&saved("<f8", "", &[0; 8])).unwrap().shape, [0; 0]);
    }

    #[test]
    fn headers_that_lie_about_themselves_are_refused() {
        let good = saved("|u1", "2,", &[1, 2]);
        let with = |from: &str, to: &str| {
            let text = &good;
            let at = text.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
            [&text[..at], to.as_bytes(), &text[at + from.len()..]].concat()
        };
        assert!(read(&with("False", "True ")).unwrap_err().contains("Fortran"));
        assert!(read(&with("'shape'", "'shope'")).unwrap_err().contains("no shape"));
        assert!(read(&with("'descr'", "'disco'")).unwrap_err().contains("no type"));
        assert!(read(&with("'|u1'", "[('a')")).is_err(), "a structure");
        let mut longer = good.clone();
        longer[8] = 0xff;
        longer[9] = 0xff;
        assert_eq!(read(&longer).unwrap_err(), "its header is cut off");
        let mut later = good.clone();
        later[6] = 4;
        assert!(read(&later).unwrap_err().contains("versions 1 to 3"));
        assert!(read(&[good, vec![0]].concat()).unwrap_err().contains("aren't 2 numbers"), "a byte too many");
    }

    #[test]
    fn an_archive_is_unpacked_no_further_than_it_says_and_writes_no_file() {
        let array = saved("|u1", "4194304,", &vec![7; 4 << 20]);
        let files = [("x.npy", array.clone())];
        let bomb = archive(&files, true);
        assert!(bomb.len() < 1 << 17);
        // It says that a hundred bytes are in it, and the rest isn't unpacked.
        let at = bomb.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        let mut lying = bomb.clone();
        lying[at + 24..at + 28].copy_from_slice(&100_u32.to_le_bytes());
        assert!(read_archive(&lying, |_| true).unwrap_err().contains("its array `x`"));
        // Names are names: nothing is written where they point to.
        for name in ["/etc/x.npy", "../../x.npy", "a\0b.npy"] {
            let arrays = read_archive(&archive(&[(name, saved("|u1", "1,", &[1]))], true), |_| true).unwrap();
            assert_eq!(format!("{}.npy", arrays[0].0), name);
            assert!(
                read_archive(&archive(&[(name, vec![])], true), |wanted| wanted == "x").unwrap().is_empty()
            );
        }
    }

    #[test]
    fn a_directory_that_points_elsewhere_is_no_archive() {
        let good = archive(&[("x.npy", saved("|u1", "2,", &[5, 6]))], false);
        let directory = good.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        let end = good.windows(4).position(|window| window == b"PK\x05\x06").unwrap();
        // Where the file begins, how long it is, where the directory is, and how many there are.
        for (at, value) in [(directory + 42, u32::MAX), (directory + 20, u32::MAX - 1), (end + 16, u32::MAX)]
        {
            let mut bytes = good.clone();
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            assert!(read_archive(&bytes, |_| true).is_err(), "{at}");
        }
        let mut bytes = good.clone();
        bytes[end + 10..end + 12].copy_from_slice(&u16::MAX.to_le_bytes());
        assert!(read_archive(&bytes, |_| true).is_err());
        // A comment may follow, and the archive is found before it.
        assert_eq!(read_archive(&[&good[..], b"a comment"].concat(), |_| true).unwrap().len(), 1);
    }
}
