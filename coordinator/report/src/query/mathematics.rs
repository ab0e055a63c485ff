//! Functions of numbers, which SQLite has and isn't built with here. They have its names; `log` is left out, which is of base 10
//! there and of base e to most who write it.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use super::argument;

/// A function of one or two numbers; the second is 0 of one that takes one.
struct Scalar {
    name: &'static str,
    arguments: u8,
    of: fn(f64, f64) -> f64,
}

const SCALARS: [Scalar; 8] = [
    Scalar { name: "ln", arguments: 1, of: |x, _| x.ln() },
    Scalar { name: "log2", arguments: 1, of: |x, _| x.log2() },
    Scalar { name: "log10", arguments: 1, of: |x, _| x.log10() },
    Scalar { name: "exp", arguments: 1, of: |x, _| x.exp() },
    Scalar { name: "sqrt", arguments: 1, of: |x, _| x.sqrt() },
    Scalar { name: "power", arguments: 2, of: f64::powf },
    Scalar { name: "floor", arguments: 1, of: |x, _| x.floor() },
    Scalar { name: "ceil", arguments: 1, of: |x, _| x.ceil() },
];

/// Lets questions use the functions.
pub(super) fn add(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    for Scalar { name, arguments, of } in SCALARS {
        connection.create_scalar_function(name, arguments.into(), flags, move |row| {
            let mut numbers = [0.0; 2];
            for (place, number) in numbers.iter_mut().enumerate().take(arguments.into()) {
                let Some(given) = argument::number(name, row, place)? else { return Ok(None) };
                *number = given;
            }
            Ok(Some(of(numbers[0], numbers[1])))
        })?;
    }
    Ok(())
}
