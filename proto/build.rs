//! Generates the wire types and services from `basin.proto` with protox: no protoc is needed. And a list of all calls, so that
//! a test can ask of each who may make it.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=basin.proto");
    let descriptors = protox::compile(["basin.proto"], ["."])?;
    println!("cargo:rerun-if-changed=executor.proto");
    let mut calls = String::from("&[\n");
    for file in &descriptors.file {
        for service in &file.service {
            for method in &service.method {
                calls.push_str(&format!(
                    "    \"/{}.{}/{}\",\n",
                    file.package(),
                    service.name(),
                    method.name()
                ));
            }
        }
    }
    calls.push_str("]\n");
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("calls.rs"), calls)?;
    // The executor's messages name some of the coordinator's, which are generated after them, once.
    let executor = protox::compile(["executor.proto"], ["."])?;
    tonic_prost_build::configure().extern_path(".basin.v1", "crate::v1").compile_fds(executor)?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
