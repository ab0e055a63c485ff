//! Makes the Rust of a `.proto` file. No program needs this: its tests hold the files that are kept in the tree against what they say, or write
//! them. It stands apart from `basin-proto`, which may not compile before they are written.

use std::path::Path;

use protox::prost_reflect::prost_types::FileDescriptorSet;

/// The file under `folder`, with what it imports, as descriptors.
///
/// # Errors
/// It isn't there, or isn't right.
pub fn descriptors(folder: &Path, file: &str) -> Result<FileDescriptorSet, protox::Error> {
    protox::compile([file], [folder])
}

/// All calls of all services, as a Rust expression.
pub fn calls(descriptors: &FileDescriptorSet) -> String {
    let mut calls = String::from("&[\n");
    for file in &descriptors.file {
        for service in &file.service {
            for method in &service.method {
                let (package, service, method) = (file.package(), service.name(), method.name());
                calls.push_str(&format!("    \"/{package}.{service}/{method}\",\n"));
            }
        }
    }
    calls + "]\n"
}

/// Writes the messages and services into a folder, a file a package.
///
/// # Errors
/// The folder can't be written to.
pub fn generate(descriptors: FileDescriptorSet, folder: &Path) -> std::io::Result<()> {
    // The executor's messages name some of the coordinator's, which are generated once.
    let is_basin = descriptors.file.last().is_some_and(|file| file.package() == "basin.v1");
    let generator = tonic_prost_build::configure().out_dir(folder);
    let generator = if is_basin { generator } else { generator.extern_path(".basin.v1", "crate::v1") };
    generator.bytes(".basin.v1.SyncRequest.logs").compile_fds(descriptors)
}
