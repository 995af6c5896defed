/*
 * The tests of zephyr/drivers/radio_firmware.c on the host: a complete firmware, and one with each kind of mistake. The
 * program runs the test with the given name; without a name it prints the names. A failed expectation ends it with 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "radio_firmware.h"

#define EXPECT(condition)                                                                                              \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			printf("%s:%d: %s\n", __func__, __LINE__, #condition);                                         \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

/* The firmware, followed by other bytes, like the content of a file on the device. */
static uint8_t file[20000];
static uint32_t size;
static uint32_t length;
static const uint32_t sizes[OZ_FIRMWARE_IMAGES] = {OZ_FIRMWARE_PIECE, 3 * OZ_FIRMWARE_PIECE + 5, 1, 9000};
/* Reads that reach this offset fail. */
static uint32_t bad_from;
static uint8_t stored[20000];
static uint32_t stored_size;
static uint32_t stores_left;

static void put(uint32_t offset, uint32_t value)
{
	for (int i = 0; i < 4; i++) {
		file[offset + i] = (uint8_t)(value >> 8 * i);
	}
}

static uint32_t image_at(int image)
{
	uint32_t offset = OZ_FIRMWARE_HEADER;

	for (int i = 0; i < image; i++) {
		offset += 8 + sizes[i];
	}
	return offset;
}

static void make(void)
{
	for (uint32_t i = 0; i < sizeof(file); i++) {
		file[i] = (uint8_t)(i * 7 + i / 256);
	}
	put(0, OZ_FIRMWARE_SIGNATURE);
	put(4, OZ_FIRMWARE_IMAGES);
	for (int image = 0; image < OZ_FIRMWARE_IMAGES; image++) {
		put(image_at(image), (uint32_t)image);
		put(image_at(image) + 4, sizes[image]);
	}
	length = image_at(OZ_FIRMWARE_IMAGES);
	size = length + 70;
	bad_from = UINT32_MAX;
	stored_size = 0;
	stores_left = UINT32_MAX;
}

static int read_file(void *context, uint32_t offset, uint8_t *buffer, uint32_t count)
{
	EXPECT(context == file);
	EXPECT(count <= OZ_FIRMWARE_PIECE);
	EXPECT(offset <= size && count <= size - offset);
	if (offset + count > bad_from) {
		return -1;
	}
	memcpy(buffer, file + offset, count);
	return 0;
}

static int store(void *context, uint32_t offset, const uint8_t *piece, uint32_t count)
{
	EXPECT(context == stored);
	EXPECT(offset == stored_size);
	if (stores_left-- == 0) {
		return -1;
	}
	memcpy(stored + offset, piece, count);
	stored_size += count;
	return 0;
}

static enum oz_firmware_result find(struct oz_firmware *firmware)
{
	struct oz_firmware_source source = {.read = read_file, .context = file, .size = size};

	return oz_firmware_find(&source, firmware);
}

static enum oz_firmware_result move(const struct oz_firmware *firmware, int image)
{
	struct oz_firmware_source source = {.read = read_file, .context = file, .size = size};
	static uint8_t piece[OZ_FIRMWARE_PIECE];

	stored_size = 0;
	return oz_firmware_move(&source, firmware, image, piece, store, stored);
}

static void whole_firmware(void)
{
	struct oz_firmware firmware;

	EXPECT(find(&firmware) == OZ_FIRMWARE_DONE);
	EXPECT(memcmp(firmware.header, file, OZ_FIRMWARE_HEADER) == 0);
	for (int image = 0; image < OZ_FIRMWARE_IMAGES; image++) {
		EXPECT(firmware.images[image].size == sizes[image]);
		EXPECT(move(&firmware, image) == OZ_FIRMWARE_DONE);
		EXPECT(stored_size == sizes[image]);
		EXPECT(memcmp(stored, file + image_at(image) + 8, sizes[image]) == 0);
	}
}

static void nothing_behind_it(void)
{
	struct oz_firmware firmware;

	size = length;
	EXPECT(find(&firmware) == OZ_FIRMWARE_DONE);
	EXPECT(move(&firmware, OZ_FIRMWARE_IMAGES - 1) == OZ_FIRMWARE_DONE);
}

/* Cut off at every shorter length. */
static void cut_off(void)
{
	struct oz_firmware firmware;

	for (size = 0; size < length; size++) {
		EXPECT(find(&firmware) == OZ_FIRMWARE_WRONG);
	}
}

static void another_file(void)
{
	struct oz_firmware firmware;

	put(0, OZ_FIRMWARE_SIGNATURE ^ 1);
	EXPECT(find(&firmware) == OZ_FIRMWARE_WRONG);
	make();
	put(4, OZ_FIRMWARE_IMAGES + 1);
	EXPECT(find(&firmware) == OZ_FIRMWARE_WRONG);
	put(4, 0);
	EXPECT(find(&firmware) == OZ_FIRMWARE_WRONG);
}

/* Lengths beyond the end, including those that would wrap around, and an empty image. */
static void wrong_lengths(void)
{
	static const uint32_t wrong[] = {0, 20000, UINT32_MAX, UINT32_MAX - 8, UINT32_MAX - OZ_FIRMWARE_HEADER - 8, 0x80000000};
	struct oz_firmware firmware;

	for (int image = 0; image < OZ_FIRMWARE_IMAGES; image++) {
		for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
			make();
			put(image_at(image) + 4, wrong[i]);
			EXPECT(find(&firmware) == OZ_FIRMWARE_WRONG);
		}
	}
}

static void reading_fails(void)
{
	struct oz_firmware firmware;

	for (int image = 0; image < OZ_FIRMWARE_IMAGES; image++) {
		bad_from = image_at(image);
		EXPECT(find(&firmware) == OZ_FIRMWARE_BROKEN);
	}
	bad_from = UINT32_MAX;
	EXPECT(find(&firmware) == OZ_FIRMWARE_DONE);
	bad_from = image_at(3) + 8 + 4000;
	EXPECT(move(&firmware, 3) == OZ_FIRMWARE_BROKEN);
	EXPECT(stored_size == 3 * OZ_FIRMWARE_PIECE);
}

static void storing_fails(void)
{
	struct oz_firmware firmware;

	EXPECT(find(&firmware) == OZ_FIRMWARE_DONE);
	for (stores_left = 0; stores_left < 9;) {
		uint32_t good = stores_left;

		EXPECT(move(&firmware, 3) == OZ_FIRMWARE_BROKEN);
		EXPECT(stored_size == good * OZ_FIRMWARE_PIECE);
		stores_left = good + 1;
	}
	EXPECT(move(&firmware, 3) == OZ_FIRMWARE_DONE);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{"whole_firmware", whole_firmware}, {"nothing_behind_it", nothing_behind_it},
	{"cut_off", cut_off},               {"another_file", another_file},
	{"wrong_lengths", wrong_lengths},   {"reading_fails", reading_fails},
	{"storing_fails", storing_fails},
};

int main(int count, char **words)
{
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (count < 2) {
			puts(tests[i].name);
		} else if (strcmp(words[1], tests[i].name) == 0) {
			make();
			tests[i].run();
			return 0;
		}
	}
	return count < 2 ? 0 : 1;
}
