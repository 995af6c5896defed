/* The format of the file with the nRF7002's firmware. */
#include <stddef.h>

#include "radio_firmware.h"

/* Bytes before each image: its kind and its length. */
#define IMAGE_HEAD 8u

static uint32_t word(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

enum oz_firmware_result oz_firmware_find(const struct oz_firmware_source *source, struct oz_firmware *firmware)
{
	uint32_t offset = OZ_FIRMWARE_HEADER;

	if (source->size < OZ_FIRMWARE_HEADER) {
		return OZ_FIRMWARE_WRONG;
	}
	if (source->read(source->context, 0, firmware->header, OZ_FIRMWARE_HEADER) != 0) {
		return OZ_FIRMWARE_BROKEN;
	}
	if (word(firmware->header) != OZ_FIRMWARE_SIGNATURE || word(firmware->header + 4) != OZ_FIRMWARE_IMAGES) {
		return OZ_FIRMWARE_WRONG;
	}
	for (int image = 0; image < OZ_FIRMWARE_IMAGES; image++) {
		uint8_t head[IMAGE_HEAD];
		uint32_t size;

		/* The offset is never beyond the end. */
		if (source->size - offset < IMAGE_HEAD) {
			return OZ_FIRMWARE_WRONG;
		}
		if (source->read(source->context, offset, head, IMAGE_HEAD) != 0) {
			return OZ_FIRMWARE_BROKEN;
		}
		offset += IMAGE_HEAD;
		size = word(head + 4);
		if (size == 0 || size > source->size - offset) {
			return OZ_FIRMWARE_WRONG;
		}
		firmware->images[image].offset = offset;
		firmware->images[image].size = size;
		offset += size;
	}
	return OZ_FIRMWARE_DONE;
}

enum oz_firmware_result oz_firmware_move(const struct oz_firmware_source *source, const struct oz_firmware *firmware,
					 int image, uint8_t *piece, oz_firmware_store store, void *context)
{
	uint32_t start = firmware->images[image].offset;
	uint32_t size = firmware->images[image].size;

	for (uint32_t done = 0; done < size;) {
		uint32_t count = size - done < OZ_FIRMWARE_PIECE ? size - done : OZ_FIRMWARE_PIECE;

		if (source->read(source->context, start + done, piece, count) != 0 ||
		    store(context, done, piece, count) != 0) {
			return OZ_FIRMWARE_BROKEN;
		}
		done += count;
	}
	return OZ_FIRMWARE_DONE;
}
