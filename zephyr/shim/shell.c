/* The operator's access: every command of the device under "zentri" in the Zephyr shell. */
#include <stdio.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/shell/shell.h>

#include "openzentri.h"

#define NAME_SIZE 32
#define HELP_SIZE 96
/* Entries that the shell uses at the same time. */
#define KEPT 4

/* The line for the device, and its answer. Only one thread uses them at a time. */
static char line[CONFIG_OPENZENTRI_COMMAND_LINE];
static uint32_t line_size;
static char answer[CONFIG_OPENZENTRI_CONSOLE_ANSWER];
static uint32_t answer_size;
static bool answer_cut;

/* A line waits for the device. */
static atomic_t line_waits;
/* The shell still wants the answer to the line that the device has. */
static atomic_t answer_wanted;
static K_SEM_DEFINE(answered, 0, 1);

int32_t oz_console_line(uint8_t *buffer, uint32_t size)
{
	uint32_t count = MIN(line_size, size);

	if (!atomic_get(&line_waits)) {
		return -OZ_WOULD_BLOCK;
	}
	memcpy(buffer, line, count);
	atomic_set(&answer_wanted, 1);
	atomic_set(&line_waits, 0);
	return (int32_t)count;
}

void oz_console_answer(const uint8_t *text, uint32_t size)
{
	if (!atomic_cas(&answer_wanted, 1, 0)) {
		return;
	}
	answer_size = MIN(size, sizeof(answer));
	answer_cut = size > sizeof(answer);
	memcpy(answer, text, answer_size);
	k_sem_give(&answered);
}

int32_t oz_console_ready(void)
{
	return atomic_get(&line_waits) != 0;
}

/* Prints the answer without the carriage returns that the device puts before line feeds; the shell adds its own. */
static void print_answer(const struct shell *sh)
{
	uint32_t at = 0;

	while (at < answer_size) {
		const char *start = &answer[at];
		const char *end = memchr(start, '\r', answer_size - at);
		uint32_t size = end != NULL ? (uint32_t)(end - start) : answer_size - at;

		shell_fprintf_normal(sh, "%.*s", (int)size, start);
		at += size + (end != NULL ? 1 : 0);
	}
	if (answer_size > 0 && answer[answer_size - 1] != '\n') {
		shell_fprintf_normal(sh, "\n");
	}
	if (answer_cut) {
		shell_warn(sh, "The answer was longer (CONFIG_OPENZENTRI_CONSOLE_ANSWER).");
	}
}

/* Gives a command to the device: its name, and the rest of the line as typed. */
static int run(const struct shell *sh, size_t argc, char **argv)
{
	int length = snprintf(line, sizeof(line), "%s%s%s", argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");

	if (length < 0 || length >= sizeof(line)) {
		shell_error(sh, "Command too long");
		return -EINVAL;
	}
	line_size = length;
	k_sem_reset(&answered);
	atomic_set(&line_waits, 1);
	oz_wake();
	if (k_sem_take(&answered, K_SECONDS(CONFIG_OPENZENTRI_CONSOLE_TIMEOUT)) != 0) {
		atomic_set(&line_waits, 0);
		atomic_set(&answer_wanted, 0);
		shell_error(sh, "No answer");
		return -ETIMEDOUT;
	}
	print_answer(sh);
	return 0;
}

/* Copies a text of the table, which has no terminator. */
static const char *copy(char *to, uint32_t room, const uint8_t *from, uint32_t size)
{
	uint32_t count = MIN(size, room - 1);

	memcpy(to, from, count);
	to[count] = '\0';
	return to;
}

static void command_at(size_t index, struct shell_static_entry *entry)
{
	static char names[KEPT][NAME_SIZE];
	static char helps[KEPT][HELP_SIZE];
	static uint32_t place;
	const uint8_t *name;
	const uint8_t *summary;
	uint32_t name_size;
	uint32_t summary_size;

	entry->syntax = NULL;
	if (!oz_command(index, &name, &name_size, &summary, &summary_size)) {
		return;
	}
	place = (place + 1) % KEPT;
	entry->syntax = copy(names[place], NAME_SIZE, name, name_size);
	entry->help = copy(helps[place], HELP_SIZE, summary, summary_size);
	entry->subcmd = NULL;
	entry->handler = run;
	entry->args.mandatory = 1;
	entry->args.optional = SHELL_OPT_ARG_RAW;
}

SHELL_DYNAMIC_CMD_CREATE(commands, command_at);
SHELL_CMD_REGISTER(zentri, &commands, "Commands of the device", NULL);
