/*
 * Services of the host for the simulated board (host.c). Both sides include this: no types of either C library.
 */
#ifndef OPENZENTRI_HOST_H
#define OPENZENTRI_HOST_H

/* Sends one ICMP echo request; returns a descriptor, or -1 if the host does not allow it. */
int oz_host_ping_open(unsigned int address);
/* 1 when the reply is there, 0 when not yet, -1 when none will come. */
int oz_host_ping_reply(int socket);
void oz_host_ping_close(int socket);
/* Random bytes fit for keys. */
void oz_host_random(unsigned char *buffer, unsigned int size);
/* Milliseconds since 1970. */
unsigned long long oz_host_wall_clock(void);
/* Keeps bytes for the process that oz_host_restart() starts. */
void oz_host_keep(const unsigned char *bytes, unsigned int size);
/* Takes the bytes that the previous process image has kept; returns their number. */
unsigned int oz_host_kept(unsigned char *bytes, unsigned int size);
/* 1 when this process was started by oz_host_restart(). */
int oz_host_restarted(void);
/* Ends the process and starts it again with the same arguments. */
void oz_host_restart(void);
/* The index-th --set=name=value of the command line, or a null pointer. */
const char *oz_host_setting(unsigned int index);
/* A number that differs from host to host. */
unsigned long oz_host_id(void);

#endif
