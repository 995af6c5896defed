/*
 * Services of the host for the simulated board. Compiled into the native simulator's runner, with the host's C
 * library; the board calls it through host.h.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <nsi_cmdline.h>
#include <nsi_hw_scheduler.h>
#include <nsi_hws_models_if.h>
#include <nsi_main.h>
#include <nsi_tasks.h>
#include <nsi_tracing.h>

#include "../drivers/uart_host_bottom.h"
#include "host.h"

#define ECHO_SEQUENCE 1
#define MAX_COMMAND_LINE 16384

/* Checksum of RFC 1071; an ICMP datagram socket fills it in by itself, a raw socket does not. */
static unsigned short checksum(const unsigned short *words, int count)
{
	unsigned long sum = 0;

	for (int i = 0; i < count; i++) {
		sum += words[i];
	}
	sum = (sum >> 16) + (sum & 0xFFFF);
	return (unsigned short)~(sum + (sum >> 16));
}

int oz_host_ping_open(unsigned int address)
{
	struct icmphdr request = {.type = ICMP_ECHO, .un.echo.sequence = htons(ECHO_SEQUENCE)};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
	int kind = SOCK_NONBLOCK | SOCK_CLOEXEC;
	int socket_fd = socket(AF_INET, SOCK_DGRAM | kind, IPPROTO_ICMP);

	if (socket_fd < 0) {
		socket_fd = socket(AF_INET, SOCK_RAW | kind, IPPROTO_ICMP);
	}
	if (socket_fd < 0) {
		return -1;
	}
	request.un.echo.id = htons((unsigned short)getpid());
	request.checksum = checksum((const unsigned short *)&request, sizeof(request) / 2);
	if (connect(socket_fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    send(socket_fd, &request, sizeof(request), 0) < 0) {
		close(socket_fd);
		return -1;
	}
	return socket_fd;
}

int oz_host_ping_reply(int socket_fd)
{
	unsigned char packet[256];
	ssize_t size;
	int raw = 0;
	socklen_t length = sizeof(raw);

	getsockopt(socket_fd, SOL_SOCKET, SO_TYPE, &raw, &length);
	while ((size = recv(socket_fd, packet, sizeof(packet), 0)) >= 0) {
		/* A raw socket also delivers the IP header, and the replies to other processes. */
		size_t start = raw == SOCK_RAW && size > 0 ? (packet[0] & 0x0F) * 4u : 0;
		struct icmphdr reply;

		if ((size_t)size < start + sizeof(reply)) {
			continue;
		}
		memcpy(&reply, packet + start, sizeof(reply));
		if (reply.type == ICMP_ECHOREPLY &&
		    (raw != SOCK_RAW || reply.un.echo.id == htons((unsigned short)getpid()))) {
			return 1;
		}
	}
	return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

void oz_host_ping_close(int socket_fd)
{
	close(socket_fd);
}

void oz_host_random(unsigned char *buffer, unsigned int size)
{
	while (size > 0) {
		ssize_t count = getrandom(buffer, size, 0);

		if (count < 0 && errno != EINTR) {
			nsi_print_error_and_exit("no random numbers: %s\n", strerror(errno));
		}
		if (count > 0) {
			buffer += count;
			size -= (unsigned int)count;
		}
	}
}

unsigned long long oz_host_wall_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000;
}

static ssize_t command_line(char *text, size_t room)
{
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, room - 1);

	if (fd >= 0) {
		close(fd);
	}
	text[size < 0 ? 0 : size] = 0;
	return size;
}

static unsigned long mixed(unsigned long id, const char *text)
{
	for (; *text != 0; text++) {
		id = id * 31 + (unsigned char)*text;
	}
	return id;
}

/* Depends on the machine and on the path of the flash file, because a machine can have several devices. */
unsigned long oz_host_id(void)
{
	static char text[MAX_COMMAND_LINE];
	ssize_t size = command_line(text, sizeof(text));
	unsigned long id = (unsigned long)gethostid();
	char folder[4096];

	if (getcwd(folder, sizeof(folder)) != NULL) {
		id = mixed(id, folder);
	}
	for (char *at = text; at < text + size; at += strlen(at) + 1) {
		if (strncmp(at, "--flash=", 8) == 0 || strncmp(at, "-flash=", 7) == 0) {
			id = mixed(id, at);
		}
	}
	return id;
}

#define MAX_SETTINGS 32

static const char *settings[MAX_SETTINGS];
static unsigned int setting_count;

const char *oz_host_setting(unsigned int index)
{
	return index < setting_count ? settings[index] : NULL;
}

static void add_setting(char *argument, int value)
{
	if (setting_count == MAX_SETTINGS) {
		nsi_print_error_and_exit("more than %d times --set\n", MAX_SETTINGS);
	}
	settings[setting_count++] = argument + value;
}

static void add_options(void)
{
	/* The parser requires a place for the value; the list keeps every value. */
	static char *last;
	static struct args_struct_t options[] = {
		{
			.option = "set",
			.name = "name=value",
			.type = 's',
			.dest = (void *)&last,
			.call_when_found = add_setting,
			.descript = "Set a variable of the device at its start, without storing it; may be repeated",
		},
		ARG_TABLE_ENDMARKER,
	};

	nsi_add_command_line_opts(options);
}

NSI_TASK(add_options, PRE_BOOT_1, 12);

/* Names the process that is about to replace itself, and the pipe with the kept bytes (-1: none). */
#define RESTARTED "OPENZENTRI_RESTARTED"

static int kept_pipe = -1;

void oz_host_keep(const unsigned char *bytes, unsigned int size)
{
	int ends[2];

	/* A pipe has more room than the board's buffer. */
	if (size == 0 || pipe(ends) < 0) {
		return;
	}
	if (write(ends[1], bytes, size) == (ssize_t)size) {
		kept_pipe = ends[0];
	}
	close(ends[1]);
}

/* The pipe of the previous process image; -2 when there was none. */
static int restarted(void)
{
	const char *text = getenv(RESTARTED);
	int process;
	int pipe_fd;

	return text != NULL && sscanf(text, "%d:%d", &process, &pipe_fd) == 2 && process == getpid() ? pipe_fd : -2;
}

unsigned int oz_host_kept(unsigned char *bytes, unsigned int size)
{
	int fd = restarted();
	ssize_t count = fd < 0 ? 0 : read(fd, bytes, size);

	if (fd >= 0) {
		close(fd);
	}
	return count < 0 ? 0 : (unsigned int)count;
}

int oz_host_restarted(void)
{
	return restarted() != -2;
}

#define MAX_ARGUMENTS 64

static uint64_t restart_time = NSI_NEVER;

/* For builds without the host's UART. */
__attribute__((weak)) int oz_uart_keep(void)
{
	return -1;
}

/* Runs in the thread of the simulated hardware: only this thread can shut the board down. */
static void restart(void)
{
	static char text[MAX_COMMAND_LINE];
	static char *arguments[MAX_ARGUMENTS + 1];
	char token[32];
	ssize_t size = command_line(text, sizeof(text));
	int count = 0;
	int line;

	if (size <= 0) {
		nsi_print_error_and_exit("cannot restart: the command line is not known\n");
	}
	for (char *at = text; at < text + size && count < MAX_ARGUMENTS; at += strlen(at) + 1) {
		arguments[count++] = at;
	}
	line = oz_uart_keep();
	nsi_exit_inner(0);
	/* Otherwise sockets of the old process image would keep their ports. */
	for (int fd = 3; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags >= 0) {
			bool keeps = fd == line || fd == kept_pipe;

			fcntl(fd, F_SETFD, keeps ? flags & ~FD_CLOEXEC : flags | FD_CLOEXEC);
		}
	}
	snprintf(token, sizeof(token), "%d:%d", (int)getpid(), kept_pipe);
	setenv(RESTARTED, token, 1);
	execv("/proc/self/exe", arguments);
	fprintf(stderr, "cannot restart: %s\n", strerror(errno));
	_exit(1);
}

NSI_HW_EVENT(restart_time, restart, 700);

void oz_host_restart(void)
{
	restart_time = nsi_hws_get_time() + 1;
	nsi_hws_find_next_event();
}
