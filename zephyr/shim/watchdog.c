/*
 * The board's watchdog: it restarts a device whose loop hangs, because one of its steps or a driver call does not
 * return. The device then finds the reason and counts a fault (interface, serial 8).
 */
#include <errno.h>
#include <zephyr/device.h>
#include <zephyr/drivers/watchdog.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "openzentri.h"

static const struct device *const watchdog = DEVICE_DT_GET(DT_ALIAS(watchdog0));
/* Negative while it does not run. */
static int channel = -1;

static int start(void)
{
	const struct wdt_timeout_cfg timeout = {
		.window.max = CONFIG_OPENZENTRI_WATCHDOG_SECONDS * MSEC_PER_SEC,
		.flags = WDT_FLAG_RESET_SOC,
	};
	int installed, error;

	if (!device_is_ready(watchdog)) {
		return -ENODEV;
	}
	installed = wdt_install_timeout(watchdog, &timeout);
	if (installed < 0) {
		return installed;
	}
	error = wdt_setup(watchdog, WDT_OPT_PAUSE_HALTED_BY_DBG);
	if (error == -ENOTSUP) {
		/* Then it keeps running while a debugger halts the processor. */
		error = wdt_setup(watchdog, 0);
	}
	return error < 0 ? error : installed;
}

void oz_watchdog_feed(void)
{
	static bool tried;

	/* Not before the loop: formatting the volume of a new device may take long. */
	if (!tried) {
		tried = true;
		channel = start();
		if (channel < 0) {
			printk("watchdog: %d\n", channel);
		}
	}
	if (channel >= 0) {
		(void)wdt_feed(watchdog, channel);
	}
}
