/* A request for a certificate, signed by a key of the device (PKCS#10, RFC 2986). */
#include <stdio.h>
#include <string.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/x509_csr.h>
#include <zephyr/kernel.h>

#include "tls.h"

#define NAME_SIZE 129

static struct {
	volatile enum oz_making stage;
	char name[NAME_SIZE];
	/* Followed by a NUL, which PEM needs; kept until the thread has read it. */
	unsigned char *key;
	size_t key_size;
	/* DER, at the end of its buffer. */
	unsigned char *bytes;
	int size;
} request;

static void drop_key(void)
{
	if (request.key != NULL) {
		mbedtls_platform_zeroize(request.key, request.key_size);
		mbedtls_free(request.key);
		request.key = NULL;
	}
}

static int read_key(mbedtls_pk_context *key)
{
	size_t size = oz_tls_parsed_size(request.key, (uint32_t)request.key_size);

	return mbedtls_pk_parse_key(key, request.key, size, NULL, 0, oz_tls_random, NULL);
}

static int set_fields(mbedtls_x509write_csr *csr, mbedtls_pk_context *key)
{
	char subject[NAME_SIZE + 3];
	mbedtls_x509_san_list name = {
		.node = {
			.type = MBEDTLS_X509_SAN_DNS_NAME,
			.san.unstructured_name = {.p = (unsigned char *)request.name, .len = strlen(request.name)},
		},
	};
	bool is_p384 = mbedtls_pk_can_do(key, MBEDTLS_PK_ECDSA) && mbedtls_pk_get_bitlen(key) == 384;
	int why;

	mbedtls_x509write_csr_set_key(csr, key);
	mbedtls_x509write_csr_set_md_alg(csr, is_p384 ? MBEDTLS_MD_SHA384 : MBEDTLS_MD_SHA256);
	snprintf(subject, sizeof(subject), "CN=%s", request.name);
	why = mbedtls_x509write_csr_set_subject_name(csr, subject);
	return why != 0 ? why : mbedtls_x509write_csr_set_subject_alternative_name(csr, &name);
}

static int write_request(void)
{
	mbedtls_x509write_csr csr;
	mbedtls_pk_context key;
	int why;

	mbedtls_x509write_csr_init(&csr);
	mbedtls_pk_init(&key);
	why = read_key(&key);
	if (why == 0) {
		why = set_fields(&csr, &key);
	}
	if (why == 0) {
		why = mbedtls_x509write_csr_der(&csr, request.bytes, OZ_REQUEST_SIZE, oz_tls_random, NULL);
	}
	mbedtls_x509write_csr_free(&csr);
	mbedtls_pk_free(&key);
	return why;
}

static void make(void *context)
{
	ARG_UNUSED(context);
	request.size = write_request();
	drop_key();
	if (request.size <= 0) {
		mbedtls_free(request.bytes);
		request.bytes = NULL;
	}
	request.stage = request.size > 0 ? OZ_MADE : OZ_FAILED;
}

int32_t oz_request_start(const uint8_t *name, uint32_t name_size, const uint8_t *key, uint32_t key_size)
{
	if (request.stage == OZ_RUNNING || name_size == 0 || name_size >= sizeof(request.name) || key_size == 0) {
		return -OZ_NO_ROOM;
	}
	/* An earlier request that was not taken. */
	mbedtls_free(request.bytes);
	request.bytes = mbedtls_calloc(1, OZ_REQUEST_SIZE);
	request.key = mbedtls_calloc(1, key_size + 1);
	if (request.bytes == NULL || request.key == NULL) {
		mbedtls_free(request.bytes);
		mbedtls_free(request.key);
		request.bytes = request.key = NULL;
		request.stage = OZ_NOTHING;
		return -OZ_NO_ROOM;
	}
	memcpy(request.name, name, name_size);
	request.name[name_size] = '\0';
	memcpy(request.key, key, key_size);
	request.key_size = key_size;
	request.stage = OZ_RUNNING;
	oz_tls_compute(make, NULL);
	return 0;
}

int32_t oz_request_result(void)
{
	return oz_making_result(&request.stage, -OZ_UNSUPPORTED);
}

int32_t oz_request_ended(void)
{
	return request.stage != OZ_RUNNING;
}

int32_t oz_request_take(uint8_t *buffer, uint32_t size)
{
	if (request.stage != OZ_MADE) {
		return -OZ_NOT_FOUND;
	}
	if ((uint32_t)request.size > size) {
		return -OZ_NO_ROOM;
	}
	memcpy(buffer, request.bytes + OZ_REQUEST_SIZE - request.size, (size_t)request.size);
	mbedtls_free(request.bytes);
	request.bytes = NULL;
	request.stage = OZ_NOTHING;
	return request.size;
}
