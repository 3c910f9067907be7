//! Generates the messages and, with the feature `grpc`, clients and servers. `protox` stands in for
//! protoc, so that nothing has to be installed.

use prost::Message as _;

const FILES: [&str; 5] = [
    "countersign/policy/v1/policy.proto",
    "countersign/event/v1/event.proto",
    "countersign/node/v1/node.proto",
    "countersign/admin/v1/admin.proto",
    "countersign/access/v1/access.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for file in FILES {
        println!("cargo::rerun-if-changed={file}");
    }
    let grpc = std::env::var_os("CARGO_FEATURE_GRPC").is_some();
    let descriptors = protox::compile(FILES, ["."])?;
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .build_client(grpc)
        .build_server(grpc)
        .compile_fds(descriptors)?;
    Ok(())
}
