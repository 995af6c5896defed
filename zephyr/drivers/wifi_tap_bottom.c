/*
 * The host's side of the simulated radio: TAP interfaces, which either exist and may be opened by this process, or
 * which it may create. Compiled into the native simulator's runner.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <nsi_cmdline.h>
#include <nsi_tasks.h>
#include <nsi_tracing.h>

#include "wifi_tap_bottom.h"

struct tap {
	/* From the options; NULL for none. */
	char *name;
	int fd;
};

static struct tap taps[] = {
	[OZ_TAP_WLAN] = {.fd = -1},
	[OZ_TAP_SOFTAP] = {.fd = -1},
};

int oz_tap_is_there(int which)
{
	return taps[which].fd >= 0;
}

int oz_tap_read(int which, unsigned char *frame, int room)
{
	ssize_t size = read(taps[which].fd, frame, (size_t)room);

	return size > 0 ? (int)size : 0;
}

void oz_tap_write(int which, const unsigned char *frame, int size)
{
	ssize_t written;

	do {
		written = write(taps[which].fd, frame, (size_t)size);
	} while (written < 0 && errno == EINTR);
}

static void open_tap(struct tap *tap)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	if (tap->name == NULL) {
		return;
	}
	if (strlen(tap->name) >= sizeof(request.ifr_name)) {
		nsi_print_error_and_exit("%s: too long for the name of an interface\n", tap->name);
	}
	strcpy(request.ifr_name, tap->name);
	tap->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tap->fd < 0) {
		nsi_print_error_and_exit("/dev/net/tun: %s\n", strerror(errno));
	}
	if (ioctl(tap->fd, TUNSETIFF, &request) < 0) {
		nsi_print_error_and_exit("TAP %s: %s\n", tap->name, strerror(errno));
	}
}

static void open_taps(void)
{
	open_tap(&taps[OZ_TAP_WLAN]);
	open_tap(&taps[OZ_TAP_SOFTAP]);
}

NSI_TASK(open_taps, PRE_BOOT_2, 2);

static void add_options(void)
{
	static struct args_struct_t options[] = {
		{
			.option = "tap-wlan",
			.name = "interface",
			.type = 's',
			.dest = (void *)&taps[OZ_TAP_WLAN].name,
			.descript = "TAP interface that the network is on which the station has joined; without it the "
				    "station gets an address, and reaches nobody",
		},
		{
			.option = "tap-softap",
			.name = "interface",
			.type = 's',
			.dest = (void *)&taps[OZ_TAP_SOFTAP].name,
			.descript = "TAP interface that the stations of the soft AP are on",
		},
		ARG_TABLE_ENDMARKER,
	};

	nsi_add_command_line_opts(options);
}

NSI_TASK(add_options, PRE_BOOT_1, 12);
