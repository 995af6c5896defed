/* Maps the device's interfaces to Zephyr's network interfaces. */
#include <errno.h>
#include <string.h>
#include <zephyr/net/net_if.h>
#include <zephyr/net/socket.h>

#include "interfaces.h"
#include "openzentri.h"

struct net_if *oz_station(void)
{
	struct net_if *iface = net_if_get_wifi_sta();

	return iface != NULL ? iface : net_if_get_default();
}

struct net_if *oz_access_point(void)
{
	struct net_if *iface = net_if_get_wifi_sap();

	return iface != NULL ? iface : oz_station();
}

bool oz_has_two_interfaces(void)
{
	return oz_access_point() != oz_station();
}

#ifdef CONFIG_NET_NATIVE_OFFLOADED_SOCKETS
/* All interfaces share the host's network. */
int32_t oz_bind_interface(int socket, uint8_t interface)
{
	ARG_UNUSED(socket);
	ARG_UNUSED(interface);
	return 0;
}

int32_t oz_interface(uint8_t interface, struct net_if **bound)
{
	ARG_UNUSED(interface);
	*bound = NULL;
	return 0;
}
#else
int32_t oz_interface(uint8_t interface, struct net_if **bound)
{
	*bound = NULL;
	/* With only one interface, sockets are not bound, so that the loopback stays reachable. */
	if (oz_has_two_interfaces()) {
		*bound = interface == OZ_SOFTAP ? oz_access_point() : oz_station();
	}
	return 0;
}

int32_t oz_bind_interface(int socket, uint8_t interface)
{
	struct net_if *iface;
	struct ifreq request = {0};
	int32_t why = oz_interface(interface, &iface);

	if (why < 0 || iface == NULL) {
		return why;
	}
#ifdef CONFIG_NET_INTERFACE_NAME
	if (net_if_get_name(iface, request.ifr_name, sizeof(request.ifr_name)) < 0) {
		return -OZ_UNREACHABLE;
	}
#else
	strncpy(request.ifr_name, net_if_get_device(iface)->name, sizeof(request.ifr_name) - 1);
#endif
	if (zsock_setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, &request, sizeof(request)) < 0) {
		return oz_error(errno);
	}
	return 0;
}
#endif
