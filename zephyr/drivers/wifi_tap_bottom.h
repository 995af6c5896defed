/* The host's side of the simulated radio: two TAP interfaces. The board's side calls it and it is compiled with the
 * host's C library, so it has plain types only. */
#ifndef OPENZENTRI_WIFI_TAP_BOTTOM_H
#define OPENZENTRI_WIFI_TAP_BOTTOM_H

/* Which interface of the board. */
#define OZ_TAP_WLAN   0
#define OZ_TAP_SOFTAP 1

/* Whether the interface has a TAP. */
int oz_tap_is_there(int which);
/* The size of the next frame, which is now in the buffer; 0 when there is none. */
int oz_tap_read(int which, unsigned char *frame, int room);
/* Sends a frame. It is lost if the host has no room. */
void oz_tap_write(int which, const unsigned char *frame, int size);

#endif
