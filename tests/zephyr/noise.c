/*
 * The tests of zephyr/drivers/noise.c on the host: sources that are sound, broken, or break later. The program runs the
 * test with the given name; without a name it prints the names. A failed expectation ends it with 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "noise.h"

#define EXPECT(condition)                                                                                              \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			printf("%s:%d: %s\n", __func__, __LINE__, #condition);                                         \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

/* The current behaviour of the source. */
static enum { SOUND, STUCK, ALTERNATING, BIASED, RUN, WINDOW, SILENT, DEAD } kind;
/* The number of ones in 1,000 samples of a biased source. */
static uint32_t ones;
/* The length of the run, or the number of ones in the first window. */
static uint32_t exact;
static uint32_t given;
static uint32_t collections;
static bool is_on;
static bool hash_fails;
/* The last hashed samples. */
static uint32_t hashed[OZ_NOISE_SAMPLES];
static uint32_t hashes;

static uint64_t state = 88172645463325252u;

/* xorshift64*: simulates a sound source. */
static uint32_t next(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)(state * 2685821657736338717u >> 32);
}

static bool power(bool on)
{
	is_on = on;
	return kind != DEAD;
}

/* One run of ones of exactly this length between alternating samples. */
static uint32_t sample_of_run(void)
{
	const uint32_t begin = 100;

	if (given >= begin && given < begin + exact) {
		return 1;
	}
	return given < begin ? given % 2 == 0 : (given - begin - exact) % 2;
}

/* A first window with exactly `exact` ones, including its first sample, in no order that a test would notice. */
static uint32_t sample_of_window(void)
{
	return (given * 357 + OZ_NOISE_WINDOW - 1) % OZ_NOISE_WINDOW >= OZ_NOISE_WINDOW - exact;
}

static uint32_t sample(void)
{
	if (kind == BIASED) {
		return next() % 1000 < ones;
	}
	if (kind == RUN && given < OZ_NOISE_WORDS * 32) {
		return sample_of_run();
	}
	/* The sample after the window is also a one, but belongs to the next window. */
	if (kind == WINDOW && given <= OZ_NOISE_WINDOW) {
		return sample_of_window();
	}
	return next() & 1;
}

static uint32_t word(void)
{
	uint32_t bits = 0;

	if (kind == STUCK || kind == ALTERNATING) {
		return kind == STUCK ? 0 : 0x55555555;
	}
	for (int bit = 0; bit < 32; bit++) {
		bits |= sample() << bit;
		given++;
	}
	return bits;
}

static bool collect(uint32_t samples[OZ_NOISE_WORDS])
{
	EXPECT(is_on);
	collections++;
	for (int at = 0; at < OZ_NOISE_WORDS; at++) {
		samples[at] = word();
	}
	return kind != SILENT;
}

/* Not SHA-256: only the input matters here. */
static bool hash(const void *bytes, size_t size, uint8_t digest[OZ_NOISE_BLOCK])
{
	EXPECT(size == sizeof(hashed));
	EXPECT(!is_on);
	memcpy(hashed, bytes, size);
	hashes++;
	for (int at = 0; at < OZ_NOISE_BLOCK; at++) {
		digest[at] = (uint8_t)(hashes * 100 + at + 1);
	}
	return !hash_fails;
}

static struct oz_noise_source source = {.power = power, .collect = collect, .hash = hash};
static struct oz_noise noise;

static enum oz_noise_fault start(int new_kind)
{
	kind = new_kind;
	collections = 0;
	given = 0;
	hashes = 0;
	hash_fails = false;
	return oz_noise_start(&noise, &source);
}

/* No bytes are returned, the buffer is cleared, and the source is not used again. */
static void expect_refusal(enum oz_noise_fault fault)
{
	uint8_t bytes[40];
	uint8_t none[40] = {0};
	uint32_t before = collections;

	for (int again = 0; again < 3; again++) {
		memset(bytes, 0xAA, sizeof(bytes));
		EXPECT(oz_noise_get(&noise, bytes, sizeof(bytes)) == fault);
		EXPECT(memcmp(bytes, none, sizeof(bytes)) == 0);
		kind = SOUND;
	}
	EXPECT(collections == before);
	EXPECT(!is_on);
}

static void sound_source(void)
{
	uint8_t bytes[OZ_NOISE_BLOCK + 8];

	EXPECT(start(SOUND) == OZ_NOISE_SOUND);
	/* The start-up tests see at least 1,024 samples, none of which is used for output. */
	EXPECT(collections * OZ_NOISE_WORDS * 32 >= 1024);
	EXPECT(hashes == 0);
	EXPECT(oz_noise_get(&noise, bytes, sizeof(bytes)) == OZ_NOISE_SOUND);
	EXPECT(collections == 3 * OZ_NOISE_COLLECTIONS);
	for (int at = 0; at < OZ_NOISE_BLOCK; at++) {
		EXPECT(bytes[at] == (uint8_t)(100 + at + 1));
	}
	EXPECT(bytes[OZ_NOISE_BLOCK] == (uint8_t)(200 + 1));
	EXPECT(!is_on);
	/* Nothing that was returned or hashed remains. */
	for (int at = 0; at < 8; at++) {
		EXPECT(noise.block[at] == 0);
	}
	for (int at = 0; at < OZ_NOISE_SAMPLES; at++) {
		EXPECT(noise.samples[at] == 0);
	}
	/* The rest of the block is returned before new samples; each byte once. */
	EXPECT(oz_noise_get(&noise, bytes, OZ_NOISE_BLOCK - 8) == OZ_NOISE_SOUND);
	EXPECT(bytes[0] == (uint8_t)(200 + 9));
	EXPECT(collections == 3 * OZ_NOISE_COLLECTIONS);
	EXPECT(oz_noise_get(&noise, bytes, 0) == OZ_NOISE_SOUND);
	EXPECT(collections == 3 * OZ_NOISE_COLLECTIONS);
}

/* Sources with as little entropy as assumed, and sound ones, run for a long time without an alarm. */
static void no_false_alarm(void)
{
	uint8_t bytes[OZ_NOISE_BLOCK];

	for (ones = 500; ones <= 930; ones += 430) {
		EXPECT(start(BIASED) == OZ_NOISE_SOUND);
		for (int block = 0; block < 2000; block++) {
			EXPECT(oz_noise_get(&noise, bytes, sizeof(bytes)) == OZ_NOISE_SOUND);
		}
	}
}

static void stuck_source(void)
{
	EXPECT(start(STUCK) == OZ_NOISE_REPETITION);
	/* 441 samples are 2.3 collections. */
	EXPECT(collections == 3);
	expect_refusal(OZ_NOISE_REPETITION);
}

static void alternating_source(void)
{
	EXPECT(start(ALTERNATING) == OZ_NOISE_PERIODIC);
	EXPECT(collections == OZ_NOISE_PATTERN);
	expect_refusal(OZ_NOISE_PERIODIC);
}

static void biased_source(void)
{
	ones = 995;
	EXPECT(start(BIASED) != OZ_NOISE_SOUND);
	expect_refusal(noise.fault);
	/* The chip's calibration may be stricter. 80 of 100 then fail, and never by repetition. */
	ones = 800;
	source.proportion_cutoff = 700;
	EXPECT(start(BIASED) == OZ_NOISE_PROPORTION);
	expect_refusal(OZ_NOISE_PROPORTION);
	source.proportion_cutoff = 0;
	EXPECT(start(BIASED) == OZ_NOISE_SOUND);
}

/* As many as the cut-off are too many, one fewer is not; in a row and in a window. */
static void exact_cutoffs(void)
{
	source.repetition_cutoff = 50;
	exact = 49;
	EXPECT(start(RUN) == OZ_NOISE_SOUND);
	exact = 50;
	EXPECT(start(RUN) == OZ_NOISE_REPETITION);
	EXPECT(collections == 1);
	source.repetition_cutoff = 0;
	source.proportion_cutoff = 700;
	exact = 699;
	EXPECT(start(WINDOW) == OZ_NOISE_SOUND);
	exact = 700;
	EXPECT(start(WINDOW) == OZ_NOISE_PROPORTION);
	EXPECT(collections <= 6);
}

static void cutoffs_out_of_bounds(void)
{
	static const uint32_t wrong[] = {0, 1, 20, 442, 0xFFFFFFFF};

	for (size_t at = 0; at < sizeof(wrong) / sizeof(wrong[0]); at++) {
		source.repetition_cutoff = wrong[at];
		EXPECT(start(SOUND) == OZ_NOISE_SOUND);
		EXPECT(noise.health.repetition_cutoff == OZ_NOISE_REPETITION_HIGHEST);
	}
	source.repetition_cutoff = 0;
	source.proportion_cutoff = 0xFFFFFFFF;
	EXPECT(start(SOUND) == OZ_NOISE_SOUND);
	EXPECT(noise.health.proportion_cutoff == OZ_NOISE_PROPORTION_HIGHEST);
	source.proportion_cutoff = 0;
}

static void fails_later(void)
{
	uint8_t bytes[OZ_NOISE_BLOCK];
	uint8_t none[OZ_NOISE_BLOCK] = {0};

	EXPECT(start(SOUND) == OZ_NOISE_SOUND);
	EXPECT(oz_noise_get(&noise, bytes, 20) == OZ_NOISE_SOUND);
	kind = STUCK;
	/* The rest of the block is good, but not enough: none of it is returned. */
	EXPECT(oz_noise_get(&noise, bytes, sizeof(bytes)) == OZ_NOISE_REPETITION);
	EXPECT(memcmp(bytes, none, sizeof(bytes)) == 0);
	/* No bad samples were hashed, and a recovered source changes nothing. */
	EXPECT(hashes == 1);
	kind = SOUND;
	expect_refusal(OZ_NOISE_REPETITION);
	/* Only a new start clears the fault. */
	EXPECT(start(SOUND) == OZ_NOISE_SOUND);
	EXPECT(oz_noise_get(&noise, bytes, sizeof(bytes)) == OZ_NOISE_SOUND);
}

/* A run that continues over two uses of the source is one run. */
static void run_over_uses(void)
{
	uint8_t bytes[OZ_NOISE_BLOCK];

	EXPECT(start(SOUND) == OZ_NOISE_SOUND);
	noise.health.last = 0;
	noise.health.repeated = OZ_NOISE_REPETITION_HIGHEST - 192;
	collections = 0;
	kind = STUCK;
	EXPECT(oz_noise_get(&noise, bytes, sizeof(bytes)) == OZ_NOISE_REPETITION);
	EXPECT(collections == 1);
}

static void time_out(void)
{
	uint8_t bytes[OZ_NOISE_BLOCK];

	EXPECT(start(SILENT) == OZ_NOISE_SILENT);
	EXPECT(collections == 1);
	expect_refusal(OZ_NOISE_SILENT);
	EXPECT(start(DEAD) == OZ_NOISE_SILENT);
	EXPECT(collections == 0);
	expect_refusal(OZ_NOISE_SILENT);
	EXPECT(start(SOUND) == OZ_NOISE_SOUND);
	kind = SILENT;
	EXPECT(oz_noise_get(&noise, bytes, sizeof(bytes)) == OZ_NOISE_SILENT);
	expect_refusal(OZ_NOISE_SILENT);
}

static void conditioning_fails(void)
{
	uint8_t bytes[4];

	EXPECT(start(SOUND) == OZ_NOISE_SOUND);
	hash_fails = true;
	EXPECT(oz_noise_get(&noise, bytes, sizeof(bytes)) == OZ_NOISE_CONDITIONING);
	hash_fails = false;
	expect_refusal(OZ_NOISE_CONDITIONING);
}

static void never_started(void)
{
	static struct oz_noise fresh;
	uint8_t bytes[4];

	EXPECT(oz_noise_get(&fresh, bytes, sizeof(bytes)) == OZ_NOISE_NOT_STARTED);
}

/* Each fault has its own text. */
static void texts(void)
{
	for (int one = OZ_NOISE_SOUND; one <= OZ_NOISE_CONDITIONING; one++) {
		EXPECT(strcmp(oz_noise_text(one), "unknown") != 0);
		for (int other = OZ_NOISE_SOUND; other < one; other++) {
			EXPECT(strcmp(oz_noise_text(one), oz_noise_text(other)) != 0);
		}
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{"sound_source", sound_source},
	{"no_false_alarm", no_false_alarm},
	{"stuck_source", stuck_source},
	{"alternating_source", alternating_source},
	{"biased_source", biased_source},
	{"exact_cutoffs", exact_cutoffs},
	{"cutoffs_out_of_bounds", cutoffs_out_of_bounds},
	{"fails_later", fails_later},
	{"run_over_uses", run_over_uses},
	{"time_out", time_out},
	{"conditioning_fails", conditioning_fails},
	{"never_started", never_started},
	{"texts", texts},
};

int main(int count, char **words)
{
	for (size_t at = 0; at < sizeof(tests) / sizeof(tests[0]); at++) {
		if (count < 2) {
			puts(tests[at].name);
		} else if (strcmp(words[1], tests[at].name) == 0) {
			tests[at].run();
			return 0;
		}
	}
	return count < 2 ? 0 : 2;
}
