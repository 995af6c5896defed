/*
 * Loads the nRF7002's firmware from a file of the device (CONFIG_NRF_WIFI_PATCHES_EXTERNAL): the SoC's flash has no
 * room for these 87 kB. The file is on the external flash like all others; its first bytes identify it, whatever its
 * name. Zephyr's driver calls this when the interface comes up, the first time before the device itself runs.
 */
#include <common/fmac_api_common.h>
#include <fmac_main.h>
#include <stdio.h>
#include <string.h>
#include <zephyr/fs/fs.h>
#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

#include "openzentri.h"
#include "radio_firmware.h"

LOG_MODULE_REGISTER(radio_firmware, CONFIG_LOG_DEFAULT_LEVEL);

/* From the driver's library, which has no header for it: checks version and features. */
enum nrf_wifi_status nrf_wifi_validate_fw_header(struct nrf_wifi_fmac_dev_ctx *device,
						 struct nrf70_fw_image_info *information);

/* The destination of each image, in the order of the file (enum nrf70_image_ids). */
static const struct {
	enum RPU_PROC_TYPE processor;
	uint32_t address;
} places[OZ_FIRMWARE_IMAGES] = {
	[NRF70_IMAGE_UMAC_PRI] = {RPU_PROC_TYPE_MCU_UMAC, RPU_MEM_UMAC_PATCH_BIMG},
	[NRF70_IMAGE_UMAC_SEC] = {RPU_PROC_TYPE_MCU_UMAC, RPU_MEM_UMAC_PATCH_BIN},
	[NRF70_IMAGE_LMAC_PRI] = {RPU_PROC_TYPE_MCU_LMAC, RPU_MEM_LMAC_PATCH_BIMG},
	[NRF70_IMAGE_LMAC_SEC] = {RPU_PROC_TYPE_MCU_LMAC, RPU_MEM_LMAC_PATCH_BIN},
};

BUILD_ASSERT(sizeof(struct nrf70_fw_image_info) == OZ_FIRMWARE_HEADER);
BUILD_ASSERT(NRF_WIFI_PATCH_SIGNATURE == OZ_FIRMWARE_SIGNATURE);

static int read_file(void *context, uint32_t offset, uint8_t *buffer, uint32_t size)
{
	int why = fs_seek(context, (off_t)offset, FS_SEEK_SET);

	return why < 0 || fs_read(context, buffer, size) != (ssize_t)size;
}

/* Whether the open file is a firmware that this driver knows. */
static bool fits(struct nrf_wifi_fmac_dev_ctx *device, struct fs_file_t *file, uint32_t size,
		 struct oz_firmware *firmware)
{
	struct oz_firmware_source source = {.read = read_file, .context = file, .size = size};

	return oz_firmware_find(&source, firmware) == OZ_FIRMWARE_DONE &&
	       nrf_wifi_validate_fw_header(device, (struct nrf70_fw_image_info *)firmware->header) ==
		       NRF_WIFI_STATUS_SUCCESS;
}

/* The path of the newest such file. Names of committed files are f and eight ascending digits (src/file/volume.rs). */
static uint32_t find(struct nrf_wifi_fmac_dev_ctx *device, char *path, size_t room, struct oz_firmware *firmware)
{
	char newest[sizeof("f00000000")] = "";
	struct fs_dir_t folder;
	struct fs_dirent entry;
	uint32_t found = 0;

	fs_dir_t_init(&folder);
	if (oz_volume_mount() < 0 || fs_opendir(&folder, OZ_VOLUME) < 0) {
		return 0;
	}
	while (fs_readdir(&folder, &entry) == 0 && entry.name[0] != '\0') {
		struct fs_file_t file;

		if (strlen(entry.name) != sizeof(newest) - 1 || entry.name[0] != 'f' ||
		    strcmp(entry.name, newest) < 0) {
			continue;
		}
		snprintf(path, room, OZ_VOLUME "/%.9s", entry.name);
		fs_file_t_init(&file);
		if (fs_open(&file, path, FS_O_READ) < 0) {
			continue;
		}
		if (fits(device, &file, entry.size, firmware)) {
			strcpy(newest, entry.name);
			found = entry.size;
		}
		(void)fs_close(&file);
	}
	(void)fs_closedir(&folder);
	snprintf(path, room, OZ_VOLUME "/%s", newest);
	return found;
}

struct target {
	struct nrf_wifi_fmac_dev_ctx *device;
	int image;
};

static int store(void *context, uint32_t offset, const uint8_t *piece, uint32_t size)
{
	struct target *target = context;
	struct nrf_wifi_fmac_fw_chunk_info chunk = {
		.data = piece,
		.size = size,
		.dest_addr = places[target->image].address + offset,
	};

	return nrf_wifi_fmac_fw_chunk_load(target->device, places[target->image].processor, &chunk) !=
	       NRF_WIFI_STATUS_SUCCESS;
}

/* The driver's library has the same steps for a firmware in memory (nrf_wifi_fmac_fw_load). */
static bool load(struct nrf_wifi_fmac_dev_ctx *device, struct fs_file_t *file, uint32_t size,
		 struct oz_firmware *firmware)
{
	/* The driver holds the lock of its only interface. */
	static uint8_t piece[OZ_FIRMWARE_PIECE] __aligned(4);
	struct oz_firmware_source source = {.read = read_file, .context = file, .size = size};
	struct target target = {.device = device};

	if (!fits(device, file, size, firmware) || nrf_wifi_fmac_fw_reset(device) != NRF_WIFI_STATUS_SUCCESS) {
		return false;
	}
	for (; target.image < OZ_FIRMWARE_IMAGES; target.image++) {
		if (oz_firmware_move(&source, firmware, target.image, piece, store, &target) != OZ_FIRMWARE_DONE) {
			return false;
		}
	}
	device->fw_boot_done = nrf_wifi_fmac_fw_boot(device) == NRF_WIFI_STATUS_SUCCESS;
	return device->fw_boot_done;
}

enum nrf_wifi_status nrf_wifi_fw_load(void *rpu)
{
	struct oz_firmware firmware __aligned(4);
	char path[sizeof(OZ_VOLUME "/f00000000")];
	struct fs_file_t file;
	uint32_t size = find(rpu, path, sizeof(path), &firmware);
	bool done;

	fs_file_t_init(&file);
	if (size == 0 || fs_open(&file, path, FS_O_READ) < 0) {
		LOG_ERR("No file holds the radio's firmware");
		return NRF_WIFI_STATUS_FAIL;
	}
	done = load(rpu, &file, size, &firmware);
	(void)fs_close(&file);
	if (!done) {
		LOG_ERR("The radio does not take its firmware");
	}
	return done ? NRF_WIFI_STATUS_SUCCESS : NRF_WIFI_STATUS_FAIL;
}
