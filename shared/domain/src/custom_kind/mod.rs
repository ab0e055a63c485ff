//! Kinds of experiment that a program brings, as everybody else knows them: by a declaration.
//!
//! A coordinator, a store and a report never run a kind. To read a sweep of one, to plan it and to draw it they need its
//! [`KindDeclaration`]: its parameters with their types, ranges and defaults, its inputs, and the series that its runs record. The
//! declaration travels with the sweep file; the code stays in the program that runs the tasks.

mod declaration;
mod parameter_type;
mod series;

pub use declaration::{
    Declaration, InvalidDeclaration, InvalidParameter, KindDeclaration, ParameterDeclaration,
};
pub use parameter_type::ParameterType;
pub use series::RecordedSeries;
