/* Flash: slots in Zephyr's settings, and a flat volume of files on littlefs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zephyr/fs/fs.h>
#include <zephyr/fs/littlefs.h>
#include <zephyr/kernel.h>
#include <zephyr/settings/settings.h>
#include <zephyr/storage/flash_map.h>

#include "openzentri.h"

/* The device's longest name with the few bytes that it adds, the volume and a terminator. */
#define PATH_SIZE 128

FS_LITTLEFS_DECLARE_DEFAULT_CONFIG(volume);

static struct fs_mount_t mount = {
	.type = FS_LITTLEFS,
	.fs_data = &volume,
	.storage_dev = (void *)FIXED_PARTITION_ID(zentri_files_partition),
	.mnt_point = OZ_VOLUME,
};

static struct fs_file_t files[CONFIG_OPENZENTRI_OPEN_FILES];
static bool in_use[CONFIG_OPENZENTRI_OPEN_FILES];

static const char *const slots[] = {"openzentri/a", "openzentri/b", "openzentri/f"};

int oz_volume_mount(void)
{
	static bool mounted;
	int why = mounted ? 0 : fs_mount(&mount);

	mounted = why == 0;
	return why;
}

int32_t oz_storage_start(void)
{
	int settings = settings_subsys_init();
	int files_result = oz_volume_mount();

	if (settings != 0) {
		return oz_error(-settings);
	}
	return files_result < 0 ? oz_error(-files_result) : 0;
}

int32_t oz_slot_write(uint8_t slot, const uint8_t *record, uint32_t size)
{
	int why;

	if (slot >= ARRAY_SIZE(slots)) {
		return -OZ_NOT_FOUND;
	}
	why = settings_save_one(slots[slot], record, size);
	return why < 0 ? oz_error(-why) : 0;
}

struct wanted {
	uint8_t *buffer;
	uint32_t size;
	int32_t outcome;
};

static int take_record(const char *key, size_t size, settings_read_cb read, void *source, void *context)
{
	struct wanted *wanted = context;
	ssize_t count;

	/* Only the key itself, nothing below it. */
	if (key != NULL && key[0] != '\0') {
		return 0;
	}
	if (size > wanted->size) {
		wanted->outcome = -OZ_NO_ROOM;
		return 0;
	}
	count = read(source, wanted->buffer, size);
	wanted->outcome = count < 0 ? oz_error((int)-count) : (int32_t)count;
	return 0;
}

int32_t oz_slot_read(uint8_t slot, uint8_t *buffer, uint32_t size)
{
	struct wanted wanted = {.buffer = buffer, .size = size, .outcome = -OZ_NOT_FOUND};
	int why;

	if (slot >= ARRAY_SIZE(slots)) {
		return -OZ_NOT_FOUND;
	}
	why = settings_load_subtree_direct(slots[slot], take_record, &wanted);
	return why < 0 ? oz_error(-why) : wanted.outcome;
}

static int path_of(char path[PATH_SIZE], const uint8_t *name, uint32_t size)
{
	int length = snprintf(path, PATH_SIZE, OZ_VOLUME "/%.*s", (int)size, (const char *)name);

	return length < 0 || length >= PATH_SIZE ? -ENAMETOOLONG : 0;
}

static int32_t open_file(const uint8_t *name, uint32_t size, fs_mode_t mode)
{
	char path[PATH_SIZE];
	int why = path_of(path, name, size);
	int32_t file = 0;

	while (file < ARRAY_SIZE(files) && in_use[file]) {
		file++;
	}
	if (file == ARRAY_SIZE(files)) {
		return -OZ_NO_ROOM;
	}
	if (why == 0) {
		fs_file_t_init(&files[file]);
		why = fs_open(&files[file], path, mode);
	}
	if (why < 0) {
		return oz_error(-why);
	}
	in_use[file] = true;
	return file;
}

static struct fs_file_t *file_of(int32_t file)
{
	return file >= 0 && file < ARRAY_SIZE(files) && in_use[file] ? &files[file] : NULL;
}

int32_t oz_file_create(const uint8_t *name, uint32_t size)
{
	return open_file(name, size, FS_O_CREATE | FS_O_TRUNC | FS_O_RDWR);
}

int32_t oz_file_open(const uint8_t *name, uint32_t size)
{
	return open_file(name, size, FS_O_READ);
}

int32_t oz_file_append(int32_t file, const uint8_t *data, uint32_t size)
{
	struct fs_file_t *open = file_of(file);
	ssize_t count;
	int why;

	if (open == NULL) {
		return -OZ_NOT_FOUND;
	}
	why = fs_seek(open, 0, FS_SEEK_END);
	if (why < 0) {
		return oz_error(-why);
	}
	count = fs_write(open, data, size);
	if (count < 0) {
		return oz_error((int)-count);
	}
	return (uint32_t)count == size ? 0 : -OZ_NO_ROOM;
}

int32_t oz_file_read(int32_t file, uint32_t position, uint8_t *buffer, uint32_t size)
{
	struct fs_file_t *open = file_of(file);
	int32_t length = oz_file_length(file);
	ssize_t count;
	int why;

	if (open == NULL || length < 0) {
		return open == NULL ? -OZ_NOT_FOUND : length;
	}
	if (position >= (uint32_t)length) {
		return 0;
	}
	why = fs_seek(open, (off_t)position, FS_SEEK_SET);
	if (why < 0) {
		return oz_error(-why);
	}
	count = fs_read(open, buffer, size);
	return count < 0 ? oz_error((int)-count) : (int32_t)count;
}

int32_t oz_file_length(int32_t file)
{
	struct fs_file_t *open = file_of(file);
	off_t length;
	int why;

	if (open == NULL) {
		return -OZ_NOT_FOUND;
	}
	why = fs_seek(open, 0, FS_SEEK_END);
	if (why < 0) {
		return oz_error(-why);
	}
	length = fs_tell(open);
	return length < 0 ? oz_error((int)-length) : (int32_t)length;
}

int32_t oz_file_sync(int32_t file)
{
	struct fs_file_t *open = file_of(file);
	int why = open == NULL ? -ENOENT : fs_sync(open);

	return why < 0 ? oz_error(-why) : 0;
}

void oz_file_close(int32_t file)
{
	struct fs_file_t *open = file_of(file);

	if (open != NULL) {
		(void)fs_close(open);
		in_use[file] = false;
	}
}

int32_t oz_file_rename(const uint8_t *from, uint32_t from_size, const uint8_t *to, uint32_t to_size)
{
	char old_path[PATH_SIZE];
	char new_path[PATH_SIZE];
	int why = path_of(old_path, from, from_size);

	if (why == 0) {
		why = path_of(new_path, to, to_size);
	}
	if (why == 0) {
		why = fs_rename(old_path, new_path);
	}
	return why < 0 ? oz_error(-why) : 0;
}

int32_t oz_file_remove(const uint8_t *name, uint32_t size)
{
	char path[PATH_SIZE];
	int why = path_of(path, name, size);

	if (why == 0) {
		why = fs_unlink(path);
	}
	return why < 0 ? oz_error(-why) : 0;
}

int32_t oz_file_list(void (*each)(void *context, const uint8_t *name, uint32_t size), void *context)
{
	struct fs_dir_t folder;
	struct fs_dirent entry;
	int why;

	fs_dir_t_init(&folder);
	why = fs_opendir(&folder, OZ_VOLUME);
	if (why < 0) {
		return oz_error(-why);
	}
	while ((why = fs_readdir(&folder, &entry)) == 0 && entry.name[0] != '\0') {
		if (entry.type == FS_DIR_ENTRY_FILE) {
			each(context, (const uint8_t *)entry.name, strlen(entry.name));
		}
	}
	(void)fs_closedir(&folder);
	return why < 0 ? oz_error(-why) : 0;
}

uint32_t oz_file_space(void)
{
	struct fs_statvfs space;

	if (fs_statvfs(OZ_VOLUME, &space) < 0) {
		return 0;
	}
	return (uint32_t)(space.f_bfree * space.f_frsize);
}
