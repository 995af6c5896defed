/* One TLS session (tls.c), its configuration (tls_credentials.c), and the outcome of its handshake (tls_failure.c). */
#ifndef OPENZENTRI_TLS_SESSION_H
#define OPENZENTRI_TLS_SESSION_H

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "tls.h"

/* Protocols offered by ALPN. */
#define OZ_TLS_PROTOCOLS 4

enum oz_tls_stage {
	FREE,
	/* The thread has it. */
	AT_THREAD,
	WAITING_FOR_PEER,
	OPEN,
	FAILED,
};

struct oz_tls_session {
	/* The thread changes this last. */
	volatile enum oz_tls_stage stage;
	volatile bool ended;
	/* The socket is closed above; the thread closes it below. */
	volatile bool closing;
	/* The handshake was cancelled. */
	volatile bool given_up;
	bool has_contexts;
	/* Nothing more will be sent. */
	bool finished;
	/* Nothing more will come. */
	bool peer_finished;
	int32_t socket;
	int16_t first;
	/* What the handshake waits for. */
	int16_t wanted;
	/* Bytes of a record that is not sent completely. */
	uint32_t unsent;
	/* Kept until the thread has read it; the bytes are one block. */
	struct oz_tls_order order;
	unsigned char *block;
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config config;
	mbedtls_x509_crt authorities;
	mbedtls_x509_crt certificate;
	mbedtls_pk_context key;
	/* The names of protocols, each with a NUL after it, and pointers to them. */
	unsigned char alpn[64];
	const char *protocols[OZ_TLS_PROTOCOLS + 1];
	/* The name that the server must prove, when it is an address, until Mbed TLS has it. */
	char address[16];
	struct oz_tls_outcome outcome;
};

/* Copies what the order points to; false without memory for it. */
bool oz_tls_order_keep(struct oz_tls_session *session, const struct oz_tls_order *order);
/* Makes the contexts from the order; returns an error of Mbed TLS, or one below. The caller holds the library. */
int oz_tls_contexts_make(struct oz_tls_session *session);
/* Frees what only a handshake needs: there is no renegotiation. The caller holds the library. */
void oz_tls_credentials_free(struct oz_tls_session *session);
/* Frees contexts and order. The caller holds the library. */
void oz_tls_contexts_free(struct oz_tls_session *session);
/* Fills in the outcome: 0, or why the handshake has failed. */
void oz_tls_describe(struct oz_tls_session *session, int why);

/* Not errors of Mbed TLS: own credentials cannot be read or do not match; the name cannot be checked. */
#define OZ_TLS_BAD_CREDENTIALS 1
#define OZ_TLS_BAD_NAME        2

#endif
