/*
 * Zephyr 4.1 does not link the access point of hostap without its debug messages: two of them call this function for
 * the name of a status code, but it is then left out. The name is never shown, so this returns none.
 */
#include <stdint.h>

/* The name in hostap's own header (src/common/ieee802_11_common.h). */
const char *status2str(uint16_t status)
{
	(void)status;
	return "";
}
