/*
 * openzentri.h: speaks the structured protocol of OpenZentri (docs/structured-protocol.md) on a host's side.
 *
 * One header, C99, no heap, no operating system. Define OZ_IMPLEMENTATION in one file before it is included.
 *
 *     static oz_client device;
 *
 *     oz_init(&device, &port);               port: how bytes leave, what time it is, what is told to the program
 *     oz_begin(&device);                     whatever the line speaks now
 *     for (;;) {
 *         oz_receive(&device, bytes, count); what has come on the line, in any pieces
 *         oz_poll(&device);                  often: what is to be sent again
 *     }
 *
 * No function blocks. One command runs at a time (oz_command), and each stream sends one buffer at a time (oz_write);
 * command and buffer must stay valid and unchanged until the device has them. Received stream data is passed to the
 * program at once; the program grants the device credit for more (oz_grant).
 */
#ifndef OPENZENTRI_H
#define OPENZENTRI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the longest message, both ways; at least 256. */
#ifndef OZ_FRAME
#define OZ_FRAME 512
#endif

/* Streams of a device. */
#define OZ_STREAMS 8

/* Bytes of the longest frame with its zero. */
#define OZ_FRAMED (OZ_FRAME + 4 + (OZ_FRAME + 4) / 254 + 2)

/* Bytes of a message besides its content. */
#define OZ_OVERHEAD 48

/* The most that fits: a line and its data, or a message of a UDP stream. */
#define OZ_CONTENT (OZ_FRAME - OZ_OVERHEAD)

/* States of a stream. */
enum { OZ_OPEN = 0, OZ_ENDED = 1, OZ_CLOSED = 2 };

/* The outcome of a command (oz_client.code): a result code of the device, or one of these. */
enum { OZ_RUNS = -1, OZ_ANSWER_LOST = -2, OZ_NOT_CONNECTED = -3 };

typedef struct {
    /* Sends bytes, all of them. */
    void (*write)(void *context, const uint8_t *bytes, size_t count);
    /* A millisecond counter, which may wrap. */
    uint32_t (*millis)(void *context);
    /* Bytes of a stream have come. May be null. */
    void (*data)(void *context, uint8_t handle, const uint8_t *bytes, size_t count, bool last);
    /* A stream was opened, its peer has ended, it is closed. May be null. */
    void (*stream)(void *context, uint8_t handle, int state, const char *kind, size_t kind_length);
    /* A line of the log. May be null. */
    void (*log)(void *context, const char *text, size_t length);
    /* An interface (0 WLAN, 1 soft AP) is up, with four bytes of address, or down. May be null. */
    void (*network)(void *context, uint8_t interface, bool up, const uint8_t *address);
    /* Passed to all of these functions. */
    void *context;
} oz_port;

typedef struct {
    uint32_t number; /* 0: there is none */
    int state;
    /* From the device. */
    uint64_t received, granted, gap;
    bool attached, confirmed;
    uint32_t granted_at, granted_pause;
    /* To the device. */
    const uint8_t *bytes;
    size_t length;         /* of bytes */
    size_t given;          /* of bytes: sent at least once since the last loss */
    uint64_t acknowledged; /* the offset of bytes[0] */
    uint64_t limit;
    uint32_t sent_at, pause;
    size_t piece;          /* bytes to send at once */
    bool shut;
} oz_stream;

typedef struct {
    oz_port port;
    bool connected;        /* the device speaks the protocol */
    bool begins;
    uint32_t begun_at;
    uint32_t damaged;      /* frames that came damaged */
    uint32_t dropped;      /* frames that the device has dropped, as it said last */
    uint32_t device_frame; /* bytes of the longest message that it takes */
    uint32_t asked;        /* handles whose streams are asked for, as bits */
    uint32_t asked_at;
    /* The command. */
    uint32_t id, next_id;
    int code; /* OZ_RUNS until it is answered */
    const char *line;
    size_t line_length;
    const uint8_t *command_data;
    size_t command_data_length;
    char *text;
    size_t capacity, text_length; /* text_length: of the whole answer, which may be more than capacity */
    uint32_t command_at, command_pause;
    oz_stream streams[OZ_STREAMS];
    /* The received frame, and the frame to send. */
    uint8_t in[OZ_FRAMED];
    size_t in_length;
    bool in_too_long;
    uint8_t out[OZ_FRAMED];
} oz_client;

/* Makes a client that is not connected. */
void oz_init(oz_client *client, const oz_port *port);
/* Begins the protocol and resets all state; `connected` is set when the device has answered. */
void oz_begin(oz_client *client);
/* Ends the protocol: the device speaks text again. */
void oz_stop(oz_client *client);
/* Takes bytes received on the line. */
void oz_receive(oz_client *client, const uint8_t *bytes, size_t count);
/* Repeats unanswered messages. Call it every few milliseconds. */
void oz_poll(oz_client *client);

/*
 * Sends a command, with its data or null. False when another one runs, it is too long, or the device is not connected.
 * Its answer is written to `text` as far as it fits, without a terminating zero. Wait until `oz_client.code` is not
 * OZ_RUNS.
 */
bool oz_command(oz_client *client, const char *line, const void *data, size_t length, char *text, size_t capacity);
/* Cancels the command. */
void oz_give_up(oz_client *client);

/* Attaches to the stream on a handle that a command has returned; it is ready when oz_is_open returns true. */
void oz_attach(oz_client *client, uint8_t handle);
bool oz_is_open(const oz_client *client, uint8_t handle);
/* Lets the device send `count` more bytes of a stream. The program must have room for all granted bytes. */
void oz_grant(oz_client *client, uint8_t handle, size_t count);
/* Sends bytes; false while earlier bytes are in flight, or when the stream accepts none. */
bool oz_write(oz_client *client, uint8_t handle, const void *bytes, size_t length);
/* Whether the device has received all written bytes. */
bool oz_is_written(const oz_client *client, uint8_t handle);

#endif

/* ---------------------------------------------------------------------------------------------------------------------- */

#if defined(OZ_IMPLEMENTATION) && !defined(OPENZENTRI_IMPLEMENTED)
#define OPENZENTRI_IMPLEMENTED

#include <string.h>

enum {
    OZ_M_HELLO = 0, OZ_M_REQUEST, OZ_M_DONE, OZ_M_CREDIT, OZ_M_DATA, OZ_M_ASK, OZ_M_SEEN, OZ_M_REPLAY, OZ_M_STOP,
    OZ_M_WELCOME = 16, OZ_M_RESPONSE, OZ_M_NOTICE, OZ_M_STREAM, OZ_M_NETWORK, OZ_M_LOG, OZ_M_BYE
};
enum { OZ_F_AGAIN = 1, OZ_F_SHUT = 2, OZ_F_GRANTED = 4 };
enum { OZ_FIRST_PAUSE = 500, OZ_LONGEST_PAUSE = 2000, OZ_SMALLEST = 128, OZ_BUSY_PAUSE = 50, OZ_BEGIN_PAUSE = 1000 };

static const uint32_t oz_crc_table[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};

static uint32_t oz_crc(uint32_t crc, const uint8_t *bytes, size_t count) {
    for (size_t at = 0; at < count; at++) {
        crc = oz_crc_table[(crc ^ bytes[at]) & 15] ^ (crc >> 4);
        crc = oz_crc_table[(crc ^ (bytes[at] >> 4)) & 15] ^ (crc >> 4);
    }
    return crc;
}

/* --- frames that are written: COBS and checksum as the bytes come ----------------------------------------------------- */

typedef struct {
    oz_client *client;
    size_t length; /* of what is in client->out, the open code included */
    size_t code;   /* where the code of the open block is */
    uint32_t crc;
    bool full;
} oz_writer;

static void oz_stuff(oz_writer *writer, uint8_t byte) {
    uint8_t *out = writer->client->out;
    /* The zero at the end must fit, too. */
    if (writer->length + 2 > OZ_FRAMED) {
        writer->full = true;
        return;
    }
    if (writer->length - writer->code == 255) {
        out[writer->code] = 255;
        writer->code = writer->length++;
    }
    if (byte == 0) {
        out[writer->code] = (uint8_t)(writer->length - writer->code);
        writer->code = writer->length++;
    } else {
        out[writer->length++] = byte;
    }
}

static void oz_put(oz_writer *writer, const uint8_t *bytes, size_t count) {
    writer->crc = oz_crc(writer->crc, bytes, count);
    for (size_t at = 0; at < count; at++) oz_stuff(writer, bytes[at]);
}

static void oz_head(oz_writer *writer, uint8_t major, uint64_t number) {
    uint8_t head[9];
    size_t bytes = number < 24 ? 0 : number < 0x100 ? 1 : number < 0x10000 ? 2 : number < 0x100000000 ? 4 : 8;
    uint8_t extra = bytes == 0 ? (uint8_t)number : bytes == 1 ? 24 : bytes == 2 ? 25 : bytes == 4 ? 26 : 27;
    head[0] = (uint8_t)(major << 5 | extra);
    for (size_t at = 0; at < bytes; at++) head[1 + at] = (uint8_t)(number >> (8 * (bytes - 1 - at)));
    oz_put(writer, head, 1 + bytes);
}

static void oz_number(oz_writer *writer, uint64_t number) { oz_head(writer, 0, number); }

static void oz_truth(oz_writer *writer, bool truth) {
    uint8_t byte = truth ? 0xf5 : 0xf4;
    oz_put(writer, &byte, 1);
}

static void oz_bytes(oz_writer *writer, const void *bytes, size_t count) {
    oz_head(writer, 2, count);
    oz_put(writer, bytes, count);
}

static oz_writer oz_message(oz_client *client, uint8_t number, uint8_t elements) {
    oz_writer writer = {client, 1, 0, 0xffffffff, false};
    oz_head(&writer, 4, elements + 1u);
    oz_number(&writer, number);
    return writer;
}

static void oz_send(oz_writer *writer) {
    oz_client *client = writer->client;
    uint32_t crc = writer->crc ^ 0xffffffff;
    for (int at = 0; at < 4; at++) oz_stuff(writer, (uint8_t)(crc >> (8 * at)));
    if (writer->full) return;
    client->out[writer->code] = (uint8_t)(writer->length - writer->code);
    client->out[writer->length++] = 0;
    client->port.write(client->port.context, client->out, writer->length);
}

/* --- messages that are read ------------------------------------------------------------------------------------------- */

typedef struct {
    const uint8_t *bytes;
    size_t left;
    bool bad;
} oz_reader;

static uint64_t oz_read_head(oz_reader *reader, uint8_t major) {
    if (reader->left == 0 || reader->bytes[0] >> 5 != major) {
        reader->bad = true;
        return 0;
    }
    uint8_t extra = reader->bytes[0] & 31;
    size_t bytes = extra < 24 ? 0 : extra < 28 ? (size_t)1 << (extra - 24) : SIZE_MAX;
    if (bytes >= reader->left) {
        reader->bad = true;
        return 0;
    }
    uint64_t number = extra;
    if (bytes > 0) number = 0;
    for (size_t at = 1; at <= bytes; at++) number = number << 8 | reader->bytes[at];
    reader->bytes += 1 + bytes;
    reader->left -= 1 + bytes;
    return number;
}

static uint64_t oz_read_number(oz_reader *reader) { return reader->bad ? 0 : oz_read_head(reader, 0); }

static bool oz_read_truth(oz_reader *reader) {
    if (reader->bad || reader->left == 0 || (reader->bytes[0] & 0xfe) != 0xf4) {
        reader->bad = true;
        return false;
    }
    reader->left--;
    return *reader->bytes++ == 0xf5;
}

static const uint8_t *oz_read_bytes(oz_reader *reader, uint8_t major, size_t *count) {
    uint64_t length = reader->bad ? 0 : oz_read_head(reader, major);
    if (reader->bad || length > reader->left) {
        reader->bad = true;
        *count = 0;
        return reader->bytes;
    }
    const uint8_t *bytes = reader->bytes;
    *count = (size_t)length;
    reader->bytes += length;
    reader->left -= (size_t)length;
    return bytes;
}

/* --- time -------------------------------------------------------------------------------------------------------------- */

static uint32_t oz_now(const oz_client *client) { return client->port.millis(client->port.context); }

static bool oz_over(const oz_client *client, uint32_t since, uint32_t pause) { return oz_now(client) - since >= pause; }

static uint32_t oz_longer(uint32_t pause) { return 2 * pause < OZ_LONGEST_PAUSE ? 2 * pause : OZ_LONGEST_PAUSE; }

/* --- beginning and end -------------------------------------------------------------------------------------------------- */

void oz_init(oz_client *client, const oz_port *port) {
    memset(client, 0, sizeof *client);
    client->port = *port;
    client->code = OZ_NOT_CONNECTED;
}

static void oz_hello(oz_client *client) {
    static const char start[] = "\r\nstructured_start\r\n";
    client->port.write(client->port.context, (const uint8_t *)start, sizeof start);
    oz_writer writer = oz_message(client, OZ_M_HELLO, 2);
    oz_truth(&writer, true);
    oz_number(&writer, OZ_FRAME);
    client->begun_at = oz_now(client);
    oz_send(&writer);
}

void oz_begin(oz_client *client) {
    oz_port port = client->port;
    oz_init(client, &port);
    client->next_id = 1;
    client->device_frame = OZ_FRAME;
    client->begins = true;
    oz_hello(client);
}

void oz_stop(oz_client *client) {
    oz_writer writer = oz_message(client, OZ_M_STOP, 0);
    oz_send(&writer);
    client->begins = false;
}

static void oz_ended(oz_client *client) {
    client->connected = false;
    if (client->code == OZ_RUNS) client->code = OZ_NOT_CONNECTED;
}

/* --- the command --------------------------------------------------------------------------------------------------------- */

static void oz_ask_command(oz_client *client) {
    oz_writer writer = oz_message(client, OZ_M_REQUEST, 5);
    oz_number(&writer, client->id);
    oz_number(&writer, client->id);
    oz_number(&writer, client->text_length);
    oz_bytes(&writer, client->line, client->line_length);
    oz_bytes(&writer, client->command_data, client->command_data_length);
    client->command_at = oz_now(client);
    oz_send(&writer);
}

bool oz_command(oz_client *client, const char *line, const void *data, size_t length, char *text, size_t capacity) {
    size_t line_length = strlen(line);
    size_t most = client->device_frame < OZ_FRAME ? client->device_frame : OZ_FRAME;
    if (!client->connected || client->code == OZ_RUNS || line_length + length > most - OZ_OVERHEAD) return false;
    client->id = client->next_id++;
    client->code = OZ_RUNS;
    client->line = line;
    client->line_length = line_length;
    client->command_data = data == NULL ? (const uint8_t *)"" : data;
    client->command_data_length = data == NULL ? 0 : length;
    client->text = text;
    client->capacity = capacity;
    client->text_length = 0;
    client->command_pause = OZ_FIRST_PAUSE;
    oz_ask_command(client);
    return true;
}

static void oz_done(oz_client *client) {
    oz_writer writer = oz_message(client, OZ_M_DONE, 1);
    oz_number(&writer, client->next_id);
    oz_send(&writer);
}

void oz_give_up(oz_client *client) {
    if (client->code == OZ_RUNS) client->code = OZ_ANSWER_LOST;
    oz_done(client);
}

static void oz_on_response(oz_client *client, oz_reader *reader) {
    uint64_t id = oz_read_number(reader);
    uint64_t code = oz_read_number(reader);
    uint64_t total = oz_read_number(reader);
    uint64_t offset = oz_read_number(reader);
    size_t count;
    const uint8_t *text = oz_read_bytes(reader, 2, &count);
    if (reader->bad || id != client->id || client->code != OZ_RUNS || offset != client->text_length) return;
    for (size_t at = 0; at < count; at++) {
        size_t place = client->text_length + at;
        if (place < client->capacity) client->text[place] = (char)text[at];
    }
    client->text_length += count;
    client->command_at = oz_now(client);
    client->command_pause = OZ_FIRST_PAUSE;
    if (client->text_length == total) {
        client->code = (int)code;
        oz_done(client);
    }
}

static void oz_on_notice(oz_client *client, oz_reader *reader) {
    uint64_t id = oz_read_number(reader);
    uint64_t what = oz_read_number(reader);
    if (reader->bad || id != client->id || client->code != OZ_RUNS) return;
    if (what == 1) client->command_pause = OZ_BUSY_PAUSE;
    if (what == 2) client->code = OZ_ANSWER_LOST;
}

/* --- streams -------------------------------------------------------------------------------------------------------------- */

static oz_stream *oz_of_number(oz_client *client, uint64_t number) {
    for (size_t at = 0; at < OZ_STREAMS; at++)
        if (number != 0 && client->streams[at].number == number) return &client->streams[at];
    return NULL;
}

static void oz_credit(oz_client *client, oz_stream *stream, uint8_t flags) {
    oz_writer writer = oz_message(client, OZ_M_CREDIT, 4);
    oz_number(&writer, stream->number);
    oz_number(&writer, stream->received);
    oz_number(&writer, stream->granted);
    oz_number(&writer, flags);
    oz_send(&writer);
}

void oz_attach(oz_client *client, uint8_t handle) {
    if (handle >= OZ_STREAMS) return;
    client->streams[handle].attached = false;
    client->asked |= (uint32_t)1 << handle;
    client->asked_at = oz_now(client) - OZ_FIRST_PAUSE;
    oz_poll(client);
}

bool oz_is_open(const oz_client *client, uint8_t handle) {
    return handle < OZ_STREAMS && (client->asked >> handle & 1) == 0 && client->streams[handle].number != 0 &&
           client->streams[handle].state != OZ_CLOSED;
}

void oz_grant(oz_client *client, uint8_t handle, size_t count) {
    if (!oz_is_open(client, handle)) return;
    oz_stream *stream = &client->streams[handle];
    stream->granted += count;
    if (!stream->attached) {
        stream->attached = true;
        stream->granted_at = oz_now(client);
        stream->granted_pause = OZ_FIRST_PAUSE;
    }
    oz_credit(client, stream, 0);
}

/* Sends what may be sent. */
static void oz_pump(oz_client *client, oz_stream *stream) {
    size_t most = client->device_frame < OZ_FRAME ? client->device_frame : OZ_FRAME;
    most -= OZ_OVERHEAD;
    while (!stream->shut && stream->state != OZ_CLOSED && stream->given < stream->length) {
        uint64_t offset = stream->acknowledged + stream->given;
        if (offset >= stream->limit) return;
        size_t count = stream->length - stream->given;
        if (count > most) count = most;
        /* A short frame is more likely to arrive. */
        if (count > stream->piece) count = stream->piece;
        if (count > stream->limit - offset) count = (size_t)(stream->limit - offset);
        oz_writer writer = oz_message(client, OZ_M_DATA, 4);
        oz_number(&writer, stream->number);
        oz_number(&writer, offset);
        oz_truth(&writer, true);
        oz_bytes(&writer, stream->bytes + stream->given, count);
        stream->given += count;
        stream->sent_at = oz_now(client);
        oz_send(&writer);
    }
}

bool oz_write(oz_client *client, uint8_t handle, const void *bytes, size_t length) {
    if (!oz_is_open(client, handle)) return false;
    oz_stream *stream = &client->streams[handle];
    if (stream->length > 0 || stream->shut) return false;
    stream->bytes = bytes;
    stream->length = length;
    stream->given = 0;
    stream->pause = OZ_FIRST_PAUSE;
    if (stream->piece == 0) stream->piece = OZ_FRAME;
    stream->sent_at = oz_now(client);
    oz_pump(client, stream);
    return true;
}

bool oz_is_written(const oz_client *client, uint8_t handle) {
    return handle >= OZ_STREAMS || client->streams[handle].length == 0;
}

static void oz_on_credit(oz_client *client, oz_reader *reader) {
    oz_stream *stream = oz_of_number(client, oz_read_number(reader));
    uint64_t received = oz_read_number(reader);
    uint64_t limit = oz_read_number(reader);
    uint64_t flags = oz_read_number(reader);
    if (reader->bad || stream == NULL) return;
    if (flags & OZ_F_GRANTED) stream->confirmed = true;
    if (received > stream->acknowledged && received - stream->acknowledged <= stream->length) {
        size_t news = (size_t)(received - stream->acknowledged);
        stream->bytes += news;
        stream->length -= news;
        stream->given = stream->given > news ? stream->given - news : 0;
        stream->acknowledged = received;
        stream->pause = OZ_FIRST_PAUSE;
        stream->piece = 2 * stream->piece < OZ_FRAME ? 2 * stream->piece : OZ_FRAME;
    }
    if (limit > stream->limit) {
        stream->limit = limit;
        stream->pause = OZ_FIRST_PAUSE;
    }
    if (flags & OZ_F_AGAIN) stream->given = 0;
    if (flags & OZ_F_SHUT) {
        stream->shut = true;
        stream->length = 0;
        stream->given = 0;
    }
    oz_pump(client, stream);
}

static void oz_on_data(oz_client *client, oz_reader *reader) {
    oz_stream *stream = oz_of_number(client, oz_read_number(reader));
    uint64_t offset = oz_read_number(reader);
    bool last = oz_read_truth(reader);
    size_t count;
    const uint8_t *bytes = oz_read_bytes(reader, 2, &count);
    if (reader->bad || stream == NULL) return;
    stream->confirmed = true;
    if (offset > stream->received) {
        if (stream->gap != stream->received + 1) {
            stream->gap = stream->received + 1;
            oz_credit(client, stream, OZ_F_AGAIN);
        }
        return;
    }
    uint64_t known = stream->received - offset;
    if (known < count) {
        bytes += known;
        count -= (size_t)known;
        stream->received += count;
        uint8_t handle = (uint8_t)(stream - client->streams);
        if (client->port.data != NULL) client->port.data(client->port.context, handle, bytes, count, last);
    }
    oz_credit(client, stream, 0);
}

static void oz_on_stream(oz_client *client, oz_reader *reader) {
    uint64_t event = oz_read_number(reader);
    uint64_t number = oz_read_number(reader);
    uint64_t handle = oz_read_number(reader);
    uint64_t state = oz_read_number(reader);
    (void)oz_read_number(reader);
    size_t length;
    const uint8_t *kind = oz_read_bytes(reader, 3, &length);
    if (reader->bad || handle >= OZ_STREAMS) return;
    if (event != 0) {
        oz_writer writer = oz_message(client, OZ_M_SEEN, 1);
        oz_number(&writer, event);
        oz_send(&writer);
    } else {
        client->asked &= ~((uint32_t)1 << handle);
    }
    oz_stream *stream = &client->streams[handle];
    bool same = stream->number == number;
    /* An old state may be repeated later. */
    if (!same && number != 0 && number < stream->number) return;
    if (!same && number != 0) {
        memset(stream, 0, sizeof *stream);
        stream->number = (uint32_t)number;
    }
    if (same && (int)state <= stream->state) return;
    stream->state = (int)state;
    if (state == OZ_CLOSED) stream->length = stream->given = 0;
    if (client->port.stream != NULL)
        client->port.stream(client->port.context, (uint8_t)handle, (int)state, (const char *)kind, length);
}

/* --- the line -------------------------------------------------------------------------------------------------------------- */

static void oz_on_welcome(oz_client *client, oz_reader *reader) {
    (void)oz_read_number(reader);
    uint64_t frame = oz_read_number(reader);
    for (int skipped = 0; skipped < 3; skipped++) (void)oz_read_number(reader);
    uint64_t dropped = oz_read_number(reader);
    if (reader->bad) return;
    client->device_frame = (uint32_t)frame;
    client->dropped = (uint32_t)dropped;
    client->connected = true;
    /* Earlier text was not frames. */
    if (client->begins) client->damaged = 0;
    client->begins = false;
}

static void oz_on_network(oz_client *client, oz_reader *reader) {
    uint64_t event = oz_read_number(reader);
    uint64_t interface = oz_read_number(reader);
    bool up = oz_read_truth(reader);
    size_t count;
    const uint8_t *address = oz_read_bytes(reader, 2, &count);
    if (reader->bad) return;
    oz_writer writer = oz_message(client, OZ_M_SEEN, 1);
    oz_number(&writer, event);
    oz_send(&writer);
    if (client->port.network != NULL)
        client->port.network(client->port.context, (uint8_t)interface, up, count == 4 ? address : NULL);
}

static void oz_on_log(oz_client *client, oz_reader *reader) {
    (void)oz_read_number(reader);
    (void)oz_read_number(reader);
    size_t count;
    const uint8_t *text = oz_read_bytes(reader, 2, &count);
    if (!reader->bad && client->port.log != NULL) client->port.log(client->port.context, (const char *)text, count);
}

static void oz_on_message(oz_client *client, const uint8_t *payload, size_t count) {
    oz_reader reader = {payload, count, false};
    (void)oz_read_head(&reader, 4);
    uint64_t number = oz_read_number(&reader);
    if (reader.bad) return;
    switch (number) {
    case OZ_M_WELCOME: oz_on_welcome(client, &reader); break;
    case OZ_M_RESPONSE: oz_on_response(client, &reader); break;
    case OZ_M_NOTICE: oz_on_notice(client, &reader); break;
    case OZ_M_CREDIT: oz_on_credit(client, &reader); break;
    case OZ_M_DATA: oz_on_data(client, &reader); break;
    case OZ_M_STREAM: oz_on_stream(client, &reader); break;
    case OZ_M_NETWORK: oz_on_network(client, &reader); break;
    case OZ_M_LOG: oz_on_log(client, &reader); break;
    case OZ_M_BYE: oz_ended(client); break;
    default: break;
    }
}

/* Decodes the payload of a frame in place; false when it is damaged. */
static bool oz_open_frame(uint8_t *frame, size_t *length) {
    size_t from = 0, to = 0;
    while (from < *length) {
        size_t code = frame[from++];
        if (code == 0 || from + code - 1 > *length) return false;
        for (size_t left = code - 1; left > 0; left--) frame[to++] = frame[from++];
        if (code < 255 && from < *length) frame[to++] = 0;
    }
    if (to < 4) return false;
    uint32_t crc = 0;
    for (size_t at = 0; at < 4; at++) crc |= (uint32_t)frame[to - 4 + at] << (8 * at);
    *length = to - 4;
    return crc == (oz_crc(0xffffffff, frame, to - 4) ^ 0xffffffff);
}

static void oz_frame_ends(oz_client *client) {
    size_t length = client->in_length;
    bool too_long = client->in_too_long;
    client->in_length = 0;
    client->in_too_long = false;
    if (length == 0 && !too_long) return;
    if (!too_long && oz_open_frame(client->in, &length)) {
        oz_on_message(client, client->in, length);
    } else {
        client->damaged++;
    }
}

void oz_receive(oz_client *client, const uint8_t *bytes, size_t count) {
    for (size_t at = 0; at < count; at++) {
        if (bytes[at] == 0) {
            oz_frame_ends(client);
        } else if (client->in_length < sizeof client->in) {
            client->in[client->in_length++] = bytes[at];
        } else {
            client->in_too_long = true;
        }
    }
}

static void oz_poll_stream(oz_client *client, oz_stream *stream) {
    if (stream->number == 0 || stream->state == OZ_CLOSED) return;
    if (stream->attached && !stream->confirmed && oz_over(client, stream->granted_at, stream->granted_pause)) {
        stream->granted_at = oz_now(client);
        stream->granted_pause = oz_longer(stream->granted_pause);
        oz_credit(client, stream, 0);
    }
    if (stream->length == 0 || stream->shut || !oz_over(client, stream->sent_at, stream->pause)) return;
    stream->pause = oz_longer(stream->pause);
    stream->sent_at = oz_now(client);
    stream->given = 0;
    stream->piece = stream->piece / 2 > OZ_SMALLEST ? stream->piece / 2 : OZ_SMALLEST;
    if (stream->acknowledged >= stream->limit) {
        oz_writer writer = oz_message(client, OZ_M_DATA, 4);
        oz_number(&writer, stream->number);
        oz_number(&writer, stream->acknowledged);
        oz_truth(&writer, false);
        oz_bytes(&writer, "", 0);
        oz_send(&writer);
    }
    oz_pump(client, stream);
}

void oz_poll(oz_client *client) {
    if (client->begins && oz_over(client, client->begun_at, OZ_BEGIN_PAUSE)) oz_hello(client);
    if (!client->connected) return;
    if (client->code == OZ_RUNS && oz_over(client, client->command_at, client->command_pause)) {
        client->command_pause = oz_longer(client->command_pause);
        oz_ask_command(client);
    }
    if (client->asked != 0 && oz_over(client, client->asked_at, OZ_FIRST_PAUSE)) {
        client->asked_at = oz_now(client);
        for (uint8_t handle = 0; handle < OZ_STREAMS; handle++) {
            if ((client->asked >> handle & 1) == 0) continue;
            oz_writer writer = oz_message(client, OZ_M_ASK, 1);
            oz_number(&writer, handle);
            oz_send(&writer);
        }
    }
    for (size_t at = 0; at < OZ_STREAMS; at++) oz_poll_stream(client, &client->streams[at]);
}

#endif
