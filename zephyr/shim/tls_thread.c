/*
 * The thread that computes handshakes, and the lock on Mbed TLS: one thread at a time may use it, because parts of it
 * have global state. The loop never waits for it. It has its own heap, which several threads may use at the same time.
 */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/platform.h>
#include <string.h>
#include <zephyr/init.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/math_extras.h>

#include "tls.h"

struct piece {
	void (*work)(void *);
	void *context;
};

/* Room for one piece of each session, an identity and a request for a certificate. */
K_MSGQ_DEFINE(oz_tls_pieces, sizeof(struct piece), CONFIG_OPENZENTRI_TLS_SESSIONS + 2, sizeof(void *));
static K_MUTEX_DEFINE(library);
/* The thread has the library, or is about to. */
static volatile bool computing;

K_HEAP_DEFINE(oz_tls_heap, CONFIG_OPENZENTRI_TLS_HEAP);

static void *take(size_t count, size_t size)
{
	size_t bytes;
	void *block;

	if (size_mul_overflow(count, size, &bytes) || bytes == 0) {
		return NULL;
	}
	block = k_heap_alloc(&oz_tls_heap, bytes, K_NO_WAIT);
	if (block != NULL) {
		memset(block, 0, bytes);
	}
	return block;
}

static void give(void *block)
{
	k_heap_free(&oz_tls_heap, block);
}

static int start(void)
{
	return mbedtls_platform_set_calloc_free(take, give);
}

/* Before Zephyr starts Mbed TLS, which may then allocate memory. */
SYS_INIT(start, POST_KERNEL, 0);

bool oz_tls_library(void)
{
	return k_mutex_lock(&library, K_NO_WAIT) == 0;
}

void oz_tls_library_free(void)
{
	k_mutex_unlock(&library);
}

bool oz_tls_busy(void)
{
	return computing;
}

void oz_tls_compute(void (*work)(void *), void *context)
{
	const struct piece piece = {.work = work, .context = context};

	(void)k_msgq_put(&oz_tls_pieces, &piece, K_NO_WAIT);
}

static void compute(void)
{
	struct piece piece;

	for (;;) {
		k_msgq_get(&oz_tls_pieces, &piece, K_FOREVER);
		/* Set around the lock: the loop must not see a readable socket whose lock it cannot get. */
		computing = true;
		k_mutex_lock(&library, K_FOREVER);
		piece.work(piece.context);
		k_mutex_unlock(&library);
		computing = false;
		/* The loop has priority over this thread: open sessions get their turn before the next piece. */
		oz_wake();
	}
}

K_THREAD_DEFINE(openzentri_tls, CONFIG_OPENZENTRI_TLS_STACK, compute, NULL, NULL, NULL, 9, 0, 0);

int32_t oz_making_result(volatile enum oz_making *stage, int32_t failed)
{
	switch (*stage) {
	case OZ_MADE:
		return 0;
	case OZ_RUNNING:
		return -OZ_WOULD_BLOCK;
	case OZ_FAILED:
		*stage = OZ_NOTHING;
		return failed;
	default:
		return -OZ_NOT_FOUND;
	}
}

static int seed(void *context, unsigned char *output, size_t size)
{
	ARG_UNUSED(context);
	oz_random(output, size);
	return 0;
}

/* A board's source may take 66 ms for 32 bytes (zephyr/drivers/entropy_cryptocell.c): a handshake needs many more. */
int oz_tls_random(void *context, unsigned char *output, size_t size)
{
	static mbedtls_ctr_drbg_context generator;
	static bool seeded;

	ARG_UNUSED(context);
	if (!seeded) {
		int why;

		mbedtls_ctr_drbg_init(&generator);
		why = mbedtls_ctr_drbg_seed(&generator, seed, NULL, NULL, 0);
		if (why != 0) {
			return why;
		}
		seeded = true;
	}
	return mbedtls_ctr_drbg_random(&generator, output, size);
}
