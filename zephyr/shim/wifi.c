/*
 * The Wi-Fi radio. Events of Zephyr's network management change one small record and wake the loop; the device reads
 * the record when it needs it.
 */
#include <errno.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/net/net_if.h>
#include <zephyr/net/dhcpv4.h>
#include <zephyr/net/dns_resolve.h>
#include <zephyr/net/hostname.h>
#include <zephyr/net/net_event.h>
#include <zephyr/net/net_mgmt.h>
#include <zephyr/net/wifi_mgmt.h>

#include "interfaces.h"
#include "security.h"
#include "wifi.h"

#define JOIN_TIMEOUT_S 15

static struct k_spinlock lock;
static struct oz_radio_state present;
static uint32_t changes;
static struct oz_access_point results[CONFIG_OPENZENTRI_SCAN_RESULTS];
static uint32_t result_count;
/* The name that a scan asks for, which drivers treat only as a hint. */
static uint8_t wanted_ssid[WIFI_SSID_MAX_LEN];
static uint32_t wanted_size;
/* The device has left its network; the event for that may still come and does not concern the next network. */
static bool is_leaving;
/* The address of the station is the owner's, not from DHCP. */
static bool is_static;
/* The owner's name server, with a static address. */
static uint32_t own_name_server;

void oz_radio_changed(void)
{
	k_spinlock_key_t key = k_spin_lock(&lock);

	changes++;
	k_spin_unlock(&lock, key);
	oz_wake();
}

/* Changes the record and notifies the device. */
static void set_link(enum link link)
{
	k_spinlock_key_t key = k_spin_lock(&lock);

	present.link = link;
	if (link != LINK_JOINED) {
		present.has_ipv4 = 0;
	}
	k_spin_unlock(&lock, key);
	oz_radio_changed();
}

static void end_scan(void)
{
	k_spinlock_key_t key = k_spin_lock(&lock);

	present.scanning = 0;
	k_spin_unlock(&lock, key);
	oz_radio_changed();
}

static void keep(const struct wifi_scan_result *found)
{
	k_spinlock_key_t key = k_spin_lock(&lock);
	bool wanted = wanted_size == 0 || (found->ssid_length == wanted_size &&
					   memcmp(found->ssid, wanted_ssid, wanted_size) == 0);

	if (wanted && result_count < ARRAY_SIZE(results)) {
		struct oz_access_point *kept = &results[result_count++];

		kept->ssid_size = MIN(found->ssid_length, sizeof(kept->ssid));
		memcpy(kept->ssid, found->ssid, kept->ssid_size);
		memcpy(kept->bssid, found->mac, sizeof(kept->bssid));
		kept->channel = found->channel;
		kept->rssi = found->rssi;
		kept->security = security_of(found->security);
	}
	k_spin_unlock(&lock, key);
}

/* The outcome of a connection attempt. */
static enum link outcome(const struct wifi_status *status)
{
	switch (status->conn_status) {
	case WIFI_STATUS_CONN_SUCCESS:
		return LINK_JOINED;
	case WIFI_STATUS_CONN_WRONG_PASSWORD:
		return LINK_REFUSED;
	default:
		return LINK_FAILED;
	}
}

static void on_wifi(struct net_mgmt_event_callback *callback, uint32_t event, struct net_if *iface)
{
	const struct wifi_status *status = callback->info;

	ARG_UNUSED(iface);
	switch (event) {
	case NET_EVENT_WIFI_SCAN_RESULT:
		keep(callback->info);
		break;
	case NET_EVENT_WIFI_SCAN_DONE:
		end_scan();
		break;
	case NET_EVENT_WIFI_CONNECT_RESULT:
		is_leaving = false;
		set_link(outcome(status));
		break;
	case NET_EVENT_WIFI_DISCONNECT_RESULT:
		/* After oz_radio_leave() the link is already down, or the next attempt has begun; else it was lost. */
		if (is_leaving) {
			is_leaving = false;
		} else if (present.link == LINK_JOINED || present.link == LINK_JOINING) {
			set_link(LINK_FAILED);
		}
		break;
	default:
		break;
	}
}

/* The name server that the resolver uses now. */
static uint32_t name_server(void)
{
	struct dns_resolve_context *resolver = dns_resolve_get_default();

	if (resolver == NULL) {
		return 0;
	}
	for (int i = 0; i < ARRAY_SIZE(resolver->servers); i++) {
		const struct sockaddr *server = &resolver->servers[i].dns_server;

		if (server->sa_family == AF_INET) {
			return ntohl(net_sin(server)->sin_addr.s_addr);
		}
	}
	return 0;
}

static void note_address(struct net_if *iface)
{
	struct in_addr *address = net_if_ipv4_get_global_addr(iface, NET_ADDR_PREFERRED);
	struct oz_ipv4 config = {.dns = is_static ? own_name_server : name_server()};
	k_spinlock_key_t key;

	if (address != NULL) {
		struct in_addr netmask = net_if_ipv4_get_netmask_by_addr(iface, address);

		config.address = ntohl(address->s_addr);
		config.netmask = ntohl(netmask.s_addr);
		config.gateway = ntohl(iface->config.ip.ipv4->gw.s_addr);
	}
	key = k_spin_lock(&lock);
	present.has_ipv4 = address != NULL && present.link == LINK_JOINED;
	present.ipv4 = config;
	k_spin_unlock(&lock, key);
	oz_radio_changed();
}

static void on_address(struct net_mgmt_event_callback *callback, uint32_t event, struct net_if *iface)
{
	ARG_UNUSED(callback);
	if (iface != oz_station()) {
		return;
	}
	note_address(iface);
	/* When a server refuses to renew an address, Zephyr 4.1 drops it, and asks for another in a minute at best. */
	if (event == NET_EVENT_IPV4_ADDR_DEL && iface->config.dhcpv4.state == NET_DHCPV4_SELECTING) {
		net_dhcpv4_restart(iface);
	}
}

int32_t oz_radio_start(void)
{
	static struct net_mgmt_event_callback wifi;
	static struct net_mgmt_event_callback address;

	net_mgmt_init_event_callback(&wifi, on_wifi,
				     NET_EVENT_WIFI_SCAN_RESULT | NET_EVENT_WIFI_SCAN_DONE |
					     NET_EVENT_WIFI_CONNECT_RESULT | NET_EVENT_WIFI_DISCONNECT_RESULT);
	net_mgmt_add_event_callback(&wifi);
	net_mgmt_init_event_callback(&address, on_address,
				     NET_EVENT_IPV4_ADDR_ADD | NET_EVENT_IPV4_ADDR_DEL | NET_EVENT_IPV4_DHCP_BOUND);
	net_mgmt_add_event_callback(&address);
	oz_softap_listen();
	return oz_station() != NULL ? 0 : -OZ_NOT_FOUND;
}

int32_t oz_radio_serves_both(void)
{
	return oz_has_two_interfaces();
}

/* The channels that a scan asks for, as many as the build has room for. */
static void name_channels(struct wifi_scan_params *parameters, uint16_t channels)
{
	uint32_t count = 0;

	for (uint8_t channel = 1; channel <= 14 && count < ARRAY_SIZE(parameters->band_chan); channel++) {
		if ((channels & BIT(channel - 1)) != 0) {
			parameters->band_chan[count].band = WIFI_FREQ_BAND_2_4_GHZ;
			parameters->band_chan[count++].channel = channel;
		}
	}
}

int32_t oz_radio_scan(const struct oz_scan *request)
{
	/* Drivers read the name while they scan. */
	static char name[WIFI_SSID_MAX_LEN + 1];
	struct wifi_scan_params parameters = {
		.scan_type = request->passive ? WIFI_SCAN_TYPE_PASSIVE : WIFI_SCAN_TYPE_ACTIVE,
		.dwell_time_active = request->dwell_ms,
		.dwell_time_passive = request->dwell_ms,
	};
	k_spinlock_key_t key = k_spin_lock(&lock);
	bool busy = present.scanning;
	int why;

	if (!busy) {
		result_count = 0;
		wanted_size = MIN(request->ssid_size, sizeof(wanted_ssid));
		memcpy(wanted_ssid, request->ssid, wanted_size);
		present.scanning = 1;
	}
	k_spin_unlock(&lock, key);
	if (busy) {
		return -OZ_IN_USE;
	}
	name_channels(&parameters, request->channels);
	/* A scan cannot ask for a name with a NUL; the results are filtered in any case. */
	if (wanted_size > 0 && memchr(wanted_ssid, 0, wanted_size) == NULL) {
		memset(name, 0, sizeof(name));
		memcpy(name, wanted_ssid, wanted_size);
		parameters.ssids[0] = name;
	}
	why = net_mgmt(NET_REQUEST_WIFI_SCAN, oz_station(), &parameters, sizeof(parameters));
	if (why < 0) {
		end_scan();
		return oz_error(-why);
	}
	return 0;
}

int32_t oz_radio_scan_result(uint32_t index, struct oz_access_point *found)
{
	k_spinlock_key_t key = k_spin_lock(&lock);
	bool there = index < result_count;

	if (there) {
		*found = results[index];
	}
	k_spin_unlock(&lock, key);
	return there ? 0 : -OZ_NOT_FOUND;
}

/* Drops the address that DHCP or the owner has set. */
static void forget_address(void)
{
	struct net_if *iface = oz_station();
	struct in_addr *address = net_if_ipv4_get_global_addr(iface, NET_ADDR_ANY_STATE);

	net_dhcpv4_stop(iface);
	if (is_static && address != NULL) {
		(void)net_if_ipv4_addr_rm(iface, address);
	}
	is_static = false;
}

int32_t oz_radio_join(const struct oz_access_point *network, const uint8_t *passkey, uint32_t size)
{
	/* Drivers keep the pointers until the connection is established. */
	static uint8_t ssid[WIFI_SSID_MAX_LEN + 1];
	static uint8_t key[WIFI_PSK_MAX_LEN + 1];
	struct wifi_connect_req_params parameters = {
		.ssid = ssid,
		.ssid_length = MIN(network->ssid_size, WIFI_SSID_MAX_LEN),
		.psk = key,
		.psk_length = MIN(size, WIFI_PSK_MAX_LEN),
		.channel = network->channel == 0 ? WIFI_CHANNEL_ANY : network->channel,
		.security = type_of(network->security),
		.band = network->channel > 14 ? WIFI_FREQ_BAND_5_GHZ : WIFI_FREQ_BAND_2_4_GHZ,
		.mfp = network->security == WPA3_SAE ? WIFI_MFP_REQUIRED : WIFI_MFP_OPTIONAL,
		.timeout = JOIN_TIMEOUT_S,
	};
	int why;

	memset(ssid, 0, sizeof(ssid));
	memset(key, 0, sizeof(key));
	memcpy(ssid, network->ssid, parameters.ssid_length);
	memcpy(key, passkey, parameters.psk_length);
	/* SAE takes the password itself. */
	if (network->security == WPA3_SAE || network->security == WPA3_MIXED) {
		parameters.sae_password = key;
		parameters.sae_password_length = parameters.psk_length;
	}
	memcpy(parameters.bssid, network->bssid, sizeof(parameters.bssid));
	set_link(LINK_JOINING);
	why = net_mgmt(NET_REQUEST_WIFI_CONNECT, oz_station(), &parameters, sizeof(parameters));
	if (why < 0) {
		set_link(LINK_FAILED);
		return oz_error(-why);
	}
	return 0;
}

void oz_radio_leave(void)
{
	set_link(LINK_DOWN);
	forget_address();
	is_leaving = true;
	if (net_mgmt(NET_REQUEST_WIFI_DISCONNECT, oz_station(), NULL, 0) < 0) {
		is_leaving = false;
	}
}

void oz_radio_reset(void)
{
	oz_softap_stop();
	oz_radio_leave();
	end_scan();
	if (oz_has_two_interfaces()) {
		(void)net_if_down(oz_access_point());
		(void)net_if_up(oz_access_point());
	}
	(void)net_if_down(oz_station());
	(void)net_if_up(oz_station());
}

/*
 * Makes the resolver ask the owner's name server. With host sockets, the host resolves names; and Zephyr's resolver
 * would close a socket that it waits for, which ends the process.
 */
static void use_name_server(uint32_t dns)
{
	struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(dns)};
	const struct sockaddr *servers[] = {(const struct sockaddr *)&server, NULL};
	struct dns_resolve_context *resolver = dns_resolve_get_default();

	if (resolver != NULL && !IS_ENABLED(CONFIG_NET_NATIVE_OFFLOADED_SOCKETS)) {
		(void)dns_resolve_reconfigure(resolver, NULL, servers);
	}
}

void oz_radio_set_host_name(const uint8_t *name, uint32_t size)
{
#ifdef CONFIG_NET_HOSTNAME_DYNAMIC
	char text[NET_HOSTNAME_MAX_LEN];

	size = MIN(size, sizeof(text));
	memcpy(text, name, size);
	(void)net_hostname_set(text, size);
#else
	ARG_UNUSED(name);
	ARG_UNUSED(size);
#endif
}

int32_t oz_radio_configure(uint8_t interface, const struct oz_ipv4 *address)
{
	struct net_if *iface = oz_station();
	struct in_addr own;
	struct in_addr netmask;
	struct in_addr gateway;

	if (interface == OZ_SOFTAP) {
		return oz_softap_configure(address);
	}
	if (present.link != LINK_JOINED) {
		return -OZ_UNREACHABLE;
	}
	forget_address();
	if (address == NULL) {
		net_dhcpv4_start(iface);
		return 0;
	}
	own.s_addr = htonl(address->address);
	netmask.s_addr = htonl(address->netmask);
	gateway.s_addr = htonl(address->gateway);
	if (net_if_ipv4_addr_add(iface, &own, NET_ADDR_MANUAL, 0) == NULL) {
		return -OZ_NO_ROOM;
	}
	is_static = true;
	own_name_server = address->dns;
	(void)net_if_ipv4_set_netmask_by_addr(iface, &own, &netmask);
	net_if_ipv4_set_gw(iface, &gateway);
	if (address->dns != 0) {
		use_name_server(address->dns);
	}
	note_address(iface);
	return 0;
}

void oz_radio_state(uint8_t interface, struct oz_radio_state *state)
{
	k_spinlock_key_t key;

	if (interface == OZ_SOFTAP) {
		oz_softap_state(state);
		return;
	}
	key = k_spin_lock(&lock);
	*state = present;
	k_spin_unlock(&lock, key);
}

uint32_t oz_radio_changes(void)
{
	return changes;
}

int32_t oz_radio_rssi(int8_t *rssi)
{
	struct wifi_iface_status status = {0};
	int why;

	if (present.link != LINK_JOINED) {
		return -OZ_NOT_FOUND;
	}
	why = net_mgmt(NET_REQUEST_WIFI_IFACE_STATUS, oz_station(), &status, sizeof(status));
	if (why < 0) {
		return oz_error(-why);
	}
	*rssi = (int8_t)CLAMP(status.rssi, INT8_MIN, INT8_MAX);
	return 0;
}
