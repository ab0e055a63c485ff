//! Parquet files from anywhere, read so that no bytes can bring the reader down.
//!
//! The library that reads them has checks, but not everywhere. What it panics on is damage like any other: [`guarded`]. What it
//! would ask the system for memory for because a page says so, more than the page's bytes can stand for, ends a process, which
//! nothing can catch: [`ParquetFile`] looks at each page before it is decoded ([`pages`]).
//!
//! Start reading at [`ParquetFile`].

mod pages;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_schema::SchemaRef;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, RowGroups,
};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::column::page::PageIterator;
use parquet::errors::Result;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;
use parquet::schema::types::SchemaDescriptor;

use pages::CheckedColumn;

/// The most rows of a batch.
const BATCH: usize = 1024;

/// Does what reads Parquet; none if the library gave up by a panic. Nothing of what `read` changed may be kept then.
pub fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}

/// A Parquet file whose footer was read.
#[derive(Debug)]
pub struct ParquetFile<R> {
    bytes: Arc<R>,
    footer: ArrowReaderMetadata,
}

impl<R: ChunkReader + 'static> ParquetFile<R> {
    /// Reads the footer: what columns there are, and where.
    ///
    /// # Errors
    /// If it isn't a Parquet file, or not a whole one.
    pub fn open(bytes: R) -> Result<Self> {
        let footer = ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new())?;
        Ok(Self { bytes: Arc::new(bytes), footer })
    }

    /// Its columns as Arrow's types.
    pub fn schema(&self) -> &SchemaRef {
        self.footer.schema()
    }

    /// Its columns as Parquet's types; what a mask of columns is made of.
    pub fn columns(&self) -> &SchemaDescriptor {
        self.footer.parquet_schema()
    }

    /// What it says of its groups of rows. Nothing of it is proved.
    pub fn row_groups(&self) -> &[RowGroupMetaData] {
        self.footer.metadata().row_groups()
    }

    /// The rows of the columns of a mask, in their order, in batches of up to 1,024.
    ///
    /// # Errors
    /// If a column has a type that can't be read. A batch is an error if its bytes are damaged.
    pub fn rows(&self, columns: ProjectionMask) -> Result<ParquetRecordBatchReader> {
        for (at, column) in self.columns().columns().iter().enumerate() {
            if columns.leaf_included(at) {
                pages::check_column(column)?;
            }
        }
        let levels = parquet_to_arrow_field_levels(self.columns(), columns, Some(self.schema().fields()))?;
        ParquetRecordBatchReader::try_new_with_row_groups(&levels, self, BATCH, None)
    }
}

impl<R: ChunkReader + 'static> RowGroups for ParquetFile<R> {
    fn num_rows(&self) -> usize {
        let rows = self.row_groups().iter().map(|group| usize::try_from(group.num_rows()).unwrap_or(0));
        rows.fold(0, usize::saturating_add)
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let (bytes, metadata) = (Arc::clone(&self.bytes), Arc::clone(self.footer.metadata()));
        Ok(Box::new(CheckedColumn::new(bytes, metadata, column)))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.row_groups().iter())
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.footer.metadata()
    }
}

#[cfg(test)]
mod tests;
