/*
 * The command UART of the simulated board. Unlike Zephyr's own driver for pseudo-terminals this one has interrupts,
 * loses nothing when the other side is slow, and notices the end of the input.
 */
#define DT_DRV_COMPAT zentri_host_uart

#include <zephyr/device.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/irq.h>
#include <zephyr/kernel.h>

#include "openzentri.h"
#include "uart_host_bottom.h"

static uart_irq_callback_user_data_t on_interrupt;
static void *context;
static bool receive_on;
static bool transmit_on;
static bool ended;

static int poll_in(const struct device *dev, unsigned char *byte)
{
	ARG_UNUSED(dev);
	return oz_uart_read(byte, 1) == 1 ? 0 : -1;
}

static void poll_out(const struct device *dev, unsigned char byte)
{
	ARG_UNUSED(dev);
	oz_uart_write_byte(byte);
}

static int fifo_fill(const struct device *dev, const uint8_t *data, int size)
{
	ARG_UNUSED(dev);
	return oz_uart_write(data, size);
}

static int fifo_read(const struct device *dev, uint8_t *buffer, const int size)
{
	int count = oz_uart_read(buffer, size);

	ARG_UNUSED(dev);
	if (count < 0 && !ended) {
		ended = true;
		receive_on = false;
		oz_uart_want(receive_on, transmit_on);
		oz_serial_hang_up();
	}
	return MAX(count, 0);
}

#ifdef CONFIG_UART_USE_RUNTIME_CONFIGURE
static int configure(const struct device *dev, const struct uart_config *config)
{
	int parity = config->parity == UART_CFG_PARITY_ODD    ? 1
		     : config->parity == UART_CFG_PARITY_EVEN ? 2
							      : 0;
	int stop = config->stop_bits == UART_CFG_STOP_BITS_2 ? 2 : 1;
	int flow = config->flow_ctrl == UART_CFG_FLOW_CTRL_RTS_CTS;

	ARG_UNUSED(dev);
	return oz_uart_configure(config->baudrate, 5 + config->data_bits, parity, stop, flow) < 0 ? -ENOTSUP : 0;
}
#endif

static void want(void)
{
	oz_uart_want(receive_on && !ended, transmit_on);
}

static void transmit_enable(const struct device *dev)
{
	ARG_UNUSED(dev);
	transmit_on = true;
	want();
}

static void transmit_disable(const struct device *dev)
{
	ARG_UNUSED(dev);
	transmit_on = false;
	want();
}

static void receive_enable(const struct device *dev)
{
	ARG_UNUSED(dev);
	receive_on = true;
	want();
}

static void receive_disable(const struct device *dev)
{
	ARG_UNUSED(dev);
	receive_on = false;
	want();
}

static int transmit_ready(const struct device *dev)
{
	ARG_UNUSED(dev);
	return transmit_on && oz_uart_writable();
}

static int receive_ready(const struct device *dev)
{
	ARG_UNUSED(dev);
	return receive_on && !ended && oz_uart_readable();
}

static int is_pending(const struct device *dev)
{
	return transmit_ready(dev) || receive_ready(dev);
}

static int update(const struct device *dev)
{
	ARG_UNUSED(dev);
	return 1;
}

static void callback_set(const struct device *dev, uart_irq_callback_user_data_t callback, void *user_data)
{
	ARG_UNUSED(dev);
	on_interrupt = callback;
	context = user_data;
}

static DEVICE_API(uart, api) = {
	.poll_in = poll_in,
	.poll_out = poll_out,
#ifdef CONFIG_UART_USE_RUNTIME_CONFIGURE
	.configure = configure,
#endif
	.fifo_fill = fifo_fill,
	.fifo_read = fifo_read,
	.irq_tx_enable = transmit_enable,
	.irq_tx_disable = transmit_disable,
	.irq_tx_ready = transmit_ready,
	.irq_rx_enable = receive_enable,
	.irq_rx_disable = receive_disable,
	.irq_rx_ready = receive_ready,
	.irq_is_pending = is_pending,
	.irq_update = update,
	.irq_callback_set = callback_set,
};

static void isr(const void *argument)
{
	if (on_interrupt != NULL) {
		on_interrupt(argument, context);
	}
}

static int start(const struct device *dev)
{
	ARG_UNUSED(dev);
	IRQ_CONNECT(OZ_UART_IRQ, 2, isr, DEVICE_DT_INST_GET(0), 0);
	irq_enable(OZ_UART_IRQ);
	return 0;
}

DEVICE_DT_INST_DEFINE(0, start, NULL, NULL, NULL, PRE_KERNEL_1, CONFIG_SERIAL_INIT_PRIORITY, &api);
