//! A new file in a folder does not make cargo build the crate again; this does.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    // The dashboard as it was built; a part of this program.
    println!("cargo::rerun-if-changed=dashboard/dist");
}
