/* TLS sessions: declarations shared by tls.c, tls_thread.c and tls_identity.c, and those for sockets.c. */
#ifndef OPENZENTRI_TLS_H
#define OPENZENTRI_TLS_H

#include <stdbool.h>
#include <stdint.h>
#include <zephyr/kernel.h>

#include "openzentri.h"

#ifdef CONFIG_OPENZENTRI_TLS
/* Whether the socket has a session, or one that failed to begin. */
bool oz_tls_has(int32_t socket);
/* The socket functions, for a socket with a session. */
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

/* Only one thread uses Mbed TLS at a time. The loop must not wait for it: false means try again when the bell rings. */
bool oz_tls_library(void);
void oz_tls_library_free(void);
/*
 * The computing thread does this piece of work while it holds the library; then the bell rings. A session has one piece
 * at a time.
 */
void oz_tls_compute(void (*work)(void *), void *context);
/* The progress of the thread with a thing that is made one at a time. It sets the final state last. */
enum oz_making {
	OZ_NOTHING,
	OZ_RUNNING,
	OZ_MADE,
	OZ_FAILED,
};
/* 0 once it is made; OZ_WOULD_BLOCK until then; `failed`, once, when making it failed. */
int32_t oz_making_result(volatile enum oz_making *stage, int32_t failed);
/* Whether the thread is computing. */
bool oz_tls_busy(void);
/* The size for Mbed TLS's parsers of bytes followed by a NUL: PEM with the NUL, DER without. */
size_t oz_tls_parsed_size(const uint8_t *bytes, uint32_t size);
/* Random bytes, in the form that Mbed TLS needs. */
int oz_tls_random(void *context, unsigned char *output, size_t size);

#endif
