/* For the files of the shim: Zephyr's interfaces for those of the device. */
#ifndef OPENZENTRI_INTERFACES_H
#define OPENZENTRI_INTERFACES_H

#include <stdbool.h>
#include <stdint.h>
#include <zephyr/net/net_if.h>

/* The station; the default interface where there is no radio. */
struct net_if *oz_station(void);
/* The access point: the second interface of the radio, or the only one, which is then station or access point. */
struct net_if *oz_access_point(void);
bool oz_has_two_interfaces(void);
/* Zephyr's interface for one of enum oz_interface. 0 with NULL: the board has only one, and routing finds it. */
int32_t oz_interface(uint8_t interface, struct net_if **bound);
/* Binds a socket to an interface, if the board has more than one. */
int32_t oz_bind_interface(int socket, uint8_t interface);

#endif
