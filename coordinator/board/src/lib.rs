//! The board: sweeps, workers and results as pages in a browser, as they are at the moment.
//!
//! It is a client. It knows a coordinator by the calls that people's tools make ([`basin_coordinator::client`]), and results by the store
//! alone, so it works beside any coordinator, and over finished sweeps without one. Whoever looks is somebody to the coordinator: each
//! browser's token goes with the calls that are made for it, and what the coordinator refuses is refused here. The board decides nothing.
//!
//! It is a surface for people, as the command line is, and may say what to type ([`words`]); it knows neither that nor workers.
//!
//! Start reading in [`Board`]; what is answered where is in [`routes`], what is known of a coordinator in [`model`], who may see it in
//! [`access`]. Why it is so: `docs/decisions/0052-the-board.md`.

mod access;
mod answer;
mod board;
mod clock;
mod context;
#[doc(hidden)]
pub mod fuzzing;
mod model;
mod pages;
mod patient_runtime;
mod points;
mod random;
mod routes;
mod settings;
mod table;
pub mod words;

pub use board::{Board, BoardError};
pub use settings::{BoardSettings, JournalTimes, Source, StoreChoice};
