/* A wire from the output of an emulated SPI bus to its input. */
#include <errno.h>
#include <string.h>
#include <zephyr/device.h>
#include <zephyr/drivers/emul.h>
#include <zephyr/drivers/spi.h>
#include <zephyr/drivers/spi_emul.h>

#define DT_DRV_COMPAT zentri_spi_wire

/* zephyr/shim/bus.c passes one buffer each way. */
static int io(const struct emul *target, const struct spi_config *config, const struct spi_buf_set *out,
	      const struct spi_buf_set *in)
{
	ARG_UNUSED(target);
	ARG_UNUSED(config);
	if (out == NULL || in == NULL || out->count != 1 || in->count != 1 ||
	    out->buffers[0].len != in->buffers[0].len) {
		return -EINVAL;
	}
	memmove(in->buffers[0].buf, out->buffers[0].buf, out->buffers[0].len);
	return 0;
}

static const struct spi_emul_api api = {.io = io};

static int start(const struct emul *target, const struct device *parent)
{
	ARG_UNUSED(target);
	ARG_UNUSED(parent);
	return 0;
}

DEVICE_DT_INST_DEFINE(0, NULL, NULL, NULL, NULL, POST_KERNEL, CONFIG_KERNEL_INIT_PRIORITY_DEVICE, NULL);
EMUL_DT_INST_DEFINE(0, start, NULL, NULL, &api, NULL);
