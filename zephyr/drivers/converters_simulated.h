/* The present outputs of the simulated converters. */
#ifndef OPENZENTRI_CONVERTERS_SIMULATED_H
#define OPENZENTRI_CONVERTERS_SIMULATED_H

#include <stdint.h>

#define SIMULATED_CHANNELS 2

/* The last setting, in nanoseconds. */
void simulated_pwm(uint32_t channel, uint32_t *period, uint32_t *width);
/* The last setting. */
uint32_t simulated_dac(uint8_t channel);

#endif
