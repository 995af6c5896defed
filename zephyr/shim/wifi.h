/* Shared by wifi.c (the station) and softap.c (the access point). */
#ifndef OPENZENTRI_WIFI_H
#define OPENZENTRI_WIFI_H

#include <zephyr/net/net_if.h>
#include <zephyr/net/net_mgmt.h>

#include "openzentri.h"

/* port::Link */
enum link { LINK_DOWN, LINK_JOINING, LINK_JOINED, LINK_FAILED, LINK_REFUSED };

/* A state has changed: wakes the device to read the states again. */
void oz_radio_changed(void);
/* Listens to the events of the access point. */
void oz_softap_listen(void);
void oz_softap_state(struct oz_radio_state *state);
int32_t oz_softap_configure(const struct oz_ipv4 *address);

#endif
