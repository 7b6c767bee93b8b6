/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_QMP_H
#define FIDO_VMD_QMP_H

/**
 * @file
 * A client of QEMU's monitor protocol, without I/O: bytes in, events and answers out. It knows one
 * question: how the ports of virtio-serial are; and it can forbid migration. QEMU is not trusted: a
 * guest may have taken it over.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A line of QMP, at most; `info qtree` is one string. */
#define QMP_LINE_MAX (1u << 20)

enum qmp_event {
	QMP_PORT,     /**< a process has opened or closed a port */
	QMP_RESET,    /**< the machine has been reset: its processes have ended */
	QMP_SHUTDOWN, /**< the guest has shut down: its processes have ended */
	QMP_STOP,
	QMP_RESUME,
	QMP_MIGRATION, /**< a migration has begun */
};

struct qmp;

struct qmp_ops {
	/** QEMU has greeted, and accepts commands. */
	void (*ready)(struct qmp *q);
	/** @param port QMP_PORT: id of the port's device; "" without one */
	void (*event)(struct qmp *q, enum qmp_event event, const char *port);
	/** The answer about ports: the text of `info qtree`; NULL: QEMU refused to answer. */
	void (*ports)(struct qmp *q, const char *text);
	void (*send)(struct qmp *q, const char *line);
};

struct qmp {
	const struct qmp_ops *ops;
	bool ready;
	char *line; /**< what has come of a line */
	size_t len;
	size_t room;
};

/** Begin with a new connection. */
void qmp_begin(struct qmp *q, const struct qmp_ops *ops);
/** Free memory. */
void qmp_end(struct qmp *q);
/** Take bytes. @return 0, -EPROTO: not QMP, or a line is too long, -ENOMEM */
int qmp_take(struct qmp *q, const char *bytes, size_t len);
/** Ask how the ports are; the answer comes by ops->ports. */
void qmp_ask_ports(struct qmp *q);
/**
 * Be told of migrations by QMP_MIGRATION, each of which then waits before its end until it is
 * cancelled. End one that is under way.
 */
void qmp_watch_migration(struct qmp *q);
/** End a migration; the guest goes on here. */
void qmp_cancel_migration(struct qmp *q);
/**
 * Find a port in the text of `info qtree`.
 * @return 1: a process of the guest has it open, 0: none has, -ENOENT: no such port
 */
int qmp_port_state(const char *text, const char *name);

#endif
