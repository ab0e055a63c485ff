"""Reading Parquet without threads of pyarrow's own.

`pyarrow.parquet.read_table` scans with threads that outlive it and, now and then, abort a program that ends soon after
(https://github.com/apache/arrow/issues/39862). What is unpacked here is small, or filtered a part at a time.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .errors import DamagedError


def read_parquet(
    path: str, data: bytes, columns: Sequence[str] | None = None, where: Mapping[str, str] | None = None
) -> pa.Table:
    """The rows in the bytes of the file at `path`; `where`, those that have these texts in these columns.

    Raises DamagedError if it can't be read.
    """
    try:
        parquet = pq.ParquetFile(pa.BufferReader(data))
        parts = [parquet.schema_arrow.empty_table().select(columns or parquet.schema_arrow.names)]
        for group in range(parquet.num_row_groups):
            part = parquet.read_row_group(group, columns, use_threads=False)
            for column, text in (where or {}).items():
                part = part.filter(pc.equal(part[column], text))
            parts.append(part)
        return pa.concat_tables(parts)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise DamagedError(path, str(error)) from error
