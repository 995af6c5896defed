/*
 * A Wi-Fi driver without a radio, for native_sim: station and access point behind Zephyr's Wi-Fi management, so that
 * the device uses the same code as on every board. The driver has no rules of its own: it passes requests and frames to
 * the model (zephyr/src/air.rs), on the device's thread, and turns the model's answers into events.
 */
#define DT_DRV_COMPAT zentri_simulated_radio

#include <errno.h>
#include <string.h>
#include <zephyr/device.h>
#include <zephyr/kernel.h>
#include <zephyr/net/ethernet.h>
#include <zephyr/net/net_if.h>
#include <zephyr/net/net_pkt.h>
#include <zephyr/net/wifi_mgmt.h>
#include <zephyr/net/wifi_nm.h>
#include <zephyr/sys/atomic.h>

#include "../shim/security.h"
#include "wifi_simulated.h"
#include "wifi_tap.h"

/* One of the two interfaces. */
struct interface {
	struct net_if *iface;
	uint8_t mac[6];
};

struct frame {
	uint8_t bytes[OZ_AIR_FRAME];
	uint32_t size;
};

K_MSGQ_DEFINE(requests, sizeof(struct oz_air_request), 8, 4);
K_MSGQ_DEFINE(frames, sizeof(struct frame), 4, 4);

static struct interface station;
static struct interface access_point;
static scan_result_cb_t on_result;
static struct k_spinlock lock;
static struct wifi_iface_status present;
static atomic_t news;

static int ask(const struct oz_air_request *request)
{
	int why = k_msgq_put(&requests, request, K_NO_WAIT);

	atomic_inc(&news);
	oz_wake();
	return why == 0 ? 0 : -EBUSY;
}

static int scan(const struct device *dev, struct wifi_scan_params *parameters, scan_result_cb_t callback)
{
	struct oz_air_request request = {.kind = OZ_AIR_SCAN};

	ARG_UNUSED(dev);
	on_result = callback;
	request.scan.passive = parameters->scan_type == WIFI_SCAN_TYPE_PASSIVE;
	if (parameters->ssids[0] != NULL) {
		request.scan.ssid_size = MIN(strlen(parameters->ssids[0]), sizeof(request.scan.ssid));
		memcpy(request.scan.ssid, parameters->ssids[0], request.scan.ssid_size);
	}
	for (int i = 0; i < ARRAY_SIZE(parameters->band_chan) && parameters->band_chan[i].channel != 0; i++) {
		request.scan.channels |= BIT(parameters->band_chan[i].channel - 1);
	}
	return ask(&request);
}

static int connect(const struct device *dev, struct wifi_connect_req_params *parameters)
{
	struct oz_air_request request = {.kind = OZ_AIR_CONNECT};
	const uint8_t *key = parameters->psk_length > 0 ? parameters->psk : parameters->sae_password;

	ARG_UNUSED(dev);
	request.network.ssid_size = MIN(parameters->ssid_length, sizeof(request.network.ssid));
	memcpy(request.network.ssid, parameters->ssid, request.network.ssid_size);
	memcpy(request.network.bssid, parameters->bssid, sizeof(request.network.bssid));
	request.network.channel = parameters->channel == WIFI_CHANNEL_ANY ? 0 : parameters->channel;
	request.network.security = security_of(parameters->security);
	request.key_size = MIN(MAX(parameters->psk_length, parameters->sae_password_length), sizeof(request.key));
	if (key != NULL) {
		memcpy(request.key, key, request.key_size);
	}
	return ask(&request);
}

static int disconnect(const struct device *dev)
{
	ARG_UNUSED(dev);
	return ask(&(struct oz_air_request){.kind = OZ_AIR_DISCONNECT});
}

static int ap_enable(const struct device *dev, struct wifi_connect_req_params *parameters)
{
	struct oz_air_request request = {.kind = OZ_AIR_AP_ENABLE};

	ARG_UNUSED(dev);
	request.softap.ssid_size = MIN(parameters->ssid_length, sizeof(request.softap.ssid));
	memcpy(request.softap.ssid, parameters->ssid, request.softap.ssid_size);
	request.softap.passkey_size = MIN(parameters->psk_length, sizeof(request.softap.passkey));
	memcpy(request.softap.passkey, parameters->psk, request.softap.passkey_size);
	request.softap.channel = parameters->channel;
	request.softap.hidden = parameters->ignore_broadcast_ssid;
	request.softap.stations = CONFIG_OPENZENTRI_SOFTAP_STATIONS;
	return ask(&request);
}

static int ap_disable(const struct device *dev)
{
	ARG_UNUSED(dev);
	return ask(&(struct oz_air_request){.kind = OZ_AIR_AP_DISABLE});
}

static int ap_sta_disconnect(const struct device *dev, const uint8_t *mac)
{
	struct oz_air_request request = {.kind = OZ_AIR_AP_DROP};

	ARG_UNUSED(dev);
	if (IS_ENABLED(CONFIG_OPENZENTRI_TAP)) {
		oz_tap_drop(mac);
	}
	memcpy(request.mac, mac, sizeof(request.mac));
	return ask(&request);
}

static int iface_status(const struct device *dev, struct wifi_iface_status *status)
{
	k_spinlock_key_t key = k_spin_lock(&lock);

	ARG_UNUSED(dev);
	*status = present;
	k_spin_unlock(&lock, key);
	return 0;
}

static const struct wifi_mgmt_ops operations = {
	.scan = scan,
	.connect = connect,
	.disconnect = disconnect,
	.ap_enable = ap_enable,
	.ap_disable = ap_disable,
	.ap_sta_disconnect = ap_sta_disconnect,
	.iface_status = iface_status,
};

DEFINE_WIFI_NM_INSTANCE(oz_wifi, &operations);

/* ---- The interfaces ---- */

static void start(struct net_if *iface, struct interface *which, enum wifi_nm_iface_type type, uint8_t last)
{
	struct ethernet_context *context = net_if_l2_data(iface);

	which->iface = iface;
	oz_local_mac(which->mac);
	which->mac[5] ^= last;
	context->eth_if_type = L2_ETH_IF_TYPE_WIFI;
	(void)net_if_set_link_addr(iface, which->mac, sizeof(which->mac), NET_LINK_ETHERNET);
	wifi_nm_register_mgd_type_iface(wifi_nm_get_instance("oz_wifi"), type, iface);
	ethernet_init(iface);
	net_if_dormant_on(iface);
}

static void start_station(struct net_if *iface)
{
	start(iface, &station, WIFI_TYPE_STA, 0);
	if (IS_ENABLED(CONFIG_OPENZENTRI_TAP)) {
		oz_tap_attach(OZ_TAP_WLAN, iface);
	}
}

static void start_access_point(struct net_if *iface)
{
	start(iface, &access_point, WIFI_TYPE_SAP, 1);
	if (IS_ENABLED(CONFIG_OPENZENTRI_TAP)) {
		oz_tap_attach(OZ_TAP_SOFTAP, iface);
	}
}

/*
 * Frames of the station go to its TAP, or else to the model, which then is the rest of the network; frames that do not
 * fit are lost, as in the air.
 */
static int send_station(const struct device *dev, struct net_pkt *packet)
{
	struct frame frame = {.size = net_pkt_get_len(packet)};

	ARG_UNUSED(dev);
	if (IS_ENABLED(CONFIG_OPENZENTRI_TAP) && oz_tap_send(OZ_TAP_WLAN, packet)) {
		return 0;
	}
	if (frame.size > sizeof(frame.bytes) || net_pkt_read(packet, frame.bytes, frame.size) < 0) {
		return 0;
	}
	(void)k_msgq_put(&frames, &frame, K_NO_WAIT);
	atomic_inc(&news);
	oz_wake();
	return 0;
}

/* Without a TAP, the access point has no stations in the air: its clients use host sockets. */
static int send_access_point(const struct device *dev, struct net_pkt *packet)
{
	ARG_UNUSED(dev);
	if (IS_ENABLED(CONFIG_OPENZENTRI_TAP)) {
		(void)oz_tap_send(OZ_TAP_SOFTAP, packet);
	}
	return 0;
}

static const struct net_wifi_mgmt_offload station_api = {
	.wifi_iface.iface_api.init = start_station,
	.wifi_iface.send = send_station,
	.wifi_mgmt_api = &operations,
};

static const struct net_wifi_mgmt_offload access_point_api = {
	.wifi_iface.iface_api.init = start_access_point,
	.wifi_iface.send = send_access_point,
	.wifi_mgmt_api = &operations,
};

NET_DEVICE_DT_INST_DEFINE(0, NULL, NULL, &station, NULL, CONFIG_WIFI_INIT_PRIORITY, &station_api, ETHERNET_L2,
			  NET_L2_GET_CTX_TYPE(ETHERNET_L2), NET_ETH_MTU);
NET_DEVICE_INIT(oz_access_point_device, "access-point", NULL, NULL, &access_point, NULL, CONFIG_WIFI_INIT_PRIORITY,
		&access_point_api, ETHERNET_L2, NET_L2_GET_CTX_TYPE(ETHERNET_L2), NET_ETH_MTU);

/* ---- For the model ---- */

static void connect_tap(int which, bool on)
{
	if (IS_ENABLED(CONFIG_OPENZENTRI_TAP)) {
		oz_tap_switch(which, on);
	}
}

int32_t oz_air_request(struct oz_air_request *request)
{
	return k_msgq_get(&requests, request, K_NO_WAIT) == 0 ? 0 : -OZ_WOULD_BLOCK;
}

int32_t oz_air_sent(uint8_t frame[OZ_AIR_FRAME])
{
	static struct frame next;

	if (k_msgq_get(&frames, &next, K_NO_WAIT) != 0) {
		return -OZ_WOULD_BLOCK;
	}
	memcpy(frame, next.bytes, next.size);
	return (int32_t)next.size;
}

void oz_air_receive(const uint8_t *frame, uint32_t size)
{
	struct net_pkt *packet = net_pkt_rx_alloc_with_buffer(station.iface, size, AF_UNSPEC, 0, K_NO_WAIT);

	if (packet == NULL) {
		return;
	}
	if (net_pkt_write(packet, frame, size) < 0 || net_recv_data(station.iface, packet) < 0) {
		net_pkt_unref(packet);
	}
}

uint32_t oz_air_news(void)
{
	return (uint32_t)atomic_get(&news);
}

void oz_air_scan_result(const struct oz_access_point *found)
{
	struct wifi_scan_result result = {
		.ssid_length = found->ssid_size,
		.channel = found->channel,
		.band = WIFI_FREQ_BAND_2_4_GHZ,
		.security = type_of(found->security),
		.rssi = found->rssi,
		.mac_length = sizeof(found->bssid),
	};

	memcpy(result.ssid, found->ssid, found->ssid_size);
	memcpy(result.mac, found->bssid, sizeof(found->bssid));
	if (on_result != NULL) {
		on_result(station.iface, 0, &result);
	}
}

void oz_air_scan_done(void)
{
	if (on_result != NULL) {
		on_result(station.iface, 0, NULL);
	}
}

void oz_air_connected(uint8_t status, const struct oz_access_point *network)
{
	k_spinlock_key_t key = k_spin_lock(&lock);

	memset(&present, 0, sizeof(present));
	if (status == WIFI_STATUS_CONN_SUCCESS) {
		present.state = WIFI_STATE_COMPLETED;
		present.ssid_len = network->ssid_size;
		memcpy(present.ssid, network->ssid, network->ssid_size);
		memcpy(present.bssid, network->bssid, sizeof(network->bssid));
		present.channel = network->channel;
		present.rssi = network->rssi;
		present.security = type_of(network->security);
	}
	k_spin_unlock(&lock, key);
	if (status == WIFI_STATUS_CONN_SUCCESS) {
		connect_tap(OZ_TAP_WLAN, true);
		net_if_dormant_off(station.iface);
	}
	wifi_mgmt_raise_connect_result_event(station.iface, status);
}

void oz_air_disconnected(void)
{
	k_spinlock_key_t key = k_spin_lock(&lock);

	memset(&present, 0, sizeof(present));
	k_spin_unlock(&lock, key);
	connect_tap(OZ_TAP_WLAN, false);
	net_if_dormant_on(station.iface);
	wifi_mgmt_raise_disconnect_result_event(station.iface, 0);
}

void oz_air_access_point(uint8_t state)
{
	switch (state) {
	case 0:
		wifi_mgmt_raise_ap_enable_result_event(access_point.iface, WIFI_STATUS_AP_FAIL);
		break;
	case 1:
		connect_tap(OZ_TAP_SOFTAP, true);
		net_if_dormant_off(access_point.iface);
		wifi_mgmt_raise_ap_enable_result_event(access_point.iface, WIFI_STATUS_AP_SUCCESS);
		break;
	default:
		connect_tap(OZ_TAP_SOFTAP, false);
		net_if_dormant_on(access_point.iface);
		wifi_mgmt_raise_ap_disable_result_event(access_point.iface, WIFI_STATUS_AP_SUCCESS);
		break;
	}
}
