/*
 * The simulated Wi-Fi driver (wifi_simulated.c) and the model behind it (zephyr/src/air.rs): the interface between
 * them. The driver may be called from any thread; only the device's thread may call these functions.
 */
#ifndef OPENZENTRI_WIFI_SIMULATED_H
#define OPENZENTRI_WIFI_SIMULATED_H

#include "../shim/openzentri.h"

enum oz_air_kind {
	OZ_AIR_SCAN = 1,
	OZ_AIR_CONNECT = 2,
	OZ_AIR_DISCONNECT = 3,
	OZ_AIR_AP_ENABLE = 4,
	OZ_AIR_AP_DISABLE = 5,
	OZ_AIR_AP_DROP = 6,
};

/* A request to the radio. */
struct oz_air_request {
	/* enum oz_air_kind */
	uint8_t kind;
	uint8_t key_size;
	uint8_t mac[6];
	/* For a connection: a passphrase or the digits of a master key. */
	uint8_t key[64];
	struct oz_access_point network;
	struct oz_scan scan;
	struct oz_softap softap;
};

/* Bytes of the largest frame that the model handles. */
#define OZ_AIR_FRAME 700

/* The next request; OZ_WOULD_BLOCK when there is none. */
int32_t oz_air_request(struct oz_air_request *request);
/* The next frame that the station has sent; OZ_WOULD_BLOCK when there is none. */
int32_t oz_air_sent(uint8_t frame[OZ_AIR_FRAME]);
/* A frame for the station. */
void oz_air_receive(const uint8_t *frame, uint32_t size);
/* Counts requests and frames. */
uint32_t oz_air_news(void);
void oz_air_scan_result(const struct oz_access_point *found);
void oz_air_scan_done(void);
/* The outcome of a connection attempt: enum wifi_conn_status. */
void oz_air_connected(uint8_t status, const struct oz_access_point *network);
void oz_air_disconnected(void);
/* The access point is on (1), has failed to start (0), or is off (2). */
void oz_air_access_point(uint8_t state);

#endif
