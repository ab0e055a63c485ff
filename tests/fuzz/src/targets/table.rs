//! A table of results, and the measurements of a run, as Parquet.

use basin_storage::metrics;
use basin_storage::table::Table;

pub(super) fn read(input: &[u8]) -> bool {
    let table = Table::decode(input).inspect(|table| {
        let written = table.encode();
        let again = Table::decode(&written).expect("what is written is read");
        // Numbers that are none have their bits, but aren't equal to themselves.
        assert_eq!(again.encode(), written);
        assert_eq!(again.rows(), table.rows());
    });
    let metrics = metrics::decode(input).inspect(|read| {
        let written = metrics::encode(read);
        let again = metrics::decode(&written).expect("what is written is read");
        assert_eq!(metrics::encode(&again), written);
    });
    table.is_ok() || metrics.is_ok()
}
