/* Identity and services of the board. */
#include <string.h>
#include <zephyr/drivers/hwinfo.h>
#include <zephyr/init.h>
#include <zephyr/kernel.h>
#include <zephyr/linker/linker-defs.h>
#include <zephyr/net/net_if.h>
#include <zephyr/random/random.h>
#include <zephyr/sys/printk.h>
#include <zephyr/sys/reboot.h>
#include <zephyr/sys/sys_heap.h>

#include "interfaces.h"
#include "openzentri.h"
#include "randomness.h"
#if !defined(CONFIG_OPENZENTRI_TLS) && defined(CONFIG_MBEDTLS_ENABLE_HEAP) && defined(CONFIG_MBEDTLS_MEMORY_DEBUG)
#include <mbedtls/memory_buffer_alloc.h>
#endif
#ifdef CONFIG_ARCH_POSIX
#include <posix_board_if.h>
#include <zephyr/arch/posix/posix_trace.h>

#include "host.h"
#endif

/* Bytes that differ from board to board. */
static void board_id(uint8_t id[16])
{
	memset(id, 0, 16);
#if defined(CONFIG_ARCH_POSIX)
	unsigned long host = oz_host_id();

	memcpy(id, &host, sizeof(host));
#elif defined(CONFIG_HWINFO)
	(void)hwinfo_get_device_id(id, 16);
#endif
}

/* FNV-1a: spreads the few bytes of an id over any number of bytes. */
static uint32_t spread(const uint8_t *bytes, uint32_t size, uint32_t seed)
{
	uint32_t hash = 2166136261u ^ seed;

	for (uint32_t i = 0; i < size; i++) {
		hash = (hash ^ bytes[i]) * 16777619u;
	}
	return hash;
}

void oz_local_mac(uint8_t mac[6])
{
	uint8_t id[16];
	uint32_t hash;

	board_id(id);
	hash = spread(id, sizeof(id), 0x4D4143);
	mac[0] = 0x02;
	mac[1] = 0x5A;
	memcpy(&mac[2], &hash, sizeof(hash));
}

void oz_mac(uint8_t mac[6])
{
	struct net_if *iface = oz_station();
	struct net_linkaddr *link = iface != NULL ? net_if_get_link_addr(iface) : NULL;

	if (link != NULL && link->addr != NULL && link->len == 6) {
		memcpy(mac, link->addr, 6);
		return;
	}
	oz_local_mac(mac);
}

void oz_unique_id(uint8_t id[20])
{
	uint8_t raw[16];
	uint8_t mac[6];

	board_id(raw);
	oz_mac(mac);
	for (uint32_t word = 0; word < 5; word++) {
		uint32_t hash = spread(mac, sizeof(mac), spread(raw, sizeof(raw), word));

		memcpy(&id[4 * word], &hash, sizeof(hash));
	}
}

void oz_random(uint8_t *buffer, uint32_t size)
{
#if defined(CONFIG_ARCH_POSIX)
	/* The simulated generator starts from the same seed every time. */
	oz_host_random(buffer, size);
#elif defined(CONFIG_CSPRNG_ENABLED)
	/* When the source has failed, do not go on with something weaker. */
	if (sys_csrand_get(buffer, size) != 0) {
		k_panic();
	}
#else
	sys_rand_get(buffer, size);
#endif
}

#ifdef OZ_GUESSABLE
/* On the message console, never on the command UART. */
static int warn_of_guessable_numbers(void)
{
#ifdef CONFIG_ARCH_POSIX
	posix_print_warning("%s\n", OZ_GUESSABLE);
#else
	printk("%s\n", OZ_GUESSABLE);
#endif
	return 0;
}

SYS_INIT(warn_of_guessable_numbers, APPLICATION, CONFIG_APPLICATION_INIT_PRIORITY);
#endif

uint64_t oz_wall_clock(void)
{
#ifdef CONFIG_ARCH_POSIX
	return oz_host_wall_clock();
#else
	return 0;
#endif
}

#ifdef CONFIG_SYS_HEAP_RUNTIME_STATS
static int32_t use_of(struct sys_heap *heap, struct oz_heap_use *use)
{
	struct sys_memory_stats stats;

	if (sys_heap_runtime_stats_get(heap, &stats) < 0) {
		return -OZ_UNSUPPORTED;
	}
	use->size = stats.allocated_bytes + stats.free_bytes;
	use->used = stats.allocated_bytes;
	use->most = stats.max_allocated_bytes;
	return 0;
}
#endif

static int32_t system_heap(struct oz_heap_use *use)
{
#if K_HEAP_MEM_POOL_SIZE > 0 && defined(CONFIG_SYS_HEAP_RUNTIME_STATS)
	extern struct k_heap _system_heap;

	return use_of(&_system_heap.heap, use);
#else
	ARG_UNUSED(use);
	return -OZ_UNSUPPORTED;
#endif
}

static int32_t crypto_heap(struct oz_heap_use *use)
{
#if defined(CONFIG_OPENZENTRI_TLS) && defined(CONFIG_SYS_HEAP_RUNTIME_STATS)
	extern struct k_heap oz_tls_heap;

	return use_of(&oz_tls_heap.heap, use);
#elif defined(CONFIG_MBEDTLS_ENABLE_HEAP) && defined(CONFIG_MBEDTLS_MEMORY_DEBUG)
	size_t used, most, blocks;

	mbedtls_memory_buffer_alloc_cur_get(&used, &blocks);
	use->used = used;
	mbedtls_memory_buffer_alloc_max_get(&most, &blocks);
	use->most = most;
	use->size = CONFIG_MBEDTLS_HEAP_SIZE;
	return 0;
#else
	ARG_UNUSED(use);
	return -OZ_UNSUPPORTED;
#endif
}

int32_t oz_heap(uint8_t heap, struct oz_heap_use *use)
{
	switch (heap) {
	case OZ_HEAP_SYSTEM:
		return system_heap(use);
	case OZ_HEAP_CRYPTO:
		return crypto_heap(use);
	default:
		return -OZ_NOT_FOUND;
	}
}

int32_t oz_memory_usage(void)
{
	struct oz_heap_use use;

	if (system_heap(&use) < 0 || use.size == 0) {
		return -OZ_UNSUPPORTED;
	}
	return (int32_t)((uint64_t)use.used * 100 / use.size);
}

int32_t oz_reset_reason(void)
{
#ifdef CONFIG_ARCH_POSIX
	return oz_host_restarted() ? OZ_RESET_SOFTWARE : OZ_RESET_POWER_ON;
#else
	/* The most specific one first: some chips set several at once. */
	static const struct {
		uint32_t cause;
		enum oz_reset reason;
	} causes[] = {
		{RESET_CPU_LOCKUP, OZ_RESET_FAULT},   {RESET_WATCHDOG, OZ_RESET_WATCHDOG},
		{RESET_BROWNOUT, OZ_RESET_BROWNOUT},  {RESET_SOFTWARE, OZ_RESET_SOFTWARE},
		{RESET_LOW_POWER_WAKE, OZ_RESET_WAKE}, {RESET_POR, OZ_RESET_POWER_ON},
		{RESET_PIN, OZ_RESET_PIN},
	};
	uint32_t cause = 0;

	if (hwinfo_get_reset_cause(&cause) < 0) {
		return -OZ_UNSUPPORTED;
	}
	if (cause == 0) {
		/* Nordic's chips have no bit for power-up. */
		return IS_ENABLED(CONFIG_SOC_FAMILY_NORDIC_NRF) ? OZ_RESET_POWER_ON : -OZ_UNSUPPORTED;
	}
	/* Otherwise the next start would also report this cause. */
	(void)hwinfo_clear_reset_cause();
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		if (cause & causes[i].cause) {
			return causes[i].reason;
		}
	}
	return OZ_RESET_OTHER;
#endif
}

int32_t oz_stack(uint32_t *size, uint32_t *untouched)
{
#if defined(CONFIG_INIT_STACKS) && defined(CONFIG_THREAD_STACK_INFO)
	size_t unused;

	if (k_thread_stack_space_get(k_current_get(), &unused) == 0) {
		*size = k_current_get()->stack_info.size;
		*untouched = unused;
		return 0;
	}
#endif
	ARG_UNUSED(size);
	ARG_UNUSED(untouched);
	return -OZ_UNSUPPORTED;
}

void oz_reboot(void)
{
	oz_serial_drain();
	oz_serial_keep();
#ifdef CONFIG_ARCH_POSIX
	oz_host_restart();
	k_sleep(K_FOREVER);
#else
	sys_reboot(SYS_REBOOT_COLD);
#endif
}

const char *oz_override(uint32_t index)
{
#ifdef CONFIG_ARCH_POSIX
	return oz_host_setting(index);
#else
	ARG_UNUSED(index);
	return NULL;
#endif
}

uint32_t oz_lock(void)
{
	return irq_lock();
}

void oz_unlock(uint32_t state)
{
	irq_unlock(state);
}

void oz_print(const uint8_t *text, uint32_t size)
{
	printk("%.*s", (int)size, (const char *)text);
}

#if defined(CONFIG_CPU_CORTEX_M) && defined(CONFIG_THREAD_STACK_INFO) && !defined(CONFIG_OPENZENTRI_PANIC_TEXT)
/* The most words of the stack that are examined, and the most addresses that are printed. */
#define DEPTH     512
#define ADDRESSES 24

/*
 * Prints the words of the stack that are addresses in the code: among them are the return addresses of all active
 * functions. arm-none-eabi-addr2line -fpie resolves them.
 */
static void print_callers(void)
{
	const uintptr_t *at = __builtin_frame_address(0);
	const uintptr_t *end = MIN(at + DEPTH, (const uintptr_t *)(k_current_get()->stack_info.start +
								   k_current_get()->stack_info.size));
	int printed = 0;

	printk("panic at:");
	for (; at < end && printed < ADDRESSES; at++) {
		/* Return addresses are odd: Thumb. */
		if ((*at & 1) != 0 && *at >= (uintptr_t)__text_region_start && *at < (uintptr_t)__text_region_end) {
			printk(" %lx", (unsigned long)(*at & ~1UL));
			printed++;
		}
	}
	printk("\n");
}
#else
static void print_callers(void)
{
}
#endif

void oz_panic(void)
{
	print_callers();
	k_panic();
	CODE_UNREACHABLE;
}

void oz_give_up(void)
{
#ifdef CONFIG_ARCH_POSIX
	posix_exit(1);
#endif
}

void oz_serial_ended(void)
{
#ifdef CONFIG_ARCH_POSIX
	oz_serial_drain();
	posix_exit(0);
#endif
}
