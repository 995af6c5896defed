/* The pins of the devicetree's node "zentri,pins": direction, level, edges. */
#include <zephyr/devicetree.h>
#include <zephyr/drivers/gpio.h>
#ifdef CONFIG_GPIO_EMUL
#include <zephyr/drivers/gpio/gpio_emul.h>
#endif
#include <zephyr/kernel.h>

#include "openzentri.h"

#define NODE DT_COMPAT_GET_ANY_STATUS_OKAY(zentri_pins)
#define PIN(node, property, index) GPIO_DT_SPEC_GET_BY_IDX_OR(node, property, index, {0})

static const struct gpio_dt_spec pins[] = {DT_FOREACH_PROP_ELEM_SEP(NODE, gpios, PIN, (,))};
static struct gpio_callback callbacks[ARRAY_SIZE(pins)];

BUILD_ASSERT(ARRAY_SIZE(pins) <= 64);

/* The direction of each pin. The level of an output is kept here: not every controller can read it back. */
static uint64_t inputs, outputs, high;
/* Open drains: not every controller has them, so a low one is an output, and a high one an input. */
static uint64_t drains, pulled_up;
/* Edges that were not fetched yet. */
static atomic_t edges[2];

static const struct gpio_dt_spec *find(uint8_t pin)
{
	return pin < ARRAY_SIZE(pins) && pins[pin].port != NULL ? &pins[pin] : NULL;
}

static void mark(uint64_t *set, uint8_t pin, bool is)
{
	*set = is ? *set | BIT64(pin) : *set & ~BIT64(pin);
}

/* -EBUSY and -ENOMEM: all of the controller's interrupts are in use. */
static int32_t pin_error(int error)
{
	switch (error) {
	case -EBUSY:
	case -ENOMEM:
		return -OZ_NO_ROOM;
	case -ENOTSUP:
	case -ENOSYS:
		return -OZ_UNSUPPORTED;
	default:
		return oz_error(-error);
	}
}

static gpio_flags_t flags_of(uint8_t direction)
{
	switch (direction) {
	case OZ_PIN_INPUT:
	case OZ_PIN_DRAIN_HIGH:
		return GPIO_INPUT;
	case OZ_PIN_INPUT_UP:
	case OZ_PIN_DRAIN_UP_HIGH:
		return GPIO_INPUT | GPIO_PULL_UP;
	case OZ_PIN_INPUT_DOWN:
		return GPIO_INPUT | GPIO_PULL_DOWN;
	case OZ_PIN_LOW:
	case OZ_PIN_DRAIN_LOW:
	case OZ_PIN_DRAIN_UP_LOW:
		return GPIO_OUTPUT_LOW;
	case OZ_PIN_HIGH:
		return GPIO_OUTPUT_HIGH;
	default:
		return GPIO_DISCONNECTED;
	}
}

#ifdef CONFIG_GPIO_EMUL
/* Millivolts. */
#define SUPPLY 3300

/* The levels that the console has put on the wires. */
static uint64_t driven_outside, high_outside;

/* An emulated input that is not driven has the level of its resistor. */
static void show_outside(uint8_t pin, bool pull_up)
{
	const struct gpio_dt_spec *spec = find(pin);

	if (inputs & BIT64(pin)) {
		bool driven = (driven_outside & BIT64(pin)) != 0;
		bool level = driven ? (high_outside & BIT64(pin)) != 0 : pull_up;

		(void)gpio_emul_input_set(spec->port, spec->pin, level);
	}
}

int32_t oz_pin_outside(uint8_t pin, uint8_t outside, uint16_t voltage_mv)
{
	if (find(pin) == NULL) {
		return -OZ_NOT_FOUND;
	}
	if (outside != OZ_OUTSIDE_VOLTAGE) {
		voltage_mv = outside == OZ_OUTSIDE_HIGH ? SUPPLY : 0;
	}
	mark(&driven_outside, pin, outside != OZ_OUTSIDE_OPEN);
	mark(&high_outside, pin, 2 * voltage_mv >= SUPPLY);
#ifdef CONFIG_OPENZENTRI_SIMULATED_CONVERTERS
	oz_adc_outside(pin, voltage_mv);
#endif
	show_outside(pin, (pulled_up & BIT64(pin)) != 0);
	return 0;
}
int32_t oz_pin_driven(uint8_t pin, struct oz_driven *driven)
{
	*driven = (struct oz_driven){.kind = OZ_DRIVEN_OPEN};
	if (find(pin) == NULL) {
		return -OZ_NOT_FOUND;
	}
	if (outputs & BIT64(pin)) {
		driven->kind = (high & BIT64(pin)) != 0 ? OZ_DRIVEN_HIGH : OZ_DRIVEN_LOW;
		return 0;
	}
#ifdef CONFIG_OPENZENTRI_SIMULATED_CONVERTERS
	return oz_converter_driven(pin, driven);
#else
	return 0;
#endif
}
#else
static void show_outside(uint8_t pin, bool pull_up)
{
	ARG_UNUSED(pin);
	ARG_UNUSED(pull_up);
}

int32_t oz_pin_outside(uint8_t pin, uint8_t outside, uint16_t voltage_mv)
{
	ARG_UNUSED(outside);
	ARG_UNUSED(voltage_mv);
	return find(pin) == NULL ? -OZ_NOT_FOUND : -OZ_UNSUPPORTED;
}

int32_t oz_pin_driven(uint8_t pin, struct oz_driven *driven)
{
	ARG_UNUSED(driven);
	return find(pin) == NULL ? -OZ_NOT_FOUND : -OZ_UNSUPPORTED;
}
#endif

int32_t oz_pin_exists(uint8_t pin)
{
	return find(pin) != NULL;
}

static int32_t configure(uint8_t pin, uint8_t direction)
{
	const struct gpio_dt_spec *spec = find(pin);
	gpio_flags_t flags = flags_of(direction);
	int error = gpio_pin_configure(spec->port, spec->pin, flags);

	if (error == -ENOTSUP && flags == GPIO_DISCONNECTED) {
		/* This controller cannot let a pin float; an input drives nothing either. */
		error = gpio_pin_configure(spec->port, spec->pin, GPIO_INPUT);
	}
	mark(&inputs, pin, error == 0 && (flags & GPIO_INPUT) != 0);
	mark(&outputs, pin, error == 0 && (flags & GPIO_OUTPUT) != 0);
	mark(&high, pin, direction == OZ_PIN_HIGH);
	if (error < 0) {
		return pin_error(error);
	}
	show_outside(pin, (flags & GPIO_PULL_UP) != 0);
	return 0;
}

int32_t oz_pin_direction(uint8_t pin, uint8_t direction)
{
	const struct gpio_dt_spec *spec = find(pin);
	bool up = direction == OZ_PIN_DRAIN_UP_LOW || direction == OZ_PIN_DRAIN_UP_HIGH;
	int32_t error;

	if (spec == NULL || !gpio_is_ready_dt(spec)) {
		return -OZ_NOT_FOUND;
	}
	(void)oz_pin_watch(pin, 0);
	error = configure(pin, direction);
	mark(&drains, pin, error == 0 && direction >= OZ_PIN_DRAIN_LOW);
	mark(&pulled_up, pin, error == 0 && (up || direction == OZ_PIN_INPUT_UP));
	return error;
}

int32_t oz_pin_write(uint8_t pin, uint8_t level)
{
	const struct gpio_dt_spec *spec = find(pin);
	int error;

	if (spec != NULL && (drains & BIT64(pin))) {
		bool up = (pulled_up & BIT64(pin)) != 0;

		if (level) {
			return configure(pin, up ? OZ_PIN_DRAIN_UP_HIGH : OZ_PIN_DRAIN_HIGH);
		}
		return configure(pin, up ? OZ_PIN_DRAIN_UP_LOW : OZ_PIN_DRAIN_LOW);
	}
	if (spec == NULL || !(outputs & BIT64(pin))) {
		return -OZ_NOT_FOUND;
	}
	error = gpio_pin_set_raw(spec->port, spec->pin, level);
	if (error < 0) {
		return pin_error(error);
	}
	mark(&high, pin, level != 0);
	return 0;
}

int32_t oz_pin_read(uint8_t pin)
{
	const struct gpio_dt_spec *spec = find(pin);
	int level;

	if (spec == NULL) {
		return -OZ_NOT_FOUND;
	}
	if (outputs & BIT64(pin)) {
		return (high & BIT64(pin)) != 0;
	}
	if (!(inputs & BIT64(pin))) {
		return -OZ_NOT_FOUND;
	}
	level = gpio_pin_get_raw(spec->port, spec->pin);
	return level < 0 ? pin_error(level) : level;
}

static void on_edge(const struct device *port, struct gpio_callback *callback, gpio_port_pins_t which)
{
	int pin = ARRAY_INDEX(callbacks, callback);

	ARG_UNUSED(port);
	ARG_UNUSED(which);
	(void)atomic_or(&edges[pin / 32], BIT(pin % 32));
	oz_wake();
}

int32_t oz_pin_watch(uint8_t pin, uint8_t watched)
{
	const struct gpio_dt_spec *spec = find(pin);
	int error;

	if (spec == NULL || !(inputs & BIT64(pin))) {
		return -OZ_NOT_FOUND;
	}
	/* Adding the callback twice would make the controller's list a loop. */
	if (callbacks[pin].handler != NULL) {
		(void)gpio_pin_interrupt_configure(spec->port, spec->pin, GPIO_INT_DISABLE);
		(void)gpio_remove_callback(spec->port, &callbacks[pin]);
		callbacks[pin].handler = NULL;
	}
	(void)atomic_and(&edges[pin / 32], ~BIT(pin % 32));
	if (!watched) {
		return 0;
	}
	gpio_init_callback(&callbacks[pin], on_edge, BIT(spec->pin));
	error = gpio_add_callback(spec->port, &callbacks[pin]);
	if (error < 0) {
		callbacks[pin].handler = NULL;
		return pin_error(error);
	}
	error = gpio_pin_interrupt_configure(spec->port, spec->pin, GPIO_INT_EDGE_BOTH);
	if (error < 0) {
		(void)gpio_remove_callback(spec->port, &callbacks[pin]);
		callbacks[pin].handler = NULL;
		return pin_error(error);
	}
	return 0;
}

int32_t oz_pin_edges_ready(void)
{
	return (atomic_get(&edges[0]) | atomic_get(&edges[1])) != 0;
}

uint64_t oz_pin_edges(void)
{
	uint64_t low = (uint32_t)atomic_clear(&edges[0]);

	return low | (uint64_t)(uint32_t)atomic_clear(&edges[1]) << 32;
}
