/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: fido-vmd understands QMP however it is cut into pieces, and the state of ports in the
 * text of `info qtree`; what is not QMP ends the connection, and no line costs more than 1 MiB.
 */
#include "qmp.h"
#include "test.h"

static struct {
	unsigned int ready;
	unsigned int events[QMP_MIGRATION + 1];
	unsigned int ports;
	bool refused;
	char text[4096];
	char port[64];
	char said[1024];
} seen;

static void
on_ready(struct qmp *q)
{
	seen.ready++;
	qmp_ask_ports(q);
}

static void
on_event(struct qmp *q, enum qmp_event event, const char *port)
{
	(void)q;
	seen.events[event]++;
	if (event == QMP_PORT)
		snprintf(seen.port, sizeof(seen.port), "%s", port);
}

static void
on_ports(struct qmp *q, const char *text)
{
	(void)q;
	seen.ports++;
	seen.refused = text == NULL;
	if (text != NULL)
		snprintf(seen.text, sizeof(seen.text), "%s", text);
}

static void
on_send(struct qmp *q, const char *line)
{
	(void)q;
	strncat(seen.said, line, sizeof(seen.said) - strlen(seen.said) - 1);
}

static const struct qmp_ops ops = {on_ready, on_event, on_ports, on_send};

/* As QEMU 7.2 prints it. */
#define TREE                                                                                    \
	"bus: main-system-bus\\r\\n  dev: virtserialport, id \\\"fido.g.13\\\"\\r\\n"           \
	"    chardev = \\\"c\\\"\\r\\n    nr = 2 (0x2)\\r\\n    name = \\\"fido.g.13\\\"\\r\\n" \
	"    port 2, guest on, host on, throttle off\\r\\n"                                     \
	"  dev: virtserialport, id \\\"fido.g.1\\\"\\r\\n    name = \\\"fido.g.1\\\"\\r\\n"     \
	"    port 1, guest off, host on, throttle off\\r\\n"                                    \
	"  dev: virtserialport, id \\\"\\\"\\r\\n    name = \\\"fido.g.3\\\"\\r\\n"             \
	"  dev: virtserialport, id \\\"\\\"\\r\\n    name = \\\"x\\\"\\r\\n"                    \
	"    port 3, guest on, host on, throttle off\\r\\n"

static const char session[] =
	"{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"
	"{\"return\": {}}\r\n"
	"{\"timestamp\": {\"seconds\": 1}, \"event\": \"VSERPORT_CHANGE\", \"data\": {\"open\": "
	"false, \"id\": \"fido.g.1\"}}\r\n"
	"{\"event\": \"RESET\", \"data\": {\"guest\": true}}\r\n"
	"{\"event\": \"NIC_RX_FILTER_CHANGED\", \"data\": {}}\r\n"
	"{\"event\": \"STOP\"}\r\n"
	"{\"event\": \"MIGRATION\", \"data\": {\"status\": \"setup\"}}\r\n"
	"{\"event\": \"MIGRATION\", \"data\": {\"status\": \"cancelled\"}}\r\n"
	"{\"return\": \"" TREE "\", \"id\": \"fido-ports\"}\r\n"
	"{\"error\": {\"class\": \"GenericError\"}, \"id\": \"fido-ports\"}\r\n";

static void
pieces(void **state)
{
	(void)state;
	for (size_t step = 1; step < sizeof(session); step += step < 16 ? 1 : 97) {
		struct qmp q = {0};

		memset(&seen, 0, sizeof(seen));
		qmp_begin(&q, &ops);
		for (size_t at = 0; at < sizeof(session) - 1; at += step) {
			size_t left = sizeof(session) - 1 - at;

			assert_int_equal(qmp_take(&q, session + at, left < step ? left : step), 0);
		}
		assert_int_equal(seen.ready, 1);
		assert_non_null(strstr(seen.said, "qmp_capabilities"));
		assert_non_null(strstr(seen.said, "info qtree"));
		assert_int_equal(seen.events[QMP_PORT], 1);
		assert_string_equal(seen.port, "fido.g.1");
		assert_int_equal(seen.events[QMP_RESET], 1);
		assert_int_equal(seen.events[QMP_STOP], 1);
		assert_int_equal(seen.events[QMP_SHUTDOWN], 0);
		assert_int_equal(seen.events[QMP_MIGRATION], 1);
		assert_int_equal(seen.ports, 2);
		assert_true(seen.refused);
		assert_int_equal(qmp_port_state(seen.text, "fido.g.13"), 1);
		assert_int_equal(qmp_port_state(seen.text, "fido.g.1"), 0);
		assert_int_equal(qmp_port_state(seen.text, "fido.g.2"), -ENOENT);
		assert_int_equal(qmp_port_state(seen.text, "fido.g.3"), -ENOENT);
		qmp_end(&q);
	}
}

static void
no_qmp(void **state)
{
	static const char *const lines[] = {"hello\n", "[1]\n", "\"x\"\n", "{\"a\":\n"};
	static const char *const odd[] = {"{}\n", "{\"event\": 7}\n",
		"{\"event\": \"RESET\", \"data\": 5}\n",
		"{\"id\": \"fido-ports\", \"return\": 7}\n", "{\"QMP\": null}\n", "\n",
		"{\"event\": \"MIGRATION\"}\n",
		"{\"event\": \"VSERPORT_CHANGE\", \"data\": {\"id\": []}}\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct qmp q = {0};

		qmp_begin(&q, &ops);
		assert_int_equal(qmp_take(&q, lines[i], strlen(lines[i])), -EPROTO);
		qmp_end(&q);
	}
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct qmp q = {0};

		qmp_begin(&q, &ops);
		assert_int_equal(qmp_take(&q, odd[i], strlen(odd[i])), 0);
		qmp_end(&q);
	}
}

static void
endless_line(void **state)
{
	struct qmp q = {0};
	char bytes[4096];
	size_t taken = 0;

	(void)state;
	memset(bytes, ' ', sizeof(bytes));
	qmp_begin(&q, &ops);
	while (qmp_take(&q, bytes, sizeof(bytes)) == 0)
		taken += sizeof(bytes);
	assert_int_equal(taken, QMP_LINE_MAX);
	assert_true(q.room <= 4 * QMP_LINE_MAX);
	qmp_end(&q);
}

TEST_MAIN(cmocka_unit_test(pieces), cmocka_unit_test(no_qmp), cmocka_unit_test(endless_line))
