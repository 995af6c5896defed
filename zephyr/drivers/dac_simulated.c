/* Voltages in memory: the values that a program has set can be read. */
#include <errno.h>
#include <zephyr/device.h>
#include <zephyr/drivers/dac.h>

#include "converters_simulated.h"

#define DT_DRV_COMPAT zentri_simulated_dac

static struct {
	uint32_t value;
	uint8_t resolution;
} channels[SIMULATED_CHANNELS];

uint32_t simulated_dac(uint8_t channel)
{
	return channel < SIMULATED_CHANNELS ? channels[channel].value : 0;
}

static int channel_setup(const struct device *device, const struct dac_channel_cfg *config)
{
	ARG_UNUSED(device);
	if (config->channel_id >= SIMULATED_CHANNELS || config->resolution > 16) {
		return -EINVAL;
	}
	channels[config->channel_id].resolution = config->resolution;
	return 0;
}

static int write_value(const struct device *device, uint8_t channel, uint32_t value)
{
	ARG_UNUSED(device);
	if (channel >= SIMULATED_CHANNELS || value >> channels[channel].resolution != 0) {
		return -EINVAL;
	}
	channels[channel].value = value;
	return 0;
}

static DEVICE_API(dac, api) = {
	.channel_setup = channel_setup,
	.write_value = write_value,
};

DEVICE_DT_INST_DEFINE(0, NULL, NULL, NULL, NULL, POST_KERNEL, CONFIG_DAC_INIT_PRIORITY, &api);
