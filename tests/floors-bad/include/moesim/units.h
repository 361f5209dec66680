/* A header that leans on what its includer included. Part of base. */
GQuark moe_error_quark(void);
