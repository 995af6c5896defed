/* The command UART: two rings between the device and interrupts. */
#include <string.h>
#include <zephyr/device.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/ring_buffer.h>

#include "openzentri.h"
#ifdef CONFIG_ARCH_POSIX
#include "host.h"
#endif

#if DT_HAS_CHOSEN(zentri_command_uart)
#define COMMAND_UART DT_CHOSEN(zentri_command_uart)
#else
#define COMMAND_UART DT_CHOSEN(zephyr_console)
#endif

/* How long sending the last bytes may take. */
#define DRAIN_MS 1000

static const struct device *const uart = DEVICE_DT_GET(COMMAND_UART);

RING_BUF_DECLARE(received, CONFIG_OPENZENTRI_UART_RX);
RING_BUF_DECLARE(waiting, CONFIG_OPENZENTRI_UART_TX);

/* The receive ring was full: the receive interrupt is off until the device has read. */
static atomic_t throttled;
/* The device found the transmit ring full and waits for room. */
static atomic_t wants_room;
static atomic_t hung_up;
/* Everything written has left the UART. */
static atomic_t sent = ATOMIC_INIT(1);
static atomic_t broken;

/* Marks `kept` as written before the restart. */
#define KEPT_MAGIC 0x6B657074

/* Bytes to read before those of the ring. A restart does not clear this RAM. */
static __noinit struct {
	uint32_t magic;
	uint32_t sum;
	uint32_t count;
	uint8_t bytes[CONFIG_OPENZENTRI_UART_RX];
} kept;

/* FNV-1a over count and bytes: after power-up they are random. */
static uint32_t kept_sum(void)
{
	uint32_t sum = 2166136261u ^ kept.count;

	for (uint32_t i = 0; i < MIN(kept.count, sizeof(kept.bytes)); i++) {
		sum = (sum ^ kept.bytes[i]) * 16777619u;
	}
	return sum;
}

static void kept_start(void)
{
#ifdef CONFIG_ARCH_POSIX
	kept.count = oz_host_kept(kept.bytes, sizeof(kept.bytes));
#else
	if (kept.magic != KEPT_MAGIC || kept.count > sizeof(kept.bytes) || kept.sum != kept_sum()) {
		kept.count = 0;
	}
#endif
	kept.magic = 0;
}

static uint32_t kept_take(uint8_t *buffer, uint32_t size)
{
	uint32_t count = MIN(size, kept.count);

	memcpy(buffer, kept.bytes, count);
	kept.count -= count;
	memmove(kept.bytes, kept.bytes + count, kept.count);
	return count;
}

void oz_serial_give_back(const uint8_t *data, uint32_t size)
{
	uint32_t count = MIN(size, sizeof(kept.bytes));

	kept.count = MIN(kept.count, sizeof(kept.bytes) - count);
	memmove(kept.bytes + count, kept.bytes, kept.count);
	memcpy(kept.bytes, data, count);
	kept.count += count;
}

/* Fills the receive ring; returns whether anything came. */
static bool take(const struct device *dev)
{
	bool any = false;
	uint8_t *room;
	uint32_t size;
	int count;

	do {
		size = ring_buf_put_claim(&received, &room, CONFIG_OPENZENTRI_UART_RX);
		if (size == 0) {
			uart_irq_rx_disable(dev);
			atomic_set(&throttled, 1);
			break;
		}
		count = uart_fifo_read(dev, room, size);
		(void)ring_buf_put_finish(&received, MAX(count, 0));
		any |= count > 0;
	} while (count > 0);
	if (any) {
		oz_wake();
	}
	return any;
}

/* Empties the transmit ring; returns whether anything left. */
static bool give(const struct device *dev)
{
	uint8_t *data;
	uint32_t size = ring_buf_get_claim(&waiting, &data, CONFIG_OPENZENTRI_UART_TX);
	int count = size > 0 ? uart_fifo_fill(dev, data, size) : 0;

	(void)ring_buf_get_finish(&waiting, MAX(count, 0));
	if (size == 0) {
		/* Negative if the driver cannot tell: then bytes that it has taken count as sent. */
		if (uart_irq_tx_complete(dev) != 0) {
			atomic_set(&sent, 1);
		}
		uart_irq_tx_disable(dev);
	}
	if (ring_buf_space_get(&waiting) >= CONFIG_OPENZENTRI_UART_TX / 2 && atomic_cas(&wants_room, 1, 0)) {
		oz_wake();
	}
	return count > 0;
}

/*
 * Some drivers also call this to send the first byte, without an interrupt: so do not check for a pending one.
 */
static void on_interrupt(const struct device *dev, void *context)
{
	bool moved = true;
	int errors;

	ARG_UNUSED(context);
	errors = uart_err_check(dev);
	/* Negative if the driver cannot tell. */
	if (errors > 0 && (errors & UART_BREAK) != 0) {
		atomic_set(&broken, 1);
		oz_wake();
	}
	while (moved && uart_irq_update(dev) > 0) {
		moved = false;
		if (uart_irq_rx_ready(dev) > 0) {
			moved |= take(dev);
		}
		if (uart_irq_tx_ready(dev) > 0) {
			moved |= give(dev);
		}
	}
}

int32_t oz_serial_start(void)
{
	if (!device_is_ready(uart)) {
		return -OZ_NOT_FOUND;
	}
	if (uart_irq_callback_set(uart, on_interrupt) < 0) {
		return -OZ_UNSUPPORTED;
	}
	kept_start();
	uart_irq_err_enable(uart);
	uart_irq_rx_enable(uart);
	return 0;
}

void oz_serial_hang_up(void)
{
	atomic_set(&hung_up, 1);
	oz_wake();
}

int32_t oz_serial_read(uint8_t *buffer, uint32_t size)
{
	uint32_t count = kept_take(buffer, size);

	if (count > 0) {
		return count;
	}
	count = ring_buf_get(&received, buffer, size);
	if (count > 0) {
		if (atomic_cas(&throttled, 1, 0)) {
			uart_irq_rx_enable(uart);
			/*
			 * If the interrupt signals the arrival of a byte and not its presence, none comes for the byte
			 * that has waited. This makes every driver check.
			 */
			uart_irq_tx_enable(uart);
		}
		return count;
	}
	return atomic_get(&hung_up) ? 0 : -OZ_WOULD_BLOCK;
}

int32_t oz_serial_write(const uint8_t *data, uint32_t size)
{
	uint32_t count = ring_buf_put(&waiting, data, size);

	if (count < size) {
		atomic_set(&wants_room, 1);
	}
	if (count > 0) {
		atomic_set(&sent, 0);
	}
	/* Also when nothing fitted: a lost transmit interrupt must not stop the line for ever. */
	uart_irq_tx_enable(uart);
	return count > 0 || size == 0 ? (int32_t)count : -OZ_WOULD_BLOCK;
}

void oz_serial_drain(void)
{
	for (int i = 0; i < DRAIN_MS && !ring_buf_is_empty(&waiting); i++) {
		k_sleep(K_MSEC(1));
	}
	/* For the bytes that the UART itself still holds. */
	k_sleep(K_MSEC(2));
}

int32_t oz_serial_sent(void)
{
	if (!atomic_get(&sent)) {
		/* Some drivers notice it only in their interrupt: this triggers it once more. */
		uart_irq_tx_enable(uart);
	}
	return atomic_get(&sent) && ring_buf_is_empty(&waiting);
}

int32_t oz_serial_break(void)
{
	return atomic_cas(&broken, 1, 0) ? 1 : 0;
}

int32_t oz_serial_configure(uint32_t baud, uint8_t data, uint8_t parity, uint8_t stop, uint8_t flow)
{
	struct uart_config present;
	struct uart_config wanted = {
		.baudrate = baud,
		.parity = parity == OZ_PARITY_ODD    ? UART_CFG_PARITY_ODD
			  : parity == OZ_PARITY_EVEN ? UART_CFG_PARITY_EVEN
						     : UART_CFG_PARITY_NONE,
		.stop_bits = stop == 2 ? UART_CFG_STOP_BITS_2 : UART_CFG_STOP_BITS_1,
		/* UART_CFG_DATA_BITS_5 is 0. */
		.data_bits = UART_CFG_DATA_BITS_5 + (data - 5),
		.flow_ctrl = flow ? UART_CFG_FLOW_CTRL_RTS_CTS : UART_CFG_FLOW_CTRL_NONE,
	};

	if (data < 5 || data > 9) {
		return -OZ_UNSUPPORTED;
	}
	/* Do not touch a UART that is already configured like this: a byte may be on its wire. */
	if (uart_config_get(uart, &present) == 0 && present.baudrate == wanted.baudrate &&
	    present.parity == wanted.parity && present.stop_bits == wanted.stop_bits &&
	    present.data_bits == wanted.data_bits && present.flow_ctrl == wanted.flow_ctrl) {
		return 0;
	}
	return uart_configure(uart, &wanted) < 0 ? -OZ_UNSUPPORTED : 0;
}

void oz_serial_keep(void)
{
	kept.count += ring_buf_get(&received, kept.bytes + kept.count, sizeof(kept.bytes) - kept.count);
#ifdef CONFIG_ARCH_POSIX
	oz_host_keep(kept.bytes, kept.count);
#endif
	kept.sum = kept_sum();
	kept.magic = KEPT_MAGIC;
}

int32_t oz_serial_ready(void)
{
	bool readable = kept.count > 0 || !ring_buf_is_empty(&received) || atomic_get(&hung_up) || atomic_get(&broken);

	return (readable ? OZ_READABLE : 0) | (ring_buf_space_get(&waiting) > 0 ? OZ_WRITABLE : 0);
}
