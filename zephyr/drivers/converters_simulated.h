/* What the simulated converters do at their channels. */
#ifndef OPENZENTRI_CONVERTERS_SIMULATED_H
#define OPENZENTRI_CONVERTERS_SIMULATED_H

#include <stdint.h>

#define SIMULATED_CHANNELS 2

/* In nanoseconds, as set last. */
void simulated_pwm(uint32_t channel, uint32_t *period, uint32_t *width);
/* As set last. */
uint32_t simulated_dac(uint8_t channel);

#endif
