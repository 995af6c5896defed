/* See noise.h. */
#include <string.h>

#include "noise.h"

#define BITS 32
#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* The compiler may drop a plain memset() before the end of a lifetime. */
static void wipe(void *memory, size_t size)
{
	volatile uint8_t *byte = memory;

	while (size-- > 0) {
		*byte++ = 0;
	}
}

static uint32_t within(uint32_t cutoff, uint32_t lowest, uint32_t highest)
{
	return cutoff < lowest || cutoff > highest ? highest : cutoff;
}

/* Repetition count test, SP 800-90B 4.4.1. */
static bool repeats(struct oz_noise_health *health, uint32_t sample)
{
	if (health->repeated == 0 || sample != health->last) {
		health->last = sample;
		health->repeated = 0;
	}
	health->repeated++;
	return health->repeated >= health->repetition_cutoff;
}

/* Adaptive proportion test, SP 800-90B 4.4.2. */
static bool is_one_sided(struct oz_noise_health *health, uint32_t sample)
{
	if (health->seen == 0) {
		health->first = sample;
		health->equal = 0;
	}
	health->seen = (health->seen + 1) % OZ_NOISE_WINDOW;
	health->equal += sample == health->first;
	return health->equal >= health->proportion_cutoff;
}

static bool is_periodic(struct oz_noise_health *health, const uint32_t words[OZ_NOISE_WORDS])
{
	if (health->same == 0 || memcmp(health->collection, words, sizeof(health->collection)) != 0) {
		memcpy(health->collection, words, sizeof(health->collection));
		health->same = 0;
	}
	health->same++;
	return health->same >= OZ_NOISE_PATTERN;
}

static enum oz_noise_fault test(struct oz_noise_health *health, const uint32_t words[OZ_NOISE_WORDS])
{
	for (size_t bit = 0; bit < OZ_NOISE_WORDS * BITS; bit++) {
		uint32_t sample = words[bit / BITS] >> (bit % BITS) & 1;

		if (repeats(health, sample)) {
			return OZ_NOISE_REPETITION;
		}
		if (is_one_sided(health, sample)) {
			return OZ_NOISE_PROPORTION;
		}
	}
	return is_periodic(health, words) ? OZ_NOISE_PERIODIC : OZ_NOISE_SOUND;
}

/* Fills `samples` and tests them; the source must be on. */
static enum oz_noise_fault collect_all(struct oz_noise *noise)
{
	for (size_t at = 0; at < OZ_NOISE_SAMPLES; at += OZ_NOISE_WORDS) {
		enum oz_noise_fault fault;

		if (!noise->source->collect(&noise->samples[at])) {
			return OZ_NOISE_SILENT;
		}
		fault = test(&noise->health, &noise->samples[at]);
		if (fault != OZ_NOISE_SOUND) {
			return fault;
		}
	}
	return OZ_NOISE_SOUND;
}

static enum oz_noise_fault collect(struct oz_noise *noise)
{
	enum oz_noise_fault fault = noise->source->power(true) ? collect_all(noise) : OZ_NOISE_SILENT;

	(void)noise->source->power(false);
	return fault;
}

static enum oz_noise_fault next_block(struct oz_noise *noise)
{
	enum oz_noise_fault fault = collect(noise);

	if (fault == OZ_NOISE_SOUND) {
		if (noise->source->hash(noise->samples, sizeof(noise->samples), noise->block)) {
			noise->left = OZ_NOISE_BLOCK;
		} else {
			fault = OZ_NOISE_CONDITIONING;
		}
	}
	wipe(noise->samples, sizeof(noise->samples));
	return fault;
}

/* Moves bytes out of the block; returns how many. */
static size_t take(struct oz_noise *noise, uint8_t *bytes, size_t size)
{
	size_t count = MIN(size, noise->left);
	uint8_t *from = &noise->block[OZ_NOISE_BLOCK - noise->left];

	memcpy(bytes, from, count);
	wipe(from, count);
	noise->left -= count;
	return count;
}

enum oz_noise_fault oz_noise_start(struct oz_noise *noise, const struct oz_noise_source *source)
{
	memset(noise, 0, sizeof(*noise));
	noise->source = source;
	noise->health.repetition_cutoff =
		within(source->repetition_cutoff, OZ_NOISE_REPETITION_LOWEST, OZ_NOISE_REPETITION_HIGHEST);
	noise->health.proportion_cutoff =
		within(source->proportion_cutoff, OZ_NOISE_PROPORTION_LOWEST, OZ_NOISE_PROPORTION_HIGHEST);
	noise->fault = collect(noise);
	wipe(noise->samples, sizeof(noise->samples));
	return noise->fault;
}

enum oz_noise_fault oz_noise_get(struct oz_noise *noise, uint8_t *bytes, size_t size)
{
	size_t done = 0;

	if (noise->source == NULL) {
		return OZ_NOISE_NOT_STARTED;
	}
	while (noise->fault == OZ_NOISE_SOUND && done < size) {
		if (noise->left == 0) {
			noise->fault = next_block(noise);
		}
		done += take(noise, &bytes[done], size - done);
	}
	if (noise->fault != OZ_NOISE_SOUND) {
		wipe(bytes, size);
	}
	return noise->fault;
}

const char *oz_noise_text(enum oz_noise_fault fault)
{
	switch (fault) {
	case OZ_NOISE_SOUND:
		return "sound";
	case OZ_NOISE_NOT_STARTED:
		return "not started";
	case OZ_NOISE_SILENT:
		return "no samples in time";
	case OZ_NOISE_REPETITION:
		return "repetition count test failed";
	case OZ_NOISE_PROPORTION:
		return "adaptive proportion test failed";
	case OZ_NOISE_PERIODIC:
		return "the same samples again and again";
	case OZ_NOISE_CONDITIONING:
		return "conditioning failed";
	}
	return "unknown";
}
