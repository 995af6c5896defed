/* The key and the certificate that the device makes for itself (docs/adr/0010). */
/* For gmtime_r(). */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <zephyr/kernel.h>

#include "tls.h"

#define NAME_SIZE 129
/* Mbed TLS writes both at the end of their halves. */
#define HALF 640
/* YYYYMMDDhhmmss */
#define TIME_SIZE 15

static struct {
	volatile enum oz_making stage;
	char name[NAME_SIZE];
	uint64_t from;
	uint64_t until;
	unsigned char certificate[HALF];
	unsigned char key[HALF];
	int certificate_size;
	int key_size;
} identity;

static void write_time(char text[TIME_SIZE], uint64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm parts;

	gmtime_r(&time, &parts);
	(void)strftime(text, TIME_SIZE, "%Y%m%d%H%M%S", &parts);
}

/* The name in both places in which a client looks for it. */
static int set_names(mbedtls_x509write_cert *certificate)
{
	char subject[NAME_SIZE + 3];
	mbedtls_x509_san_list name = {
		.node = {
			.type = MBEDTLS_X509_SAN_DNS_NAME,
			.san.unstructured_name = {.p = (unsigned char *)identity.name, .len = strlen(identity.name)},
		},
	};
	int why;

	snprintf(subject, sizeof(subject), "CN=%s", identity.name);
	why = mbedtls_x509write_crt_set_subject_name(certificate, subject);
	if (why == 0) {
		why = mbedtls_x509write_crt_set_issuer_name(certificate, subject);
	}
	return why != 0 ? why : mbedtls_x509write_crt_set_subject_alternative_name(certificate, &name);
}

static int set_fields(mbedtls_x509write_cert *certificate)
{
	unsigned char serial[16];
	char from[TIME_SIZE];
	char until[TIME_SIZE];
	int why;

	oz_random(serial, sizeof(serial));
	/* Positive, and without leading zeros (RFC 5280, 4.1.2.2). */
	serial[0] = (serial[0] & 0x7F) | 0x40;
	write_time(from, identity.from);
	write_time(until, identity.until);
	mbedtls_x509write_crt_set_version(certificate, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(certificate, MBEDTLS_MD_SHA256);
	why = mbedtls_x509write_crt_set_serial_raw(certificate, serial, sizeof(serial));
	if (why == 0) {
		why = mbedtls_x509write_crt_set_validity(certificate, from, until);
	}
	if (why == 0) {
		why = mbedtls_x509write_crt_set_basic_constraints(certificate, 0, 0);
	}
	return why != 0 ? why : set_names(certificate);
}

/* Mbed TLS writes DER at the end of a buffer; moves the bytes to the beginning and returns 0. */
static int move(unsigned char *buffer, int size, int *length)
{
	if (size <= 0) {
		return size == 0 ? -1 : size;
	}
	memmove(buffer, buffer + HALF - size, (size_t)size);
	*length = size;
	return 0;
}

static int write_both(mbedtls_x509write_cert *certificate, mbedtls_pk_context *key)
{
	int why = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));

	if (why == 0) {
		why = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), oz_tls_random, NULL);
	}
	if (why == 0) {
		mbedtls_x509write_crt_set_subject_key(certificate, key);
		mbedtls_x509write_crt_set_issuer_key(certificate, key);
		why = set_fields(certificate);
	}
	if (why == 0) {
		why = move(identity.certificate,
			   mbedtls_x509write_crt_der(certificate, identity.certificate, HALF, oz_tls_random, NULL),
			   &identity.certificate_size);
	}
	return why != 0 ? why : move(identity.key, mbedtls_pk_write_key_der(key, identity.key, HALF), &identity.key_size);
}

static void make(void *context)
{
	mbedtls_x509write_cert certificate;
	mbedtls_pk_context key;
	int why;

	ARG_UNUSED(context);
	mbedtls_x509write_crt_init(&certificate);
	mbedtls_pk_init(&key);
	why = write_both(&certificate, &key);
	mbedtls_x509write_crt_free(&certificate);
	mbedtls_pk_free(&key);
	identity.stage = why == 0 ? OZ_MADE : OZ_FAILED;
}

int32_t oz_identity_start(const uint8_t *name, uint32_t size, uint64_t from, uint64_t until)
{
	if (identity.stage == OZ_RUNNING || size == 0 || size >= sizeof(identity.name)) {
		return -OZ_NO_ROOM;
	}
	identity.stage = OZ_RUNNING;
	memcpy(identity.name, name, size);
	identity.name[size] = '\0';
	identity.from = from;
	identity.until = until;
	oz_tls_compute(make, NULL);
	return 0;
}

int32_t oz_identity_result(void)
{
	return oz_making_result(&identity.stage, -OZ_NO_ROOM);
}

int32_t oz_identity_ended(void)
{
	return identity.stage != OZ_RUNNING;
}

int32_t oz_identity_take(uint8_t *buffer, uint32_t size, uint32_t *certificate, uint32_t *key)
{
	if (identity.stage != OZ_MADE) {
		return -OZ_NOT_FOUND;
	}
	if ((uint32_t)(identity.certificate_size + identity.key_size) > size) {
		return -OZ_NO_ROOM;
	}
	*certificate = (uint32_t)identity.certificate_size;
	*key = (uint32_t)identity.key_size;
	memcpy(buffer, identity.certificate, *certificate);
	memcpy(buffer + *certificate, identity.key, *key);
	memset(identity.key, 0, sizeof(identity.key));
	identity.stage = OZ_NOTHING;
	return 0;
}
