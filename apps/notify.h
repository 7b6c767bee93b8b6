/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef APPS_NOTIFY_H
#define APPS_NOTIFY_H

/** @file Tell systemd the state of its service (Type=notify), see sd_notify(3). */

/** Send a state, such as READY=1, if a service manager wants to know. */
void app_notify(const char *state);

#endif
