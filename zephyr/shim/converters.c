/* The converters of the devicetree's node "zentri,pins": ADC, DAC, PWM, selected by their pins. */
#include <errno.h>
#include <zephyr/devicetree.h>
#include <zephyr/kernel.h>
#ifdef CONFIG_ADC
#include <zephyr/drivers/adc.h>
#endif
#ifdef CONFIG_ADC_EMUL
#include <zephyr/drivers/adc/adc_emul.h>
#endif
#ifdef CONFIG_DAC
#include <zephyr/drivers/dac.h>
#endif
#ifdef CONFIG_PWM
#include <zephyr/drivers/pwm.h>
#endif

#include "openzentri.h"
#ifdef CONFIG_OPENZENTRI_SIMULATED_CONVERTERS
#include "../drivers/converters_simulated.h"
#endif

#define NODE DT_COMPAT_GET_ANY_STATUS_OKAY(zentri_pins)

/* The place of a pin in a list, or -1. */
static __maybe_unused int place_of(const uint8_t *pins, int count, uint8_t pin)
{
	for (int place = 0; place < count; place++) {
		if (pins[place] == pin) {
			return place;
		}
	}
	return -1;
}

#if defined(CONFIG_ADC) && DT_NODE_HAS_PROP(NODE, io_channels)
#define ADC_CHANNEL(node, property, index) ADC_DT_SPEC_GET_BY_IDX(node, index)

static const struct adc_dt_spec adcs[] = {DT_FOREACH_PROP_ELEM_SEP(NODE, io_channels, ADC_CHANNEL, (,))};
static const uint8_t adc_pins[] = DT_PROP(NODE, io_channel_pins);

BUILD_ASSERT(ARRAY_SIZE(adcs) == ARRAY_SIZE(adc_pins));

int32_t oz_adc_sample(uint8_t pin, uint16_t reference_mv)
{
	int place = place_of(adc_pins, ARRAY_SIZE(adc_pins), pin);
	/* Controllers write 16 or 32 bits. */
	union {
		int16_t narrow;
		int32_t wide;
	} raw = {.wide = 0};
	struct adc_sequence sequence = {.buffer = &raw, .buffer_size = sizeof(raw)};
	const struct adc_dt_spec *spec;
	int32_t value;
	int error;

	if (place < 0) {
		return -OZ_NOT_FOUND;
	}
	spec = &adcs[place];
	if (!adc_is_ready_dt(spec)) {
		return -OZ_NOT_FOUND;
	}
	error = adc_channel_setup_dt(spec);
	if (error == 0) {
		error = adc_sequence_init_dt(spec, &sequence);
	}
	if (error == 0) {
		error = adc_read_dt(spec, &sequence);
	}
	if (error < 0) {
		return oz_error(-error);
	}
	value = spec->resolution > 16 ? raw.wide : (uint16_t)raw.narrow;
	if (spec->channel_cfg.reference == ADC_REF_INTERNAL) {
		reference_mv = adc_ref_internal(spec->dev);
	} else if (spec->vref_mv != 0) {
		reference_mv = spec->vref_mv;
	}
	error = adc_raw_to_millivolts(reference_mv, spec->channel_cfg.gain, spec->resolution, &value);
	if (error < 0) {
		return oz_error(-error);
	}
	return CLAMP(value, 0, UINT16_MAX);
}
#else
int32_t oz_adc_sample(uint8_t pin, uint16_t reference_mv)
{
	ARG_UNUSED(pin);
	ARG_UNUSED(reference_mv);
	return -OZ_NOT_FOUND;
}
#endif

#if defined(CONFIG_DAC) && DT_NODE_HAS_PROP(NODE, dac)
#define RESOLUTION DT_PROP(NODE, dac_resolution)

static const struct device *const dac = DEVICE_DT_GET(DT_PHANDLE(NODE, dac));
static const uint8_t dac_pins[] = DT_PROP(NODE, dac_pins);
static const uint8_t dac_channels[] = DT_PROP(NODE, dac_channels);

BUILD_ASSERT(ARRAY_SIZE(dac_channels) == ARRAY_SIZE(dac_pins));
BUILD_ASSERT(RESOLUTION >= 1 && RESOLUTION <= 16);

int32_t oz_dac_level(uint8_t pin, uint16_t level)
{
	int place = place_of(dac_pins, ARRAY_SIZE(dac_pins), pin);
	struct dac_channel_cfg config = {.resolution = RESOLUTION};
	int error;

	if (place < 0 || !device_is_ready(dac)) {
		return -OZ_NOT_FOUND;
	}
	config.channel_id = dac_channels[place];
	error = dac_channel_setup(dac, &config);
	if (error == 0) {
		error = dac_write_value(dac, config.channel_id, level >> (16 - RESOLUTION));
	}
	return error < 0 ? oz_error(-error) : 0;
}
#else
int32_t oz_dac_level(uint8_t pin, uint16_t level)
{
	ARG_UNUSED(pin);
	ARG_UNUSED(level);
	return -OZ_NOT_FOUND;
}
#endif

#if defined(CONFIG_PWM) && DT_NODE_HAS_PROP(NODE, pwms)
#define PWM_CHANNEL(node, property, index) PWM_DT_SPEC_GET_BY_IDX(node, index)

static const struct pwm_dt_spec pwms[] = {DT_FOREACH_PROP_ELEM_SEP(NODE, pwms, PWM_CHANNEL, (,))};
static const uint8_t pwm_pins[] = DT_PROP(NODE, pwm_pins);

BUILD_ASSERT(ARRAY_SIZE(pwms) == ARRAY_SIZE(pwm_pins));

int32_t oz_pwm_pulse(uint8_t pin, uint32_t period_ns, uint32_t width_ns)
{
	int place = place_of(pwm_pins, ARRAY_SIZE(pwm_pins), pin);
	int error;

	if (place < 0 || !pwm_is_ready_dt(&pwms[place])) {
		return -OZ_NOT_FOUND;
	}
	if (period_ns == 0) {
		/* Low for ever: drivers cannot release a pin. */
		error = pwm_set_dt(&pwms[place], pwms[place].period, 0);
	} else {
		error = pwm_set_dt(&pwms[place], period_ns, width_ns);
	}
	return error < 0 ? oz_error(-error) : 0;
}
#else
int32_t oz_pwm_pulse(uint8_t pin, uint32_t period_ns, uint32_t width_ns)
{
	ARG_UNUSED(pin);
	ARG_UNUSED(period_ns);
	ARG_UNUSED(width_ns);
	return -OZ_NOT_FOUND;
}
#endif

#ifdef CONFIG_OPENZENTRI_SIMULATED_CONVERTERS
void oz_adc_outside(uint8_t pin, uint16_t voltage)
{
	int place = place_of(adc_pins, ARRAY_SIZE(adc_pins), pin);

	if (place >= 0) {
		(void)adc_emul_const_value_set(adcs[place].dev, adcs[place].channel_id, voltage);
	}
}

int32_t oz_converter_driven(uint8_t pin, struct oz_driven *driven)
{
	int pwm = place_of(pwm_pins, ARRAY_SIZE(pwm_pins), pin);
	int dac = place_of(dac_pins, ARRAY_SIZE(dac_pins), pin);

	*driven = (struct oz_driven){.kind = OZ_DRIVEN_OPEN};
	if (pwm >= 0) {
		simulated_pwm(pwms[pwm].channel, &driven->period, &driven->width);
		if (driven->period != 0 && driven->period != pwms[pwm].period) {
			driven->kind = OZ_DRIVEN_PULSE;
		}
	} else if (dac >= 0) {
		driven->width = simulated_dac(dac_channels[dac]);
		if (driven->width != 0) {
			driven->kind = OZ_DRIVEN_PART;
		}
	}
	return 0;
}
#endif
