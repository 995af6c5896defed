/*
 * The network behind the simulated radio in the variant FILE_SUFFIX=tap: Ethernet frames of Zephyr's own IP stack, to
 * and from TAP interfaces of the host. Frames pass only while the station has joined or the access point is on, as with
 * a radio.
 */
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/net/ethernet.h>
#include <zephyr/net/net_if.h>
#include <zephyr/net/net_pkt.h>
#include <zephyr/net/wifi_mgmt.h>
#include <zephyr/sys/atomic.h>

#include "wifi_tap.h"

/* How often the host is polled for frames, in microseconds, and how many frames are taken in a row. */
#define INTERVAL 200
#define BURST    32

#define FRAME (NET_ETH_MTU + sizeof(struct net_eth_hdr))

struct end {
	struct net_if *iface;
	atomic_t on;
};

static struct end ends[2];
static struct k_spinlock lock;
static uint8_t stations[CONFIG_OPENZENTRI_SOFTAP_STATIONS][6];
static uint32_t station_count;

void oz_tap_attach(int which, struct net_if *iface)
{
	ends[which].iface = iface;
}

void oz_tap_switch(int which, bool on)
{
	k_spinlock_key_t key;

	atomic_set(&ends[which].on, on);
	if (which == OZ_TAP_SOFTAP && !on) {
		key = k_spin_lock(&lock);
		station_count = 0;
		k_spin_unlock(&lock, key);
	}
}

bool oz_tap_send(int which, struct net_pkt *packet)
{
	static uint8_t frame[FRAME];
	static K_MUTEX_DEFINE(turn);
	size_t size = net_pkt_get_len(packet);

	if (!oz_tap_is_there(which)) {
		return false;
	}
	k_mutex_lock(&turn, K_FOREVER);
	if (atomic_get(&ends[which].on) && size <= sizeof(frame) && net_pkt_read(packet, frame, size) == 0) {
		oz_tap_write(which, frame, (int)size);
	}
	k_mutex_unlock(&turn);
	return true;
}

/* ---- Stations of the access point ---- */

static struct wifi_ap_sta_info about(const uint8_t mac[6])
{
	struct wifi_ap_sta_info station = {.link_mode = WIFI_4, .mac_length = 6};

	memcpy(station.mac, mac, sizeof(station.mac));
	return station;
}

static uint32_t place_of(const uint8_t mac[6])
{
	uint32_t place = 0;

	while (place < station_count && memcmp(stations[place], mac, sizeof(stations[0])) != 0) {
		place++;
	}
	return place;
}

/* Whether the sender of a frame is a station. A new sender associates with its first frame. */
static bool admit(const uint8_t mac[6])
{
	k_spinlock_key_t key = k_spin_lock(&lock);
	uint32_t place = place_of(mac);
	bool is_new = place == station_count;
	bool has_room = place < ARRAY_SIZE(stations);
	struct wifi_ap_sta_info station = about(mac);

	if (is_new && has_room) {
		memcpy(stations[place], mac, sizeof(stations[0]));
		station_count++;
	}
	k_spin_unlock(&lock, key);
	if (is_new && has_room) {
		wifi_mgmt_raise_ap_sta_connected_event(ends[OZ_TAP_SOFTAP].iface, &station);
	}
	return has_room;
}

void oz_tap_drop(const uint8_t mac[6])
{
	k_spinlock_key_t key = k_spin_lock(&lock);
	uint32_t place = place_of(mac);
	bool was_there = place < station_count;
	struct wifi_ap_sta_info station = about(mac);

	if (was_there) {
		station_count--;
		memmove(stations[place], stations[place + 1], (station_count - place) * sizeof(stations[0]));
	}
	k_spin_unlock(&lock, key);
	if (was_there) {
		wifi_mgmt_raise_ap_sta_disconnected_event(ends[OZ_TAP_SOFTAP].iface, &station);
	}
}

/* ---- Frames from the host ---- */

static void deliver(struct net_if *iface, const uint8_t *frame, size_t size)
{
	struct net_pkt *packet = net_pkt_rx_alloc_with_buffer(iface, size, AF_UNSPEC, 0, K_NO_WAIT);

	/* Without a buffer the frame is lost, as in the air. */
	if (packet == NULL) {
		return;
	}
	if (net_pkt_write(packet, frame, size) < 0 || net_recv_data(iface, packet) < 0) {
		net_pkt_unref(packet);
	}
}

static void take(int which)
{
	static uint8_t frame[FRAME];
	const struct net_eth_hdr *head = (const struct net_eth_hdr *)frame;
	int size;

	for (int taken = 0; taken < BURST && (size = oz_tap_read(which, frame, sizeof(frame))) > 0; taken++) {
		if (!atomic_get(&ends[which].on) || size < sizeof(*head)) {
			continue;
		}
		if (which == OZ_TAP_WLAN || admit(head->src.addr)) {
			deliver(ends[which].iface, frame, (size_t)size);
		}
	}
}

static void listen(void)
{
	for (;;) {
		for (int which = 0; which < ARRAY_SIZE(ends); which++) {
			if (oz_tap_is_there(which)) {
				take(which);
			}
		}
		k_sleep(K_USEC(INTERVAL));
	}
}

K_THREAD_DEFINE(oz_tap, 4096, listen, NULL, NULL, NULL, K_PRIO_COOP(8), 0, 0);
