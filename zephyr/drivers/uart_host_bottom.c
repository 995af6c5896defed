/*
 * The host's side of the command UART: the standard streams of the process, or a pseudo-terminal with
 * --command_uart_pty=<link>. Compiled into the native simulator's runner.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <irq_ctrl.h>
#include <nsi_cmdline.h>
#include <nsi_hw_scheduler.h>
#include <nsi_hws_models_if.h>
#include <nsi_tasks.h>
#include <nsi_tracing.h>

#include "uart_host_bottom.h"

/* How often the streams are polled, in simulated microseconds. */
#define INTERVAL 500

static int input = STDIN_FILENO;
static int output = STDOUT_FILENO;
static bool on_pty;
/* The path of the link to the pseudo-terminal. */
static char *link_path;
static bool receive_wanted;
static bool transmit_wanted;
static uint64_t next_look = NSI_NEVER;
static bool terminal_changed;
static struct termios terminal;

static bool has(int fd, short events)
{
	struct pollfd state = {.fd = fd, .events = events};

	return poll(&state, 1, 0) > 0;
}

/* A pseudo-terminal that no host has open always reports a hang-up: that is silence, not an end. */
int oz_uart_readable(void)
{
	struct pollfd state = {.fd = input, .events = POLLIN};

	return poll(&state, 1, 0) > 0 && (!on_pty || (state.revents & POLLIN) != 0);
}

int oz_uart_writable(void)
{
	struct pollfd state = {.fd = output, .events = POLLOUT};

	return poll(&state, 1, 0) > 0;
}

void oz_uart_want(int receive, int transmit)
{
	receive_wanted = receive != 0;
	transmit_wanted = transmit != 0;
	next_look = receive_wanted || transmit_wanted ? nsi_hws_get_time() + 1 : NSI_NEVER;
	nsi_hws_find_next_event();
}

static void look(void)
{
	bool receive = receive_wanted && oz_uart_readable();
	bool transmit = transmit_wanted && oz_uart_writable();

	next_look = receive_wanted || transmit_wanted ? nsi_hws_get_time() + INTERVAL : NSI_NEVER;
	if (receive || transmit) {
		hw_irq_ctrl_set_irq(OZ_UART_IRQ);
	}
}

NSI_HW_EVENT(next_look, look, 600);

int oz_uart_read(unsigned char *buffer, int size)
{
	ssize_t count;

	if (!oz_uart_readable()) {
		return 0;
	}
	count = read(input, buffer, (size_t)size);
	if (count > 0) {
		return (int)count;
	}
	if (on_pty || (count < 0 && (errno == EAGAIN || errno == EINTR))) {
		return 0;
	}
	return -1;
}

int oz_uart_write(const unsigned char *data, int size)
{
	ssize_t count;

	if (!has(output, POLLOUT)) {
		return 0;
	}
	/* A stream with room takes at least one byte without waiting; a pipe takes up to PIPE_BUF. */
	count = write(output, data, on_pty ? (size_t)size : (size_t)(size < 512 ? size : 512));
	if (count >= 0) {
		return (int)count;
	}
	/* There is no reader any more: the bytes of an unconnected line are lost. */
	return errno == EAGAIN || errno == EINTR ? 0 : size;
}

/* Speeds that a terminal knows. */
static const struct {
	unsigned int baud;
	speed_t speed;
} speeds[] = {
	{1200, B1200},	   {2400, B2400},     {4800, B4800},	 {9600, B9600},	    {19200, B19200},
	{38400, B38400},   {57600, B57600},   {115200, B115200}, {230400, B230400}, {460800, B460800},
	{921600, B921600}, {1000000, B1000000}, {2000000, B2000000},
};

int oz_uart_configure(unsigned int baud, int data, int parity, int stop, int flow)
{
	static const tcflag_t sizes[] = {CS5, CS6, CS7, CS8};
	struct termios settings;
	unsigned int row = 0;

	while (row < sizeof(speeds) / sizeof(speeds[0]) && speeds[row].baud != baud) {
		row++;
	}
	if (!on_pty || row == sizeof(speeds) / sizeof(speeds[0]) || data > 8 || tcgetattr(input, &settings) < 0) {
		return -1;
	}
	settings.c_cflag &= ~(CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS);
	settings.c_cflag |= sizes[data - 5] | (parity != 0 ? PARENB : 0) | (parity == 1 ? PARODD : 0) |
			    (stop == 2 ? CSTOPB : 0) | (flow != 0 ? CRTSCTS : 0);
	(void)cfsetspeed(&settings, speeds[row].speed);
	return tcsetattr(input, TCSANOW, &settings);
}

void oz_uart_write_byte(unsigned char byte)
{
	while (write(output, &byte, 1) < 0 && (errno == EAGAIN || errno == EINTR)) {
		has(output, POLLOUT);
	}
}

static void restore_terminal(void)
{
	if (terminal_changed) {
		tcsetattr(input, TCSADRAIN, &terminal);
	}
}

/* Bytes come as they are typed; control-C still ends the process. */
static void make_raw(int fd)
{
	struct termios raw;

	if (tcgetattr(fd, &terminal) < 0) {
		return;
	}
	raw = terminal;
	cfmakeraw(&raw);
	if (fd == STDIN_FILENO) {
		raw.c_lflag |= ISIG;
		terminal_changed = true;
	}
	tcsetattr(fd, TCSANOW, &raw);
}

/* Names the process that replaces itself, and the descriptor of its pseudo-terminal, which a host can keep open. */
#define KEPT "OPENZENTRI_COMMAND_UART"

static bool kept;

int oz_uart_keep(void)
{
	char text[32];

	if (!on_pty) {
		return -1;
	}
	snprintf(text, sizeof(text), "%d:%d", (int)getpid(), input);
	setenv(KEPT, text, 1);
	kept = true;
	return input;
}

/* The pseudo-terminal of the previous process image, or -1. */
static int kept_pty(void)
{
	const char *text = getenv(KEPT);
	int process;
	int fd;

	if (text == NULL || sscanf(text, "%d:%d", &process, &fd) != 2 || process != (int)getpid()) {
		return -1;
	}
	return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : fd;
}

static void open_pty(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	const char *name;
	int other;

	if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0 || (name = ptsname(fd)) == NULL) {
		nsi_print_error_and_exit("cannot open a pseudo-terminal for the command UART\n");
		return;
	}
	/* The settings belong to the terminal's side, and stay while it is closed. */
	other = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	make_raw(other);
	close(other);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	unlink(link_path);
	if (symlink(name, link_path) < 0) {
		nsi_print_error_and_exit("cannot make the link %s\n", link_path);
	}
	nsi_print_trace("command UART connected to pseudotty: %s\n", name);
	input = fd;
	output = fd;
}

/* Keeps the process's own messages away from the bytes of the UART: they go to the standard error stream. */
static void take_streams(void)
{
	output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 64);
	if (output < 0) {
		output = STDOUT_FILENO;
		return;
	}
	fflush(stdout);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	make_raw(STDIN_FILENO);
}

static void open_line(void)
{
	int before = kept_pty();

	on_pty = link_path != NULL;
	if (on_pty && before >= 0) {
		input = before;
		output = before;
	} else if (on_pty) {
		open_pty();
	} else {
		take_streams();
	}
}

NSI_TASK(open_line, PRE_BOOT_2, 1);

static void close_line(void)
{
	restore_terminal();
	if (on_pty && !kept) {
		unlink(link_path);
	}
	if (!on_pty && output != STDOUT_FILENO) {
		fflush(stdout);
		dup2(output, STDOUT_FILENO);
	}
}

NSI_TASK(close_line, ON_EXIT_POST, 99);

static void add_options(void)
{
	static struct args_struct_t options[] = {
		{
			.option = "command_uart_pty",
			.name = "link",
			.type = 's',
			.dest = (void *)&link_path,
			.descript = "Connect the command UART to a pseudo-terminal, and make this link to it, instead of "
				    "stdin and stdout",
		},
		ARG_TABLE_ENDMARKER,
	};

	nsi_add_command_line_opts(options);
}

NSI_TASK(add_options, PRE_BOOT_1, 11);
