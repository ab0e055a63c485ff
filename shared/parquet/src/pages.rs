//! Pages that are looked at before they are decoded: none may say that it holds more than its bytes can stand for.
//!
//! The layouts are those of the [Parquet format](https://github.com/apache/parquet-format/blob/master/Encodings.md).

use std::ops::Range;
use std::sync::Arc;

use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, SerializedPageReader};
use parquet::schema::types::{ColumnDescPtr, ColumnDescriptor};

/// The most entries of a page of data: as many as the largest group of rows that common writers ever made had (pyarrow, 2²⁶).
const MOST_ENTRIES: u32 = 1 << 26;
/// The most bytes of each entry of a column whose entries all have the same number of bytes: a batch of them is 64 MiB.
const LONGEST_ENTRY: i32 = 1 << 16;

/// Whether entries of the column's type may be read.
pub(crate) fn check_column(column: &ColumnDescriptor) -> Result<()> {
    let is_fixed = column.physical_type() == Type::FIXED_LEN_BYTE_ARRAY;
    if is_fixed && !(1..=LONGEST_ENTRY).contains(&column.type_length()) {
        return Err(damaged(column, format!("entries of {} bytes", column.type_length())));
    }
    Ok(())
}

fn damaged(column: &ColumnDescriptor, what: impl std::fmt::Display) -> ParquetError {
    ParquetError::General(format!("the column `{}` has {what}", column.path().string()))
}

/// The pages of a column, a group of rows after another.
pub(crate) struct CheckedColumn<R> {
    bytes: Arc<R>,
    metadata: Arc<ParquetMetaData>,
    column: usize,
    groups: Range<usize>,
}

impl<R> CheckedColumn<R> {
    pub(crate) fn new(bytes: Arc<R>, metadata: Arc<ParquetMetaData>, column: usize) -> Self {
        let groups = 0..metadata.num_row_groups();
        Self { bytes, metadata, column, groups }
    }
}

impl<R: ChunkReader + 'static> Iterator for CheckedColumn<R> {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = self.metadata.row_group(self.groups.next()?);
        let (chunk, rows) = (group.column(self.column), usize::try_from(group.num_rows()).unwrap_or(0));
        let pages = SerializedPageReader::new(Arc::clone(&self.bytes), chunk, rows, None);
        Some(pages.map(|pages| -> Box<dyn PageReader> {
            Box::new(CheckedPages { pages, column: chunk.column_descr_ptr() })
        }))
    }
}

impl<R: ChunkReader + 'static> PageIterator for CheckedColumn<R> {}

/// The pages of a column in a group of rows.
struct CheckedPages<R: ChunkReader> {
    pages: SerializedPageReader<R>,
    column: ColumnDescPtr,
}

impl<R: ChunkReader> CheckedPages<R> {
    fn checked(&self, page: Option<Page>) -> Result<Option<Page>> {
        if let Some(page) = &page {
            check(page, &self.column)?;
        }
        Ok(page)
    }
}

impl<R: ChunkReader + 'static> PageReader for CheckedPages<R> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        self.checked(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn supports_deferred_dictionary(&self) -> bool {
        self.pages.supports_deferred_dictionary()
    }

    fn take_deferred_dictionary(&mut self) -> Result<Option<Page>> {
        let page = self.pages.take_deferred_dictionary()?;
        self.checked(page)
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

impl<R: ChunkReader + 'static> Iterator for CheckedPages<R> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

/// Whether a page's bytes can hold what it says it has.
pub(crate) fn check(page: &Page, column: &ColumnDescriptor) -> Result<()> {
    match page {
        Page::DictionaryPage { buf, num_values, .. } => {
            let most = buf.len() / least_bytes(column);
            if *num_values as usize > most {
                let bytes = buf.len();
                return Err(damaged(
                    column,
                    format!("a dictionary of {num_values} entries in {bytes} bytes"),
                ));
            }
            Ok(())
        }
        Page::DataPage { num_values, .. } | Page::DataPageV2 { num_values, .. }
            if *num_values > MOST_ENTRIES =>
        {
            Err(damaged(column, format!("a page of {num_values} entries; {MOST_ENTRIES} are read")))
        }
        Page::DataPage { buf, num_values, encoding, def_level_encoding, rep_level_encoding, .. } => {
            let levels = [
                (column.max_rep_level(), *rep_level_encoding),
                (column.max_def_level(), *def_level_encoding),
            ];
            check_lengths(column, *encoding, *num_values, || after_levels(buf, levels))
        }
        Page::DataPageV2 { buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
            let levels = (*def_levels_byte_len as usize).checked_add(*rep_levels_byte_len as usize);
            check_lengths(column, *encoding, *num_values, || buf.get(levels?..))
        }
    }
}

/// The fewest bytes of an entry of a dictionary: all are plain, words with their lengths before them.
fn least_bytes(column: &ColumnDescriptor) -> usize {
    match column.physical_type() {
        // A dictionary of truth values is refused where it is decoded.
        Type::BOOLEAN => 1,
        Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 => 12,
        Type::FIXED_LEN_BYTE_ARRAY => usize::try_from(column.type_length()).unwrap_or(0).max(1),
    }
}

/// What follows the levels of a page of the first version: each kind with its number of bytes before it.
fn after_levels(page: &[u8], levels: [(i16, Encoding); 2]) -> Option<&[u8]> {
    let mut rest = page;
    for (most, encoding) in levels {
        if most > 0 {
            // Of the older encoding no writer made such pages.
            let (length, after) = (encoding == Encoding::RLE).then(|| rest.split_first_chunk()).flatten()?;
            rest = after.get(u32::from_le_bytes(*length) as usize..)?;
        }
    }
    Some(rest)
}

/// Words whose lengths come first have as many lengths as the page has entries, or fewer where some are missing: the lengths are
/// kept at once.
fn check_lengths<'a>(
    column: &ColumnDescriptor,
    encoding: Encoding,
    entries: u32,
    values: impl FnOnce() -> Option<&'a [u8]>,
) -> Result<()> {
    let lists = match encoding {
        Encoding::DELTA_LENGTH_BYTE_ARRAY => 1,
        // How many bytes a word has in common with the one before, then how many more.
        Encoding::DELTA_BYTE_ARRAY => 2,
        _ => return Ok(()),
    };
    let are_bounded = || {
        let mut rest = values()?;
        for _ in 0..lists {
            rest = after_deltas(rest, entries.into())?;
        }
        Some(())
    };
    are_bounded().ok_or_else(|| damaged(column, "a page whose lengths are not those of its entries"))
}

/// What follows a list of at most so many numbers that is written as differences (`DELTA_BINARY_PACKED`): its first number, then
/// blocks of the least difference, widths in bits, and as many differences of each width.
fn after_deltas(bytes: &[u8], most: u64) -> Option<&[u8]> {
    let (block, rest) = variable_length(bytes)?;
    let (parts, rest) = variable_length(rest)?;
    let (numbers, rest) = variable_length(rest)?;
    let (_first, mut rest) = variable_length(rest)?;
    if numbers > most {
        return None;
    }
    let part = block.checked_div(parts)?;
    let mut left = numbers.saturating_sub(1);
    while left > 0 {
        let widths;
        (_, rest) = variable_length(rest)?;
        (widths, rest) = rest.split_at_checked(usize::try_from(parts).ok()?)?;
        for &width in widths {
            if left > 0 {
                let bits = part.checked_mul(width.into())?;
                // The last part may end early.
                rest = rest.get(usize::try_from(bits.div_ceil(8)).ok()?..).unwrap_or_default();
                left = left.saturating_sub(part);
            }
        }
        if part == 0 {
            return None;
        }
    }
    Some(rest)
}

/// A number in seven bits a byte, the lowest first (ULEB128), and what follows it.
fn variable_length(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (at, &byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f).checked_shl(7 * at as u32)?;
        if byte < 0x80 {
            return Some((number, &bytes[at + 1..]));
        }
    }
    None
}
