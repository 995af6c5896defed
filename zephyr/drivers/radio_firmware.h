/*
 * The firmware of the nRF7002 as Nordic ships it (nrf70.bin): a header, and four images for two processors. Nothing here
 * needs Zephyr: tests/zephyr/test_radio_firmware.py compiles it for the host.
 */
#ifndef OZ_RADIO_FIRMWARE_H
#define OZ_RADIO_FIRMWARE_H

#include <stdint.h>

#define OZ_FIRMWARE_SIGNATURE 0xDEAD1EAFu
#define OZ_FIRMWARE_IMAGES    4
/* Bytes of the header: five words, and a hash. */
#define OZ_FIRMWARE_HEADER    52
/* Bytes moved at once. */
#define OZ_FIRMWARE_PIECE     1024

enum oz_firmware_result {
	OZ_FIRMWARE_DONE,
	/* It could not be read or stored. */
	OZ_FIRMWARE_BROKEN,
	/* These bytes are not a firmware, or not a complete one. */
	OZ_FIRMWARE_WRONG,
};

/* The source of the bytes. `read` fills all of `buffer` and returns 0, or returns another value. */
struct oz_firmware_source {
	int (*read)(void *context, uint32_t offset, uint8_t *buffer, uint32_t size);
	void *context;
	uint32_t size;
};

struct oz_firmware {
	uint8_t header[OZ_FIRMWARE_HEADER];
	/* In the order of the file: primary and secondary image of the UMAC, then of the LMAC. */
	struct {
		uint32_t offset;
		uint32_t size;
	} images[OZ_FIRMWARE_IMAGES];
};

/* Takes an image piece by piece; returning anything but 0 stops it. */
typedef int (*oz_firmware_store)(void *context, uint32_t offset, const uint8_t *piece, uint32_t size);

/* Finds the images. */
enum oz_firmware_result oz_firmware_find(const struct oz_firmware_source *source, struct oz_firmware *firmware);

/* Passes one image to `store`; `piece` has OZ_FIRMWARE_PIECE bytes. */
enum oz_firmware_result oz_firmware_move(const struct oz_firmware_source *source, const struct oz_firmware *firmware,
					 int image, uint8_t *piece, oz_firmware_store store, void *context);

#endif
