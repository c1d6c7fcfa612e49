//! The migrations are compiled into the crate: a new one must compile it again.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
