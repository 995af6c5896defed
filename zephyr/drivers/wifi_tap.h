/* The TAP interfaces of the host to which the simulated radio is connected (wifi_tap.c). */
#ifndef OPENZENTRI_WIFI_TAP_H
#define OPENZENTRI_WIFI_TAP_H

#include <stdbool.h>
#include <stdint.h>
#include <zephyr/net/net_if.h>

#include "wifi_tap_bottom.h"

/* Connects a Zephyr interface to the TAP. */
void oz_tap_attach(int which, struct net_if *iface);
/* The station has joined or the access point is on: frames pass from now on. */
void oz_tap_switch(int which, bool on);
/* Takes a frame that the interface sends; false when the interface has no TAP. */
bool oz_tap_send(int which, struct net_pkt *packet);
/* Disconnects a station of the access point. Its next frame associates it again, like any station that retries. */
void oz_tap_drop(const uint8_t mac[6]);

#endif
