//! Makes Zephyr's configuration available as `#[cfg(CONFIG_…)]`.

fn main() {
    zephyr_build::export_kconfig_bool_options();
}
