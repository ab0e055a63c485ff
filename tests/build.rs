//! Generates the wire types of the version before, from the proto as it was, so that a test speaks as its programs do.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=tests/protocol/before.proto");
    let descriptors = protox::compile(["before.proto"], ["tests/protocol"])?;
    tonic_prost_build::configure().build_server(true).compile_fds(descriptors)?;
    Ok(())
}
