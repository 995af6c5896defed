/*
 * Included after Zephyr's configuration of Mbed TLS (CONFIG_MBEDTLS_USER_CONFIG_FILE).
 *
 * The supplicant selects every elliptic curve. WPA3 requires only group 19, which is P-256 (IEEE 802.11-2020,
 * 12.4.4.1); groups 20 and 21 are P-384 and P-521, and the supplicant offers the available ones. TLS
 * uses P-256 and P-384; X25519 is only recommended (RFC 8446, 9.1). The others are about 25 kB of flash that nothing needs.
 */
#undef MBEDTLS_ECP_DP_SECP192R1_ENABLED
#undef MBEDTLS_ECP_DP_SECP224R1_ENABLED
#undef MBEDTLS_ECP_DP_SECP521R1_ENABLED
#undef MBEDTLS_ECP_DP_SECP192K1_ENABLED
#undef MBEDTLS_ECP_DP_SECP224K1_ENABLED
#undef MBEDTLS_ECP_DP_SECP256K1_ENABLED
#undef MBEDTLS_ECP_DP_BP256R1_ENABLED
#undef MBEDTLS_ECP_DP_BP384R1_ENABLED
#undef MBEDTLS_ECP_DP_BP512R1_ENABLED
#undef MBEDTLS_ECP_DP_CURVE25519_ENABLED
#undef MBEDTLS_ECP_DP_CURVE448_ENABLED

#ifdef CONFIG_OPENZENTRI_TLS
/* The supplicant selects it for enterprise networks, which it is built without. */
#undef MBEDTLS_KEY_EXCHANGE_ECDHE_PSK_ENABLED
/* The heap is our own (zephyr/shim/tls_thread.c); several threads may use it at the same time. */
#define MBEDTLS_PLATFORM_MEMORY
/* Zephyr's option for writing certificates does not select its dependency. */
#define MBEDTLS_X509_CREATE_C
/* Servers send records of up to 16 kB (RFC 8446, 5.1); our own records can be shorter. */
#undef MBEDTLS_SSL_IN_CONTENT_LEN
#define MBEDTLS_SSL_IN_CONTENT_LEN CONFIG_OPENZENTRI_TLS_RECORD_RX
#undef MBEDTLS_SSL_OUT_CONTENT_LEN
#define MBEDTLS_SSL_OUT_CONTENT_LEN CONFIG_OPENZENTRI_TLS_RECORD_TX
/* A client with less room may ask for shorter ones (RFC 6066, 4). */
#define MBEDTLS_SSL_MAX_FRAGMENT_LENGTH
#ifdef CONFIG_OPENZENTRI_TLS_1_3
/* With RSA, TLS 1.3 has no other signatures (RFC 8446, 4.2.3). */
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT
#else
/* The peer's certificate is not needed once it has been verified, except by TLS 1.3. */
#undef MBEDTLS_SSL_KEEP_PEER_CERTIFICATE
#endif
#undef MBEDTLS_MEMORY_BUFFER_ALLOC_C
#undef MBEDTLS_MEMORY_DEBUG
#endif

/* Only for passwords of enterprise networks (MS-CHAP), which this supplicant is built without. */
#undef MBEDTLS_DES_C

/* WPA3 hashes a few hundred bytes with it. */
#define MBEDTLS_SHA512_SMALLER

/* mbedtls_hardware_poll() is ours (entropy.c), for CONFIG_MBEDTLS_ENTROPY_POLL_ZEPHYR=n. */
#undef MBEDTLS_NO_DEFAULT_ENTROPY_SOURCES
#undef MBEDTLS_ENTROPY_HARDWARE_ALT
#define MBEDTLS_ENTROPY_HARDWARE_ALT
