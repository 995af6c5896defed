/* Configures a TLS session from the device's order: certificates, keys, versions, the time. */
/* For gmtime_r(). */
#define _POSIX_C_SOURCE 200809L

#include <string.h>
#include <time.h>
#include <mbedtls/platform.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <zephyr/kernel.h>
#include <zephyr/net/socket.h>
#include <zephyr/sys/util.h>

#include "tls_session.h"

/* ---- The copy of an order ---- */

/* Copies bytes one after the other, each with a NUL, which PEM and names need. */
static const uint8_t *keep(unsigned char **place, const uint8_t *bytes, uint32_t size)
{
	unsigned char *copy = *place;

	if (bytes == NULL) {
		return NULL;
	}
	memcpy(copy, bytes, size);
	copy[size] = '\0';
	*place += size + 1;
	return copy;
}

bool oz_tls_order_keep(struct oz_tls_session *session, const struct oz_tls_order *order)
{
	size_t size = order->name_size + order->authorities_size + order->certificate_size + order->key_size +
		      order->alpn_size + 5;
	unsigned char *place = mbedtls_calloc(1, size);

	if (place == NULL) {
		return false;
	}
	session->block = place;
	session->order = *order;
	session->order.name = keep(&place, order->name, order->name_size);
	session->order.authorities = keep(&place, order->authorities, order->authorities_size);
	session->order.certificate = keep(&place, order->certificate, order->certificate_size);
	session->order.key = keep(&place, order->key, order->key_size);
	session->order.alpn = keep(&place, order->alpn, order->alpn_size);
	return true;
}

/* ---- The time ---- */

/* The sign of a - b. */
static int compare(const mbedtls_x509_time *a, const struct tm *b)
{
	const int differences[] = {
		a->year - (b->tm_year + 1900), a->mon - (b->tm_mon + 1), a->day - b->tm_mday,
		a->hour - b->tm_hour, a->min - b->tm_min, a->sec - b->tm_sec,
	};

	for (int i = 0; i < ARRAY_SIZE(differences); i++) {
		if (differences[i] != 0) {
			return differences[i];
		}
	}
	return 0;
}

/* Called for each certificate of a chain. Mbed TLS is built without a clock, because only the device knows the time. */
static int check_dates(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
	const struct oz_tls_session *session = context;
	time_t seconds = (time_t)session->order.now;
	struct tm now;

	ARG_UNUSED(depth);
	gmtime_r(&seconds, &now);
	if (compare(&certificate->valid_to, &now) < 0) {
		*flags |= MBEDTLS_X509_BADCERT_EXPIRED;
	}
	if (session->order.clock_is_set && compare(&certificate->valid_from, &now) > 0) {
		*flags |= MBEDTLS_X509_BADCERT_FUTURE;
	}
	return 0;
}

/* ---- Certificates and keys ---- */

static bool is_pem(const uint8_t *bytes)
{
	return strstr((const char *)bytes, "-----BEGIN ") != NULL;
}

size_t oz_tls_parsed_size(const uint8_t *bytes, uint32_t size)
{
	return is_pem(bytes) ? size + 1 : size;
}

static int read_certificates(mbedtls_x509_crt *certificates, const uint8_t *bytes, uint32_t size)
{
	int why;

	if (size == 0) {
		return 0;
	}
	why = mbedtls_x509_crt_parse(certificates, bytes, oz_tls_parsed_size(bytes, size));
	if (why == MBEDTLS_ERR_X509_ALLOC_FAILED) {
		return why;
	}
	return why == 0 ? 0 : OZ_TLS_BAD_CREDENTIALS;
}

static int read_own(struct oz_tls_session *session)
{
	const struct oz_tls_order *order = &session->order;
	int why = read_certificates(&session->certificate, order->certificate, order->certificate_size);

	if (why != 0 || order->certificate_size == 0) {
		return why != 0 || !order->is_server ? why : OZ_TLS_BAD_CREDENTIALS;
	}
	why = mbedtls_pk_parse_key(&session->key, order->key, oz_tls_parsed_size(order->key, order->key_size), NULL, 0,
				   oz_tls_random, NULL);
	if (why == MBEDTLS_ERR_PK_ALLOC_FAILED) {
		return why;
	}
	if (why != 0 || mbedtls_pk_check_pair(&session->certificate.pk, &session->key, oz_tls_random, NULL) != 0) {
		return OZ_TLS_BAD_CREDENTIALS;
	}
	return mbedtls_ssl_conf_own_cert(&session->config, &session->certificate, &session->key);
}

static int read_authorities(struct oz_tls_session *session)
{
	const struct oz_tls_order *order = &session->order;
	int why;

	if (!order->verify) {
		mbedtls_ssl_conf_authmode(&session->config, MBEDTLS_SSL_VERIFY_NONE);
		return 0;
	}
	why = read_certificates(&session->authorities, order->authorities, order->authorities_size);
	if (why == 0 && order->authorities_size == 0) {
		why = OZ_TLS_BAD_CREDENTIALS;
	}
	mbedtls_ssl_conf_authmode(&session->config, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_chain(&session->config, &session->authorities, NULL);
	mbedtls_ssl_conf_verify(&session->config, check_dates, session);
	return why;
}

/* ---- Names and versions ---- */

/* The name that a client asks a server for. */
static int note_name(void *context, mbedtls_ssl_context *ssl, const unsigned char *name, size_t size)
{
	struct oz_tls_session *session = context;

	ARG_UNUSED(ssl);
	if (size <= sizeof(session->outcome.name)) {
		memcpy(session->outcome.name, name, size);
		session->outcome.name_size = (uint8_t)size;
	}
	return 0;
}

static int set_name(struct oz_tls_session *session)
{
	const struct oz_tls_order *order = &session->order;
	struct in_addr address;

	if (order->is_server) {
		mbedtls_ssl_conf_sni(&session->config, note_name, session);
		return 0;
	}
	if (order->name_size == 0 || order->name_size > sizeof(session->outcome.name)) {
		return OZ_TLS_BAD_NAME;
	}
	memcpy(session->outcome.name, order->name, order->name_size);
	session->outcome.name_size = (uint8_t)order->name_size;
	if (zsock_inet_pton(AF_INET, (const char *)order->name, &address) == 1) {
		memcpy(session->address, order->name, order->name_size + 1);
		return 0;
	}
	return mbedtls_ssl_set_hostname(&session->ssl, (const char *)order->name);
}

static int set_protocols(struct oz_tls_session *session)
{
	const struct oz_tls_order *order = &session->order;
	uint32_t at = 0;
	int count = 0;

	if (order->alpn_size == 0) {
		return 0;
	}
	/* Each length makes room for the NUL of the name before it. */
	if (order->alpn_size + 1 > sizeof(session->alpn)) {
		return OZ_TLS_BAD_CREDENTIALS;
	}
	memcpy(session->alpn, order->alpn, order->alpn_size);
	while (at < order->alpn_size && count < OZ_TLS_PROTOCOLS) {
		uint32_t size = session->alpn[at];

		session->alpn[at] = '\0';
		session->protocols[count++] = (const char *)&session->alpn[at + 1];
		at += size + 1;
	}
	return mbedtls_ssl_conf_alpn_protocols(&session->config, session->protocols);
}

#ifdef CONFIG_OPENZENTRI_TLS_1_3
#define NEWEST MBEDTLS_SSL_VERSION_TLS1_3
#else
#define NEWEST MBEDTLS_SSL_VERSION_TLS1_2
#endif

static int set_versions(struct oz_tls_session *session)
{
	int oldest = session->order.oldest;

	if (oldest > NEWEST) {
		return MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION;
	}
	mbedtls_ssl_conf_min_tls_version(&session->config, oldest);
	mbedtls_ssl_conf_max_tls_version(&session->config, MIN(session->order.newest, NEWEST));
	return 0;
}

/* Asks a server for records that fit; as a server, Mbed TLS obeys such a request by itself. */
static int limit_records(struct oz_tls_session *session)
{
	unsigned char most = CONFIG_OPENZENTRI_TLS_RECORD_RX >= 4096   ? MBEDTLS_SSL_MAX_FRAG_LEN_4096
			     : CONFIG_OPENZENTRI_TLS_RECORD_RX >= 2048 ? MBEDTLS_SSL_MAX_FRAG_LEN_2048
								       : MBEDTLS_SSL_MAX_FRAG_LEN_1024;

	if (session->order.is_server || CONFIG_OPENZENTRI_TLS_RECORD_RX >= 16384) {
		return 0;
	}
	return mbedtls_ssl_conf_max_frag_len(&session->config, most);
}

/* ---- All of it ---- */

int oz_tls_contexts_make(struct oz_tls_session *session)
{
	static int (*const steps[])(struct oz_tls_session *) = {
		read_authorities, read_own, set_versions, set_protocols, limit_records,
	};
	int end = session->order.is_server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT;
	int why;

	mbedtls_ssl_init(&session->ssl);
	mbedtls_ssl_config_init(&session->config);
	mbedtls_x509_crt_init(&session->authorities);
	mbedtls_x509_crt_init(&session->certificate);
	mbedtls_pk_init(&session->key);
	session->has_contexts = true;
	why = mbedtls_ssl_config_defaults(&session->config, end, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
	mbedtls_ssl_conf_rng(&session->config, oz_tls_random, NULL);
	for (int i = 0; i < ARRAY_SIZE(steps) && why == 0; i++) {
		why = steps[i](session);
	}
	if (why == 0) {
		why = mbedtls_ssl_setup(&session->ssl, &session->config);
	}
	if (why == 0) {
		why = set_name(session);
	}
	/* The check of dates still needs the time, which is not in the block. */
	mbedtls_free(session->block);
	session->block = NULL;
	return why;
}

void oz_tls_credentials_free(struct oz_tls_session *session)
{
	mbedtls_x509_crt_free(&session->authorities);
	mbedtls_x509_crt_free(&session->certificate);
	mbedtls_pk_free(&session->key);
}

void oz_tls_contexts_free(struct oz_tls_session *session)
{
	mbedtls_free(session->block);
	session->block = NULL;
	if (session->has_contexts) {
		session->has_contexts = false;
		mbedtls_ssl_free(&session->ssl);
		mbedtls_ssl_config_free(&session->config);
		oz_tls_credentials_free(session);
	}
}
