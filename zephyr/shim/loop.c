/* The one place where the device sleeps. */
#include <errno.h>
#include <zephyr/kernel.h>
#include <zephyr/net/socket.h>
#include <zephyr/zvfs/eventfd.h>

#include "openzentri.h"

/* In Zephyr 4.1 zsock_poll() takes whole milliseconds; this one, which it calls, takes ticks. */
int zvfs_poll_internal(struct zvfs_pollfd *fds, int nfds, k_timeout_t timeout);

BUILD_ASSERT(sizeof(struct oz_watch) == sizeof(struct zsock_pollfd));
BUILD_ASSERT(offsetof(struct oz_watch, wanted) == offsetof(struct zsock_pollfd, events));
BUILD_ASSERT(offsetof(struct oz_watch, ready) == offsetof(struct zsock_pollfd, revents));
BUILD_ASSERT(OZ_READABLE == ZSOCK_POLLIN && OZ_WRITABLE == ZSOCK_POLLOUT);

/* How long to wait for buffers. */
#define STARVED_MS 2

#ifdef CONFIG_OPENZENTRI_WATCHDOG
/* The longest wait: for some watchdog drivers the time runs to the first interrupt, for others to the reset. */
#define LONGEST_WAIT_US (CONFIG_OPENZENTRI_WATCHDOG_SECONDS * (int64_t)USEC_PER_SEC / 4)
#endif

static int bell = -1;
static bool starved;

static void ring(struct k_work *work)
{
	ARG_UNUSED(work);
	(void)zvfs_eventfd_write(bell, 1);
}

static K_WORK_DEFINE(ring_work, ring);

void oz_wake(void)
{
	/* An interrupt must not write the eventfd; the system's work queue does it. */
	if (k_is_in_isr()) {
		(void)k_work_submit(&ring_work);
	} else {
		ring(NULL);
	}
}

int32_t oz_start(void)
{
	bell = zvfs_eventfd(0, ZVFS_EFD_NONBLOCK);
	return bell < 0 ? oz_error(errno) : 0;
}

void oz_starved(void)
{
	starved = true;
}

/* How long this wait may be. */
static k_timeout_t limit(int64_t timeout_us)
{
#ifdef CONFIG_NET_NATIVE_OFFLOADED_SOCKETS
	/*
	 * The driver for host sockets sees only events from before the wait, and then polls at intervals. A wait of
	 * zero length sees nothing at all, because the simulated time stands still.
	 */
	if (timeout_us == 0) {
		return K_TICKS(1);
	}
#endif
#ifdef CONFIG_OPENZENTRI_WATCHDOG
	if (timeout_us < 0 || timeout_us > LONGEST_WAIT_US) {
		return K_USEC(LONGEST_WAIT_US);
	}
#endif
	return timeout_us < 0 ? K_FOREVER : K_USEC(timeout_us);
}

int32_t oz_wait(struct oz_watch *watches, uint32_t count, int64_t timeout_us)
{
	int ready;
	zvfs_eventfd_t rings;

#ifdef CONFIG_OPENZENTRI_WATCHDOG
	oz_watchdog_feed();
#endif
	/* The socket that wants to send is still writable: without this sleep, the loop would spin. */
	if (starved) {
		starved = false;
		k_sleep(K_MSEC(STARVED_MS));
	}

	/* The last place is for the bell. */
	watches[count].fd = bell;
	watches[count].wanted = ZSOCK_POLLIN;
	watches[count].ready = 0;
	ready = zvfs_poll_internal((struct zvfs_pollfd *)watches, count + 1, limit(timeout_us));
	if (ready < 0) {
		return oz_error(errno);
	}
	if (watches[count].ready != 0) {
		(void)zvfs_eventfd_read(bell, &rings);
	}
	return ready;
}

uint64_t oz_uptime_us(void)
{
	return k_ticks_to_us_floor64(k_uptime_ticks());
}

int32_t oz_error(int errno_value)
{
	switch (errno_value) {
	case EAGAIN:
#if EWOULDBLOCK != EAGAIN
	case EWOULDBLOCK:
#endif
	case EINPROGRESS:
	case EALREADY:
		return -OZ_WOULD_BLOCK;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
	case ENOTCONN:
	case ESHUTDOWN:
		return -OZ_CLOSED;
	case ECONNREFUSED:
		return -OZ_REFUSED;
	case ETIMEDOUT:
		return -OZ_TIMED_OUT;
	case EADDRINUSE:
		return -OZ_IN_USE;
	case ENOMEM:
	case ENOBUFS:
	case ENFILE:
	case EMFILE:
	case ENOSPC:
	case EFBIG:
		return -OZ_NO_ROOM;
	case ENOENT:
		return -OZ_NOT_FOUND;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
		return -OZ_UNREACHABLE;
	case EACCES:
	case EPERM:
		return -OZ_DENIED;
	case EROFS:
		return -OZ_READ_ONLY;
	case ENOTSUP:
#if EOPNOTSUPP != ENOTSUP
	case EOPNOTSUPP:
#endif
	case ENOSYS:
		return -OZ_UNSUPPORTED;
	default:
		return -OZ_ERRNO - errno_value;
	}
}
