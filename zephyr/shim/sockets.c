/* IPv4 sockets. None of these calls blocks. */
#include <errno.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/net/net_pkt.h>
#include <zephyr/net/socket.h>
#include <zephyr/posix/fcntl.h>
#include <zephyr/sys/sys_heap.h>

#include "interfaces.h"
#include "openzentri.h"
#include "tls.h"

#define BACKLOG 64
#define LOOPBACK 0x7F000001u

static struct sockaddr_in address_of(uint32_t address, uint16_t port)
{
	struct sockaddr_in place = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(address),
	};

	return place;
}

static struct oz_endpoint endpoint_of(const struct sockaddr_in *place)
{
	struct oz_endpoint endpoint = {
		.address = ntohl(place->sin_addr.s_addr),
		.port = ntohs(place->sin_port),
	};

	return endpoint;
}

/* The address that sockets of an interface listen on. */
static uint32_t bind_address(uint8_t interface)
{
	const char *text = interface == OZ_SOFTAP ? CONFIG_OPENZENTRI_SOFTAP_BIND_ADDRESS : CONFIG_OPENZENTRI_BIND_ADDRESS;
	struct in_addr address;

	if (zsock_inet_pton(AF_INET, text, &address) != 1) {
		return LOOPBACK;
	}
	return ntohl(address.s_addr);
}

static int32_t result(int value)
{
	return value < 0 ? oz_error(errno) : value;
}

/* Closes a socket that could not be set up, and returns the error from before the close. */
static int32_t give_up(int socket)
{
	int32_t why = oz_error(errno);

	(void)zsock_close(socket);
	return why;
}

#ifdef CONFIG_NET_NATIVE_OFFLOADED_SOCKETS
/*
 * The driver for host sockets cannot report the local end of a socket. So every port is chosen and remembered here.
 */
static struct oz_endpoint locals[CONFIG_ZVFS_OPEN_MAX];

#define FIRST_DYNAMIC_PORT 49152
#define DYNAMIC_PORTS 16384

static void remember(int socket, uint32_t address, uint16_t port)
{
	if (socket >= 0 && socket < CONFIG_ZVFS_OPEN_MAX) {
		locals[socket] = (struct oz_endpoint){.address = address, .port = port};
	}
}

static void remember_accepted(int listener, int socket)
{
	if (listener >= 0 && listener < CONFIG_ZVFS_OPEN_MAX) {
		remember(socket, locals[listener].address, locals[listener].port);
	}
}

static int bind_dynamic(int socket, uint32_t address)
{
	static uint16_t next;
	struct sockaddr_in local;
	uint16_t seed;

	if (next == 0) {
		oz_random((uint8_t *)&seed, sizeof(seed));
		next = seed % DYNAMIC_PORTS;
	}
	for (int attempt = 0; attempt < 64; attempt++) {
		next = (next + 1) % DYNAMIC_PORTS;
		local = address_of(address, FIRST_DYNAMIC_PORT + next);
		if (zsock_bind(socket, (struct sockaddr *)&local, sizeof(local)) == 0) {
			remember(socket, address, FIRST_DYNAMIC_PORT + next);
			return 0;
		}
		if (errno != EADDRINUSE) {
			break;
		}
	}
	return -1;
}
#else
static void remember(int socket, uint32_t address, uint16_t port)
{
	ARG_UNUSED(socket);
	ARG_UNUSED(address);
	ARG_UNUSED(port);
}

static void remember_accepted(int listener, int socket)
{
	ARG_UNUSED(listener);
	ARG_UNUSED(socket);
}

static int bind_dynamic(int socket, uint32_t address)
{
	struct sockaddr_in local = address_of(address, 0);

	return zsock_bind(socket, (struct sockaddr *)&local, sizeof(local));
}
#endif

/* Binds to a port, or to any free one with 0. */
static int bind_to(int socket, uint32_t address, uint16_t port)
{
	struct sockaddr_in local = address_of(address, port);
	int one = 1;

	if (port == 0) {
		return bind_dynamic(socket, address);
	}
	/* Without CONFIG_NET_CONTEXT_REUSEADDR Zephyr refuses this option, and reuses anyway. */
	(void)zsock_setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	remember(socket, address, port);
	return zsock_bind(socket, (struct sockaddr *)&local, sizeof(local));
}

/* A socket on an interface, or the negative code of an error. */
static int32_t open_socket(uint8_t interface, int type, int protocol)
{
	int socket = zsock_socket(AF_INET, type, protocol);
	int32_t why;

	if (socket < 0) {
		return oz_error(errno);
	}
	if (zsock_fcntl(socket, F_SETFL, O_NONBLOCK) < 0) {
		return give_up(socket);
	}
	why = oz_bind_interface(socket, interface);
	if (why < 0) {
		(void)zsock_close(socket);
		return why;
	}
	return socket;
}

static void send_at_once(int socket)
{
	int one = 1;

	(void)zsock_setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

int32_t oz_tcp_listen(uint8_t interface, uint16_t port)
{
	int socket = open_socket(interface, SOCK_STREAM, IPPROTO_TCP);

	if (socket < 0) {
		return socket;
	}
	if (bind_to(socket, bind_address(interface), port) < 0 || zsock_listen(socket, BACKLOG) < 0) {
		return give_up(socket);
	}
	return socket;
}

int32_t oz_tcp_accept(int32_t listener, struct oz_endpoint *peer)
{
	struct sockaddr_in place = {0};
	socklen_t size = sizeof(place);
	int socket = zsock_accept(listener, (struct sockaddr *)&place, &size);

	if (socket < 0) {
		return oz_error(errno);
	}
	send_at_once(socket);
	remember_accepted(listener, socket);
	*peer = endpoint_of(&place);
	return socket;
}

int32_t oz_tcp_connect(uint8_t interface, uint16_t local_port, uint32_t address, uint16_t port)
{
	struct sockaddr_in place = address_of(address, port);
	int socket = open_socket(interface, SOCK_STREAM, IPPROTO_TCP);

	if (socket < 0) {
		return socket;
	}
	send_at_once(socket);
	if (bind_to(socket, INADDR_ANY, local_port) < 0) {
		return give_up(socket);
	}
	if (zsock_connect(socket, (struct sockaddr *)&place, sizeof(place)) < 0 && errno != EINPROGRESS) {
		return give_up(socket);
	}
#ifdef CONFIG_NET_NATIVE_OFFLOADED_SOCKETS
	/* A connection to the loopback network comes from the loopback address. */
	if ((address >> 24) == (LOOPBACK >> 24)) {
		locals[socket].address = LOOPBACK;
	}
#endif
	return socket;
}

int32_t oz_tcp_connected(int32_t socket)
{
	/* Calling connect() again returns the outcome of the first call; the address no longer matters. */
	struct sockaddr_in place = address_of(LOOPBACK, 1);
	int why = 0;
	socklen_t size = sizeof(why);

	if (zsock_getsockopt(socket, SOL_SOCKET, SO_ERROR, &why, &size) < 0) {
		return oz_error(errno);
	}
	if (why != 0) {
		return oz_error(why);
	}
	if (zsock_connect(socket, (struct sockaddr *)&place, sizeof(place)) == 0 || errno == EISCONN) {
		return 0;
	}
	return oz_error(errno);
}

int32_t oz_tcp_keepalive(int32_t socket, uint16_t idle, uint16_t interval, uint8_t count)
{
	int on = idle != 0;
	int values[] = {idle, interval, count};
	static const int options[] = {TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT};

	if (zsock_setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0) {
		return oz_error(errno);
	}
	for (int i = 0; on && i < ARRAY_SIZE(options); i++) {
		if (zsock_setsockopt(socket, IPPROTO_TCP, options[i], &values[i], sizeof(values[i])) < 0) {
			return oz_error(errno);
		}
	}
	return 0;
}

#ifndef CONFIG_NET_NATIVE_OFFLOADED_SOCKETS
/* Sending a full segment copies it from the queue; this is room for it, its frame header and some acknowledgements. */
#define RESERVED_BYTES (1500 + 4 * 128)
#define RESERVED_BUFFERS 4
#define RESERVED_PACKETS 4

/* Bytes that the free buffers of a pool can hold. */
static size_t free_bytes(struct net_buf_pool *buffers)
{
#ifdef CONFIG_NET_BUF_FIXED_DATA_SIZE
	return atomic_get(&buffers->avail_count) * CONFIG_NET_BUF_DATA_SIZE;
#else
	/* Their data is in a separate heap. */
	struct k_heap *heap = buffers->alloc->alloc_data;
	struct sys_memory_stats stats;

	return sys_heap_runtime_stats_get(&heap->heap, &stats) == 0 ? stats.free_bytes : 0;
#endif
}

/*
 * Bytes that may be queued for TCP. If the connections queued all buffers, none would be left for sending the queues,
 * and all connections would stall.
 */
static uint32_t bytes_to_queue(void)
{
	struct k_mem_slab *packets, *rx;
	struct net_buf_pool *buffers, *rx_buffers;
	size_t spare;

	net_pkt_get_info(&rx, &packets, &rx_buffers, &buffers);
	spare = free_bytes(buffers);
	if (spare <= RESERVED_BYTES || atomic_get(&buffers->avail_count) <= RESERVED_BUFFERS ||
	    k_mem_slab_num_free_get(packets) <= RESERVED_PACKETS) {
		return 0;
	}
	return spare - RESERVED_BYTES;
}

/* How many of the bytes can be sent now. A datagram cannot be split. */
static uint32_t sendable(int32_t socket, uint32_t size)
{
	int type = 0;
	socklen_t length = sizeof(type);

	if (zsock_getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &length) < 0 || type != SOCK_STREAM) {
		return size;
	}
	return MIN(size, bytes_to_queue());
}
#else
static uint32_t sendable(int32_t socket, uint32_t size)
{
	ARG_UNUSED(socket);
	return size;
}
#endif

int32_t oz_plain_send(int32_t socket, const uint8_t *data, uint32_t size)
{
	uint32_t part = sendable(socket, size);
	int sent = -1;

	errno = ENOBUFS;
	if (part > 0 || size == 0) {
		sent = zsock_send(socket, data, part, ZSOCK_MSG_DONTWAIT);
	}
	/* No buffer now: the stack frees them when the peers acknowledge, which poll does not report. */
	if (sent < 0 && (errno == ENOBUFS || errno == ENOMEM)) {
		oz_starved();
		return -OZ_WOULD_BLOCK;
	}
	return result(sent);
}

int32_t oz_plain_receive(int32_t socket, uint8_t *buffer, uint32_t size)
{
	return result(zsock_recv(socket, buffer, size, ZSOCK_MSG_DONTWAIT));
}

int32_t oz_plain_finish(int32_t socket)
{
	return result(zsock_shutdown(socket, ZSOCK_SHUT_WR));
}

void oz_plain_close(int32_t socket)
{
	(void)zsock_close(socket);
}

int32_t oz_send(int32_t socket, const uint8_t *data, uint32_t size)
{
	return oz_tls_has(socket) ? oz_tls_send(socket, data, size) : oz_plain_send(socket, data, size);
}

int32_t oz_receive(int32_t socket, uint8_t *buffer, uint32_t size)
{
	return oz_tls_has(socket) ? oz_tls_receive(socket, buffer, size) : oz_plain_receive(socket, buffer, size);
}

int32_t oz_finish(int32_t socket)
{
	return oz_tls_has(socket) ? oz_tls_finish(socket) : oz_plain_finish(socket);
}

int32_t oz_udp_bind(uint8_t interface, uint16_t port)
{
	int socket;

#ifdef CONFIG_NET_NATIVE_OFFLOADED_SOCKETS
	/* The access point has no stations here, and these ports belong to the host. */
	if (interface == OZ_SOFTAP && port != 0 && port < 1024) {
		return -OZ_DENIED;
	}
#endif
	socket = open_socket(interface, SOCK_DGRAM, IPPROTO_UDP);
	if (socket < 0) {
		return socket;
	}
#ifdef SO_BROADCAST
	int one = 1;

	/* If the option is unknown, broadcasts do not need it. */
	(void)zsock_setsockopt(socket, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
#endif
	if (bind_to(socket, bind_address(interface), port) < 0) {
		return give_up(socket);
	}
	return socket;
}

#ifdef CONFIG_NET_NATIVE_OFFLOADED_SOCKETS
/* The driver for host sockets has no multicast groups: hosts that know the device's address can ask it there. */
int32_t oz_udp_group(uint8_t interface, uint16_t port, uint32_t group, uint8_t only)
{
	ARG_UNUSED(group);
	return only ? -OZ_UNSUPPORTED : oz_udp_bind(interface, port);
}
#elif defined(CONFIG_NET_IPV4_IGMP)
/* Joins a group on an interface. It stays joined, because uses of the group are not counted. */
static int32_t join(int socket, uint8_t interface, uint32_t group)
{
	struct net_if *iface;
	struct ip_mreqn request = {.imr_multiaddr.s_addr = htonl(group)};

	(void)oz_interface(interface, &iface);
	if (iface == NULL) {
		iface = oz_station();
	}
	request.imr_ifindex = iface == NULL ? 0 : net_if_get_by_iface(iface);
	(void)zsock_setsockopt(socket, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request));
	if (zsock_setsockopt(socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)) < 0 && errno != EALREADY) {
		return oz_error(errno);
	}
	return 0;
}

int32_t oz_udp_group(uint8_t interface, uint16_t port, uint32_t group, uint8_t only)
{
	int socket = open_socket(interface, SOCK_DGRAM, IPPROTO_UDP);
	int ttl = 255;
	int32_t why;

	if (socket < 0) {
		return socket;
	}
	(void)zsock_setsockopt(socket, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	(void)zsock_setsockopt(socket, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl));
	why = join(socket, interface, group);
	if (why < 0) {
		(void)zsock_close(socket);
		return why;
	}
	if (bind_to(socket, only ? group : INADDR_ANY, port) < 0) {
		return give_up(socket);
	}
	return socket;
}
#else
int32_t oz_udp_group(uint8_t interface, uint16_t port, uint32_t group, uint8_t only)
{
	ARG_UNUSED(interface);
	ARG_UNUSED(port);
	ARG_UNUSED(group);
	ARG_UNUSED(only);
	return -OZ_UNSUPPORTED;
}
#endif

int32_t oz_udp_send(int32_t socket, const uint8_t *data, uint32_t size, uint32_t address, uint16_t port)
{
	struct sockaddr_in to = address_of(address, port);

	return result(zsock_sendto(socket, data, size, ZSOCK_MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)));
}

int32_t oz_udp_receive(int32_t socket, uint8_t *buffer, uint32_t size, struct oz_endpoint *from)
{
	struct sockaddr_in place = {0};
	socklen_t length = sizeof(place);
	int count = zsock_recvfrom(socket, buffer, size, ZSOCK_MSG_DONTWAIT, (struct sockaddr *)&place, &length);

	*from = endpoint_of(&place);
	return result(count);
}

int32_t oz_local_address(int32_t socket, struct oz_endpoint *local)
{
#ifdef CONFIG_NET_NATIVE_OFFLOADED_SOCKETS
	if (socket < 0 || socket >= CONFIG_ZVFS_OPEN_MAX) {
		return -OZ_NOT_FOUND;
	}
	*local = locals[socket];
	return 0;
#else
	struct sockaddr_in place = {0};
	socklen_t size = sizeof(place);

	if (zsock_getsockname(socket, (struct sockaddr *)&place, &size) < 0) {
		return oz_error(errno);
	}
	*local = endpoint_of(&place);
	return 0;
#endif
}

void oz_close(int32_t socket)
{
	if (oz_tls_has(socket)) {
		oz_tls_close(socket);
	} else {
		oz_plain_close(socket);
	}
}
