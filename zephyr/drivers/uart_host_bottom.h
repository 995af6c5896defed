/* The host's side of the command UART (uart_host_bottom.c). Both sides include this: no types of either C library. */
#ifndef OPENZENTRI_UART_HOST_BOTTOM_H
#define OPENZENTRI_UART_HOST_BOTTOM_H

/* The interrupt line that this UART uses; 0 to 3 are taken by the simulated board. */
#define OZ_UART_IRQ 20

/* Which interrupts are wanted. */
void oz_uart_want(int receive, int transmit);
/* Bytes read, 0 when there are none, -1 at the end of the input. */
int oz_uart_read(unsigned char *buffer, int size);
/* Bytes written, 0 when the other side does not take any now. */
int oz_uart_write(const unsigned char *data, int size);
/* Writes one byte, however long it takes. */
void oz_uart_write_byte(unsigned char byte);
/* Whether bytes, or the end, wait. */
int oz_uart_readable(void);
int oz_uart_writable(void);
/* Sets the pseudo-terminal up: parity is 0 none, 1 odd, 2 even. 0, or -1 when that cannot be. */
int oz_uart_configure(unsigned int baud, int data, int parity, int stop, int flow);
/* Before the process replaces itself: keeps the pseudo-terminal for the next life. Its descriptor, or -1 without one. */
int oz_uart_keep(void);

#endif
