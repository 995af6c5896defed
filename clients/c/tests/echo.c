/*
 * echo: sends bytes through an echo server over the UART of a device, while commands make log lines come.
 *
 *     echo <serial line> <host> <port> <bytes>
 */
#define _POSIX_C_SOURCE 200809L
#define OZ_IMPLEMENTATION
#include "openzentri.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { WINDOW = 8192 };

static int line;
static oz_client device;
static unsigned char *sent;
static size_t size, echoed, wrong, lines;

static void write_bytes(void *context, const uint8_t *bytes, size_t count) {
    (void)context;
    while (count > 0) {
        ssize_t done = write(line, bytes, count);
        if (done < 0) {
            perror("write");
            exit(1);
        }
        bytes += done;
        count -= (size_t)done;
    }
}

static uint32_t millis(void *context) {
    struct timespec now;
    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)now.tv_sec * 1000u + (uint32_t)(now.tv_nsec / 1000000);
}

static void on_data(void *context, uint8_t handle, const uint8_t *bytes, size_t count, bool last) {
    (void)context;
    (void)last;
    for (size_t at = 0; at < count; at++, echoed++)
        if (echoed >= size || bytes[at] != sent[echoed]) wrong++;
    oz_grant(&device, handle, count);
}

static void on_log(void *context, const char *text, size_t length) {
    (void)context;
    (void)text;
    (void)length;
    lines++;
}

/* Runs the client for a moment. */
static void turn(void) {
    uint8_t bytes[512];
    struct pollfd one = {line, POLLIN, 0};
    if (poll(&one, 1, 20) > 0) {
        ssize_t count = read(line, bytes, sizeof bytes);
        if (count <= 0) {
            perror("read");
            exit(1);
        }
        oz_receive(&device, bytes, (size_t)count);
    }
    oz_poll(&device);
}

static int command(const char *text, char *answer, size_t capacity) {
    if (!oz_command(&device, text, NULL, 0, answer, capacity)) exit(2);
    while (device.code == OZ_RUNS) turn();
    return device.code;
}

static int open_line(const char *path) {
    struct termios raw;
    line = open(path, O_RDWR | O_NOCTTY);
    if (line < 0 || tcgetattr(line, &raw) != 0) return -1;
    raw.c_iflag = 0;
    raw.c_oflag = 0;
    raw.c_lflag = 0;
    raw.c_cflag = CS8 | CREAD | CLOCAL;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    cfsetispeed(&raw, B115200);
    cfsetospeed(&raw, B115200);
    return tcsetattr(line, TCSANOW, &raw);
}

static void echo(uint8_t handle, const char *refused) {
    char answer[64];
    size_t begun = 0;
    oz_attach(&device, handle);
    while (!oz_is_open(&device, handle)) turn();
    oz_grant(&device, handle, WINDOW);
    oz_write(&device, handle, sent, size);
    while (echoed < size && device.streams[handle].state == OZ_OPEN) {
        /* A command that fails, and says why in the log. */
        if (device.code != OZ_RUNS) {
            begun += oz_command(&device, refused, NULL, 0, answer, sizeof answer);
        }
        turn();
    }
    while (device.code == OZ_RUNS || !oz_is_written(&device, handle)) turn();
    printf("commands %zu\n", begun);
}

int main(int count, char **words) {
    char text[128], refused[128], answer[64] = "";
    oz_port port = {write_bytes, millis, on_data, NULL, on_log, NULL, NULL};
    if (count != 5 || open_line(words[1]) != 0) return 2;
    size = strtoul(words[4], NULL, 10);
    sent = malloc(size);
    for (size_t at = 0; at < size; at++) sent[at] = (unsigned char)(at % 3 == 0 ? 0 : at * 2654435761u >> 13);
    oz_init(&device, &port);
    oz_begin(&device);
    while (!device.connected) turn();
    /* Machine mode prints no log. */
    if (command("set system.print_level 5", answer, sizeof answer) != 0) return 3;
    puts("begun");
    fflush(stdout);
    snprintf(text, sizeof text, "tcp_client %s %s", words[2], words[3]);
    snprintf(refused, sizeof refused, "tcp_client %s 1", words[2]);
    if (command(text, answer, sizeof answer) != 0 || answer[0] < '0' || answer[0] > '7') return 3;
    echo((uint8_t)(answer[0] - '0'), refused);
    if (command("stream_close all", answer, sizeof answer) != 0) return 4;
    oz_stop(&device);
    for (int waits = 0; device.connected && waits < 50; waits++) turn();
    printf("echoed %zu\nlines %zu\ndamaged %u\n", echoed, lines, (unsigned)device.damaged);
    return wrong == 0 && echoed == size ? 0 : 5;
}
