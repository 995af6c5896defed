/* The securities of the command language (port::Security) and Zephyr's, which are fewer. */
#ifndef OPENZENTRI_SECURITY_H
#define OPENZENTRI_SECURITY_H

#include <zephyr/net/wifi.h>

enum security { OPEN, WEP, WPA_AES, WPA_TKIP, WPA2_AES, WPA2_MIXED, WPA2_TKIP, WPA3_SAE, WPA3_MIXED };

static inline enum security security_of(enum wifi_security_type type)
{
	switch (type) {
	case WIFI_SECURITY_TYPE_NONE:
		return OPEN;
	case WIFI_SECURITY_TYPE_WEP:
		return WEP;
	case WIFI_SECURITY_TYPE_WPA_PSK:
		return WPA_TKIP;
	case WIFI_SECURITY_TYPE_SAE_HNP:
	case WIFI_SECURITY_TYPE_SAE_H2E:
		return WPA3_SAE;
	case WIFI_SECURITY_TYPE_SAE_AUTO:
		return WPA3_MIXED;
	case WIFI_SECURITY_TYPE_WPA_AUTO_PERSONAL:
		return WPA2_MIXED;
	default:
		return WPA2_AES;
	}
}

static inline enum wifi_security_type type_of(enum security security)
{
	switch (security) {
	case OPEN:
		return WIFI_SECURITY_TYPE_NONE;
	case WEP:
		return WIFI_SECURITY_TYPE_WEP;
	case WPA_AES:
	case WPA_TKIP:
		return WIFI_SECURITY_TYPE_WPA_PSK;
	case WPA3_SAE:
		return WIFI_SECURITY_TYPE_SAE_AUTO;
	case WPA3_MIXED:
		return WIFI_SECURITY_TYPE_WPA_AUTO_PERSONAL;
	default:
		return WIFI_SECURITY_TYPE_PSK;
	}
}

#endif
