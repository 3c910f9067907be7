//! A new migration file alone does not make cargo build the crate again; this does.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
