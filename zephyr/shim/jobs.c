/* Jobs: blocking work runs on a separate thread. */
#include <errno.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/net/icmp.h>
#include <zephyr/net/net_if.h>
#include <zephyr/net/socket.h>

#include "interfaces.h"
#include "openzentri.h"
#ifdef CONFIG_ARCH_POSIX
#include "host.h"
#endif

#define NAME_SIZE 129

enum state { FREE, WAITING, RUNNING, ENDED, ABANDONED };

struct job {
	enum state state;
	enum oz_job_kind kind;
	uint8_t interface;
	/* For a look-up. */
	char name[NAME_SIZE];
	/* For a ping. */
	uint32_t address;
	uint32_t timeout_ms;
	int32_t outcome;
	struct oz_job_output output;
};

static struct job jobs[CONFIG_OPENZENTRI_JOBS];
static K_MUTEX_DEFINE(lock);
static K_SEM_DEFINE(work, 0, CONFIG_OPENZENTRI_JOBS);

static int32_t resolve(const char *name, struct oz_job_output *output)
{
	const struct zsock_addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct zsock_addrinfo *found = NULL;
	int why = zsock_getaddrinfo(name, NULL, &hints, &found);
	int32_t outcome = -OZ_NOT_FOUND;

	if (why == DNS_EAI_AGAIN) {
		outcome = -OZ_TIMED_OUT;
	}
	if (why != 0 || found == NULL) {
		return outcome;
	}
	for (struct zsock_addrinfo *next = found; next != NULL; next = next->ai_next) {
		if (next->ai_addr->sa_family == AF_INET && output->count < ARRAY_SIZE(output->values)) {
			output->values[output->count++] = ntohl(net_sin(next->ai_addr)->sin_addr.s_addr);
			outcome = 0;
		}
	}
	zsock_freeaddrinfo(found);
	return outcome;
}

#if defined(CONFIG_NET_NATIVE_OFFLOADED_SOCKETS)
/* The host sends the echo request; Zephyr's own stack is not in use. */
static int32_t echo(uint8_t interface, uint32_t address, uint32_t timeout_ms)
{
	int64_t start = k_uptime_get();
	int64_t end = start + timeout_ms;
	int socket = oz_host_ping_open(address);
	int reply;

	ARG_UNUSED(interface);
	if (socket < 0) {
		return -OZ_DENIED;
	}
	do {
		reply = oz_host_ping_reply(socket);
		if (reply == 0) {
			k_sleep(K_MSEC(1));
		}
	} while (reply == 0 && k_uptime_get() < end);
	oz_host_ping_close(socket);
	return reply > 0 ? 0 : -OZ_TIMED_OUT;
}
#else
static int on_reply(struct net_icmp_ctx *context, struct net_pkt *packet, struct net_icmp_ip_hdr *ip,
		    struct net_icmp_hdr *icmp, void *user_data)
{
	ARG_UNUSED(context);
	ARG_UNUSED(packet);
	ARG_UNUSED(ip);
	ARG_UNUSED(icmp);
	k_sem_give(user_data);
	return 0;
}

static int32_t echo(uint8_t interface, uint32_t address, uint32_t timeout_ms)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
	struct net_icmp_ctx context;
	struct net_if *iface;
	struct k_sem replied;
	int32_t why = oz_interface(interface, &iface);

	if (why < 0) {
		return why;
	}
	if (iface == NULL) {
		iface = net_if_ipv4_select_src_iface(&to.sin_addr);
	}
	k_sem_init(&replied, 0, 1);
	why = net_icmp_init_ctx(&context, NET_ICMPV4_ECHO_REPLY, 0, on_reply);
	if (why < 0) {
		return oz_error(-why);
	}
	why = net_icmp_send_echo_request(&context, iface, (struct sockaddr *)&to, NULL, &replied);
	if (why == 0) {
		why = k_sem_take(&replied, K_MSEC(timeout_ms)) == 0 ? 0 : -ETIMEDOUT;
	}
	(void)net_icmp_cleanup_ctx(&context);
	return why < 0 ? oz_error(-why) : 0;
}
#endif

static struct job *next_waiting(void)
{
	struct job *found = NULL;

	k_mutex_lock(&lock, K_FOREVER);
	for (int i = 0; i < ARRAY_SIZE(jobs) && found == NULL; i++) {
		if (jobs[i].state == WAITING) {
			found = &jobs[i];
			found->state = RUNNING;
		}
	}
	k_mutex_unlock(&lock);
	return found;
}

static void carry_out(struct job *job)
{
	struct oz_job_output output = {.kind = job->kind};
	int64_t start = k_uptime_ticks();
	int32_t outcome = -OZ_UNSUPPORTED;

	switch (job->kind) {
	case OZ_JOB_LOOKUP:
		outcome = resolve(job->name, &output);
		break;
	case OZ_JOB_PING:
		outcome = echo(job->interface, job->address, job->timeout_ms);
		output.values[0] = k_ticks_to_ms_near32(k_uptime_ticks() - start);
		output.count = 1;
		break;
	}
	k_mutex_lock(&lock, K_FOREVER);
	job->outcome = outcome;
	job->output = output;
	job->state = job->state == ABANDONED ? FREE : ENDED;
	k_mutex_unlock(&lock);
	oz_wake();
}

static void worker(void *first, void *second, void *third)
{
	ARG_UNUSED(first);
	ARG_UNUSED(second);
	ARG_UNUSED(third);
	for (;;) {
		struct job *job;

		k_sem_take(&work, K_FOREVER);
		job = next_waiting();
		if (job != NULL) {
			carry_out(job);
		}
	}
}

K_THREAD_DEFINE(openzentri_worker, CONFIG_OPENZENTRI_WORKER_STACK, worker, NULL, NULL, NULL, 8, 0, 0);

/* Puts a job in the table. The name, of size bytes, is copied. */
static int32_t start(const struct job *wanted, const uint8_t *name, uint32_t size)
{
	int32_t number = -OZ_NO_ROOM;

	k_mutex_lock(&lock, K_FOREVER);
	for (int i = 0; i < ARRAY_SIZE(jobs) && number < 0; i++) {
		struct job *job = &jobs[i];

		if (job->state == FREE) {
			number = i;
			job->kind = wanted->kind;
			job->interface = wanted->interface;
			job->address = wanted->address;
			job->timeout_ms = wanted->timeout_ms;
			memcpy(job->name, name, size);
			job->name[size] = '\0';
			job->state = WAITING;
		}
	}
	k_mutex_unlock(&lock);
	if (number >= 0) {
		k_sem_give(&work);
	}
	return number;
}

int32_t oz_lookup(uint8_t interface, const uint8_t *name, uint32_t size)
{
	const struct job wanted = {.kind = OZ_JOB_LOOKUP, .interface = interface};

	if (size == 0 || size >= NAME_SIZE) {
		return -OZ_NOT_FOUND;
	}
	return start(&wanted, name, size);
}

int32_t oz_ping(uint8_t interface, uint32_t address, uint32_t timeout_ms)
{
	const struct job wanted = {
		.kind = OZ_JOB_PING,
		.interface = interface,
		.address = address,
		.timeout_ms = timeout_ms,
	};

	return start(&wanted, (const uint8_t *)"", 0);
}

int32_t oz_job_result(int32_t job, struct oz_job_output *output)
{
	int32_t outcome = -OZ_NOT_FOUND;

	if (job < 0 || job >= ARRAY_SIZE(jobs)) {
		return outcome;
	}
	k_mutex_lock(&lock, K_FOREVER);
	if (jobs[job].state == ENDED) {
		jobs[job].state = FREE;
		*output = jobs[job].output;
		outcome = jobs[job].outcome;
	} else if (jobs[job].state == WAITING || jobs[job].state == RUNNING) {
		outcome = -OZ_WOULD_BLOCK;
	}
	k_mutex_unlock(&lock);
	return outcome;
}

void oz_job_cancel(int32_t job)
{
	if (job < 0 || job >= ARRAY_SIZE(jobs)) {
		return;
	}
	k_mutex_lock(&lock, K_FOREVER);
	/* A running look-up cannot be stopped; its place is free when it has ended. */
	jobs[job].state = jobs[job].state == RUNNING ? ABANDONED : FREE;
	k_mutex_unlock(&lock);
}

int32_t oz_job_ended(int32_t job)
{
	return job < 0 || job >= ARRAY_SIZE(jobs) || jobs[job].state == ENDED;
}
