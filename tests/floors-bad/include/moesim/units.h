/* A header that leans on what its includer included. */
GQuark moe_error_quark(void);
