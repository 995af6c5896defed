//! Makes Zephyr's configuration available as `#[cfg(CONFIG_…)]` and as constants.

fn main() {
    // Notice an option that changes in an existing build folder.
    println!("cargo:rerun-if-env-changed=DOTCONFIG");
    if let Ok(path) = std::env::var("DOTCONFIG") {
        println!("cargo:rerun-if-changed={path}");
    }
    // The CMake function compiles a file that the package zephyr-sys would write: C for inline functions, none of which
    // is used here.
    if let Ok(path) = std::env::var("WRAPPER_FILE")
        && let Err(error) = std::fs::write(path.trim_matches('"'), "")
    {
        panic!("{path}: {error}");
    }
    zephyr_build::export_kconfig_bool_options();
    zephyr_build::build_kconfig_mod();
}
