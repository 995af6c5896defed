/*
 * Zephyr 4.1 does not link the access point of hostap without its debug messages: two of them name a status code by this
 * function, which is then left out. Nobody sees the name, so there is none.
 */
#include <stdint.h>

/* The name in hostap's own header (src/common/ieee802_11_common.h). */
const char *status2str(uint16_t status)
{
	(void)status;
	return "";
}
