/*
 * An entropy source built on a physical noise source, with the parts and terms of NIST SP 800-90B: raw samples, health
 * tests on each of them, conditioning. The parts that depend on a chip or on Zephyr are behind `struct
 * oz_noise_source`, so that this can be tested on the host (tests/zephyr/test_noise.py).
 */
#ifndef OZ_NOISE_H
#define OZ_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Words of samples in one collection; each bit is one sample. */
#define OZ_NOISE_WORDS 6

/*
 * The assumed entropy of a sample: 1/11 bit. The vendor's calibration data require 528 bytes of samples for 384 bits of
 * entropy. The same number of bytes is hashed into one block of 256 bits, which needs 320 bits (SP 800-90B, 3.1.5.1.2,
 * and SP 800-90C: 64 more than the output, for full entropy).
 */
#define OZ_NOISE_COLLECTIONS 22
#define OZ_NOISE_SAMPLES     (OZ_NOISE_COLLECTIONS * OZ_NOISE_WORDS)
#define OZ_NOISE_BLOCK       32

/*
 * Bounds of the cut-offs. A sound source exceeds one with a probability of 2^-40 per test; a false alarm lasts until
 * the restart, so it must be rare. The highest bounds are for 1/11 bit per sample, the lowest for 1 bit at 2^-20.
 * Repetition count (4.4.1): 1 + ceil(40 * 11), 1 + 20. Adaptive proportion (4.4.2): 1 + the quantiles of the binomial
 * distribution with 1,024 samples and p = 2^(-1/11), 1/2.
 */
#define OZ_NOISE_WINDOW             1024
#define OZ_NOISE_REPETITION_HIGHEST 441
#define OZ_NOISE_REPETITION_LOWEST  21
#define OZ_NOISE_PROPORTION_HIGHEST 1008
#define OZ_NOISE_PROPORTION_LOWEST  589
/*
 * A test of our own (4.5): equal collections in a row. It detects a source that oscillates in step with its sampling,
 * whose single bits look good. It is the repetition count test with a whole collection as the sample: 1 + ceil(40 /
 * (192 / 11)).
 */
#define OZ_NOISE_PATTERN 4

/* Whether there are bytes. The faults of the source, from OZ_NOISE_SILENT on, last until the restart. */
enum oz_noise_fault {
	OZ_NOISE_SOUND,
	/* oz_noise_start() was not called. */
	OZ_NOISE_NOT_STARTED,
	/* The source could not be switched on, or gave no samples in time. */
	OZ_NOISE_SILENT,
	/* Too many equal samples in a row. */
	OZ_NOISE_REPETITION,
	/* Too many equal samples in a window. */
	OZ_NOISE_PROPORTION,
	/* The same collection too often in a row. */
	OZ_NOISE_PERIODIC,
	/* The conditioning function failed. */
	OZ_NOISE_CONDITIONING,
};

/* What a chip provides. No function may wait without a limit. */
struct oz_noise_source {
	/* Switches the source on or off; false when it does not answer. */
	bool (*power)(bool on);
	/* The next raw samples; false when they did not come in time. */
	bool (*collect)(uint32_t samples[OZ_NOISE_WORDS]);
	/* A vetted conditioning function with 256 bits of output, which is SHA-256 (3.1.5.1.1). */
	bool (*hash)(const void *bytes, size_t size, uint8_t digest[OZ_NOISE_BLOCK]);
	/* Cut-offs of the chip's calibration; values out of bounds are replaced by the highest. */
	uint32_t repetition_cutoff;
	uint32_t proportion_cutoff;
};

/* The state of the tests; it is kept from one use of the source to the next. */
struct oz_noise_health {
	uint32_t repetition_cutoff;
	uint32_t proportion_cutoff;
	/* The last sample, and how often it came in a row; 0 before the first. */
	uint32_t last;
	uint32_t repeated;
	/* The first sample of the window, how often it has occurred in the window, and the window's samples so far. */
	uint32_t first;
	uint32_t equal;
	uint32_t seen;
	/* The last collection, and how often it came in a row; 0 before the first. */
	uint32_t collection[OZ_NOISE_WORDS];
	uint32_t same;
};

/* One entropy source. Callers from several threads must hold a lock around each call. */
struct oz_noise {
	const struct oz_noise_source *source;
	struct oz_noise_health health;
	enum oz_noise_fault fault;
	uint32_t samples[OZ_NOISE_SAMPLES];
	/* Conditioned bytes that were not given out yet are the last `left` of the block. */
	uint8_t block[OZ_NOISE_BLOCK];
	size_t left;
};

/* Runs the start-up tests (4.3) on 4,224 samples, used for nothing else; without a fault, bytes are available. */
enum oz_noise_fault oz_noise_start(struct oz_noise *noise, const struct oz_noise_source *source);

/* Fills `bytes`, or returns the fault and wipes them. Each byte is given out once. */
enum oz_noise_fault oz_noise_get(struct oz_noise *noise, uint8_t *bytes, size_t size);

/* The text for a fault. */
const char *oz_noise_text(enum oz_noise_fault fault);

#endif
