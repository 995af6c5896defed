/*
 * unit: the examples of docs/structured-protocol.md, and any bytes.
 *
 *     unit <document>
 */
#define OZ_IMPLEMENTATION
#include "openzentri.h"

#include <stdio.h>
#include <stdlib.h>

static oz_client device;
static uint8_t sent[OZ_FRAMED];
static size_t sent_length;
static uint32_t now;
static size_t got;
static char log_line[64];

static void keep(void *context, const uint8_t *bytes, size_t count) {
    (void)context;
    memcpy(sent, bytes, count < sizeof sent ? count : sizeof sent);
    sent_length = count;
}

static uint32_t millis(void *context) {
    (void)context;
    return now;
}

static void on_data(void *context, uint8_t handle, const uint8_t *bytes, size_t count, bool last) {
    (void)context;
    (void)handle;
    (void)bytes;
    (void)last;
    got += count;
}

static void on_log(void *context, const char *text, size_t length) {
    (void)context;
    snprintf(log_line, sizeof log_line, "%.*s", (int)length, text);
}

static void fail(const char *what) {
    printf("wrong: %s\n", what);
    exit(1);
}

/* The frame of an example. */
static size_t example(const char *path, const char *name, uint8_t *frame) {
    char line[512], heading[64];
    size_t count = 0;
    bool here = false;
    FILE *document = fopen(path, "r");
    if (document == NULL) fail(path);
    snprintf(heading, sizeof heading, "%s:\n", name);
    while (count == 0 && fgets(line, sizeof line, document) != NULL) {
        if (strcmp(line, heading) == 0) here = true;
        if (!here || strncmp(line, "    frame", 9) != 0) continue;
        char *at = line + 9, *end;
        for (unsigned long byte = strtoul(at, &end, 16); end != at; byte = strtoul(at, &end, 16)) {
            frame[count++] = (uint8_t)byte;
            at = end;
        }
    }
    fclose(document);
    if (count == 0) fail(name);
    return count;
}

static void is_sent(const char *path, const char *name) {
    uint8_t frame[256];
    size_t count = example(path, name, frame);
    if (count != sent_length || memcmp(frame, sent, count) != 0) fail(name);
}

static void arrives(const char *path, const char *name) {
    uint8_t frame[256];
    size_t count = example(path, name, frame);
    oz_receive(&device, frame, count);
}

static void any_bytes(void) {
    uint32_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[64];
        size_t count = 0;
        for (; count < sizeof bytes; count++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[count] = (uint8_t)(seed >> (seed >> 30 == 0 ? 31 : 24));
        }
        oz_receive(&device, bytes, count);
        /* As if the checksum had been right. */
        oz_on_message(&device, bytes, (seed >> 16) % (sizeof bytes + 1));
        now += 100;
        oz_poll(&device);
    }
}

int main(int count, char **words) {
    char text[16];
    oz_port port = {keep, millis, on_data, NULL, on_log, NULL, NULL};
    if (count != 2) return 2;
    oz_init(&device, &port);
    oz_begin(&device);
    is_sent(words[1], "Hello");
    device.connected = true;
    if (!oz_command(&device, "tcpc 10.0.0.1 7", NULL, 0, text, sizeof text)) fail("oz_command");
    is_sent(words[1], "Request");
    arrives(words[1], "Response");
    if (device.code != 0 || device.text_length != 3 || memcmp(text, "0\r\n", 3) != 0) fail("the answer");
    arrives(words[1], "Stream");
    is_sent(words[1], "Seen");
    if (!oz_is_open(&device, 0)) fail("oz_is_open");
    oz_grant(&device, 0, 2048);
    is_sent(words[1], "Credit");
    arrives(words[1], "Data");
    arrives(words[1], "Data");
    if (got != 6) fail("data come once");
    device.streams[0].limit = 6;
    if (!oz_write(&device, 0, "hello\0", 6)) fail("oz_write");
    is_sent(words[1], "Data");
    sent_length = 0;
    now += OZ_FIRST_PAUSE;
    oz_poll(&device);
    is_sent(words[1], "Data");
    arrives(words[1], "Gap");
    if (!oz_is_written(&device, 0)) fail("oz_is_written");
    arrives(words[1], "Log");
    if (strcmp(log_line, "[Opened: 0]") != 0) fail("log");
    oz_stop(&device);
    is_sent(words[1], "Stop");
    arrives(words[1], "Bye");
    if (device.connected) fail("Bye");
    device.connected = true;
    any_bytes();
    puts("all right");
    return 0;
}
