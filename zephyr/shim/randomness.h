/*
 * Real randomness or no build. Keys, tokens and passphrases made of guessable numbers are worse than none, because the
 * weakness is invisible; so a board without a source of entropy does not compile. Simulators compile, and warn at their
 * start about the quality of their numbers. This file uses only Kconfig's macros: tests/zephyr/test_noise.py tries them
 * all.
 */
#ifndef OZ_RANDOMNESS_H
#define OZ_RANDOMNESS_H

#if defined(CONFIG_ARCH_POSIX)
/* Secrets of the device come from the host; Zephyr's own generator has a fixed seed. */
#define OZ_GUESSABLE "native_sim: random numbers of Zephyr itself are the same at every start; those of the device are the host's."
#elif defined(CONFIG_CSPRNG_ENABLED) && !defined(CONFIG_TEST_RANDOM_GENERATOR)
/* There is a driver for a source of entropy, and nothing else may replace it. */
#elif defined(CONFIG_QEMU_TARGET)
#define OZ_GUESSABLE "QEMU: this machine has no source of random numbers. Whoever wants to guess its keys, tokens and passwords can."
#else
#error "This board has no source of random numbers: its keys and passwords could be guessed. \
Give it an entropy driver (zephyr,entropy in /chosen, CONFIG_ENTROPY_GENERATOR=y) and leave CONFIG_TEST_RANDOM_GENERATOR off; \
docs/boards/README.md says more."
#endif

#endif
