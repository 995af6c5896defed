/* Pulses in memory: the values that a program has set can be read. */
#include <errno.h>
#include <zephyr/device.h>
#include <zephyr/drivers/pwm.h>

#include "converters_simulated.h"

#define DT_DRV_COMPAT zentri_simulated_pwm
/* A cycle is a nanosecond. */
#define CYCLES 1000000000

static struct {
	uint32_t period;
	uint32_t width;
} channels[SIMULATED_CHANNELS];

void simulated_pwm(uint32_t channel, uint32_t *period, uint32_t *width)
{
	*period = channel < SIMULATED_CHANNELS ? channels[channel].period : 0;
	*width = channel < SIMULATED_CHANNELS ? channels[channel].width : 0;
}

static int set_cycles(const struct device *device, uint32_t channel, uint32_t period, uint32_t pulse,
		      pwm_flags_t flags)
{
	ARG_UNUSED(device);
	ARG_UNUSED(flags);
	if (channel >= SIMULATED_CHANNELS) {
		return -EINVAL;
	}
	channels[channel].period = period;
	channels[channel].width = pulse;
	return 0;
}

static int get_cycles_per_sec(const struct device *device, uint32_t channel, uint64_t *cycles)
{
	ARG_UNUSED(device);
	ARG_UNUSED(channel);
	*cycles = CYCLES;
	return 0;
}

static DEVICE_API(pwm, api) = {
	.set_cycles = set_cycles,
	.get_cycles_per_sec = get_cycles_per_sec,
};

DEVICE_DT_INST_DEFINE(0, NULL, NULL, NULL, NULL, POST_KERNEL, CONFIG_PWM_INIT_PRIORITY, &api);
