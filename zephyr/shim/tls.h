/* TLS sessions: what tls.c, tls_thread.c and tls_identity.c share, and what sockets.c needs of them. */
#ifndef OPENZENTRI_TLS_H
#define OPENZENTRI_TLS_H

#include <stdbool.h>
#include <stdint.h>
#include <zephyr/kernel.h>

#include "openzentri.h"

#ifdef CONFIG_OPENZENTRI_TLS
/* Whether the socket has a session, or had one that was to begin. */
bool oz_tls_has(int32_t socket);
/* As the functions of sockets, for a socket with a session. */
int32_t oz_tls_send(int32_t socket, const uint8_t *data, uint32_t size);
int32_t oz_tls_receive(int32_t socket, uint8_t *buffer, uint32_t size);
int32_t oz_tls_finish(int32_t socket);
void oz_tls_close(int32_t socket);
#else
static inline bool oz_tls_has(int32_t socket)
{
	(void)socket;
	return false;
}
static inline int32_t oz_tls_send(int32_t socket, const uint8_t *data, uint32_t size)
{
	(void)socket, (void)data, (void)size;
	return -OZ_UNSUPPORTED;
}
static inline int32_t oz_tls_receive(int32_t socket, uint8_t *buffer, uint32_t size)
{
	(void)socket, (void)buffer, (void)size;
	return -OZ_UNSUPPORTED;
}
static inline int32_t oz_tls_finish(int32_t socket)
{
	(void)socket;
	return -OZ_UNSUPPORTED;
}
static inline void oz_tls_close(int32_t socket)
{
	(void)socket;
}
#endif

/* The connection below a session (sockets.c). */
int32_t oz_plain_send(int32_t socket, const uint8_t *data, uint32_t size);
int32_t oz_plain_receive(int32_t socket, uint8_t *buffer, uint32_t size);
int32_t oz_plain_finish(int32_t socket);
void oz_plain_close(int32_t socket);

/* Mbed TLS is used by one thread at a time. The loop must not wait for it: false means later, and the bell rings then. */
bool oz_tls_library(void);
void oz_tls_library_free(void);
/*
 * The thread that computes does this piece of work, for which it has the library; the bell rings behind it. A session has one
 * piece at a time.
 */
void oz_tls_compute(void (*work)(void *), void *context);
/* How far the thread is with something that is made one at a time. It sets the end, last of all. */
enum oz_making {
	OZ_NOTHING,
	OZ_RUNNING,
	OZ_MADE,
	OZ_FAILED,
};
/* 0 once it is made; OZ_WOULD_BLOCK until then; once `failed`, when it could not be. */
int32_t oz_making_result(volatile enum oz_making *stage, int32_t failed);
/* Whether the thread is computing. */
bool oz_tls_busy(void);
/* The size that Mbed TLS's parsers want of what has a NUL behind it: PEM with that, DER without. */
size_t oz_tls_parsed_size(const uint8_t *bytes, uint32_t size);
/* Random bytes, as Mbed TLS asks for them. */
int oz_tls_random(void *context, unsigned char *output, size_t size);

#endif
