//! Makes Zephyr's configuration available as `#[cfg(CONFIG_…)]`.

fn main() {
    // An option that is changed in a build folder that exists already is to be heard of.
    println!("cargo:rerun-if-env-changed=DOTCONFIG");
    if let Ok(path) = std::env::var("DOTCONFIG") {
        println!("cargo:rerun-if-changed={path}");
    }
    zephyr_build::export_kconfig_bool_options();
}
