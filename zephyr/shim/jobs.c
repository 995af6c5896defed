/* Look-ups and pings: what waits runs on a thread of its own. */
#include <errno.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/net/icmp.h>
#include <zephyr/net/net_if.h>
#include <zephyr/net/socket.h>

#include "openzentri.h"
#ifdef CONFIG_ARCH_POSIX
#include "host.h"
#endif

#define NAME_SIZE 129

enum state { FREE, WAITING, RUNNING, ENDED, ABANDONED };

struct job {
	enum state state;
	/* Empty for a ping. */
	char name[NAME_SIZE];
	uint32_t address;
	uint32_t timeout_ms;
	int32_t outcome;
	uint32_t value;
};

static struct job jobs[CONFIG_OPENZENTRI_JOBS];
static K_MUTEX_DEFINE(lock);
static K_SEM_DEFINE(work, 0, CONFIG_OPENZENTRI_JOBS);

static int32_t resolve(const char *name, uint32_t *address)
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
	if (found->ai_addr->sa_family == AF_INET) {
		*address = ntohl(net_sin(found->ai_addr)->sin_addr.s_addr);
		outcome = 0;
	}
	zsock_freeaddrinfo(found);
	return outcome;
}

#if defined(CONFIG_NET_NATIVE_OFFLOADED_SOCKETS)
/* The host sends the echo request; Zephyr's own stack is not in use. */
static int32_t echo(uint32_t address, uint32_t timeout_ms)
{
	int64_t start = k_uptime_get();
	int64_t end = start + timeout_ms;
	int socket = oz_host_ping_open(address);
	int reply;

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

static int32_t echo(uint32_t address, uint32_t timeout_ms)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
	struct net_icmp_ctx context;
	struct k_sem replied;
	int why;

	k_sem_init(&replied, 0, 1);
	why = net_icmp_init_ctx(&context, NET_ICMPV4_ECHO_REPLY, 0, on_reply);
	if (why < 0) {
		return oz_error(-why);
	}
	why = net_icmp_send_echo_request(&context, net_if_ipv4_select_src_iface(&to.sin_addr),
					 (struct sockaddr *)&to, NULL, &replied);
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
	uint32_t value = 0;
	int32_t outcome;

	if (job->name[0] != '\0') {
		outcome = resolve(job->name, &value);
	} else {
		int64_t start = k_uptime_ticks();

		outcome = echo(job->address, job->timeout_ms);
		value = k_ticks_to_ms_near32(k_uptime_ticks() - start);
	}
	k_mutex_lock(&lock, K_FOREVER);
	job->outcome = outcome;
	job->value = value;
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

/* Puts a job in the table; the name is empty for a ping. */
static int32_t start(const uint8_t *name, uint32_t size, uint32_t address, uint32_t timeout_ms)
{
	int32_t number = -OZ_NO_ROOM;

	k_mutex_lock(&lock, K_FOREVER);
	for (int i = 0; i < ARRAY_SIZE(jobs) && number < 0; i++) {
		struct job *job = &jobs[i];

		if (job->state == FREE) {
			number = i;
			memcpy(job->name, name, size);
			job->name[size] = '\0';
			job->address = address;
			job->timeout_ms = timeout_ms;
			job->state = WAITING;
		}
	}
	k_mutex_unlock(&lock);
	if (number >= 0) {
		k_sem_give(&work);
	}
	return number;
}

int32_t oz_lookup(const uint8_t *name, uint32_t size)
{
	if (size == 0 || size >= NAME_SIZE) {
		return -OZ_NOT_FOUND;
	}
	return start(name, size, 0, 0);
}

int32_t oz_ping(uint32_t address, uint32_t timeout_ms)
{
	return start((const uint8_t *)"", 0, address, timeout_ms);
}

int32_t oz_job_result(int32_t job, uint32_t *value)
{
	int32_t outcome = -OZ_NOT_FOUND;

	if (job < 0 || job >= ARRAY_SIZE(jobs)) {
		return outcome;
	}
	k_mutex_lock(&lock, K_FOREVER);
	if (jobs[job].state == ENDED) {
		jobs[job].state = FREE;
		*value = jobs[job].value;
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
	/* Nothing stops a look-up that runs; its place is free when it has ended. */
	jobs[job].state = jobs[job].state == RUNNING ? ABANDONED : FREE;
	k_mutex_unlock(&lock);
}

int32_t oz_job_ended(int32_t job)
{
	return job < 0 || job >= ARRAY_SIZE(jobs) || jobs[job].state == ENDED;
}
