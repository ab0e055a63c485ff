//! Generates the wire types and services from `basin.proto` with protox: no protoc is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=basin.proto");
    let descriptors = protox::compile(["basin.proto", "executor.proto"], ["."])?;
    println!("cargo:rerun-if-changed=executor.proto");
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
