/*
 * The access point of the radio. As in wifi.c, events of Zephyr's network management change one small record and wake the
 * loop.
 */
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/net/net_event.h>
#include <zephyr/net/wifi_mgmt.h>

#include "interfaces.h"
#include "wifi.h"

static struct k_spinlock lock;
static struct oz_radio_state present;
static uint8_t stations[CONFIG_OPENZENTRI_SOFTAP_STATIONS][6];
static uint32_t station_count;

static void set_link(enum link link)
{
	k_spinlock_key_t key = k_spin_lock(&lock);

	present.link = link;
	if (link != LINK_JOINED) {
		present.has_ipv4 = 0;
		present.stations += station_count;
		station_count = 0;
	}
	k_spin_unlock(&lock, key);
	oz_radio_changed();
}

/* The place of the station in the list, or the end of the list. */
static uint32_t place_of(const uint8_t *mac)
{
	uint32_t place = 0;

	while (place < station_count && memcmp(stations[place], mac, sizeof(stations[0])) != 0) {
		place++;
	}
	return place;
}

static void come(const struct wifi_ap_sta_info *station)
{
	k_spinlock_key_t key = k_spin_lock(&lock);
	uint32_t place = place_of(station->mac);

	if (place == station_count && place < ARRAY_SIZE(stations)) {
		memcpy(stations[place], station->mac, sizeof(stations[0]));
		station_count++;
	}
	present.stations++;
	k_spin_unlock(&lock, key);
	oz_radio_changed();
}

static void go(const struct wifi_ap_sta_info *station)
{
	k_spinlock_key_t key = k_spin_lock(&lock);
	uint32_t place = place_of(station->mac);

	if (place < station_count) {
		station_count--;
		memmove(stations[place], stations[place + 1], (station_count - place) * sizeof(stations[0]));
	}
	present.stations++;
	k_spin_unlock(&lock, key);
	oz_radio_changed();
}

static void on_access_point(struct net_mgmt_event_callback *callback, uint32_t event, struct net_if *iface)
{
	const struct wifi_status *status = callback->info;

	ARG_UNUSED(iface);
	switch (event) {
	case NET_EVENT_WIFI_AP_ENABLE_RESULT:
		/* A stop may have come in between. */
		if (present.link == LINK_JOINING) {
			set_link(status->status == 0 ? LINK_JOINED : LINK_FAILED);
		}
		break;
	case NET_EVENT_WIFI_AP_DISABLE_RESULT:
		if (present.link == LINK_JOINED) {
			set_link(LINK_FAILED);
		}
		break;
	case NET_EVENT_WIFI_AP_STA_CONNECTED:
		come(callback->info);
		break;
	case NET_EVENT_WIFI_AP_STA_DISCONNECTED:
		go(callback->info);
		break;
	default:
		break;
	}
}

void oz_softap_listen(void)
{
	static struct net_mgmt_event_callback events;

	net_mgmt_init_event_callback(&events, on_access_point,
				     NET_EVENT_WIFI_AP_ENABLE_RESULT | NET_EVENT_WIFI_AP_DISABLE_RESULT |
					     NET_EVENT_WIFI_AP_STA_CONNECTED | NET_EVENT_WIFI_AP_STA_DISCONNECTED);
	net_mgmt_add_event_callback(&events);
}

int32_t oz_softap_start(const struct oz_softap *network)
{
	/* Drivers keep the pointers while the access point is on. */
	static uint8_t ssid[WIFI_SSID_MAX_LEN + 1];
	static uint8_t key[WIFI_PSK_MAX_LEN + 1];
	struct wifi_connect_req_params parameters = {
		.ssid = ssid,
		.ssid_length = MIN(network->ssid_size, WIFI_SSID_MAX_LEN),
		.psk = key,
		.psk_length = MIN(network->passkey_size, WIFI_PSK_MAX_LEN),
		.channel = network->channel == 0 ? 1 : network->channel,
		.band = WIFI_FREQ_BAND_2_4_GHZ,
		.security = network->passkey_size == 0 ? WIFI_SECURITY_TYPE_NONE : WIFI_SECURITY_TYPE_PSK,
		.ignore_broadcast_ssid = network->hidden,
	};
	int why;

	memset(ssid, 0, sizeof(ssid));
	memset(key, 0, sizeof(key));
	memcpy(ssid, network->ssid, parameters.ssid_length);
	memcpy(key, network->passkey, parameters.psk_length);
	set_link(LINK_JOINING);
	why = net_mgmt(NET_REQUEST_WIFI_AP_ENABLE, oz_access_point(), &parameters, sizeof(parameters));
	if (why < 0) {
		set_link(LINK_FAILED);
		return oz_error(-why);
	}
	return 0;
}

/* Removes the address that the owner has set. */
static void forget_address(void)
{
	struct in_addr own = {.s_addr = htonl(present.ipv4.address)};

	if (present.has_ipv4) {
		(void)net_if_ipv4_addr_rm(oz_access_point(), &own);
	}
}

void oz_softap_stop(void)
{
	bool is_on = present.link != LINK_DOWN;

	forget_address();
	set_link(LINK_DOWN);
	if (is_on) {
		(void)net_mgmt(NET_REQUEST_WIFI_AP_DISABLE, oz_access_point(), NULL, 0);
	}
}

int32_t oz_softap_configure(const struct oz_ipv4 *address)
{
	struct net_if *iface = oz_access_point();
	struct in_addr own;
	struct in_addr netmask;
	k_spinlock_key_t key;

	if (present.link != LINK_JOINED) {
		return -OZ_UNREACHABLE;
	}
	if (address == NULL) {
		return -OZ_UNSUPPORTED;
	}
	forget_address();
	own.s_addr = htonl(address->address);
	netmask.s_addr = htonl(address->netmask);
	if (net_if_ipv4_addr_add(iface, &own, NET_ADDR_MANUAL, 0) == NULL) {
		return -OZ_NO_ROOM;
	}
	(void)net_if_ipv4_set_netmask_by_addr(iface, &own, &netmask);
	key = k_spin_lock(&lock);
	present.has_ipv4 = 1;
	present.ipv4 = *address;
	k_spin_unlock(&lock, key);
	oz_radio_changed();
	return 0;
}

void oz_softap_state(struct oz_radio_state *state)
{
	k_spinlock_key_t key = k_spin_lock(&lock);

	*state = present;
	k_spin_unlock(&lock, key);
}

int32_t oz_softap_station(uint32_t index, uint8_t mac[6])
{
	k_spinlock_key_t key = k_spin_lock(&lock);
	bool there = index < station_count;

	if (there) {
		memcpy(mac, stations[index], sizeof(stations[0]));
	}
	k_spin_unlock(&lock, key);
	return there ? 0 : -OZ_NOT_FOUND;
}

void oz_softap_drop(const uint8_t mac[6])
{
	uint8_t station[6];

	memcpy(station, mac, sizeof(station));
	(void)net_mgmt(NET_REQUEST_WIFI_AP_STA_DISCONNECT, oz_access_point(), station, sizeof(station));
}
