/*
 * Zephyr's entropy driver for the noise source of the CryptoCell-312 in the nRF5340's application core: ring oscillators,
 * sampled by a divided clock. The registers are those of the product specification, chapter CRYPTOCELL. The tests and
 * the hashing are in noise.c; this file has the chip's part.
 *
 * It polls. A use takes 4,224 samples, so tens of milliseconds; callers are few (keys, seeds), and the interrupt line of
 * this CryptoCell needs the core awake anyway.
 */
#define DT_DRV_COMPAT zentri_cryptocell_noise

#include <errno.h>
#include <mbedtls/sha256.h>
#include <nrf.h>
#include <zephyr/device.h>
#include <zephyr/drivers/entropy.h>
#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

#include "noise.h"

LOG_MODULE_REGISTER(cryptocell_noise, CONFIG_ENTROPY_LOG_LEVEL);

#define CRYPTOCELL DT_INST_PHANDLE(0, cryptocell)
#define WRAPPER    ((NRF_CRYPTOCELL_Type *)DT_REG_ADDR_BY_NAME(CRYPTOCELL, wrapper))
#define RNG        ((NRF_CC_RNG_Type *)DT_REG_ADDR_BY_NAME(CRYPTOCELL, core))

/* All bits of the interrupt registers. */
#define ALL_INTERRUPTS 0x3Fu
/*
 * The hardware's own tests and the von Neumann corrector drop bits: but the health tests must see each sample, and the
 * assumed entropy is that of raw samples.
 */
#define RAW_SAMPLES                                                                                                    \
	(CC_RNG_TRNG_DEBUG_VNC_BYPASS_Msk | CC_RNG_TRNG_DEBUG_CRNGT_BYPASS_Msk |                                       \
	 CC_RNG_TRNG_DEBUG_AUTOCORR_BYPASS_Msk)

/* Clock cycles between two samples: for a chip without calibration data, and the largest value of the register. */
#define USUAL_CYCLES 1000u
#define MOST_CYCLES  0xFFFEu

/* 192 samples with MOST_CYCLES between them take 197 ms at 64 MHz. */
#define POLL_US       20
#define COLLECT_POLLS (500000 / POLL_US)
#define RESET_POLLS   (10000 / POLL_US)

static K_MUTEX_DEFINE(lock);
static struct oz_noise noise;
static bool told;

/* From the factory's calibration of the shortest ring oscillator. */
static uint32_t cycles(void)
{
	uint32_t calibrated = NRF_FICR_S->TRNG90B.ROSC1;

	return calibrated > 0 && calibrated <= MOST_CYCLES ? calibrated : USUAL_CYCLES;
}

/* The reset has ended when a register keeps a written value. */
static bool reset(void)
{
	uint32_t count = cycles();

	RNG->RNG_CLK = CC_RNG_RNG_CLK_ENABLE_Msk;
	RNG->RNG_SW_RESET = CC_RNG_RNG_SW_RESET_RESET_Msk;
	for (uint32_t poll = 0; poll < RESET_POLLS; poll++) {
		RNG->RNG_CLK = CC_RNG_RNG_CLK_ENABLE_Msk;
		RNG->SAMPLE_CNT = count;
		if (RNG->SAMPLE_CNT == count) {
			return true;
		}
		k_busy_wait(POLL_US);
	}
	return false;
}

static bool switch_on(void)
{
	WRAPPER->ENABLE = CRYPTOCELL_ENABLE_ENABLE_Msk;
	if (!reset()) {
		return false;
	}
	RNG->NOISE_SOURCE = 0;
	RNG->RNG_ICR = ALL_INTERRUPTS;
	RNG->RNG_IMR = ALL_INTERRUPTS;
	RNG->TRNG_CONFIG = CC_RNG_TRNG_CONFIG_ROSC_LEN_ROSC1 << CC_RNG_TRNG_CONFIG_ROSC_LEN_Pos;
	RNG->TRNG_DEBUG = RAW_SAMPLES;
	RNG->NOISE_SOURCE = CC_RNG_NOISE_SOURCE_ENABLE_Msk;
	return true;
}

static bool switch_off(void)
{
	RNG->NOISE_SOURCE = 0;
	RNG->RNG_CLK = 0;
	WRAPPER->ENABLE = 0;
	return true;
}

static bool power(bool on)
{
	return on ? switch_on() : switch_off();
}

static bool is_collected(void)
{
	return (RNG->RNG_ISR & CC_RNG_RNG_ISR_EHR_VALID_INT_Msk) != 0 &&
	       (RNG->TRNG_VALID & CC_RNG_TRNG_VALID_EHR_DATA_Msk) != 0;
}

static bool collect(uint32_t samples[OZ_NOISE_WORDS])
{
	for (uint32_t poll = 0; poll < COLLECT_POLLS; poll++) {
		if (!is_collected()) {
			k_busy_wait(POLL_US);
			continue;
		}
		/* Clear the flag first: reading the last word starts the next collection. */
		RNG->RNG_ICR = CC_RNG_RNG_ICR_EHR_VALID_CLEAR_Msk;
		for (uint32_t word = 0; word < OZ_NOISE_WORDS; word++) {
			samples[word] = RNG->EHR_DATA[word];
		}
		return true;
	}
	return false;
}

static bool hash(const void *bytes, size_t size, uint8_t digest[OZ_NOISE_BLOCK])
{
	return mbedtls_sha256(bytes, size, digest, 0) == 0;
}

static int get_entropy(const struct device *dev, uint8_t *buffer, uint16_t length)
{
	enum oz_noise_fault fault;

	ARG_UNUSED(dev);
	if (k_is_in_isr()) {
		return -EWOULDBLOCK;
	}
	k_mutex_lock(&lock, K_FOREVER);
	fault = oz_noise_get(&noise, buffer, length);
	/* Logged once: the fault stays, so the message would repeat. */
	if (fault != OZ_NOISE_SOUND && !told) {
		told = true;
		LOG_ERR("No random numbers until the restart: %s", oz_noise_text(fault));
	}
	k_mutex_unlock(&lock);
	return fault == OZ_NOISE_SOUND ? 0 : -EIO;
}

static int start(const struct device *dev)
{
	static struct oz_noise_source source = {.power = power, .collect = collect, .hash = hash};

	ARG_UNUSED(dev);
	source.repetition_cutoff = NRF_FICR_S->TRNG90B.RCCUTOFF;
	source.proportion_cutoff = NRF_FICR_S->TRNG90B.APCUTOFF;
	return oz_noise_start(&noise, &source) == OZ_NOISE_SOUND ? 0 : -EIO;
}

static DEVICE_API(entropy, api) = {.get_entropy = get_entropy};

DEVICE_DT_INST_DEFINE(0, start, NULL, NULL, NULL, PRE_KERNEL_1, CONFIG_ENTROPY_INIT_PRIORITY, &api);
