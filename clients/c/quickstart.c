/* A host that talks to a device over a serial line: opens a TCP stream, sends a line, prints what comes back.
 *
 *     cc -Wall -Wextra -Werror -o quickstart quickstart.c
 *     ./quickstart /dev/ttyUSB0 example.com 7 "hello"
 *
 * Explained in docs/host-quickstart.md. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { LIMIT_MS = 30000 };
static int line;

static void fail(const char *why) {
    fprintf(stderr, "quickstart: %s\n", why);
    exit(1);
}

/* One byte from the device, or -1 after `limit_ms` milliseconds of silence. */
static int get_byte(int limit_ms) {
    struct pollfd ready = {.fd = line, .events = POLLIN};
    unsigned char byte;
    if (poll(&ready, 1, limit_ms) == 1 && read(line, &byte, 1) == 1) return byte;
    return -1;
}

static void put(const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = write(line, bytes, size);
        if (sent < 0) fail("cannot write");
        bytes += sent, size -= (size_t)sent;
    }
}

/* Reads frames until an answer: letter, code, length (5 digits), CR LF, then the bytes. Log lines (L) are shown. */
static int answer(char *text, size_t room) {
    for (;;) {
        char head[10] = {0};
        int byte = get_byte(LIMIT_MS);
        if (byte < 0) fail("no answer");
        if (byte != 'R' && byte != 'L' && byte != 'S') continue; /* what is left of the restart */
        head[0] = (char)byte;
        for (int at = 1; at < 9; at++) {
            if ((byte = get_byte(1000)) < 0) fail("half a header");
            head[at] = (char)byte;
        }
        size_t size = strtoul(head + 2, NULL, 10), kept = 0;
        for (size_t at = 0; at < size; at++) {
            if ((byte = get_byte(LIMIT_MS)) < 0) fail("half an answer");
            if (kept + 1 < room) text[kept++] = (char)byte;
        }
        text[kept] = 0;
        if (head[0] != 'L') return head[1] - '0';
        fprintf(stderr, "log: %s", text);
    }
}

/* Sends a command line, followed by data, and takes the answer without its CR LF. */
static int command(const char *words, const char *data, char *text, size_t room) {
    put(words, strlen(words));
    put("\r\n", 2);
    if (data) put(data, strlen(data));
    int code = answer(text, room);
    size_t size = strlen(text);
    if (size >= 2) text[size - 2] = 0;
    return code;
}

int main(int argc, char **argv) {
    char text[4096], words[300];
    if (argc != 5) fail("usage: quickstart DEVICE HOST PORT TEXT");
    line = open(argv[1], O_RDWR | O_NOCTTY);
    struct termios settings;
    if (tcgetattr(line, &settings) != 0) fail("this is no serial line");
    cfmakeraw(&settings), cfsetspeed(&settings, B115200);
    tcsetattr(line, TCSANOW, &settings);
    put("\r\n", 2);                    /* ends whatever a former host has left half typed */
    while (get_byte(300) >= 0) {}      /* prompt, banner, log lines */
    if (command("set system.cmd.mode machine", NULL, text, sizeof text) != 0) fail(text);
    snprintf(words, sizeof words, "tcp_client %s %s", argv[2], argv[3]);
    if (command(words, NULL, text, sizeof text) != 0) fail(text);
    int handle = atoi(text);
    snprintf(words, sizeof words, "stream_write %d %zu", handle, strlen(argv[4]));
    if (command(words, argv[4], text, sizeof text) != 0) fail(text);
    snprintf(words, sizeof words, "stream_poll %d", handle);
    do {
        if (command(words, NULL, text, sizeof text) != 0) fail(text);
    } while (text[0] == '0' && usleep(20000) == 0);
    snprintf(words, sizeof words, "stream_read %d 1000", handle);
    if (command(words, NULL, text, sizeof text) != 0) fail(text);
    printf("%s\n", text);
    snprintf(words, sizeof words, "stream_close %d", handle);
    return command(words, NULL, text, sizeof text);
}
