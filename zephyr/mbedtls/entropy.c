/*
 * The entropy of Mbed TLS. When the source fails, Zephyr's own function falls back to sys_rand_get(), which is a
 * counter of cycles; this one fails, and so does the handshake.
 */
#include <mbedtls/entropy.h>
#include <zephyr/random/random.h>

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t size, size_t *filled)
{
	ARG_UNUSED(data);
	if (sys_csrand_get(output, size) != 0) {
		return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
	}
	*filled = size;
	return 0;
}
