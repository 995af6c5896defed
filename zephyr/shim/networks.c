/* The networks that the simulated radio hears: the children of the devicetree's node. */
#define DT_DRV_COMPAT zentri_simulated_radio

#include <stddef.h>
#include <zephyr/devicetree.h>

#include "openzentri.h"

#define NETWORK(node)                                                                                                  \
	{                                                                                                              \
		.ssid = DT_PROP(node, ssid),                                                                           \
		.passphrase = DT_PROP(node, passphrase),                                                               \
		.bssid = DT_PROP(node, bssid),                                                                         \
		.channel = DT_PROP(node, channel),                                                                     \
		/* The property holds the signal without its sign. */                                                  \
		.rssi = -DT_PROP(node, attenuation),                                                                   \
		.security = DT_ENUM_IDX(node, security),                                                               \
		.dhcp = !DT_PROP(node, no_dhcp),                                                                       \
		.hidden = DT_PROP(node, hidden),                                                                       \
		.hangs = DT_PROP(node, hangs),                                                                         \
		.fails = DT_PROP(node, fails),                                                                         \
		.vanishes_after_ms = DT_PROP(node, vanishes_after_ms),                                                 \
		.drops_after_ms = DT_PROP(node, drops_after_ms),                                                 \
	},

static const struct oz_network networks[] = {
#if DT_HAS_COMPAT_STATUS_OKAY(DT_DRV_COMPAT)
	DT_FOREACH_CHILD_STATUS_OKAY(DT_INST(0, DT_DRV_COMPAT), NETWORK)
#endif
	{.ssid = NULL},
};

const struct oz_network *oz_simulated_network(uint32_t index)
{
	return index < ARRAY_SIZE(networks) - 1 ? &networks[index] : NULL;
}
