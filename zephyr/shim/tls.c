/*
 * TLS sessions on the device's connections, with Mbed TLS directly. Zephyr's own TLS sockets hide the state of a
 * handshake and why it failed, and block in connect and accept.
 *
 * A separate thread computes the steps of a handshake (tls_thread.c); the loop waits for the peer. An open session
 * belongs to the loop.
 */
#include <errno.h>
#include <string.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <zephyr/kernel.h>
#include <zephyr/net/socket.h>

#include "tls.h"
#include "tls_session.h"

static struct oz_tls_session sessions[CONFIG_OPENZENTRI_TLS_SESSIONS];

static struct oz_tls_session *session_of(int32_t socket)
{
	for (int i = 0; i < ARRAY_SIZE(sessions); i++) {
		if (sessions[i].stage != FREE && !sessions[i].closing && sessions[i].socket == socket) {
			return &sessions[i];
		}
	}
	return NULL;
}

bool oz_tls_has(int32_t socket)
{
	return session_of(socket) != NULL;
}

/* ---- The connection below ---- */

static int send_below(void *context, const unsigned char *data, size_t size)
{
	struct oz_tls_session *session = context;
	int32_t sent = oz_plain_send(session->socket, data, size);

	if (sent == -OZ_WOULD_BLOCK) {
		return MBEDTLS_ERR_SSL_WANT_WRITE;
	}
	return sent < 0 ? MBEDTLS_ERR_NET_CONN_RESET : (int)sent;
}

static int receive_below(void *context, unsigned char *buffer, size_t size)
{
	struct oz_tls_session *session = context;
	int32_t received;

	if (session->first >= 0 && size > 0) {
		buffer[0] = (unsigned char)session->first;
		session->first = -1;
		return 1;
	}
	received = oz_plain_receive(session->socket, buffer, size);
	if (received == -OZ_WOULD_BLOCK) {
		return MBEDTLS_ERR_SSL_WANT_READ;
	}
	return received < 0 ? MBEDTLS_ERR_NET_CONN_RESET : (int)received;
}

/*
 * Mbed TLS keeps a record that the connection has not taken completely. It wants to be called again with the same
 * number of bytes, but does not look at them. Here the record counts as sent, because callers do not keep the bytes.
 */
static int flush(struct oz_tls_session *session)
{
	int sent;

	if (session->unsent == 0) {
		return 0;
	}
	sent = mbedtls_ssl_write(&session->ssl, session->alpn, session->unsent);
	if (sent >= 0) {
		session->unsent = 0;
		return 0;
	}
	return sent;
}

/* ---- The handshake ---- */

static void end_handshake(struct oz_tls_session *session, int why)
{
	oz_tls_describe(session, why);
	if (why == 0) {
		oz_tls_credentials_free(session);
	} else {
		oz_tls_contexts_free(session);
	}
	session->ended = true;
	session->stage = why == 0 ? OPEN : FAILED;
}

/* Ends a session whose socket is closed, with close_notify if the handshake is over. */
static void release(struct oz_tls_session *session)
{
	if (session->has_contexts && mbedtls_ssl_is_handshake_over(&session->ssl) && !session->finished) {
		(void)flush(session);
		(void)mbedtls_ssl_close_notify(&session->ssl);
	}
	oz_tls_contexts_free(session);
	oz_plain_close(session->socket);
	session->stage = FREE;
}

/* One step. The server must prove a name that is an address, but the client must not ask for it (RFC 6066, 3). */
static int step(struct oz_tls_session *session)
{
	int why = 0;

	if (session->address[0] != '\0' && session->ssl.MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_SERVER_CERTIFICATE) {
		why = mbedtls_ssl_set_hostname(&session->ssl, session->address);
		session->address[0] = '\0';
	}
	return why != 0 ? why : mbedtls_ssl_handshake_step(&session->ssl);
}

/* On the thread: advances as far as possible without the peer. */
static void advance(void *context)
{
	struct oz_tls_session *session = context;
	int why = 0;

	while (why == 0 && !mbedtls_ssl_is_handshake_over(&session->ssl) && !session->closing && !session->given_up) {
		why = step(session);
	}
	if (session->closing) {
		release(session);
	} else if (session->given_up) {
		end_handshake(session, MBEDTLS_ERR_SSL_CONN_EOF);
	} else if (why == MBEDTLS_ERR_SSL_WANT_READ || why == MBEDTLS_ERR_SSL_WANT_WRITE) {
		session->wanted = why == MBEDTLS_ERR_SSL_WANT_READ ? OZ_READABLE : OZ_WRITABLE;
		session->stage = WAITING_FOR_PEER;
	} else {
		end_handshake(session, why);
	}
}

/* On the thread, because reading and checking credentials is slow, too. */
static void begin(void *context)
{
	struct oz_tls_session *session = context;
	int why = oz_tls_contexts_make(session);

	if (why == 0) {
		mbedtls_ssl_set_bio(&session->ssl, session, send_below, receive_below, NULL);
		advance(session);
	} else if (session->closing) {
		release(session);
	} else {
		end_handshake(session, why);
	}
}

int32_t oz_tls_start(int32_t socket, const struct oz_tls_order *order)
{
	struct oz_tls_session *session = NULL;

	for (int i = 0; i < ARRAY_SIZE(sessions) && session == NULL; i++) {
		session = sessions[i].stage == FREE ? &sessions[i] : NULL;
	}
	if (session == NULL) {
		return -OZ_NO_ROOM;
	}
	memset(session, 0, sizeof(*session));
	session->socket = socket;
	session->first = order->first;
	if (!oz_tls_order_keep(session, order)) {
		return -OZ_NO_ROOM;
	}
	session->stage = AT_THREAD;
	oz_tls_compute(begin, session);
	return session - sessions;
}

/* The session with a number from oz_tls_start(); NULL when it is over. */
static struct oz_tls_session *session_at(int32_t number)
{
	if (number < 0 || number >= ARRAY_SIZE(sessions) || sessions[number].stage == FREE) {
		return NULL;
	}
	return &sessions[number];
}

int32_t oz_tls_result(int32_t number, struct oz_tls_outcome *outcome)
{
	const struct oz_tls_session *session = session_at(number);

	if (session == NULL) {
		return -OZ_NOT_FOUND;
	}
	if (!session->ended) {
		return -OZ_WOULD_BLOCK;
	}
	*outcome = session->outcome;
	return 0;
}

int32_t oz_tls_ended(int32_t number)
{
	const struct oz_tls_session *session = session_at(number);

	return session == NULL || session->ended;
}

void oz_tls_cancel(int32_t number)
{
	struct oz_tls_session *session = session_at(number);

	if (session == NULL) {
		return;
	}
	session->given_up = true;
	if (session->stage == WAITING_FOR_PEER) {
		session->stage = FAILED;
	}
}

/* ---- The open session ---- */

/* No close_notify is sent: the peer must not take this for an orderly end. */
static int32_t broken(struct oz_tls_session *session, int why)
{
	if (why == MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE && !session->finished) {
		(void)mbedtls_ssl_send_alert_message(&session->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
						     MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
	}
	session->finished = true;
	session->stage = FAILED;
	return -OZ_CLOSED;
}

/* Whether the session can be used now: 0, or why not. With 0, the caller holds the library. */
static int32_t enter(struct oz_tls_session *session)
{
	if (session->stage == AT_THREAD || session->stage == WAITING_FOR_PEER) {
		return -OZ_WOULD_BLOCK;
	}
	if (session->stage != OPEN) {
		return -OZ_CLOSED;
	}
	return oz_tls_library() ? 0 : -OZ_WOULD_BLOCK;
}

static int32_t send_record(struct oz_tls_session *session, const uint8_t *data, uint32_t size)
{
	uint32_t part = MIN(size, (uint32_t)mbedtls_ssl_get_max_out_record_payload(&session->ssl));
	int sent = flush(session);

	if (sent == MBEDTLS_ERR_SSL_WANT_WRITE) {
		return -OZ_WOULD_BLOCK;
	}
	if (sent == 0 && !session->finished) {
		sent = mbedtls_ssl_write(&session->ssl, data, part);
		if (sent >= 0) {
			return sent;
		}
	}
	if (sent == MBEDTLS_ERR_SSL_WANT_WRITE) {
		session->unsent = part;
		return (int32_t)part;
	}
	return session->finished ? -OZ_CLOSED : broken(session, sent);
}

int32_t oz_tls_send(int32_t socket, const uint8_t *data, uint32_t size)
{
	struct oz_tls_session *session = session_of(socket);
	int32_t result = enter(session);

	if (result == 0) {
		result = size == 0 ? 0 : send_record(session, data, size);
		oz_tls_library_free();
	}
	return result;
}

static int32_t receive_some(struct oz_tls_session *session, uint8_t *buffer, uint32_t size)
{
	int received;

	do {
		received = mbedtls_ssl_read(&session->ssl, buffer, size);
	} while (received == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
	if (received > 0) {
		return received;
	}
	switch (received) {
	case MBEDTLS_ERR_SSL_WANT_READ:
	case MBEDTLS_ERR_SSL_WANT_WRITE:
		return -OZ_WOULD_BLOCK;
	case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
		session->peer_finished = true;
		return 0;
	default:
		/* An end without the peer's close_notify is a broken connection (RFC 8446, 6.1). */
		return broken(session, received);
	}
}

int32_t oz_tls_receive(int32_t socket, uint8_t *buffer, uint32_t size)
{
	struct oz_tls_session *session = session_of(socket);
	int32_t result;

	if (session->peer_finished || size == 0) {
		return 0;
	}
	result = enter(session);
	if (result == 0) {
		result = receive_some(session, buffer, size);
		oz_tls_library_free();
	}
	return result;
}

int32_t oz_tls_finish(int32_t socket)
{
	struct oz_tls_session *session = session_of(socket);
	int32_t result = enter(session);

	if (result == 0) {
		if (!session->finished) {
			session->finished = true;
			(void)flush(session);
			(void)mbedtls_ssl_close_notify(&session->ssl);
		}
		oz_tls_library_free();
	}
	return result;
}

/* On the thread. */
static void end(void *context)
{
	release(context);
}

void oz_tls_close(int32_t socket)
{
	struct oz_tls_session *session = session_of(socket);

	k_sched_lock();
	session->closing = true;
	/* The thread ends a session that it has by itself. */
	if (session->stage != AT_THREAD) {
		session->stage = AT_THREAD;
		oz_tls_compute(end, session);
	}
	k_sched_unlock();
}

/* ---- For the loop ---- */

int32_t oz_tls_is_computed(int32_t socket)
{
	struct oz_tls_session *session = session_of(socket);

	return session != NULL && session->stage == AT_THREAD;
}

int16_t oz_tls_watched(int32_t socket, int16_t wanted)
{
	struct oz_tls_session *session = session_of(socket);

	if (session == NULL) {
		return wanted;
	}
	if (oz_tls_busy()) {
		return 0;
	}
	switch (session->stage) {
	case WAITING_FOR_PEER:
		return session->wanted;
	case OPEN:
		return wanted | (session->unsent > 0 ? OZ_WRITABLE : 0);
	default:
		return 0;
	}
}

int32_t oz_tls_ready(int32_t socket)
{
	struct oz_tls_session *session = session_of(socket);

	if (session == NULL) {
		return 1;
	}
	if (session->stage == WAITING_FOR_PEER) {
		session->stage = AT_THREAD;
		oz_tls_compute(advance, session);
		return 0;
	}
	if (session->stage == OPEN && session->unsent > 0 && oz_tls_library()) {
		int why = flush(session);

		oz_tls_library_free();
		if (why != 0 && why != MBEDTLS_ERR_SSL_WANT_WRITE) {
			(void)broken(session, why);
		}
	}
	return 1;
}

int16_t oz_tls_holds(int32_t socket)
{
	struct oz_tls_session *session = session_of(socket);

	if (session == NULL || session->stage == AT_THREAD || session->stage == WAITING_FOR_PEER) {
		return 0;
	}
	if (session->stage != OPEN) {
		return OZ_READABLE | OZ_WRITABLE;
	}
	if (session->peer_finished) {
		return OZ_READABLE;
	}
	return !oz_tls_busy() && mbedtls_ssl_check_pending(&session->ssl) ? OZ_READABLE : 0;
}
