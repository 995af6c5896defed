/*
 * The functions that the Rust side calls (zephyr/src/shim.rs mirrors this file), and the few that it exports to C.
 *
 * Rules: fixed-width integers, pointer and length, results >= 0 or a negative code of enum oz_error. Nothing blocks,
 * except oz_wait() and calls to flash. All calls come from the one thread that runs the device unless said otherwise.
 */
#ifndef OPENZENTRI_SHIM_H
#define OPENZENTRI_SHIM_H

#include <stdbool.h>
#include <stdint.h>

/* The numbers of errno.h differ from C library to C library; these do not. */
enum oz_error {
	OZ_WOULD_BLOCK = 1,
	OZ_CLOSED = 2,
	OZ_REFUSED = 3,
	OZ_TIMED_OUT = 4,
	OZ_IN_USE = 5,
	OZ_NO_ROOM = 6,
	OZ_NOT_FOUND = 7,
	OZ_UNREACHABLE = 8,
	OZ_DENIED = 9,
	OZ_UNSUPPORTED = 10,
	OZ_READ_ONLY = 11,
	/* Any other errno, added to this. */
	OZ_ERRNO = 1000,
};

/* The interfaces of the device: port::Interface. */
enum oz_interface {
	OZ_WLAN = 0,
	OZ_SOFTAP = 1,
};

/* Why a device has started. */
enum oz_reset {
	OZ_RESET_POWER_ON = 0,
	OZ_RESET_PIN = 1,
	OZ_RESET_SOFTWARE = 2,
	OZ_RESET_WATCHDOG = 3,
	OZ_RESET_BROWNOUT = 4,
	OZ_RESET_FAULT = 5,
	OZ_RESET_WAKE = 6,
	OZ_RESET_OTHER = 7,
};

/* The negative code for a positive errno. */
int32_t oz_error(int errno_value);

/* ---- The loop (loop.c) ---- */

/* One descriptor to wait for; the layout and the bits are those of struct zsock_pollfd. */
struct oz_watch {
	int32_t fd;
	int16_t wanted;
	int16_t ready;
};

#define OZ_READABLE 1
#define OZ_WRITABLE 4

/* There was no buffer for sending: the next oz_wait() gives the stack time to free one. For the shim. */
void oz_starved(void);

/* The loop is alive: feeds the watchdog, which the first call starts (watchdog.c). For the shim. */
void oz_watchdog_feed(void);

/* Prepares oz_wait(). */
int32_t oz_start(void);
/* Sleeps until a descriptor is ready, oz_wake() was called, or the time is over (microseconds; < 0: for ever). */
int32_t oz_wait(struct oz_watch *watches, uint32_t count, int64_t timeout_us);
/* Ends the present or the next oz_wait(). From any thread or interrupt. */
void oz_wake(void);
/* Microseconds since boot, at the resolution of the system's tick. */
uint64_t oz_uptime_us(void);

/* ---- Command UART (serial.c) ---- */

int32_t oz_serial_start(void);
/* 0 means that no more will ever come. */
int32_t oz_serial_read(uint8_t *buffer, uint32_t size);
int32_t oz_serial_write(const uint8_t *data, uint32_t size);
/* OZ_READABLE and OZ_WRITABLE, as far as they hold; a break condition counts as readable. */
int32_t oz_serial_ready(void);
/* Whether everything that was written has left the UART, as far as its driver can tell. */
int32_t oz_serial_sent(void);
/* Puts bytes before those that wait to be read. If not all fit, the last ones are lost. */
void oz_serial_give_back(const uint8_t *data, uint32_t size);
/* 1 when a break condition has come since the last call. 0 also where the driver cannot tell. */
int32_t oz_serial_break(void);
/* port::Parity */
enum oz_parity {
	OZ_PARITY_NONE = 0,
	OZ_PARITY_ODD = 1,
	OZ_PARITY_EVEN = 2,
};
/* Configures the UART; -OZ_UNSUPPORTED if its driver cannot do that. */
int32_t oz_serial_configure(uint32_t baud, uint8_t data, uint8_t parity, uint8_t stop, uint8_t flow);
/* Right before a restart: waiting bytes are read first after the restart, up to the size of the receive ring. */
void oz_serial_keep(void);
/* Waits at most a second until everything is sent. */
void oz_serial_drain(void);
/* The driver reports the end of the input. From any thread or interrupt. */
void oz_serial_hang_up(void);

/* ---- Sockets (sockets.c). Addresses are four bytes as written, first byte highest. ---- */

struct oz_endpoint {
	uint32_t address;
	uint16_t port;
};

int32_t oz_tcp_listen(uint8_t interface, uint16_t port);
int32_t oz_tcp_accept(int32_t listener, struct oz_endpoint *peer);
int32_t oz_tcp_connect(uint8_t interface, uint16_t local_port, uint32_t address, uint16_t port);
int32_t oz_tcp_connected(int32_t socket);
/* All zero turns it off. */
int32_t oz_tcp_keepalive(int32_t socket, uint16_t idle, uint16_t interval, uint8_t count);
int32_t oz_send(int32_t socket, const uint8_t *data, uint32_t size);
int32_t oz_receive(int32_t socket, uint8_t *buffer, uint32_t size);
int32_t oz_finish(int32_t socket);
int32_t oz_udp_bind(uint8_t interface, uint16_t port);
/* A socket that joins a multicast group; with `only` it receives nothing else. */
int32_t oz_udp_group(uint8_t interface, uint16_t port, uint32_t group, uint8_t only);
int32_t oz_udp_send(int32_t socket, const uint8_t *data, uint32_t size, uint32_t address, uint16_t port);
int32_t oz_udp_receive(int32_t socket, uint8_t *buffer, uint32_t size, struct oz_endpoint *from);
int32_t oz_local_address(int32_t socket, struct oz_endpoint *local);
void oz_close(int32_t socket);

/* ---- Jobs (jobs.c) ---- */

/* What a job does and returns. */
enum oz_job_kind {
	/* Addresses of a name, in the order of the answer. */
	OZ_JOB_LOOKUP = 1,
	/* One value: milliseconds. */
	OZ_JOB_PING = 2,
};

struct oz_job_output {
	/* enum oz_job_kind */
	uint8_t kind;
	uint8_t count;
	uint32_t values[CONFIG_OPENZENTRI_LOOKUP_ADDRESSES];
};

/* Both return the number of the job. */
int32_t oz_lookup(uint8_t interface, const uint8_t *name, uint32_t size);
int32_t oz_ping(uint8_t interface, uint32_t address, uint32_t timeout_ms);
/* 0 with the output of the job; any result but OZ_WOULD_BLOCK frees the job. */
int32_t oz_job_result(int32_t job, struct oz_job_output *output);
void oz_job_cancel(int32_t job);
/* Whether the job has ended. */
int32_t oz_job_ended(int32_t job);

/* ---- Flash (storage.c) ---- */

/* Where the volume of files is. */
#define OZ_VOLUME "/files"

int32_t oz_storage_start(void);
/* Also for a driver that needs a file before the device runs; a second call does nothing. Zephyr's error numbers. */
int oz_volume_mount(void);
int32_t oz_slot_write(uint8_t slot, const uint8_t *record, uint32_t size);
int32_t oz_slot_read(uint8_t slot, uint8_t *buffer, uint32_t size);
/* Names have no terminator. */
int32_t oz_file_create(const uint8_t *name, uint32_t size);
int32_t oz_file_open(const uint8_t *name, uint32_t size);
int32_t oz_file_append(int32_t file, const uint8_t *data, uint32_t size);
int32_t oz_file_read(int32_t file, uint32_t position, uint8_t *buffer, uint32_t size);
int32_t oz_file_length(int32_t file);
int32_t oz_file_sync(int32_t file);
void oz_file_close(int32_t file);
int32_t oz_file_rename(const uint8_t *from, uint32_t from_size, const uint8_t *to, uint32_t to_size);
int32_t oz_file_remove(const uint8_t *name, uint32_t size);
/* Calls each(context, name, size) for every file. */
int32_t oz_file_list(void (*each)(void *context, const uint8_t *name, uint32_t size), void *context);
uint32_t oz_file_space(void);

/* ---- Wi-Fi (wifi.c), only with CONFIG_WIFI ---- */

struct oz_access_point {
	uint8_t ssid[32];
	uint8_t ssid_size;
	uint8_t bssid[6];
	uint8_t channel;
	int8_t rssi;
	/* The numbers of the command language (port::Security). */
	uint8_t security;
};

struct oz_ipv4 {
	uint32_t address;
	uint32_t netmask;
	uint32_t gateway;
	uint32_t dns;
};

struct oz_radio_state {
	/* The numbers of port::Link. */
	uint8_t link;
	uint8_t scanning;
	uint8_t has_ipv4;
	struct oz_ipv4 ipv4;
	/* Changes whenever a station of the access point comes or goes. */
	uint32_t stations;
};

/* port::ScanRequest; size 0 means all names. */
struct oz_scan {
	uint8_t ssid[32];
	uint8_t ssid_size;
	uint8_t passive;
	uint16_t dwell_ms;
	/* Channel n is bit n - 1; 0 means all. */
	uint16_t channels;
};

/* port::SoftApRequest */
struct oz_softap {
	uint8_t ssid[32];
	uint8_t ssid_size;
	uint8_t passkey[64];
	uint8_t passkey_size;
	/* 0 lets the radio choose. */
	uint8_t channel;
	uint8_t hidden;
	uint8_t stations;
};

int32_t oz_radio_start(void);
/* 1 if station and access point can have a link at the same time. */
int32_t oz_radio_serves_both(void);
int32_t oz_radio_scan(const struct oz_scan *request);
int32_t oz_radio_scan_result(uint32_t index, struct oz_access_point *found);
int32_t oz_radio_join(const struct oz_access_point *network, const uint8_t *passkey, uint32_t size);
void oz_radio_leave(void);
/* Switches both interfaces of the radio off and on. */
void oz_radio_reset(void);
/* For DHCP requests, from the next one on; cut off if Zephyr has no room. */
void oz_radio_set_host_name(const uint8_t *name, uint32_t size);
/* NULL: by DHCP. */
int32_t oz_radio_configure(uint8_t interface, const struct oz_ipv4 *address);
void oz_radio_state(uint8_t interface, struct oz_radio_state *state);
/* Counts the changes of the state. */
uint32_t oz_radio_changes(void);
/* 0 with the signal in dBm. */
int32_t oz_radio_rssi(int8_t *rssi);

/* ---- Access point (softap.c), only with CONFIG_WIFI ---- */

int32_t oz_softap_start(const struct oz_softap *network);
void oz_softap_stop(void);
/* The radio address of the index-th station. */
int32_t oz_softap_station(uint32_t index, uint8_t mac[6]);
void oz_softap_drop(const uint8_t mac[6]);

/* ---- Simulated radio (networks.c), where there is no other ---- */

/* A child of the devicetree's node "zentri,simulated-radio". */
struct oz_network {
	const char *ssid;
	const char *passphrase;
	uint8_t bssid[6];
	uint8_t channel;
	int8_t rssi;
	/* The numbers of port::Security. */
	uint8_t security;
	uint8_t dhcp;
	uint8_t hidden;
	uint8_t hangs;
	uint8_t fails;
	uint32_t vanishes_after_ms;
	uint32_t drops_after_ms;
};

/* The index-th network, or NULL past the last. */
const struct oz_network *oz_simulated_network(uint32_t index);

/* ---- Board (board.c) ---- */

/* A locally administered address, the same at every start: for interfaces without an address of their own. */
void oz_local_mac(uint8_t mac[6]);
void oz_mac(uint8_t mac[6]);
/* Fills all 20 bytes. */
void oz_unique_id(uint8_t id[20]);
void oz_random(uint8_t *buffer, uint32_t size);
/* Milliseconds since 1970, 0 without a clock that is set. */
uint64_t oz_wall_clock(void);
/* Percent of the system heap in use, or OZ_UNSUPPORTED. */
int32_t oz_memory_usage(void);
enum oz_heap {
	/* Zephyr's own heap: drivers, the supplicant. */
	OZ_HEAP_SYSTEM = 1,
	/* The heap of Mbed TLS. */
	OZ_HEAP_CRYPTO = 2,
};

/* Bytes: total, in use now, the most in use at once. */
struct oz_heap_use {
	uint32_t size;
	uint32_t used;
	uint32_t most;
};

/* 0, or -OZ_UNSUPPORTED if there is no such heap or it has no statistics. */
int32_t oz_heap(uint8_t heap, struct oz_heap_use *use);
/* Why the device has started: enum oz_reset, or -OZ_UNSUPPORTED. Call it once: the chip then forgets the reason. */
int32_t oz_reset_reason(void);
/* Bytes of the calling thread's stack, and those never used; -OZ_UNSUPPORTED if that is not known. */
int32_t oz_stack(uint32_t *size, uint32_t *untouched);
void oz_reboot(void);
/* The index-th variable to set at the start, as name=value; NULL past the last. */
const char *oz_override(uint32_t index);
/* The device cannot run: ends the process, if the device is one. */
void oz_give_up(void);
/* Prints text without a terminator on Zephyr's console. */
void oz_print(const uint8_t *text, uint32_t size);
/* Prints its callers, and stops as after a fault. */
_Noreturn void oz_panic(void);
/* Interrupts are off from lock to unlock, which restores the previous state. */
uint32_t oz_lock(void);
void oz_unlock(uint32_t state);
/* Ends the process, if the device is one. */
void oz_serial_ended(void);

/* ---- Pins (pins.c), only with CONFIG_OPENZENTRI_PINS ---- */

/* port::Direction */
enum oz_pin_direction {
	OZ_PIN_RELEASED = 0,
	OZ_PIN_INPUT = 1,
	OZ_PIN_INPUT_UP = 2,
	OZ_PIN_INPUT_DOWN = 3,
	/* Outputs, by their initial level. */
	OZ_PIN_LOW = 4,
	OZ_PIN_HIGH = 5,
	/* Open drain, without and with a resistor to the supply, by their initial level; these must stay last. */
	OZ_PIN_DRAIN_LOW = 6,
	OZ_PIN_DRAIN_HIGH = 7,
	OZ_PIN_DRAIN_UP_LOW = 8,
	OZ_PIN_DRAIN_UP_HIGH = 9,
};

/* port::Outside */
enum oz_pin_outside {
	OZ_OUTSIDE_OPEN = 0,
	OZ_OUTSIDE_LOW = 1,
	OZ_OUTSIDE_HIGH = 2,
	OZ_OUTSIDE_VOLTAGE = 3,
};

/* port::Driven */
enum oz_driven_kind {
	OZ_DRIVEN_OPEN = 0,
	OZ_DRIVEN_LOW = 1,
	OZ_DRIVEN_HIGH = 2,
	/* Nanoseconds. */
	OZ_DRIVEN_PULSE = 3,
	/* The width is a fraction of 65535. */
	OZ_DRIVEN_PART = 4,
};

struct oz_driven {
	uint32_t period;
	uint32_t width;
	/* enum oz_driven_kind */
	uint8_t kind;
};

int32_t oz_pin_exists(uint8_t pin);
int32_t oz_pin_direction(uint8_t pin, uint8_t direction);
int32_t oz_pin_write(uint8_t pin, uint8_t level);
/* 0 or 1 for an input or output. */
int32_t oz_pin_read(uint8_t pin);
/* Starts or stops recording the edges of an input. */
int32_t oz_pin_watch(uint8_t pin, uint8_t watched);
/* The pins with edges since the last call, one bit each. */
uint64_t oz_pin_edges(void);
/* Whether there are any. */
int32_t oz_pin_edges_ready(void);
/* Drives the wire of an emulated pin from outside. */
int32_t oz_pin_outside(uint8_t pin, uint8_t outside, uint16_t voltage_mv);
/* What the device drives the wire of an emulated pin with. */
int32_t oz_pin_driven(uint8_t pin, struct oz_driven *driven);

/* ---- Converters (converters.c), only with CONFIG_OPENZENTRI_CONVERTERS ---- */

/* Millivolts. It waits for the sample, which takes microseconds. */
int32_t oz_adc_sample(uint8_t pin, uint16_t reference_mv);
/* A fraction of 65535. */
int32_t oz_dac_level(uint8_t pin, uint16_t level);
/* Period 0 stops the pulses. */
int32_t oz_pwm_pulse(uint8_t pin, uint32_t period_ns, uint32_t width_ns);
/* For emulated pins, called by the shim. */
void oz_adc_outside(uint8_t pin, uint16_t voltage_mv);
int32_t oz_converter_driven(uint8_t pin, struct oz_driven *driven);

/* ---- Buses (bus.c), only with CONFIG_OPENZENTRI_BUS_MASTERS ---- */

/* port::BusTransfer */
enum oz_transfer_kind {
	OZ_SPI = 0,
	OZ_I2C_WRITE = 1,
	OZ_I2C_READ = 2,
};

struct oz_transfer {
	uint32_t clock;
	uint32_t size;
	/* enum oz_transfer_kind */
	uint8_t kind;
	uint8_t bus;
	/* For I2C. */
	uint8_t address;
	/* For SPI. */
	uint8_t mode;
	uint8_t lowest_first;
};

/* The number of buses. */
int32_t oz_spi_buses(void);
int32_t oz_i2c_buses(void);
/* Begins a transfer; the bytes are copied. OZ_NO_ROOM while another one runs. */
int32_t oz_bus_start(const struct oz_transfer *transfer, const uint8_t *bytes);
/* Its outcome, once; OZ_WOULD_BLOCK until then. */
int32_t oz_bus_result(void);
/* Whether it is over. */
int32_t oz_bus_ended(void);
/* Takes the received bytes, once; returns their number. */
int32_t oz_bus_received(uint8_t *buffer, uint32_t size);

/* ---- Zephyr shell (shell.c), only with CONFIG_OPENZENTRI_SHELL ---- */

/* The next command line; OZ_WOULD_BLOCK when there is none. */
int32_t oz_console_line(uint8_t *buffer, uint32_t size);
void oz_console_answer(const uint8_t *text, uint32_t size);
int32_t oz_console_ready(void);

/* Exported by the Rust side: the index-th command of the table, without terminators; false past its end. */
bool oz_command(uint32_t index, const uint8_t **name, uint32_t *name_size, const uint8_t **summary,
		uint32_t *summary_size);

/* ---- TLS (CONFIG_OPENZENTRI_TLS) ---- */

/* The credentials of a session; not needed after the call. Sizes are without a NUL. */
struct oz_tls_order {
	/* The server's name; NULL for a server. */
	const uint8_t *name;
	const uint8_t *authorities;
	const uint8_t *certificate;
	const uint8_t *key;
	/* Each name after a byte with its length. */
	const uint8_t *alpn;
	/* Seconds since 1970. */
	uint64_t now;
	uint32_t name_size;
	uint32_t authorities_size;
	uint32_t certificate_size;
	uint32_t key_size;
	uint32_t alpn_size;
	/* Numbers on the wire. */
	uint16_t oldest;
	uint16_t newest;
	/* A byte that was received before, or -1. */
	int16_t first;
	uint8_t is_server;
	uint8_t verify;
	uint8_t clock_is_set;
};

/* Why there is no session; the order of `enum TlsError`. */
enum oz_tls_error {
	OZ_TLS_NONE = 0,
	OZ_TLS_CLOSED = 1,
	OZ_TLS_NO_MEMORY = 2,
	OZ_TLS_CREDENTIALS = 3,
	OZ_TLS_NAME = 4,
	OZ_TLS_NO_CERTIFICATE = 5,
	OZ_TLS_UNTRUSTED = 6,
	OZ_TLS_EXPIRED = 7,
	OZ_TLS_WRONG_NAME = 8,
	OZ_TLS_BAD_CERTIFICATE = 9,
	OZ_TLS_ALERT = 10,
	OZ_TLS_INCOMPATIBLE = 11,
	OZ_TLS_PROTOCOL = 12,
	OZ_TLS_INTERNAL = 13,
};

/* The outcome of a handshake. */
struct oz_tls_outcome {
	/* The library's number. */
	int32_t code;
	uint16_t version;
	uint16_t suite;
	/* enum oz_tls_error */
	uint8_t error;
	uint8_t alert;
	/* The state of the handshake. */
	uint8_t state;
	uint8_t name_size;
	uint8_t alpn_size;
	uint8_t name[128];
	uint8_t alpn[16];
};

/* Begins a session on a connected socket; returns its number. OZ_NO_ROOM when all are in use, or without memory. */
int32_t oz_tls_start(int32_t socket, const struct oz_tls_order *order);
/* The outcome of the handshake; OZ_WOULD_BLOCK until then. */
int32_t oz_tls_result(int32_t session, struct oz_tls_outcome *outcome);
/* Whether it has ended. */
int32_t oz_tls_ended(int32_t session);
/* Cancels the handshake. */
void oz_tls_cancel(int32_t session);
/* Whether the thread has the handshake of a socket; false while its peer has to answer. */
int32_t oz_tls_is_computed(int32_t socket);
/* What to watch a socket for when its owner waits for `wanted`. */
int16_t oz_tls_watched(int32_t socket, int16_t wanted);
/* The socket is ready; returns whether that concerns its owner. */
int32_t oz_tls_ready(int32_t socket);
/* OZ_READABLE and OZ_WRITABLE of a socket, as far as they do not depend on the connection below. */
int16_t oz_tls_holds(int32_t socket);

/* Makes a key and a certificate for a name, valid from one second since 1970 to another; OZ_NO_ROOM while it makes another. */
int32_t oz_identity_start(const uint8_t *name, uint32_t size, uint64_t from, uint64_t until);
/* 0 when it is made; OZ_WOULD_BLOCK until then. */
int32_t oz_identity_result(void);
/* Whether it is made, or could not be. */
int32_t oz_identity_ended(void);
/* Takes the certificate and after it the key, once; sets their lengths. */
int32_t oz_identity_take(uint8_t *buffer, uint32_t size, uint32_t *certificate, uint32_t *key);

/* Bytes of the longest request for a certificate (limits::REQUEST). */
#define OZ_REQUEST_SIZE 1536
/* Makes a request for a certificate for a name, signed by a key (PEM or DER); OZ_NO_ROOM while it makes another. */
int32_t oz_request_start(const uint8_t *name, uint32_t name_size, const uint8_t *key, uint32_t key_size);
/* 0 when it is made; OZ_WOULD_BLOCK until then; OZ_UNSUPPORTED when the key is not a key. */
int32_t oz_request_result(void);
/* Whether it is made, or could not be. */
int32_t oz_request_ended(void);
/* Takes the request (DER), once; returns its length. */
int32_t oz_request_take(uint8_t *buffer, uint32_t size);

#endif
