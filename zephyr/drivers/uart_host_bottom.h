/* The host's side of the command UART (uart_host_bottom.c). Both sides include this: no types of either C library. */
#ifndef OPENZENTRI_UART_HOST_BOTTOM_H
#define OPENZENTRI_UART_HOST_BOTTOM_H

/* The interrupt line of this UART; the simulated board uses 0 to 3. */
#define OZ_UART_IRQ 20

/* Selects the interrupts. */
void oz_uart_want(int receive, int transmit);
/* Bytes read, 0 when there are none, -1 at the end of the input. */
int oz_uart_read(unsigned char *buffer, int size);
/* Bytes written, 0 when the other side takes none now. */
int oz_uart_write(const unsigned char *data, int size);
/* Writes one byte, however long it takes. */
void oz_uart_write_byte(unsigned char byte);
/* Whether bytes or the end of the input wait. */
int oz_uart_readable(void);
int oz_uart_writable(void);
/* Configures the pseudo-terminal: parity is 0 none, 1 odd, 2 even. 0, or -1 when that is not possible. */
int oz_uart_configure(unsigned int baud, int data, int parity, int stop, int flow);
/* Before the process replaces itself: keeps the pseudo-terminal open. Its descriptor, or -1 without one. */
int oz_uart_keep(void);

#endif
