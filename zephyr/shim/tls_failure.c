/* Translates the outcome of a handshake into the terms of the port contract. */
#include <string.h>
#include <mbedtls/ecp.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/rsa.h>
#include <mbedtls/ssl.h>
#include <zephyr/sys/util.h>

#include "tls_session.h"

struct pair {
	int why;
	enum oz_tls_error error;
};

static const struct pair pairs[] = {
	{OZ_TLS_BAD_CREDENTIALS, OZ_TLS_CREDENTIALS},
	{OZ_TLS_BAD_NAME, OZ_TLS_NAME},
	{MBEDTLS_ERR_SSL_CONN_EOF, OZ_TLS_CLOSED},
	{MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, OZ_TLS_ALERT},
	{MBEDTLS_ERR_NET_CONN_RESET, OZ_TLS_CLOSED},
	{MBEDTLS_ERR_SSL_ALLOC_FAILED, OZ_TLS_NO_MEMORY},
	{MBEDTLS_ERR_X509_ALLOC_FAILED, OZ_TLS_NO_MEMORY},
	{MBEDTLS_ERR_PK_ALLOC_FAILED, OZ_TLS_NO_MEMORY},
	{MBEDTLS_ERR_ECP_ALLOC_FAILED, OZ_TLS_NO_MEMORY},
	{MBEDTLS_ERR_MPI_ALLOC_FAILED, OZ_TLS_NO_MEMORY},
	{MBEDTLS_ERR_MD_ALLOC_FAILED, OZ_TLS_NO_MEMORY},
	{MBEDTLS_ERR_CIPHER_ALLOC_FAILED, OZ_TLS_NO_MEMORY},
	{MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE, OZ_TLS_NO_CERTIFICATE},
	{MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, OZ_TLS_INCOMPATIBLE},
	{MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, OZ_TLS_INCOMPATIBLE},
	{MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL, OZ_TLS_INCOMPATIBLE},
	{MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE, OZ_TLS_INCOMPATIBLE},
	{MBEDTLS_ERR_SSL_UNSUPPORTED_EXTENSION, OZ_TLS_INCOMPATIBLE},
	{MBEDTLS_ERR_SSL_BAD_CERTIFICATE, OZ_TLS_BAD_CERTIFICATE},
	{MBEDTLS_ERR_SSL_DECODE_ERROR, OZ_TLS_PROTOCOL},
	{MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, OZ_TLS_PROTOCOL},
	{MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, OZ_TLS_PROTOCOL},
	{MBEDTLS_ERR_SSL_UNEXPECTED_RECORD, OZ_TLS_PROTOCOL},
	{MBEDTLS_ERR_SSL_INVALID_RECORD, OZ_TLS_PROTOCOL},
	{MBEDTLS_ERR_SSL_INVALID_MAC, OZ_TLS_PROTOCOL},
	{MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL, OZ_TLS_PROTOCOL},
};

/* An error number is often the sum of a TLS error and a lower-level error. */
#define BELOW 0x7F

static bool is_of_certificates(int why)
{
	int of = (-why) & ~BELOW;

	return of >= 0x2000 && of <= 0x2F80;
}

static enum oz_tls_error of_flags(uint32_t flags)
{
	static const struct {
		uint32_t flag;
		enum oz_tls_error error;
	} order[] = {
		{MBEDTLS_X509_BADCERT_MISSING, OZ_TLS_NO_CERTIFICATE},
		{MBEDTLS_X509_BADCERT_NOT_TRUSTED, OZ_TLS_UNTRUSTED},
		{MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE, OZ_TLS_EXPIRED},
		{MBEDTLS_X509_BADCERT_CN_MISMATCH, OZ_TLS_WRONG_NAME},
	};

	for (int i = 0; i < ARRAY_SIZE(order); i++) {
		if (flags & order[i].flag) {
			return order[i].error;
		}
	}
	return OZ_TLS_BAD_CERTIFICATE;
}

static enum oz_tls_error error_of(const struct oz_tls_session *session, int why)
{
	uint32_t flags;

	if (why == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
		return OZ_TLS_ALERT;
	}
	if (session->has_contexts && session->ssl.MBEDTLS_PRIVATE(session_negotiate) != NULL) {
		flags = mbedtls_ssl_get_verify_result(&session->ssl);
		if (flags != 0 && flags != (uint32_t)-1 && why != MBEDTLS_ERR_SSL_CONN_EOF) {
			return of_flags(flags);
		}
	}
	for (int i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (pairs[i].why == why || (why < 0 && -((-why) & ~BELOW) == pairs[i].why)) {
			return pairs[i].error;
		}
	}
	return is_of_certificates(why) ? OZ_TLS_BAD_CERTIFICATE : OZ_TLS_INTERNAL;
}

static void describe_session(struct oz_tls_session *session)
{
	struct oz_tls_outcome *outcome = &session->outcome;
	const char *protocol = mbedtls_ssl_get_alpn_protocol(&session->ssl);

	outcome->version = (uint16_t)mbedtls_ssl_get_version_number(&session->ssl);
	outcome->suite = (uint16_t)mbedtls_ssl_get_ciphersuite_id_from_ssl(&session->ssl);
	if (protocol != NULL && strlen(protocol) <= sizeof(outcome->alpn)) {
		outcome->alpn_size = (uint8_t)strlen(protocol);
		memcpy(outcome->alpn, protocol, outcome->alpn_size);
	}
}

void oz_tls_describe(struct oz_tls_session *session, int why)
{
	struct oz_tls_outcome *outcome = &session->outcome;

	if (why == 0) {
		describe_session(session);
		return;
	}
	outcome->error = error_of(session, why);
	outcome->code = why < 0 ? why : 0;
	outcome->state = session->has_contexts ? (uint8_t)session->ssl.MBEDTLS_PRIVATE(state) : 0;
	if (outcome->error == OZ_TLS_ALERT) {
		outcome->alert = session->ssl.MBEDTLS_PRIVATE(in_msg)[1];
	}
}
