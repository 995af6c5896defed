/*
 * Transfers on SPI and I2C: the buses that the devicetree's aliases "zentri-spi" and "zentri-i2c" name. Drivers block,
 * so a separate thread does the transfers, one at a time.
 */
#include <errno.h>
#include <string.h>
#include <zephyr/devicetree.h>
#include <zephyr/kernel.h>
#ifdef CONFIG_I2C
#include <zephyr/drivers/i2c.h>
#endif
#ifdef CONFIG_SPI
#include <zephyr/drivers/spi.h>
#endif

#include "openzentri.h"

#if defined(CONFIG_SPI) && DT_NODE_EXISTS(DT_ALIAS(zentri_spi))
#define HAS_SPI 1
static const struct device *const spi = DEVICE_DT_GET(DT_ALIAS(zentri_spi));
#else
#define HAS_SPI 0
#endif

#if defined(CONFIG_I2C) && DT_NODE_EXISTS(DT_ALIAS(zentri_i2c))
#define HAS_I2C 1
static const struct device *const i2c = DEVICE_DT_GET(DT_ALIAS(zentri_i2c));
#else
#define HAS_I2C 0
#endif

static uint8_t data[CONFIG_OPENZENTRI_BUS_TRANSFER];
static struct oz_transfer transfer;
/* The number of bytes in `data` that were received. */
static uint32_t received;
static int32_t outcome;
static atomic_t state;

enum state { FREE, RUNNING, ENDED };

static K_SEM_DEFINE(work, 0, 1);

int32_t oz_spi_buses(void)
{
	return HAS_SPI;
}

int32_t oz_i2c_buses(void)
{
	return HAS_I2C;
}

#if HAS_SPI
static int exchange(void)
{
	struct spi_buf buffer = {.buf = data, .len = transfer.size};
	const struct spi_buf_set both = {.buffers = &buffer, .count = 1};
	/* Some drivers notice a new configuration only by its address. */
	static struct spi_config configs[2];
	static uint8_t turn;
	struct spi_config *config;
	spi_operation_t operation = SPI_OP_MODE_MASTER | SPI_WORD_SET(8);

	operation |= transfer.mode & 2 ? SPI_MODE_CPOL : 0;
	operation |= transfer.mode & 1 ? SPI_MODE_CPHA : 0;
	operation |= transfer.lowest_first ? SPI_TRANSFER_LSB : SPI_TRANSFER_MSB;
	if (configs[turn].operation != operation || configs[turn].frequency != transfer.clock) {
		turn ^= 1;
		configs[turn] = (struct spi_config){.frequency = transfer.clock, .operation = operation};
	}
	config = &configs[turn];
	if (!device_is_ready(spi)) {
		return -ENODEV;
	}
	return spi_transceive(spi, config, &both, &both);
}
#else
static int exchange(void)
{
	return -ENODEV;
}
#endif

#if HAS_I2C
static int speak(void)
{
	uint32_t speed = transfer.clock >= 1000000 ? I2C_SPEED_FAST_PLUS
			 : transfer.clock >= 400000 ? I2C_SPEED_FAST : I2C_SPEED_STANDARD;
	int error;

	if (!device_is_ready(i2c)) {
		return -ENODEV;
	}
	error = i2c_configure(i2c, I2C_MODE_CONTROLLER | I2C_SPEED_SET(speed));
	if (error < 0) {
		return error;
	}
	if (transfer.kind == OZ_I2C_READ) {
		return i2c_read(i2c, data, transfer.size, transfer.address);
	}
	return i2c_write(i2c, data, transfer.size, transfer.address);
}
#else
static int speak(void)
{
	return -ENODEV;
}
#endif

static int32_t outcome_of(int error)
{
	switch (error) {
	case 0:
		return 0;
	case -ENODEV:
		return -OZ_NOT_FOUND;
	case -EIO:
	case -ENXIO:
		/* I2C drivers return these when no device answers. */
		return transfer.kind == OZ_SPI ? oz_error(EIO) : -OZ_UNREACHABLE;
	default:
		return oz_error(-error);
	}
}

static void worker(void *first, void *second, void *third)
{
	ARG_UNUSED(first);
	ARG_UNUSED(second);
	ARG_UNUSED(third);
	for (;;) {
		k_sem_take(&work, K_FOREVER);
		outcome = outcome_of(transfer.kind == OZ_SPI ? exchange() : speak());
		received = outcome == 0 && transfer.kind != OZ_I2C_WRITE ? transfer.size : 0;
		(void)atomic_set(&state, ENDED);
		oz_wake();
	}
}

K_THREAD_DEFINE(openzentri_bus, CONFIG_OPENZENTRI_BUS_STACK, worker, NULL, NULL, NULL, 8, 0, 0);

int32_t oz_bus_start(const struct oz_transfer *wanted, const uint8_t *bytes)
{
	if (wanted->bus != 0) {
		return -OZ_NOT_FOUND;
	}
	if (wanted->size > sizeof(data) || !atomic_cas(&state, FREE, RUNNING)) {
		return -OZ_NO_ROOM;
	}
	transfer = *wanted;
	if (wanted->kind != OZ_I2C_READ) {
		memcpy(data, bytes, wanted->size);
	}
	k_sem_give(&work);
	return 0;
}

int32_t oz_bus_result(void)
{
	if (atomic_get(&state) == RUNNING) {
		return -OZ_WOULD_BLOCK;
	}
	return atomic_cas(&state, ENDED, FREE) ? outcome : -OZ_NOT_FOUND;
}

int32_t oz_bus_ended(void)
{
	return atomic_get(&state) != RUNNING;
}

int32_t oz_bus_received(uint8_t *buffer, uint32_t size)
{
	uint32_t count = received;

	received = 0;
	if (count > size) {
		return -OZ_NO_ROOM;
	}
	memcpy(buffer, data, count);
	return count;
}
